"""Runs the blocks of docs/walk.md as they stand there, in an empty folder that holds nothing but a model and the demo data,
and looks at what they leave. Usage: walk.py FOLDER --seed N PAGE.md MODEL DATA COMMANDS; COMMANDS is the folder of
`cell2text`. Writes FOLDER/ok."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import anndata
import matplotlib.image
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--seed")
parser.add_argument("page", type=Path)
parser.add_argument("model", type=Path)
parser.add_argument("data", type=Path)
parser.add_argument("commands", type=Path)
arguments = parser.parse_args()

folder = arguments.folder / "walk"
folder.mkdir()
(folder / "model").symlink_to(arguments.model.resolve())
(folder / "data").symlink_to(arguments.data.resolve())
environment = os.environ | {
    "PATH": f"{arguments.commands.resolve()}:{Path(sys.executable).parent}:{os.environ['PATH']}",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
}

blocks = re.findall(r"^```(\w*)\n(.*?)^```$", arguments.page.read_text(), re.M | re.S)
assert [language for language, _ in blocks] == ["python", "sh", "sh", "python"], "the page has other blocks"
printed = []
for language, text in blocks:
    command = [sys.executable, "-c", text] if language == "python" else ["bash", "-euc", text]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"status {done.returncode} of:\n{text}\n{done.stdout}\n{done.stderr}"
    printed.append(done.stdout)

demo = anndata.read_h5ad(arguments.data / "demo/pbmc.h5ad")
for name in ("described.h5ad", "umap.h5ad"):
    cells = anndata.read_h5ad(folder / name)
    counts = cells.layers["counts"] if "counts" in cells.layers else cells.X
    assert cells.obs_names.tolist() == demo.obs_names.tolist(), name
    assert cells.var_names.tolist() == demo.var_names.tolist() and (counts != demo.X).nnz == 0, name
    assert "cell_type" not in cells.obs and (cells.obs["cell2text_description"].str.len() > 0).all(), name
    assert cells.obs["cell2text_cell_type_confidence"].dropna().between(0, 1 + 1e-6).all(), name
types = cells.obs["cell2text_cell_type"].cat.categories
assert len(types) > 1, "the model tells one type alone; the picture would say nothing"
assert np.isfinite(cells.obsm["X_umap"]).all() and cells.obsm["X_umap"].std() > 0.1
assert printed[-1].strip() == cells.obs["cell2text_description"].iloc[0]

picture = matplotlib.image.imread(folder / "umap.png")[:, :, :3]
assert min(picture.shape[:2]) > 300, picture.shape
colours = {tuple(pixel) for pixel in (picture.reshape(-1, 3) * 255).round().astype(int)}
of_types = {tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for colour in cells.uns["cell2text_cell_type_colors"]}
assert of_types <= colours, f"of {len(of_types)} types {len(of_types - colours)} have no point in the picture"
assert len(colours) > 100, "the confidences are not there in shades"
(arguments.folder / "ok").write_text("ok\n")
