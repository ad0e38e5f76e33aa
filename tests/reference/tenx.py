"""Writes random 10x Genomics matrices of every form, each with what scanpy reads from it.

    tenx.py FOLDER --seed N

FOLDER gets files and folders as Cell Ranger writes them, tables of labels, and cases.json.
"""

import argparse
import gzip
import json
import pathlib
import warnings

import h5py
import numpy as np
import pandas as pd
import scanpy
import scipy.sparse as sp

warnings.filterwarnings("ignore")

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, required=True)
arguments = parser.parse_args()
random = np.random.default_rng(arguments.seed)
folder = arguments.folder


def random_counts(features, barcodes):
    """Features x barcodes, as Cell Ranger has them; some barcodes are empty."""
    counts = random.poisson(random.gamma(0.4, 4, (features, 1)), (features, barcodes)).clip(0, 300)
    counts[random.random(counts.shape) < 0.3] = 0
    counts[:, random.random(barcodes) < 0.1] = 0
    counts[0, 0] = 3
    return counts


def random_features(number, genomes=("GRCh38",)):
    genome = random.choice(genomes, number)
    genome[: len(genomes)] = genomes
    prefix = [f"{g}_" if len(genomes) > 1 else "" for g in genome]
    table = pd.DataFrame({
        "id": [f"{p}ENSG{i:011d}" for p, i in zip(prefix, random.choice(10**9, number, replace=False))],
        "name": [f"{p}GENE{random.integers(number)}" for p in prefix],  # symbols occur twice
        "feature_type": "Gene Expression",
        "genome": genome,
    })
    others = np.arange(number) >= max(len(genomes), int(number * 0.8))
    table.loc[others, "feature_type"] = random.choice(["Antibody Capture", "Custom", "Peaks"], others.sum())
    table.loc[others, "genome"] = ""
    return table.iloc[random.permutation(number)].reset_index(drop=True)


def random_barcodes(number):
    return ["".join(random.choice(list("ACGT"), 16)) + f"-{random.integers(1, 3)}" for _ in range(number)]


def fixed(texts):
    return np.array([t.encode() for t in texts], dtype=f"S{max(len(t) for t in texts) + 1}")


def write_matrix(group, counts, barcodes):
    columns = sp.csc_matrix(counts)
    options = {"compression": "gzip", "shuffle": True, "chunks": (min(97, max(len(columns.data), 1)),)}
    group.create_dataset("data", data=columns.data.astype("int32"), **options)
    group.create_dataset("indices", data=columns.indices.astype("int64"), **options)
    group["indptr"] = columns.indptr.astype("int64")
    group["shape"] = np.array(counts.shape, dtype="int32")
    group["barcodes"] = fixed(barcodes)


def write_v3(path, counts, barcodes, features, probes=False):
    with h5py.File(path, "w") as file:
        write_matrix(file.create_group("matrix"), counts, barcodes)
        table = file["matrix"].create_group("features")
        table["_all_tag_keys"] = fixed(["genome"])
        for column in features:
            table[column] = fixed(list(features[column]))
        if probes:
            table["gene_id"] = table["id"][()]
            del table["id"]
            table["id"] = fixed([f"{i}|probe" for i in features["id"]])


def write_v2(path, matrices, barcodes, features):
    with h5py.File(path, "w") as file:
        for genome, counts in matrices.items():
            group = file.create_group(genome)
            write_matrix(group, counts, barcodes)
            group["genes"], group["gene_names"] = fixed(list(features["id"])), fixed(list(features["name"]))


def write_folder(path, counts, barcodes, features, order, legacy, real=False):
    path.mkdir()
    entries = sp.coo_matrix(sp.csc_matrix(counts))
    at = np.arange(entries.nnz)
    if order == "by genes":
        at = np.lexsort((entries.col, entries.row))
    elif order == "any":
        at = random.permutation(entries.nnz)
    lines = [f"%%MatrixMarket matrix coordinate {'real' if real else 'integer'} general", '%metadata_json: {"format": 2}',
             f"{counts.shape[0]} {counts.shape[1]} {entries.nnz}"]
    lines += [f"{r + 1} {c + 1} {v!s}" for r, c, v in zip(entries.row[at], entries.col[at], entries.data[at])]
    columns = ["id", "name"] + ([] if legacy else ["feature_type"])
    texts = {"matrix.mtx": "\n".join(lines) + "\n", "barcodes.tsv": "\n".join(barcodes) + "\n",
             "genes.tsv" if legacy else "features.tsv": features[columns].to_csv(sep="\t", header=False, index=False)}
    for name, text in texts.items():
        if legacy:
            (path / name).write_text(text)
        else:
            with gzip.open(path / f"{name}.gz", "wt") as file:
                file.write(text)


def write_labels(path, barcodes, kept):
    """A table in another order than the matrix, without some barcodes and with others; what `kept` barcodes get."""
    known = [b for i, b in enumerate(barcodes) if i == kept[0] or random.random() < 0.8] + random_barcodes(3)
    known = list(dict.fromkeys(random.permutation(known)))
    missing = random.random(len(known)) < 0.2
    columns = {
        "cell_type": random.choice(["B cell", "CD4-positive, alpha-beta T cell", 'the "other"', "β cell"], len(known)),
        "age": random.integers(0, 90, len(known)) / 4,
        "flag": random.random(len(known)) < 0.5,
    }
    values = {n: [None if m and n != "flag" else v for v, m in zip(column.tolist(), missing)]
              for n, column in columns.items()}
    table = pd.DataFrame(values, index=known)
    table.to_csv(path, index_label=random.choice(["barcode", "cell", "Barcode"]), na_rep=random.choice(["", "NA", "nan"]))
    names = [barcodes[i] for i in kept]
    expected = {}
    for name, column in values.items():
        of = dict(zip(known, column))
        found = [of.get(b) for b in names]
        kind = {"cell_type": "text", "age": "number", "flag": "boolean"}[name]
        expected[name] = {"type": kind if any(v is not None for v in found) else "text", "values": found}
    return expected


KINDS = ["v3", "v3 genomes", "v3 probes", "v2", "v2 genomes", "folder", "folder unsorted", "folder v2", "folder real"]


def make(number):
    kind = KINDS[number % len(KINDS)]
    rows, cells = int(random.integers(10, 60)), int(random.integers(3, 90))
    counts, barcodes = random_counts(rows, cells), random_barcodes(cells)
    features = random_features(rows, ("GRCh38", "mm10") if kind == "v3 genomes" else ("GRCh38",))
    counts[features.index[features.feature_type == "Gene Expression"], 0] += 1
    case = {"path": f"case_{number}" + ("" if kind.startswith("folder") else ".h5")}
    path = folder / case["path"]
    if kind in ("v3 genomes", "v2 genomes"):
        case["genome"] = "GRCh38" if random.random() < 0.5 else "mm10"
    if kind.startswith("v3"):
        write_v3(path, counts, barcodes, features, kind == "v3 probes")
        data = scanpy.read_10x_h5(path, genome=case.get("genome"))
    elif kind.startswith("v2"):
        matrices = {"GRCh38": counts}
        if kind == "v2 genomes":
            matrices["mm10"] = random_counts(rows, cells)
        write_v2(path, matrices, barcodes, features)
        data = scanpy.read_10x_h5(path, genome=case.get("genome"))
    else:
        if kind == "folder real":
            counts = np.where(random.random(counts.shape) < 0.5, counts, counts * 1.25)
        order = ["by genes", "any"][number // len(KINDS) % 2] if kind == "folder unsorted" else "by barcodes"
        write_folder(path, counts, barcodes, features, order, kind == "folder v2", kind == "folder real")
        data = scanpy.read_10x_mtx(path, make_unique=False)
    matrix = data.X.toarray().astype("float64")
    totals = matrix.sum(1)
    case["min_counts"] = int(max(1, np.median(totals))) if number % 2 else 0
    kept = np.flatnonzero(totals >= case["min_counts"]) if case["min_counts"] else np.arange(cells)
    case |= {"barcodes": [data.obs_names[i] for i in kept], "ids": data.var["gene_ids"].tolist(),
             "names": data.var_names.tolist(), "counts": matrix[kept].tolist(), "totals": totals[kept].tolist()}
    if number % 3 == 0:
        case["labels"] = f"labels_{number}.csv"
        case["obs"] = write_labels(folder / case["labels"], list(data.obs_names), kept)
    return case


json.dump([make(number) for number in range(36)], open(folder / "cases.json", "w"))
