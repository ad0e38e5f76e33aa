"""Writes files that people hand to `cell2text describe` by mistake, files with a fault in their cells, and 10x matrices.

    bad_cells.py FOLDER --seed N CELLS.h5ad

All are made from the first cells of CELLS.h5ad, an AnnData file with raw counts. Files of other formats are
written as their libraries write them, with h5py alone. FOLDER/cells.json tells what the good files hold.
"""

import argparse
import gzip
import json
import pathlib
import warnings

import anndata
import h5py
import numpy as np
import scipy.sparse as sp

warnings.filterwarnings("ignore")

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("cells", type=pathlib.Path)
arguments = parser.parse_args()
random = np.random.default_rng(arguments.seed)
folder = arguments.folder

CELLS = 8
good = anndata.read_h5ad(arguments.cells)[:CELLS].copy()
good.obs = good.obs[["cell_type", "tissue", "donor_id"]].copy()
good.uns.clear()
genes = good.n_vars
counts = good.X.toarray()


def write(name, change=lambda cells: None, x=None):
    cells = good.copy()
    if x is not None:
        cells.X = x
    change(cells)
    cells.write_h5ad(folder / name)


def with_h5(name, fill):
    with h5py.File(folder / name, "w") as file:
        fill(file)


# Other formats.


def mudata(file):
    file.attrs["encoding-type"], file.attrs["encoder"] = "MuData", "mudata"
    modalities = file.create_group("mod")
    modalities.attrs["mod-order"] = ["gex", "atac"]
    for modality in ("gex", "atac"):
        anndata.io.write_elem(modalities, modality, good)
    for frame in ("obs", "var"):
        anndata.io.write_elem(file, frame, getattr(good, frame))


def loom(file):
    file.create_group("attrs")["LOOM_SPEC_VERSION"] = "3.0.0"
    file["matrix"] = counts.T
    file.create_group("layers")
    file.create_group("row_attrs")["Gene"] = np.array(good.var_names, dtype="S")
    file.create_group("col_attrs")["CellID"] = np.array(good.obs_names, dtype="S")


def tenx(group, cells, features):
    columns = sp.csc_matrix(cells.X.T)
    group["barcodes"] = np.array(cells.obs_names, dtype="S")
    group["data"], group["indices"], group["indptr"] = columns.data, columns.indices, columns.indptr
    group["shape"] = np.array(columns.shape)
    features(group)


def tenx_3(file, cells=good):
    def features(group):
        table = group.create_group("features")
        table["id"] = np.array(good.var_names, dtype="S")
        table["name"] = np.array(good.var["feature_name"], dtype="S")

    tenx(file.create_group("matrix"), cells, features)


def tenx_2(file):
    def features(group):
        group["genes"] = np.array(good.var_names, dtype="S")
        group["gene_names"] = np.array(good.var["feature_name"], dtype="S")

    tenx(file.create_group("GRCh38"), good, features)


def seurat(file):
    file["cell.names"] = np.array(good.obs_names, dtype="S")
    file.create_group("assays").create_group("RNA")
    file.create_group("meta.data")


with_h5("cells.h5mu", mudata)
with_h5("cells.loom", loom)
with_h5("cells_v3.h5", tenx_3)
with_h5("cells_v2.h5", tenx_2)
with_h5("cells.h5seurat", seurat)
with_h5("other.h5ad", lambda file: file.create_dataset("measurements", data=counts))
good.write_zarr(folder / "cells.zarr")
good.write_zarr(folder / "store")
good.to_df().to_csv(folder / "cells.csv")
good.to_df().to_csv(folder / "cells.tsv.gz", sep="\t")
(folder / "cells_tenx").mkdir()
columns = sp.coo_matrix(sp.csc_matrix(counts.T))
for name, lines in {
    "matrix.mtx": ["%%MatrixMarket matrix coordinate integer general", f"{genes} {CELLS} {columns.nnz}"]
                  + [f"{r + 1} {c + 1} {int(v)}" for r, c, v in zip(columns.row, columns.col, columns.data)],
    "barcodes.tsv": good.obs_names,
    "features.tsv": [f"{i}\t{n}\tGene Expression" for i, n in zip(good.var_names, good.var["feature_name"])],
}.items():
    with gzip.open(folder / "cells_tenx" / f"{name}.gz", "wt") as file:
        file.write("\n".join(lines) + "\n")
good.obs.to_csv(folder / "labels.csv", index_label="barcode")
(folder / "filtered").mkdir()
with gzip.open(folder / "filtered/matrix.mtx.gz", "wt") as file:
    file.write("%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 5\n")
(folder / "matrix.mtx").write_text("%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 5\n")
with gzip.open(folder / "seurat.rds", "wb") as file:
    file.write(b"X\n\x00\x00\x00\x03\x00\x04\x01\x02")
with gzip.open(folder / "cells.h5ad.gz", "wb") as file:
    file.write(arguments.cells.read_bytes()[:5000])

# Faults of an AnnData file.


def without(key):
    def change(name):
        write(name)
        with h5py.File(folder / name, "a") as file:
            del file[key]

    return change


def compress(name, filter_id):
    """A dataset whose chunks went through a filter that HDF5 does not bring."""
    write(name, x=counts)
    with h5py.File(folder / name, "a") as file:
        del file["X"]
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk(counts.shape)
        plan.set_filter(filter_id, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple(counts.shape)
        data = h5py.h5d.create(file.id, b"X", h5py.h5t.NATIVE_FLOAT, space, plan)
        data.write_direct_chunk((0, 0), random.bytes(200))  # no filter mask: as if all filters had run
        h5py.Dataset(data).attrs["encoding-type"] = "array"
        h5py.Dataset(data).attrs["encoding-version"] = "0.2.0"


without("X")("no_matrix.h5ad")
without("obs")("no_obs.h5ad")
without("var")("no_var.h5ad")
for name, number in (("zstd", 32015), ("blosc", 32001), ("unheard", 40404)):
    compress(f"{name}.h5ad", number)
write("zeros.h5ad", x=sp.csr_matrix(counts.shape, dtype="float32"))
write("unknown_genes.h5ad", lambda cells: setattr(cells, "var_names", [f"BARCODE_{i}" for i in range(genes)]))
write("unknown_ids.h5ad", lambda cells: setattr(cells, "var_names", [f"ENSG{99 * 10**9 + i}" for i in range(genes)]))
write("mouse.h5ad", lambda cells: setattr(cells, "var_names", [f"ENSMUSG{i:011d}" for i in range(genes)]))
good.T.copy().write_h5ad(folder / "genes_in_rows.h5ad")
mixture = anndata.concat([good, good], axis=1, merge="same")
mixture.var_names = [f"GRCh38_{name}" for name in good.var_names] + [f"mm10_ENSMUSG{i:011d}" for i in range(genes)]
mixture.write_h5ad(folder / "mixture.h5ad")
write("numbered_genes.h5ad", lambda cells: (cells.var.drop(columns=cells.var.columns, inplace=True), setattr(cells, "var_names", [str(i) for i in range(genes)])))


def spoiled(name, value, row, column):
    x = counts.copy()
    x[row, column] = value
    write(name, x=sp.csr_matrix(x))


# Past the rows that are looked at when the matrix is chosen, so that the cell itself must be met.
bad_row, bad_column = int(random.integers(2, CELLS)), int(random.integers(genes))
for name, value in (("nan", np.nan), ("infinite", np.inf), ("negative", -3)):
    spoiled(f"{name}.h5ad", value, bad_row, bad_column)

# Cells to train on, of which some express nothing.

training = anndata.read_h5ad(arguments.cells)[:60].copy()
training.uns.clear()
training.obs["cell_type"] = ["B cell", "T cell"] * 30
x = training.X.toarray()
x[::3] = 0
training.X = sp.csr_matrix(x)
training.obs.drop(columns="n_counts", inplace=True)
training.write_h5ad(folder / "training.h5ad")
with_h5("training.h5", lambda file: tenx_3(file, training))
training.obs.to_csv(folder / "training.csv", index_label="barcode")

# The newest file layout marks a file as open for writing, and a program that dies leaves the mark.
good.write_h5ad(folder / "marked.h5ad")
with h5py.File(folder / "marked.h5ad", "r") as old, h5py.File(folder / "open.h5ad", "w", libver="latest") as file:
    for name in old:
        old.copy(name, file)
    file.attrs.update(old.attrs)
    file.flush()
    (folder / "marked.h5ad").unlink()
    (folder / "marked.h5ad").write_bytes((folder / "open.h5ad").read_bytes())

# Files with oddities that are described all the same.

empty_cells = sorted(int(i) for i in random.choice(CELLS, 3, replace=False))
x = counts.copy()
x[empty_cells] = 0
write("some_zero_cells.h5ad", x=sp.csr_matrix(x))
write("dense_zero_cells.h5ad", x=x)
write("good.h5ad")
write("same_names.h5ad", lambda cells: setattr(cells, "obs_names", ["twin"] * 3 + list(cells.obs_names[3:])))

# Each count of a gene that is named twice is shared between its two columns: their sum is the gene.
shared = int(np.argmax((counts > 1).sum(0)))
part = random.binomial(counts[:, shared].astype(int), 0.5)
halves = np.concatenate([counts, part[:, None]], axis=1)
halves[:, shared] -= part
doubled = anndata.AnnData(sp.csr_matrix(halves.astype("float32")), obs=good.obs)
doubled.var_names = list(good.var_names) + [good.var_names[shared]]
doubled.write_h5ad(folder / "same_genes.h5ad")

(folder / "cells.json").write_text(
    json.dumps(
        {
            "names": list(good.obs_names),
            "empty": empty_cells,
            "bad_row": bad_row,
            "bad_cell": good.obs_names[bad_row],
            "bad_gene": good.var_names[bad_column],
            "shared_gene": good.var_names[shared],
        }
    )
)
