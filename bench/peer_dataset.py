"""The peer of bench_dataset: scanpy, ctxcore and anndata on the same file, as a careful Python user writes it. Prints
one JSON object.

  peer_dataset.py hvg CELLS.h5ad REPEATS TOP          scanpy: normalise, log1p, highly variable genes (Seurat)
  peer_dataset.py aucell CELLS.h5ad SETS.gmt CELLS    ctxcore: rankings and AUCell of the first cells
  peer_dataset.py random CELLS.h5ad BATCH SECONDS     anndata, backed: batches of random rows, for so long
  peer_dataset.py sequential CELLS.h5ad BLOCK         h5py: the rows in order, BLOCK at a time, once
"""
import json
import sys
import time
import warnings

import anndata
import numpy as np

from stamps import lap, stamp

warnings.simplefilter("ignore")


def hvg(path, repeats, top):
    import scanpy
    since = stamp()
    cells = anndata.read_h5ad(path)
    result = {"read": lap(since), "repeats": [], "cells": cells.n_obs}
    for i in range(-1, int(repeats)):
        data = anndata.AnnData(cells.X.copy(), obs=cells.obs[[]], var=cells.var[[]])  # each changes the counts
        since = stamp()
        scanpy.pp.normalize_total(data, target_sum=1e4)
        scanpy.pp.log1p(data)
        found = scanpy.pp.highly_variable_genes(data, flavor="seurat", n_top_genes=int(top), inplace=False)
        if i >= 0:  # the first compiles
            result["repeats"].append(lap(since))
    result["done"] = cells.n_obs * len(result["repeats"])
    dispersions = found["dispersions_norm"].to_numpy()
    result["highly_variable"] = np.flatnonzero(found["highly_variable"]).tolist()
    result["dispersions"] = [float(x) if np.isfinite(x) else None for x in dispersions]
    return result


def aucell(path, sets, count):
    """Rankings by column, as pySCENIC's without its shuffling, some cells at a time: a table of all takes gigabytes."""
    import pandas
    from ctxcore.genesig import GeneSignature
    from ctxcore.recovery import enrichment4cells
    signatures = GeneSignature.from_gmt(sets)
    cells = anndata.read_h5ad(path, backed="r")
    count, names, scores, spent = min(int(count), cells.n_obs), cells.var["feature_name"].astype(str), [], []

    def scores_of(part):
        table = pandas.DataFrame(part.toarray(), columns=names, index=[f"c{i}" for i in range(part.shape[0])])
        ranks = table.rank(axis=1, ascending=False, method="first", na_option="bottom").astype("uint32") - 1
        return np.stack([enrichment4cells(ranks, one)["AUC"].to_numpy() for one in signatures], 1)

    scores_of(cells.X[:2])  # compiles
    for first in range(0, count, 500):
        part = cells.X[first:min(first + 500, count)]
        since = stamp()
        scores.append(scores_of(part))
        spent.append(lap(since))
    return {"repeats": spent, "done": count, "scores": np.concatenate(scores).ravel().tolist()}


def random_rows(path, batch, seconds):
    cells = anndata.read_h5ad(path, backed="r")
    order, batch = np.random.default_rng(0).permutation(cells.n_obs), int(batch)
    count, values, since, ends = 0, 0, stamp(), time.perf_counter() + float(seconds)
    for first in range(0, cells.n_obs, batch):
        rows = np.sort(order[first:first + batch])  # anndata wants them ascending
        values += cells.X[rows].nnz
        count += len(rows)
        if time.perf_counter() > ends:
            break
    return {"repeats": [lap(since)], "done": count, "values": values}


def sequential(path, block):
    import h5py
    with h5py.File(path) as file:
        matrix, total = file["X"], 0.0
        starts = matrix["indptr"][:]
        since = stamp()
        for first in range(0, len(starts) - 1, int(block)):
            part = slice(starts[first], starts[min(first + int(block), len(starts) - 1)])
            columns, counts = matrix["indices"][part], matrix["data"][part]
            total += len(columns) + float(counts[0])
        return {"repeats": [lap(since)], "done": len(starts) - 1, "values": int(starts[-1])}


if __name__ == "__main__":
    what = {"hvg": hvg, "aucell": aucell, "random": random_rows, "sequential": sequential}[sys.argv[1]]
    print(json.dumps(what(*sys.argv[2:])))
