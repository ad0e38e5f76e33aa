"""Writes random AnnData files of every kind the source reads, each with the values to expect.

    h5ad.py FOLDER --seed N

FOLDER gets case_K.h5ad and case_K.json. anndata writes all but the 0.7-style files, which are written
with h5py group by group as anndata 0.7 did.
"""

import argparse
import json
import pathlib
import warnings

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

warnings.filterwarnings("ignore")
anndata.settings.allow_write_nullable_strings = True

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, required=True)
arguments = parser.parse_args()
random = np.random.default_rng(arguments.seed)

DTYPES = ["float32", "float64", "int32", "int64", "uint16", "uint8", "float16"]
LAYOUTS = ["csr", "csc", "dense"]
COMPRESSIONS = [None, "gzip", "lzf"]


def random_counts(cells, genes):
    counts = random.poisson(random.gamma(0.3, 3, (1, genes)), (cells, genes)).clip(0, 200)
    counts[random.random((cells, genes)) < 0.3] = 0
    if cells > 2:
        counts[random.integers(cells)] = 0
    counts[0, 0] = max(counts[0, 0], 1)
    return counts


def stored(counts, layout, dtype, wide_indices, shuffled):
    counts = counts.astype(dtype)
    if layout == "dense":
        return counts
    matrix = {"csr": sp.csr_matrix, "csc": sp.csc_matrix}[layout](counts.astype("float32")).astype(dtype if dtype != "float16" else "float32")
    if shuffled:
        for i in range(len(matrix.indptr) - 1):
            part = slice(matrix.indptr[i], matrix.indptr[i + 1])
            order = random.permutation(part.stop - part.start)
            matrix.indices[part] = matrix.indices[part][order]
            matrix.data[part] = matrix.data[part][order]
        matrix.has_sorted_indices = False
    if wide_indices:
        matrix.indices = matrix.indices.astype("int64")
        matrix.indptr = matrix.indptr.astype("int64")
    return matrix


def ensembl(genes):
    return [f"ENSG{i:011d}" for i in random.choice(10**9, genes, replace=False)]


def with_missing(values, missing):
    return [None if m else v for v, m in zip(values, missing)]


def random_obs(cells):
    """A frame, and per column what `labels` must give."""
    missing = random.random(cells) < 0.3
    words = np.array(["naïve B cell", "T cell", "β cell", "", "a, b", "x" * 300])
    columns, expected = {}, {}

    picked = random.choice(words, cells)
    columns["cat"] = pd.Categorical(with_missing(picked, missing), categories=random.permutation(words))
    expected["cat"] = {"type": "text", "values": with_missing(picked.tolist(), missing)}
    numbers = random.integers(0, 5, cells)
    columns["cat_int"] = pd.Categorical(numbers)
    expected["cat_int"] = {"type": "text", "values": [str(n) for n in numbers]}
    many = [f"donor {i}" for i in random.integers(0, 400, cells)]
    columns["cat_many"] = pd.Categorical(many, categories=[f"donor {i}" for i in range(400)])
    expected["cat_many"] = {"type": "text", "values": many}

    texts = [f"{random.choice(words)} {i % 7}" for i in range(cells)]
    columns["text"] = np.array(texts, dtype=object)
    expected["text"] = {"type": "text", "values": texts}
    columns["flag"] = random.random(cells) < 0.5
    expected["flag"] = {"type": "boolean", "values": [str(v) for v in columns["flag"]]}
    columns["whole"] = random.integers(-10**12, 10**12, cells)
    expected["whole"] = {"type": "number", "values": [str(v) for v in columns["whole"]]}
    for name, dtype in [("real", "float64"), ("narrow", "float32")]:
        values = random.normal(size=cells).astype(dtype)
        values[missing] = np.nan
        columns[name] = values
        expected[name] = {"type": "number", "numbers": with_missing([float(v) for v in values], missing)}

    columns["nullable_int"] = pd.array(with_missing(numbers.tolist(), missing), dtype="Int64")
    expected["nullable_int"] = {"type": "number", "values": with_missing([str(n) for n in numbers], missing)}
    columns["nullable_bool"] = pd.array(with_missing((numbers > 2).tolist(), missing), dtype="boolean")
    expected["nullable_bool"] = {"type": "boolean", "values": with_missing([str(n > 2) for n in numbers], missing)}
    columns["nullable_text"] = pd.array(with_missing(texts, missing), dtype="string")
    expected["nullable_text"] = {"type": "text", "values": with_missing(texts, missing)}
    names = [f"céll-{i}-{random.integers(100)}" for i in range(cells)]
    return pd.DataFrame(columns, index=pd.Index(names, name=random.choice([None, "barcode"]))), expected, names


def random_var(genes, kind):
    """A frame, with the ids, symbols and kind to expect."""
    ids, symbols = ensembl(genes), [f"GENE{i}-{random.integers(10)}" for i in range(genes)]
    if kind == "index":
        return pd.DataFrame(index=ids), ids, [], "ensembl"
    if kind == "index with version and feature_name":
        ids = [f"{i}.{random.integers(1, 30)}" for i in ids]
        return pd.DataFrame({"feature_name": pd.Categorical(symbols)}, index=ids), ids, symbols, "ensembl"
    if kind == "gene_ids":
        return pd.DataFrame({"other": 1.5, "gene_ids": ids}, index=symbols), ids, symbols, "ensembl"
    if kind == "feature_id over numbers":
        frame = pd.DataFrame({"feature_id": ids, "feature_name": symbols}, index=[str(i) for i in range(genes)])
        return frame, ids, symbols, "ensembl"
    if kind == "symbols":
        return pd.DataFrame({"gene_ids": ["?"] * genes}, index=symbols), symbols, symbols, "symbol"
    frame = pd.DataFrame({"feature_name": symbols}, index=[str(i) for i in range(genes)])
    return frame, symbols, symbols, "symbol"


VAR_KINDS = ["index", "index with version and feature_name", "gene_ids", "feature_id over numbers", "symbols",
             "feature_name over numbers"]
TOTALS = ["none", "n_counts", "too small", "second"]


def add_totals(obs, counts, kind):
    sums = counts.sum(1).astype("float64")
    if kind == "none":
        return sums
    larger = sums + random.integers(0, 50, len(sums))
    smaller = sums.copy()
    smaller[random.integers(len(sums))] -= 3
    if kind == "n_counts":
        obs["n_counts"] = larger.astype(random.choice(["int32", "float32", "float64"]))
        return larger
    obs["n_counts"] = smaller
    if kind == "too small":
        return sums
    obs["nCount_RNA"] = larger
    return larger


def expectation(path, name, counts, var, obs, names, totals, **more):
    _, ids, symbols, kind = var
    json.dump({"matrix": name, "counts": counts.astype(float).tolist(), "ids": ids, "symbols": symbols, "kind": kind,
               "obs": obs, "names": names, "totals": totals.tolist(), **more}, open(path.with_suffix(".json"), "w"))


def case(path, number):
    cells, genes = int(random.integers(1, 90)), int(random.integers(12, 60))
    layout, dtype = LAYOUTS[number % 3], DTYPES[number % len(DTYPES)]
    place = ["X", "layers/counts", "raw/X"][number // 3 % 3]
    counts = random_counts(cells, genes)
    matrix = stored(counts, layout, dtype, random.random() < 0.5, random.random() < 0.5)
    obs, expected, names = random_obs(cells)
    totals = add_totals(obs, counts, TOTALS[number % len(TOTALS)])
    var = random_var(genes, VAR_KINDS[number % len(VAR_KINDS)])
    lognormal = np.log1p(counts / np.maximum(counts.sum(1, keepdims=True), 1) * 1e4).astype("float32")
    if place == "X":
        data = anndata.AnnData(matrix, obs=obs, var=var[0])
    elif place == "layers/counts":
        data = anndata.AnnData(sp.csr_matrix(lognormal), obs=obs, var=var[0], layers={"counts": matrix})
    else:
        data = anndata.AnnData(matrix, obs=obs, var=var[0])
        data.raw = data
        kept = random.random(genes) < 0.5
        kept[0] = True
        data = data[:, kept].copy()
        data.X = random.normal(size=data.shape).astype("float32")
    data.obsm["X_pca"] = random.normal(size=(cells, 3))
    data.obsm["frame"] = pd.DataFrame({"a": random.normal(size=cells)}, index=obs.index)
    data.varm["loadings"] = random.normal(size=(data.n_vars, 2)).astype("float32")
    data.obsp["near"] = sp.random(cells, cells, 0.2, format="csr", random_state=int(random.integers(1000)))
    data.layers["other"] = sp.csc_matrix(random.normal(size=data.shape))
    data.uns = {"title": "ünt", "nested": {"n": 3, "list": ["a", "b"], "deep": {"x": np.arange(4.0)}}, "none": None,
                "flag": True, "frame": pd.DataFrame({"c": pd.Categorical(["u", "v"])})}
    data.write_h5ad(path, compression=random.choice(COMPRESSIONS), convert_strings_to_categoricals=False)
    expected["cat"]["categories"] = data.obs["cat"].cat.categories.tolist()  # taking a part drops unused ones
    expectation(path, place, counts, var, expected, names, totals, cells=cells)


def set_text(group, name, values, style):
    if style == "variable":
        group.create_dataset(name, data=np.array(values, dtype=object), dtype=h5py.string_dtype())
    elif style == "ascii":
        group.create_dataset(name, data=np.array([v.encode() for v in values]))
    else:
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(max(len(v.encode()) for v in values) + 2)
        kind.set_cset(h5py.h5t.CSET_UTF8)
        kind.set_strpad(h5py.h5t.STR_SPACEPAD)
        width = kind.get_size()
        space = h5py.h5s.create_simple((len(values),))
        dataset = h5py.h5d.create(group.id, name.encode(), kind, space)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([v.encode().ljust(width) for v in values], dtype=f"S{width}"), kind)


def old_frame(root, name, index, columns, style):
    """A data frame as anndata 0.7 wrote it: codes beside each other, categories in a group of their own."""
    group = root.create_group(name)
    group.attrs["encoding-type"], group.attrs["encoding-version"] = "dataframe", "0.1.0"
    group.attrs["_index"] = "index"
    group.attrs["column-order"] = np.array(list(columns), dtype=object) if columns else np.array([])
    set_text(group, "index", index, style)
    for column, values in columns.items():
        if isinstance(values, pd.Categorical):
            categories = group.require_group("__categories")
            set_text(categories, column, list(values.categories), style)
            categories[column].attrs["ordered"] = False
            group[column] = values.codes
            group[column].attrs["categories"] = categories[column].ref
        elif isinstance(values, list):
            set_text(group, column, values, style)
        else:
            group[column] = values


def old_case(path, style, encoding):
    cells, genes = int(random.integers(2, 60)), int(random.integers(12, 40))
    counts = random_counts(cells, genes)
    ids, symbols = ensembl(genes), [f"GENE{i}" for i in range(genes)]
    picked = [None if random.random() < 0.2 else str(random.choice(["B cell", "T cell"])) for _ in range(cells)]
    texts = [f"text {random.integers(5)}" for _ in range(cells)]
    names = [f"cell-{i}" for i in range(cells)]
    depth = counts.sum(1) + 5
    with h5py.File(path, "w") as file:
        old_frame(file, "obs", names, {"cell_type": pd.Categorical(picked, categories=["T cell", "B cell"]), "text": texts,
                                       "n_counts": depth.astype("float32")}, style)
        old_frame(file, "var", symbols, {"gene_ids": ids}, style)
        matrix = sp.csr_matrix(counts.astype("float32"))
        x = file.create_group("X")
        if encoding == "encoding-type":
            x.attrs["encoding-type"], x.attrs["encoding-version"], x.attrs["shape"] = "csr_matrix", "0.1.0", counts.shape
        else:
            x.attrs["h5sparse_format"], x.attrs["h5sparse_shape"] = "csr", counts.shape
        for part in ["data", "indices", "indptr"]:
            x.create_dataset(part, data=getattr(matrix, part), chunks=(min(7, len(getattr(matrix, part))),), compression="gzip", shuffle=True)
        for empty in ["obsm", "varm", "layers", "uns"]:
            file.create_group(empty)
    obs = {"cell_type": {"type": "text", "values": picked, "categories": ["T cell", "B cell"]},
           "text": {"type": "text", "values": texts}}
    expectation(path, "X", counts, (None, ids, symbols, "ensembl"), obs, names, depth.astype("float64"), cells=cells,
                old=encoding == "h5sparse_format")


for number in range(42):
    case(arguments.folder / f"case_{number}.h5ad", number)
for number, (style, encoding) in enumerate((s, e) for s in ["variable", "ascii", "space-padded"]
                                           for e in ["encoding-type", "h5sparse_format"]):
    old_case(arguments.folder / f"case_{42 + number}.h5ad", style, encoding)
