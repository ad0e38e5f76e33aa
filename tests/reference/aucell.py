"""AUCell of ctxcore, and the paper's choice of pathways in numpy, on made-up counts or on cells and sets that are given.

FOLDER/cases.json: cases, each with genes (symbols), the counts in CSR, `sets` (a GMT file), min_coverage, how many
genes of each set were found, ctxcore's scores [cells][sets] of a ranking by column (pySCENIC's, without the shuffling),
and what numpy makes of the scores: active (cells for each set), retained, top (two sets a cell, -1: none). `shuffled`:
mean and standard error of ctxcore's scores over many shuffled rankings of the first cells.
"""
import argparse
import json
import pathlib
import warnings

import anndata
import numpy as np
import pandas as pd
from ctxcore.genesig import GeneSignature
from ctxcore.recovery import aucs, enrichment4cells
from scipy import sparse

SHUFFLES = 150


def rankings(table):
    return table.rank(axis=1, ascending=False, method="first", na_option="bottom").astype("uint32") - 1


def scores_of(ranks, sets, min_coverage):
    columns = []
    for genes in sets:
        if min_coverage:  # ctxcore's own, at 0.8
            columns.append(enrichment4cells(ranks, genes)["AUC"].to_numpy())
            continue
        part = ranks.loc[:, ranks.columns.isin(genes.genes)]
        columns.append(aucs(part, ranks.shape[1], np.ones(part.shape[1]), 0.05) if part.shape[1] else np.zeros(len(ranks)))
    return np.stack(columns, 1)


def choice(scores, min_share):
    active = (scores >= np.percentile(scores, 95, axis=1, keepdims=True)) & (scores > 0)
    retained = (active.mean(0) >= min_share) & active.any(0)
    kept = np.where(retained, scores, 0)
    order = np.argsort(-kept, axis=1, kind="stable")[:, :2]
    top = np.where(np.take_along_axis(kept, order, 1) > 0, order, -1)
    return {"min_share": min_share, "active": active.sum(0).tolist(), "retained": retained.astype(int).tolist(),
            "top": top.tolist()}


def run(counts, genes, path, min_coverage, min_share, shuffled_cells):
    sets = GeneSignature.from_gmt(str(path))
    table = pd.DataFrame(counts, columns=genes, index=[f"c{i}" for i in range(len(counts))])
    scores = scores_of(rankings(table), sets, min_coverage).astype(np.float32)
    some = table.iloc[:shuffled_cells]
    drawn = np.stack([scores_of(rankings(some.sample(frac=1, axis=1, random_state=i)), sets, min_coverage)
                      for i in range(SHUFFLES)]) if shuffled_cells else np.zeros((1, 0, len(sets)))
    matrix = sparse.csr_matrix(counts)
    return {"genes": list(genes), "row_starts": matrix.indptr.tolist(), "columns": matrix.indices.tolist(),
            "counts": [float(c) for c in matrix.data], "sets": str(path), "min_coverage": min_coverage,
            "found": [int(table.columns.isin(s.genes).sum()) for s in sets],
            "scores": scores.astype(float).tolist(), **choice(scores.astype(float), min_share),
            "shuffled": {"mean": drawn.mean(0).tolist(),
                         "error": (drawn.std(0, ddof=1) / np.sqrt(SHUFFLES)).tolist() if shuffled_cells else []}}


def write_sets(rng, path, genes, number, largest):
    lines = []
    for i in range(number):
        members = rng.choice(genes, rng.integers(4, largest), replace=False).tolist()
        members += [f"ABSENT{j}" for j in range(rng.integers(0, len(members) // 2))]  # some are covered too thinly
        lines.append("\t".join([f"SET_{i}", "made up", *members]))
    path.write_text("\n".join(lines) + "\n")


def made_up(rng, folder):
    for i, (cells, number) in enumerate([(40, 400), (12, 50), (12, 70), (12, 90)]):  # 2.5, 3.5 and 4.5 ranks
        means = rng.gamma(0.2, 4, number)
        counts = rng.poisson(means * rng.uniform(0.1, 3, (cells, 1))).astype(np.float32)
        counts[1] = 0
        genes = [f"GENE{j}" for j in range(number)]
        path = folder / f"sets-{i}.gmt"
        write_sets(rng, path, genes, 30, number // 5)
        yield run(counts, genes, path, 0.8, 0.1, 4 if i == 0 else 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cells", type=pathlib.Path)
    parser.add_argument("--sets", type=pathlib.Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(args.seed)
    if args.cells:
        data = anndata.read_h5ad(args.cells)
        made = [run(data.X.toarray(), data.var["feature_name"].astype(str).tolist(), args.sets, 0, 0.005, 2)]
    else:
        made = list(made_up(rng, args.folder))
    (args.folder / "cases.json").write_text(json.dumps(made, allow_nan=False))


main()
