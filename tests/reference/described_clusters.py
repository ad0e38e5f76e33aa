"""Computes again, from the described cells of an output, what it and the table say of clusters.
Usage: described_clusters.py FOLDER --seed N CELLS OUTPUT TABLE.csv COLUMN WANTED; writes FOLDER/ok."""

import argparse
import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--seed")
parser.add_argument("cells", type=Path)
parser.add_argument("output", type=Path)
parser.add_argument("table", type=Path)
parser.add_argument("column")
parser.add_argument("wanted", type=int)
arguments = parser.parse_args()

cells = anndata.read_h5ad(arguments.cells).obs
clusters = cells[arguments.column].astype(str)
ending = arguments.output.suffix
if ending == ".h5ad":
    found = anndata.read_h5ad(arguments.output).obs
    for name in found.columns:
        if name.startswith("cell2text_cluster_") and name.endswith("_mixed"):
            assert found[name].dtype == bool, (name, found[name].dtype)
elif ending == ".csv":
    found = pd.read_csv(arguments.output, index_col="cell", dtype={"cell2text_cluster": str})
else:
    lines = [json.loads(line) for line in arguments.output.read_text().splitlines()]
    found = pd.DataFrame(lines).set_index("cell").add_prefix("cell2text_")
assert found.index.tolist() == cells.index.tolist()
found = found.astype({name: object for name in found.columns if isinstance(found[name].dtype, pd.CategoricalDtype)})
assert found["cell2text_cluster"].tolist() == clusters.tolist()

described = found["cell2text_status"] != "not_described"
sizes = clusters.value_counts()
assert described.groupby(clusters).sum().to_dict() == {name: min(arguments.wanted, size) for name, size in sizes.items()}

table = pd.read_csv(arguments.table, dtype={"cluster": str}).set_index("cluster")
assert sorted(table.index) == sorted(sizes.index)
assert table["cells"].to_dict() == sizes.to_dict()
assert table["described"].to_dict() == {name: min(arguments.wanted, size) for name, size in sizes.items()}

told = mixed = 0
for label in ("cell_type", "tissue", "disease", "sex", "development_stage"):
    name = f"cell2text_{label}"
    if name not in found:  # a .jsonl of which no cell has it
        continue
    raw = found.get(f"{name}_raw", found[name])
    weights = found.get(f"{name}_confidence", pd.Series(1.0, index=found.index))
    for cluster in table.index:
        member = clusters == cluster
        votes = pd.DataFrame({"label": raw, "weight": weights.astype(float)})[member & described].dropna()
        sums = votes.groupby("label")["weight"].sum()
        sums = sums[sums > 0]
        row = table.loc[cluster]
        everywhere = {what: found.loc[member, f"cell2text_cluster_{label}{what}"] if f"cell2text_cluster_{label}{what}" in found
                      else pd.Series(np.nan, index=found.index[member]) for what in ("", "_share", "_mixed")}
        if sums.empty:
            assert pd.isna(row[label]) and everywhere[""].isna().all() and everywhere["_share"].isna().all()
            assert not everywhere["_mixed"].any()
            continue
        best, share = sums.idxmax(), sums.max() / sums.sum()
        told, mixed = told + 1, mixed + (share < 0.5)
        assert row[label] == best and abs(row[f"{label}_share"] - share) < 1e-3, (cluster, label, row, sums)
        assert row[f"{label}_mixed"] == (share < 0.5)
        assert row[f"{label}_votes"].startswith(f"{best} ")
        assert (everywhere[""] == best).all() and (everywhere["_mixed"] == (share < 0.5)).all()
        np.testing.assert_allclose(everywhere["_share"].astype(float), share, rtol=1e-4)
assert told > 0
print(f"{told} labels of clusters, {mixed} of them mixed")
(arguments.folder / "ok").write_text("ok\n")
