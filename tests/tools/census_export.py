"""Tests tools/census_export.py against a SOMA experiment on disk, made by tiledbsoma of the demo's cells and random
ones: what it fetches must be what went in.

Usage: .deps/env/bin/python tests/tools/census_export.py [--seed N]     (or CELL2TEXT_TEST_SEED; else another each time)
"""
import argparse
import contextlib
import csv
import importlib.util
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
import tiledbsoma
import tiledbsoma.io

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--seed", type=int, default=os.environ.get("CELL2TEXT_TEST_SEED", int.from_bytes(os.urandom(2))))
SEED = parser.parse_args().seed
random = np.random.default_rng(SEED)
TEMPORARY = tempfile.TemporaryDirectory(prefix="cell2text-test-")
FOLDER = pathlib.Path(TEMPORARY.name)


def made_cells():
    """The cells that stand in the experiment, with columns as the Census has them."""
    demo = anndata.read_h5ad(ROOT / "data/demo/pbmc.h5ad")
    demo.obs = demo.obs[["cell_type", "tissue", "donor_id", "is_primary_data", "percent_mito"]]
    genes, cells = demo.n_vars, 400
    counts = sp.random(cells, genes, 0.3, format="csr", random_state=int(random.integers(2**31)), dtype="float32",
                       data_rvs=lambda n: 1 + random.geometric(0.2, n))
    obs = pd.DataFrame({"cell_type": pd.Categorical(random.choice(["T cell", "naïve B cell", "neuron"], cells)),
                        "tissue": pd.Categorical(np.where(random.random(cells) < 0.2, None, "brain")),
                        "donor_id": [f"P{i}" for i in random.integers(0, 9, cells)],
                        "is_primary_data": random.random(cells) < 0.6,
                        "percent_mito": random.random(cells).astype("float32")}, index=[f"made {i}" for i in range(cells)])
    both = anndata.concat([demo, anndata.AnnData(counts, obs=obs, var=demo.var)], merge="first")
    both = both[random.permutation(both.n_obs)].copy()
    both.obs["nnz"] = np.diff(both.X.indptr).astype("int64")
    both.obs["observation_joinid"] = [f"{i:010x}" for i in random.integers(0, 2**40, both.n_obs)]
    both.var = both.var[["feature_name"]]
    return both


def make_census(cells):
    """A collection of the Census's layout; the paths of it and of its experiment."""
    census = FOLDER / "census"
    with tiledbsoma.Collection.create(str(census)) as root:
        root.add_new_collection("census_data")
    experiment = str(census / "census_data/homo_sapiens")
    tiledbsoma.io.from_anndata(experiment, cells, "RNA", X_layer_name="raw", var_id_name="feature_id")
    with tiledbsoma.open(str(census / "census_data"), "w") as data:
        data["homo_sapiens"] = tiledbsoma.open(experiment)
    return census, experiment


def load_tool():
    spec = importlib.util.spec_from_file_location("census_export", ROOT / "tools/census_export.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


TOOL = load_tool()


def export(*words, modules=None):
    """Runs the tool, in a process of its own where modules stand in for others; its status and what it said."""
    words = [str(word) for word in words]
    if modules:
        done = subprocess.run([sys.executable, TOOL.__file__, *words], capture_output=True, text=True,
                              env=os.environ | {"PYTHONPATH": str(modules)})
        return done.returncode, done.stderr
    said, sys.argv = io.StringIO(), [TOOL.__file__, *words]
    with contextlib.redirect_stderr(said):
        try:
            TOOL.main()
        except SystemExit as end:
            return (end.code, said.getvalue()) if isinstance(end.code, int) else (1, said.getvalue() + str(end.code))
    return 0, said.getvalue()


def succeeds(*words, **more):
    status, said = export(*words, **more)
    assert status == 0, said
    return said


def refuses(parts, *words, **more):
    status, said = export(*words, **more)
    assert status == 1 and all(part in said for part in parts) and "Traceback" not in said, (parts, said)


def files_of(folder):
    assert not list(folder.glob(".*.tmp")), "a temporary file is left"
    return sorted(folder.glob("*.h5ad"))


def compare(found, cells, columns):
    """A file's cells with those of the same number that went in."""
    expected = cells[found.obs["soma_joinid"].to_numpy()]
    assert (np.diff(found.obs["soma_joinid"]) > 0).all() and list(found.obs_names) == [str(i) for i in found.obs["soma_joinid"]]
    assert list(found.var_names) == list(cells.var_names)
    assert list(found.var["feature_name"]) == list(cells.var["feature_name"])
    for name in columns:
        a, b = found.obs[name].to_numpy(), expected.obs[name].to_numpy()
        assert (pd.isna(a) == pd.isna(b)).all() and (a[~pd.isna(a)] == b[~pd.isna(b)]).all(), name
    assert (found.obs["organism"] == "Homo sapiens").all()
    for name in found.obs.select_dtypes("category"):
        assert set(found.obs[name].cat.categories) == set(found.obs[name].dropna()), f"{name} has unused categories"
    return expected


def test_labels(census, cells):
    per_file = int(random.integers(100, 900))
    out = FOLDER / "labels"
    rule = "is_primary_data == True and cell_type != 'neuron'"
    command = ["labels", "-o", out, "--uri", census, "--filter", rule, "--cells-per-file", per_file]
    succeeds(*command)
    columns = [name for name in cells.obs if name != "observation_joinid"]
    joinids = []
    for path in files_of(out):
        found = anndata.read_h5ad(path)
        assert found.X.nnz == 0 and found.X.shape == (found.n_obs, cells.n_vars) and isinstance(found.X, sp.csr_matrix)
        assert found.n_obs <= per_file and "observation_joinid" not in found.obs
        compare(found, cells, columns)
        joinids += list(found.obs["soma_joinid"])
    expected = np.flatnonzero((cells.obs["is_primary_data"] & (cells.obs["cell_type"] != "neuron")).to_numpy())
    assert joinids == list(expected), "the filter took others"
    assert len(files_of(out)) == len({i // per_file for i in expected})
    return out, command


def choose(labels, path):
    """A table as the builder leaves it, in no order, and the cells it means."""
    lines, joinids = [], []
    for file in files_of(labels):
        all_of_file = anndata.read_h5ad(file).obs["soma_joinid"].to_numpy()
        for row in random.permutation(len(all_of_file))[:max(1, int(0.4 * len(all_of_file)))]:
            lines.append([str(file), row, "whole, of \"all\""])
            joinids.append(all_of_file[row])
    random.shuffle(lines)
    with open(path, "w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([["source", "row", "part"], *lines])
    return sorted(joinids)


def test_counts(labels, cells):
    chosen = FOLDER / "chosen.csv"
    joinids = choose(labels, chosen)
    out, per_file = FOLDER / "counts", int(random.integers(20, 200))
    command = ["counts", "--labels", labels, "--chosen", chosen, "-o", out, "--cells-per-file", per_file]
    succeeds(*command)
    files, fetched = files_of(out), []
    for path in files:
        found = anndata.read_h5ad(path)
        expected = compare(found, cells, cells.obs.columns)
        assert isinstance(found.X, sp.csr_matrix) and found.X.has_sorted_indices and found.X.dtype == cells.X.dtype
        assert (found.X != expected.X).nnz == 0 and found.X.nnz == expected.X.nnz, f"{path.name}: other counts"
        fetched += list(found.obs["soma_joinid"])
    assert fetched == joinids and len(files) == -(-len(joinids) // per_file)
    return out, command, chosen, joinids


def test_resumed(out, command):
    """What is there stays as it is, and what is missing comes again with the same bytes."""
    files = files_of(out)
    gone = random.choice(files)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    gone.unlink()
    (out / f".{gone.name}.tmp").write_bytes(b"half")
    said = succeeds(*command)
    assert said.count("is there") == len(files) - 1, said
    for path in files_of(out):
        assert path.read_bytes() == before[path][0], f"{path.name} has other bytes"
        assert path == gone or path.stat().st_mtime_ns == before[path][1], f"{path.name} was written again"


def test_own_table(labels, cells):
    """A table of numbers, one of them twice."""
    path, out = FOLDER / "own.csv", FOLDER / "own"
    wanted = sorted(random.choice(cells.n_obs, 5, replace=False))
    path.write_text("name,soma_joinid\n" + "".join(f"x,{i}\n" for i in [*wanted, wanted[2]]))
    said = succeeds("counts", "--labels", labels, "--chosen", path, "-o", out)
    assert "1 cells are named twice" in said, said
    assert list(anndata.read_h5ad(out / "cells-00001.h5ad").obs["soma_joinid"]) == wanted


def modules_with(name, text):
    """A folder whose module of this name stands before the installed one."""
    folder = FOLDER / f"modules {name} {len(list(FOLDER.glob('modules*')))}"
    folder.mkdir()
    (folder / f"{name}.py").write_text(text)
    return folder


def test_version(experiment, cells):
    """--census-version asks cellxgene_census, which is not installed here: a stand-in of the same signature answers."""
    text = ("import tiledbsoma\n"
            "def open_soma(*, census_version='stable', mirror=None, uri=None, tiledb_config=None, context=None):\n"
            f"    assert census_version == '2024-07-01' and tiledb_config, (census_version, tiledb_config)\n"
            f"    return tiledbsoma.open({str(FOLDER / 'census')!r})\n")
    out = FOLDER / "of version"
    command = ["labels", "-o", out, "--census-version", "2024-07-01", "--filter", ""]
    succeeds(*command, modules=modules_with("cellxgene_census", text))
    found = anndata.read_h5ad(out / "labels-00001.h5ad")
    assert found.n_obs == cells.n_obs and found.uns["title"] == "CELLxGENE Census 2024-07-01"
    missing = modules_with("cellxgene_census", "raise ImportError('not there')\n")
    refuses(["cellxgene_census", "pip install cellxgene-census"], *command, modules=missing)
    missing = modules_with("tiledbsoma", "raise ImportError('not there')\n")
    refuses(["tiledbsoma", "pip install tiledbsoma"], "labels", "-o", FOLDER / "x", "--uri", experiment, modules=missing)
    succeeds("labels", "-o", FOLDER / "alone", "--uri", experiment)  # an experiment without a collection around it


def test_refusals(census, labels_command, counts, command, chosen, joinids):
    table = FOLDER / "bad.csv"

    def bad(text, *parts):
        table.write_text(text)
        refuses(parts, "counts", "--labels", FOLDER / "labels", "--chosen", table, "-o", FOLDER / "none")

    bad("source,row\nlabels-00001.h5ad,1000000\n", "row 1000000", "labels-00001.h5ad")
    bad("source,row\nlabels-00001.h5ad,-1\n", "row -1")
    bad("source,row\nlabels-00001.h5ad,x\n", "bad.csv:2", "'x'")
    bad("source,row\nother.h5ad,1\n", "other.h5ad", "not in")
    bad("source,row\n", "names no cell")
    bad("cell,part\na,b\n", "columns cell, part", "soma_joinid")
    bad("soma_joinid\nx\n", "invalid literal", "soma_joinid")
    bad(f"soma_joinid\n3\n{10**7}\n", f"cell {10**7}", "not there")
    bad(f"soma_joinid\n{10**7}\n", f"cell {10**7}", "not there")
    bad("part,soma_joinid\na\n", "index out of range")
    assert not list((FOLDER / "none").glob("*.h5ad"))
    table.write_text(f"soma_joinid\n{joinids[0]}\n")
    refuses(["holds other cells", "-o"], *[table if word == chosen else word for word in command])
    refuses(["holds other cells", "filter"], *[word for word in labels_command if word != "--filter"
                                               and "neuron" not in str(word)])
    refuses(["census.json", "--labels"], "counts", "--labels", FOLDER, "--chosen", chosen, "-o", FOLDER / "none")
    refuses(["no SOMA collection"], "labels", "-o", FOLDER / "x", "--uri", FOLDER / "nothing")
    refuses(["census_data/mus_musculus", "homo_sapiens"], "labels", "-o", FOLDER / "x", "--uri", census,
            "--organism", "mus_musculus")
    refuses(["none of", "passes the filter"], "labels", "-o", FOLDER / "x", "--uri", census, "--filter",
            "cell_type == 'nobody'")
    refuses(["nonsense"], "labels", "-o", FOLDER / "y", "--uri", census, "--filter", "nonsense ==== 3")
    other = FOLDER / "other"
    other.mkdir()
    (other / "a.h5ad").write_text("")
    refuses(["holds other cells: what is null"], "labels", "-o", other, "--uri", census)


def test_short_counts(cells):
    """A cell whose counts are fewer than obs says is refused."""
    some = cells[:20].copy()
    some.obs["nnz"] += (np.arange(20) == 7).astype("int64")
    experiment = str(FOLDER / "short")
    tiledbsoma.io.from_anndata(experiment, some, "RNA", X_layer_name="raw", var_id_name="feature_id")
    labels, table = FOLDER / "short labels", FOLDER / "short.csv"
    succeeds("labels", "-o", labels, "--uri", experiment, "--filter", "")
    table.write_text("soma_joinid\n7\n")
    refuses(["cell 7", "did not come whole"], "counts", "--labels", labels, "--chosen", table, "-o", FOLDER / "none")
    with tiledbsoma.open(experiment + "/obs", "d") as obs:
        obs.delete_cells((slice(11, 11),))
    table.write_text("soma_joinid\n10\n11\n12\n")
    refuses(["cell 11", "not there"], "counts", "--labels", labels, "--chosen", table, "-o", FOLDER / "none")


def main():
    print(f"seed {SEED}", flush=True)
    cells = made_cells()
    census, experiment = make_census(cells)
    labels, labels_command = test_labels(census, cells)
    counts, command, chosen, joinids = test_counts(labels, cells)
    test_resumed(labels, labels_command)
    test_resumed(counts, command)
    test_own_table(labels, cells)
    test_version(experiment, cells)
    test_refusals(census, labels_command, counts, command, chosen, joinids)
    test_short_counts(cells)
    print(f"{len(joinids)} of {cells.n_obs} cells were chosen and fetched")


if __name__ == "__main__":
    main()
