"""The .jsonl and .csv that `describe` writes hold what the .h5ad holds.
Usage: described_tables.py FOLDER --seed N H5AD JSONL CSV; writes FOLDER/ok."""

import argparse
import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--seed")
for name in ("h5ad", "jsonl", "csv"):
    parser.add_argument(name, type=Path)
arguments = parser.parse_args()

obs = anndata.read_h5ad(arguments.h5ad).obs
lines = [json.loads(line) for line in arguments.jsonl.read_text().splitlines()]
table = pd.read_csv(arguments.csv, index_col="cell", keep_default_na=False)
assert [line["cell"] for line in lines] == list(obs.index) == list(table.index)
assert [line["description"] for line in lines] == list(obs["cell2text_description"]) == list(table["cell2text_description"])
assert [line["status"] for line in lines] == list(obs["cell2text_status"])
assert [line["n_genes_used"] for line in lines] == list(obs["cell2text_n_genes_used"])
np.testing.assert_allclose([line["log_probability"] for line in lines], obs["cell2text_log_probability"], rtol=1e-5)
assert [line.get("cell_type", "") for line in lines] == list(obs["cell2text_cell_type"].astype(object).fillna(""))
for column in (name for name in obs.columns if name.endswith(("_confidence", "_unknown"))):
    from_lines = [line.get(column.removeprefix("cell2text_"), np.nan) for line in lines]
    np.testing.assert_allclose(from_lines, obs[column], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(pd.to_numeric(table[column]), obs[column], rtol=1e-4, atol=1e-6)
(arguments.folder / "ok").write_text("ok\n")
