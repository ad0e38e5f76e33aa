"""Opens with anndata what `describe` and `embed` make of cells that are no .h5ad: counts, genes, names and labels are those of
the same cells as an .h5ad. Usage: described_new.py FOLDER --seed N CELLS.h5ad LABELS.csv OUTPUT[:OBSM]...; writes FOLDER/ok."""

import argparse
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--seed")
parser.add_argument("cells", type=Path)
parser.add_argument("labels", type=Path)
parser.add_argument("outputs", nargs="+")
arguments = parser.parse_args()

cells = anndata.read_h5ad(arguments.cells)
labels = pd.read_csv(arguments.labels, index_col=0, dtype=str)
for output in arguments.outputs:
    path, _, obsm = output.partition(":")
    made = anndata.read_h5ad(path)
    assert made.obs_names.tolist() == cells.obs_names.tolist()
    assert made.var_names.tolist() == cells.var_names.tolist()
    assert made.X.format == "csr" and made.X.has_sorted_indices and (made.X != cells.X).nnz == 0
    for column in labels.columns:
        written = made.obs[column].astype(object).where(made.obs[column].notna(), None).tolist()
        assert written == labels[column].reindex(made.obs_names).astype(object).where(
            labels[column].reindex(made.obs_names).notna(), None).tolist(), column
    if obsm:
        values = made.obsm[obsm]
        assert values.shape[0] == made.n_obs and np.isfinite(values).all()
    else:
        assert (made.obs["cell2text_description"].str.len() > 0).all()
        assert made.obs["cell2text_cell_type"].dtype == "category"
        assert "model_hash" in made.uns["cell2text"]
(arguments.folder / "ok").write_text("ok\n")
