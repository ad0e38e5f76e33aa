"""Highly variable genes of scanpy, on made-up counts or on cells that are given.

FOLDER/cases.json: cases, each with the counts in CSR (genes, row_starts, columns, counts), `logs`, what
pp.normalize_total and pp.log1p make of the stored counts, and `runs`: the settings of pp.highly_variable_genes
(flavor "seurat"; top null: by bounds) and its columns, NaN as null.
"""
import argparse
import json
import pathlib
import warnings

import anndata
import numpy as np
import scanpy as sc
from scipy import sparse

TARGET = 1e4


def made_up(rng, cells, genes, depth=1.0):
    means = rng.gamma(0.3, 2 * depth, genes) * (rng.random(genes) < 0.9)
    shapes = rng.uniform(0.2, 20, genes)
    sizes = rng.uniform(0.3, 2, (cells, 1))
    return rng.poisson(rng.gamma(shapes, means / shapes, (cells, genes)) * sizes).astype(np.float32)


def cases(rng):
    """Not in here: bins in which all genes tie, three or more. Their deviation is 0, and pandas divides the rounding of
    their mean by it, which gives NaN or infinity as the last bit of numpy's logarithm on this machine has it."""
    counts = made_up(rng, 150, 900)
    counts[7] = 0  # a cell without counts
    yield counts, [1, 100, 500, 40_000]
    yield made_up(rng, 12, 25, 3), [5]  # bins with a single gene
    twins = made_up(rng, 60, 150)
    yield np.concatenate([twins, twins], 1), [31, 60, 101]  # ties at the cutoff
    yield (made_up(rng, 80, 200) * np.float32(0.37)).astype(np.float32), [50]  # counts that are not whole


def with_stored_zeros(counts, rng):
    matrix = sparse.csr_matrix(counts + 1)
    kept = (matrix.data != 1) | (rng.random(matrix.nnz) < 0.02)
    starts = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return sparse.csr_matrix((counts.ravel()[kept], matrix.indices[kept], starts), shape=matrix.shape)


def nulls(values):
    return [None if np.isnan(v) else float(v) for v in values]


def clear_of_rounding(table, top):
    """Whether the last of the `top` genes ties with none but its equals. Two genes that are alone in their bin have
    +-sqrt(1/2), whatever bin it is: which of several such pairs is in is a matter of the last bit of numpy's logarithm
    on this machine."""
    genes = table[["means", "dispersions", "dispersions_norm"]].dropna().sort_values("dispersions_norm", ascending=False)
    last = genes.iloc[min(top, len(genes)) - 1]
    tied = genes[(genes["dispersions_norm"] - last["dispersions_norm"]).abs() < 1e-9]
    return bool((tied[["means", "dispersions"]] == last[["means", "dispersions"]]).all(axis=None))


def variable_genes(normalised, settings):
    """Settings and table; instead of a top within ties the nearest without, and None where there is none, as may be
    where no bin holds three genes."""
    def table(settings):
        return sc.pp.highly_variable_genes(normalised, flavor="seurat", inplace=False, **settings)

    if asked := settings.get("n_top_genes"):
        columns = table(settings)
        near = sorted({asked, *range(1, len(columns))}, key=lambda top: abs(top - asked))
        top = next((top for top in near if clear_of_rounding(columns, top)), None)
        if top is None:
            return None
        settings = settings | {"n_top_genes": top}
    return settings, table(settings)


def run(matrix, tops):
    normalised = anndata.AnnData(matrix.copy())
    sc.pp.normalize_total(normalised, target_sum=TARGET)
    sc.pp.log1p(normalised)
    case = {"genes": matrix.shape[1], "row_starts": matrix.indptr.tolist(), "columns": matrix.indices.tolist(),
            "counts": [float(c) for c in matrix.data], "logs": [float(v) for v in normalised.X.data], "runs": []}
    bounds = [{}, {"min_mean": 0.5, "max_mean": 4.0, "min_disp": -0.3, "max_disp": 1.5}]
    for asked in [{"n_top_genes": top} for top in tops] + bounds:
        if not (found := variable_genes(normalised, asked)):
            continue
        settings, table = found
        case["runs"].append({
            "top": settings.get("n_top_genes"), "min_mean": settings.get("min_mean", 0.0125),
            "max_mean": settings.get("max_mean", 3), "min_disp": settings.get("min_disp", 0.5),
            "max_disp": settings.get("max_disp", 1e300), "means": nulls(table["means"]),
            "dispersions": nulls(table["dispersions"]), "dispersions_norm": nulls(table["dispersions_norm"]),
            "highly_variable": table["highly_variable"].astype(int).tolist()})
    return case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cells", type=pathlib.Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(args.seed)
    if args.cells:
        matrix = anndata.read_h5ad(args.cells).X
        made = [run(matrix, [50, 300, 2000])]
    else:
        made = [run(with_stored_zeros(counts, rng), tops) for counts, tops in cases(rng)]
    (args.folder / "cases.json").write_text(json.dumps(made, allow_nan=False))


main()
