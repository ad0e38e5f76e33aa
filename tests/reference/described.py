"""Opens the input and the output of `describe` with anndata: all that was there is unchanged, the new columns are
of the promised types. Usage: described.py FOLDER --seed N INPUT OUTPUT; writes FOLDER/ok."""

import argparse
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--seed")
parser.add_argument("input", type=Path)
parser.add_argument("output", type=Path)
arguments = parser.parse_args()

before, after = anndata.read_h5ad(arguments.input), anndata.read_h5ad(arguments.output)
assert (before.X != after.X).nnz == 0 and before.X.dtype == after.X.dtype
pd.testing.assert_frame_equal(before.var, after.var)
pd.testing.assert_frame_equal(before.obs, after.obs[before.obs.columns])
for name in ("layers", "obsm", "varm", "obsp", "varp"):
    assert set(getattr(before, name).keys()) == set(getattr(after, name).keys()), name
for key, value in before.uns.items():
    assert np.array_equal(np.asarray(value), np.asarray(after.uns[key])), key

new = [c for c in after.obs.columns if c not in before.obs.columns]
expected = ["cell2text_description", "cell2text_status", "cell2text_n_genes_used", "cell2text_log_probability"]
labels = ("cell_type", "tissue", "disease", "sex", "development_stage")
for label in labels:
    expected += [f"cell2text_{label}"] + [f"cell2text_{label}_ontology_term_id"] * (label in labels[:3])
categories = expected[1:2] + expected[4:]
confidences = [f"cell2text_{label}_{what}" for label in labels for what in ("confidence", "unknown")]
assert new == expected + confidences, new
assert all(isinstance(text, str) for text in after.obs["cell2text_description"])
empty = after.obs["cell2text_status"] == "no_counts"
assert ((after.obs["cell2text_description"].str.len() > 0) != empty).all()
for column in confidences:
    values = after.obs[column]
    assert values.dtype == np.float32 and values[empty].isna().all(), column
    assert values.dropna().between(0, 1 + 1e-6).all(), column
for column in categories:
    assert isinstance(after.obs[column].dtype, pd.CategoricalDtype), column
assert set(after.obs["cell2text_status"].cat.categories) <= {"ok", "no_counts", "few_known_genes", "unreadable", "truncated"}
assert after.obs["cell2text_n_genes_used"][~empty].between(1, 32).all()
assert (after.obs["cell2text_n_genes_used"][empty] == 0).all()
assert (after.obs["cell2text_log_probability"][~empty] < 0).all()
assert after.obs["cell2text_log_probability"][empty].isna().all()
about = after.uns["cell2text"]
for key in ("model", "model_hash", "cell2text_version", "ontology_release", "date", "generation"):
    assert key in about, key
(arguments.folder / "ok").write_text("ok\n")
