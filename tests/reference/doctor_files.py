"""The demo cells as people bring them: normalised, cut, prefixed, turned, mixed, empty, ... One .h5ad each."""
import argparse
import pathlib

import anndata
import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse as sp

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("cells", type=pathlib.Path, help="a file with raw counts in X and symbols in var['feature_name']")
arguments = parser.parse_args()
random = np.random.default_rng(arguments.seed)
sc.settings.verbosity = 0
counts = anndata.read_h5ad(arguments.cells)


def write(name, data):
    data.write_h5ad(arguments.folder / f"{name}.h5ad")


def logged(data):
    data = data.copy()
    sc.pp.normalize_total(data, target_sum=1e4)
    sc.pp.log1p(data)
    return data


def scaled(data):
    data = logged(data)
    sc.pp.scale(data, max_value=10)
    return data


def renamed(data, names):
    data = data.copy()
    data.var = pd.DataFrame(index=pd.Index(names))
    return data


symbols = counts.var["feature_name"].astype(str).to_numpy()
write("counts", counts)
write("logged", logged(counts))
cpm = counts.copy()
sc.pp.normalize_total(cpm, target_sum=1e6)
write("cpm", cpm)
write("scaled", scaled(counts))
kept = scaled(counts)
kept.layers["counts"] = counts.X.copy()
write("scaled_with_counts", kept)
named = logged(counts)
named.layers["umi"] = counts.X.copy()
write("logged_with_umi", named)
both = logged(counts)
both.raw = counts
both = both[:, :200].copy()
write("cut_with_raw", both)
lost = logged(counts)
lost.raw = lost
write("logged_raw", lost)
corrected = counts.copy()
soup = np.asarray(corrected.X.sum(0)).ravel()
soup = soup / soup.sum()
dense = corrected.X.toarray()
dense = np.where(dense > 0, np.maximum(dense - dense.sum(1, keepdims=True) * 0.1 * soup, 0), 0)
corrected.X = sp.csr_matrix(dense.astype("float32"))
write("soupx", corrected)
write("turned", anndata.AnnData(counts.X.T.tocsr(), obs=counts.var[[]], var=counts.obs[[]]))
write("turned_symbols", anndata.AnnData(counts.X.T.tocsr(), obs=pd.DataFrame(index=pd.Index(symbols)), var=counts.obs[[]]))
write("versions", renamed(counts, [f"{name}.{random.integers(1, 20)}" for name in counts.var_names]))
write("prefixed", renamed(counts, [f"GRCh38_{name}" for name in counts.var_names]))
write("symbols", renamed(counts, symbols))
write("mouse_symbols", renamed(counts, [symbol.capitalize() for symbol in symbols]))
write("mouse", renamed(counts, [f"ENSMUSG{i:011d}" for i in range(counts.n_vars)]))
human, mouse = counts[:350].copy(), counts[350:].copy()
mixed = sp.block_diag([human.X, mouse.X], format="csr").astype("float32")
names = [f"GRCh38_{name}" for name in counts.var_names] + [f"mm10___ENSMUSG{i:011d}" for i in range(counts.n_vars)]
write("mixture", anndata.AnnData(mixed, obs=counts.obs[[]], var=pd.DataFrame(index=pd.Index(names))))
twice = renamed(counts, list(counts.var_names))
twice.var_names = [*counts.var_names[:-3], *counts.var_names[:3]]
write("duplicates", twice)
unknown = renamed(counts, [f"gene-{i}x" for i in range(counts.n_vars)])
write("unknown", unknown)
empty = counts.copy()
empty.X = sp.csr_matrix(empty.shape, dtype="float32")
write("no_counts", empty)
some = counts.copy()
some.X = sp.diags((np.arange(700) >= 7).astype("float32")).dot(some.X).tocsr()
del some.obs["n_counts"]
write("some_empty", some)
near = sp.random(6000, counts.n_vars, density=0.01, format="csr", random_state=int(random.integers(1000)))
near.data[:] = 1
unfiltered = sp.vstack([counts.X, near]).tocsr().astype("float32")
write("unfiltered", anndata.AnnData(unfiltered, obs=pd.DataFrame(index=[f"c{i}" for i in range(6700)]), var=counts.var[[]]))
bare = anndata.AnnData(counts.X, obs=counts.obs[[]], var=counts.var[[]])
write("bare", bare)
wide = 12000
full = sp.hstack([counts.X, sp.csr_matrix((700, wide - counts.n_vars))]).tocsr().astype("float32")
ids = [*counts.var_names, *[f"ENSG{i:011d}" for i in range(90000000000, 90000000000 + wide - counts.n_vars)]]
write("whole", anndata.AnnData(full, obs=counts.obs[[]], var=pd.DataFrame(index=ids)))
column_wise = counts.copy()
column_wise.X = logged(counts).X.tocsc()
write("logged_csc", column_wise)
