"""Holds a dataset that `cell2text dataset build` made of dataset_files.py's files against scanpy and the files.

    dataset_built.py FOLDER --seed N FILES

Exits with 1 and the first difference. Leaves summary.txt in FOLDER.
"""

import argparse
import re
import tomllib
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import safetensors.numpy
import scanpy as sc

warnings.filterwarnings("ignore")
parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("files")
arguments = parser.parse_args()
files = Path(arguments.files)
about = tomllib.load(open(files / "out/dataset.toml", "rb"))
build = tomllib.load(open(files / "build.toml", "rb"))
sources = {str(path): anndata.read_h5ad(path) for path in sorted(files.glob("part-*.h5ad"))}
shards = [anndata.read_h5ad(path) for path in sorted((files / "out").glob("cells-*.h5ad"))]
assert len(shards) == about["shards"]
data = anndata.concat(shards, merge="same")
assert data.n_obs == about["cells"] == build["sample"]["cells"], (data.n_obs, about["cells"])
assert data.obs_names.is_unique

# Counts: each cell's genes under their ids without version; nothing else is stored.
for path, source in sources.items():
    mine = data[data.obs["source"] == path]
    rows = mine.obs["source_row"].to_numpy()
    original = pd.DataFrame(source.X.toarray()[rows], columns=[gene.split(".")[0] for gene in source.var_names])
    found = mine.to_df()
    np.testing.assert_array_equal(found[original.columns].to_numpy(), original.to_numpy())
    assert (found.drop(columns=original.columns).to_numpy() == 0).all()
    np.testing.assert_array_equal(mine.obs["n_genes"], (original.to_numpy() > 0).sum(axis=1))
    np.testing.assert_allclose(mine.obs["n_counts"], original.to_numpy().sum(axis=1))
    for label in ["cell_type", "tissue", "assay", "donor_id"]:
        assert mine.obs[label].astype(str).tolist() == source.obs[label].iloc[rows].astype(str).tolist(), label
    assert source.obs["is_primary_data"].iloc[rows].all()
    assert (source.obs["tissue_type"].iloc[rows] == "tissue").all()
assert data.X.nnz == (data.X.toarray() != 0).sum()
assert not data.obs["assay"].isin(["Smart-seq2"]).any() and not data.obs["cell_type"].isin(["unknown"]).any()

# Split: a donor, known within its dataset, is in one part; what is validated and tested is trained on.
donors = data.obs["dataset_id"].astype(str) + "/" + data.obs["donor_id"].astype(str)
assert (data.obs.groupby(donors)["split"].nunique() == 1).all()
train = data.obs[data.obs["split"] == "train"]
for label in ["cell_type", "tissue_general", "disease"]:
    assert set(data.obs[label]) <= set(train[label]), label
assert {k: v for k, v in about["counts"].items() if v} == data.obs["split"].value_counts().to_dict()

# Texts: by the template, with the two pathways that the columns name.
sentences = dict(line.split("\t") for line in (files / "sentences.tsv").read_text().splitlines())
for _, cell in data.obs.iterrows():
    text = cell["description"]
    assert text.startswith(f"This sample consists of a {cell['cell_type']}"), text
    assert f"originates from the {cell['tissue']} of a" in text, text
    disease = cell["disease"]
    assert "||" not in disease and (disease == "normal" or f"with {disease}" in text), text
    told = [sentences[cell[c]] for c in ["pathway_1", "pathway_2"] if isinstance(cell[c], str)]
    assert all(sentence in text for sentence in told), text
    assert len(re.findall(r"This cell is associated with|Additionally, it involves", text)) == len(told), text

# Highly variable genes: scanpy's, of the whole dataset.
genes = pd.read_csv(files / "out/stages/genes/table.csv", index_col="gene")
assert genes.index.tolist() == data.var_names.tolist()
sc.pp.normalize_total(data, target_sum=1e4)
sc.pp.log1p(data)
sc.pp.highly_variable_genes(data, flavor="seurat", n_top_genes=150)
np.testing.assert_allclose(genes["mean"], data.var["means"], rtol=1e-5, atol=1e-9)
np.testing.assert_allclose(genes["normalised_dispersion"], data.var["dispersions_norm"], rtol=1e-4, atol=1e-5)
assert ((genes["highly_variable"] == "yes").to_numpy() == data.var["highly_variable"].to_numpy()).all()

# Pathways: active is the top 5% of a cell's sets; retained, in 0.5% of the cells; the two highest of these are told.
scores = safetensors.numpy.load_file(files / "out/stages/pathways/scores.safetensors")["scores"]
table = pd.read_csv(files / "out/stages/pathways/table.csv", index_col="set")
assert scores.shape == (data.n_obs, len(table))
active = (scores > 0) & (scores >= np.percentile(scores, 95, axis=1, keepdims=True).astype(scores.dtype))
np.testing.assert_array_equal(table["active_cells"], active.sum(axis=0))
retained = active.mean(axis=0) >= 0.005
assert ((table["retained"] == "yes") == retained).all()
ranked = np.argsort(-np.where(retained, scores, -1), axis=1, kind="stable")
for place, column in enumerate(["pathway_1", "pathway_2"]):
    best = ranked[:, place]
    value = np.take_along_axis(scores, best[:, None], axis=1)[:, 0]
    expected = [table.index[b] if v > 0 and retained[b] else None for b, v in zip(best, value)]
    found = [v if isinstance(v, str) else None for v in data.obs[column]]
    assert found == expected, column

(Path(arguments.folder) / "summary.txt").write_text(
    f"{data.n_obs} cells, {donors.nunique()} donors, parts {data.obs['split'].value_counts().to_dict()}, "
    f"{data.obs['pathway_1'].notna().sum()} with a pathway\n")
