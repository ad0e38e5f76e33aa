"""Matrices as scanpy and correction programs leave them, for the judge of value kinds: KIND[+KIND]__NAME.cells,
each int64 cells, then per cell int64 n and n float32. The kinds before __ are those that may be judged."""
import argparse
import pathlib

import anndata
import numpy as np
import scanpy as sc
import scipy.sparse as sp

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--cells", type=int, default=400)
arguments = parser.parse_args()
random = np.random.default_rng(arguments.seed)
sc.settings.verbosity = 0


def write(kinds, name, matrix):
    matrix = sp.csr_matrix(matrix, dtype="float32")
    with open(arguments.folder / f"{kinds}__{name}.cells", "wb") as file:
        np.array([matrix.shape[0]], dtype="int64").tofile(file)
        for row in range(matrix.shape[0]):
            values = matrix.data[matrix.indptr[row]:matrix.indptr[row + 1]]
            np.array([len(values)], dtype="int64").tofile(file)
            values.tofile(file)


def molecules(cells, genes, depth, types=4):
    """Counts of droplets: genes of very unequal means, types of cells, a depth per cell, more spread than Poisson."""
    mean = random.lognormal(0, 2, (types, genes)) * 0.3 + random.lognormal(0, 2.2, genes)
    mean /= mean.sum(1, keepdims=True)
    sizes = depth * random.lognormal(0, random.uniform(0.3, 0.7), cells)
    rate = mean[random.integers(types, size=cells)] * sizes[:, None]
    return random.poisson(rate * random.gamma(4, 0.25, rate.shape)).astype("float64")


def normalised(counts, target=1e4):
    data = anndata.AnnData(sp.csr_matrix(counts.astype("float32")))
    sc.pp.normalize_total(data, target_sum=target)
    return data.X.toarray().astype("float64")


def logged(counts, target=1e4, base=None):
    data = anndata.AnnData(sp.csr_matrix(counts.astype("float32")))
    sc.pp.normalize_total(data, target_sum=target)
    sc.pp.log1p(data, base=base)
    return data.X.toarray().astype("float64")


def soupx(counts, share):
    """The ambient profile subtracted in proportion, never below zero, not rounded: most entries stay whole or lose
    a fraction."""
    soup = counts.sum(0) / counts.sum()
    rest = counts - np.outer(counts.sum(1) * share, soup)
    return np.where(counts > 0, np.maximum(rest, 0), 0)


def soupx_by_gene(counts, share):
    """As SoupX's subtraction: the ambient counts are taken from the genes that can give them; others stay whole."""
    soup = counts.sum(0) / counts.sum()
    rest = counts - np.outer(counts.sum(1) * share, soup)
    return np.where((counts > 0) & (rest > 0) & (random.random(counts.shape) < 0.4), rest, counts)


def decontx(counts, share):
    """Each count is split in proportion: nearly no whole numbers are left."""
    soup = counts.sum(0) / counts.sum()
    own = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    kept = own * (1 - share) / np.maximum(own * (1 - share) + share * soup, 1e-30)
    return counts * kept


def cellbender(counts, share):
    """Posterior means: fractions near the counts, small ones shrunk."""
    return counts * (1 - share) - np.where(counts > 0, random.uniform(0, 0.3, counts.shape) * np.minimum(counts, 1), 0)


def rsem(counts):
    """Expected counts: unique genes stay whole, the others share reads, written with two decimals."""
    shared = random.random(counts.shape[1]) < 0.35
    moved = counts * random.uniform(0.5, 1.3, counts.shape)
    return np.round(np.where(shared, moved, counts), 2)


def variable(counts, kept):
    return np.argsort(-np.log1p(counts).var(0))[:kept]


cells = arguments.cells
for depth_name, depth, genes in [("shallow", 400, 3000), ("usual", 3000, 6000), ("deep", 20000, 8000)]:
    counts = molecules(cells, genes, depth)
    few = variable(counts, 800)
    write("counts", f"{depth_name}_raw", counts)
    write("counts", f"{depth_name}_raw_cut", counts[:, few])
    downsampled = sc.pp.downsample_counts(anndata.AnnData(sp.csr_matrix(counts.astype("float32"))),
                                          counts_per_cell=int(depth * 0.3), copy=True).X
    write("counts", f"{depth_name}_downsampled", downsampled)
    for target in [1e4, 1e6, None]:
        write("logged", f"{depth_name}_log1p_{target}", logged(counts, target))
        write("logged", f"{depth_name}_log1p_cut_{target}", logged(counts, target)[:, few])
        write("normalised", f"{depth_name}_normalised_{target}", normalised(counts, target))
        write("normalised", f"{depth_name}_normalised_cut_{target}", normalised(counts, target)[:, few])
    for base in [2, 10]:
        write("logged", f"{depth_name}_log{base}", logged(counts, 1e4, base))
        write("logged", f"{depth_name}_log{base}_cut", logged(counts, 1e4, base)[:, few])
    write("logged", f"{depth_name}_log1p_raw", np.log1p(counts))
    write("logged", f"{depth_name}_log2_raw", np.log2(counts + 1))
    scaled = anndata.AnnData(logged(counts)[:, few].astype("float32"))
    sc.pp.scale(scaled, max_value=10)
    write("scaled", f"{depth_name}_scaled", scaled.X)
    write("scaled", f"{depth_name}_pearson", sc.experimental.pp.normalize_pearson_residuals(
        anndata.AnnData(counts[:, few].astype("float32")), inplace=False)["X"])
    share = random.uniform(0.03, 0.25)
    # A correction that leaves no whole number, in cells with few counts, cannot be told from logarithms for certain.
    may = "corrected_counts+unclear"
    write("corrected_counts", f"{depth_name}_soupx_by_gene", soupx_by_gene(counts, share))
    write("corrected_counts", f"{depth_name}_rsem", rsem(counts))
    write("corrected_counts", f"{depth_name}_rsem_cut", rsem(counts)[:, few])
    for name, correction in [("soupx", soupx), ("decontx", decontx), ("cellbender", cellbender)]:
        write(may, f"{depth_name}_{name}", correction(counts, share))
        write(may, f"{depth_name}_{name}_cut", correction(counts, share)[:, few])
        # What is then normalised keeps no trace of steps, but its sums are those of a normalisation.
        corrected = correction(counts, share)
        scale = 1e4 / np.maximum(corrected.sum(1, keepdims=True), 1e-9)
        write("logged", f"{depth_name}_{name}_log1p", np.log1p(corrected * scale))
        write("normalised", f"{depth_name}_{name}_normalised", corrected * scale)
        # Cut as well, it is unclear at worst; it must never pass for counts without a word.
        write("logged+unclear", f"{depth_name}_{name}_log1p_cut", np.log1p(corrected * scale)[:, few])
    write("normalised", f"{depth_name}_shares", counts / np.maximum(counts.sum(1, keepdims=True), 1))
empty = np.zeros((20, 50))
write("empty", "zeros", empty)
broken = molecules(20, 100, 200)
broken[3, 4] = np.nan
write("not_finite", "nan", broken)
