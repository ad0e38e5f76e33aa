"""Compares a copied .h5ad with its original: everything equal, and the additions as wanted.

    h5ad_compare.py FOLDER --seed N INPUT OUTPUT WANTED.json

Exits with 1 and the first difference. Compares what anndata reads, and each object of the files themselves.
"""

import argparse
import json
import warnings

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

warnings.filterwarnings("ignore")
anndata.settings.allow_write_nullable_strings = True

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("input")
parser.add_argument("output")
parser.add_argument("wanted")
arguments = parser.parse_args()
wanted = json.load(open(arguments.wanted))
names = [column["name"] for column in wanted["columns"]]


def check_new(found):
    for column in wanted["columns"]:
        series = found.obs[column["name"]]
        if column["type"] == "category":
            assert isinstance(series.dtype, pd.CategoricalDtype) and not series.cat.ordered, series.dtype
            assert series.cat.categories.tolist() == column["categories"]
            assert series.cat.codes.tolist() == column["codes"]
        elif column["type"] == "object":
            assert series.tolist() == column["values"]
        else:
            assert series.dtype == column["type"], (series.dtype, column["type"])
            values = np.array([np.nan if v is None else v for v in column["values"]], dtype=column["type"])
            np.testing.assert_array_equal(series.to_numpy(), values)
    about = found.uns["cell2text"]
    assert set(about) == set(wanted["uns"]), about
    for key, value in wanted["uns"].items():
        result = about[key].tolist() if isinstance(about[key], np.ndarray) else about[key]
        assert result == value, (key, about[key], value)
        if isinstance(value, bool):
            assert isinstance(about[key], (bool, np.bool_)), type(about[key])


def check_equal(after, before, place):
    """Same types, shapes and values, all the way down."""
    if not hasattr(before, "keys"):
        assert type(after) is type(before), (place, type(after), type(before))
    if isinstance(before, pd.DataFrame):
        pd.testing.assert_frame_equal(after, before, check_exact=True, check_names=True)
    elif sp.issparse(before):
        assert (after.shape, after.dtype, after.format) == (before.shape, before.dtype, before.format), place
        for part in ["data", "indices", "indptr"]:
            np.testing.assert_array_equal(getattr(after, part), getattr(before, part), err_msg=place)
    elif isinstance(before, np.ndarray):
        assert after.dtype == before.dtype, place
        np.testing.assert_array_equal(after, before, err_msg=place)
    elif hasattr(before, "keys"):
        assert list(after.keys()) == list(before.keys()), (place, list(after.keys()), list(before.keys()))
        for key in before.keys():
            check_equal(after[key], before[key], f"{place}/{key}")
    else:
        assert after == before, (place, after, before)


def check_rest(before, after):
    kept = [c for c in before.obs.columns if c not in names]
    new = [c for c in names if c not in before.obs.columns]
    assert after.obs.columns.tolist() == before.obs.columns.tolist() + new, after.obs.columns
    before.obs, after.obs = before.obs[kept], after.obs[kept]
    del after.uns["cell2text"]
    for name, rows in wanted["obsm"].items():
        matrix = after.obsm.pop(name)
        assert matrix.dtype == np.float32, matrix.dtype
        np.testing.assert_array_equal(matrix, np.array(rows, dtype=np.float32).reshape(after.n_obs, -1))
    for part in ["X", "obs", "var", "uns", "obsm", "varm", "obsp", "varp", "layers"]:
        check_equal(getattr(after, part), getattr(before, part), part)
    assert (after.raw is None) == (before.raw is None)
    if before.raw is not None:
        for part in ["X", "var", "varm"]:
            check_equal(getattr(after.raw, part), getattr(before.raw, part), f"raw/{part}")


def value(dataset):
    data = dataset[()]
    if h5py.check_ref_dtype(dataset.dtype):
        return None
    return data


def check_objects(before, after):
    """Types, shapes, filters, attributes and values of every object that was there before."""
    def check(path, old):
        if any(path == f"obs/{n}" or path.startswith((f"obs/{n}/", f"obs/__categories/{n}")) for n in names):
            return
        new = after[path]
        assert type(old) is type(new), path
        for key in old.attrs:
            if (path, key) != ("obs", "column-order") and not isinstance(old.attrs[key], h5py.Reference):
                np.testing.assert_array_equal(new.attrs[key], old.attrs[key], err_msg=f"{path}@{key}")
        if isinstance(old, h5py.Dataset):
            assert (old.dtype, old.shape, old.chunks, old.compression) == (new.dtype, new.shape, new.chunks, new.compression), path
            np.testing.assert_array_equal(value(new), value(old), err_msg=path)
    before.visititems(check)


with h5py.File(arguments.input) as before, h5py.File(arguments.output) as after:
    check_objects(before, after)
found = anndata.read_h5ad(arguments.output)
check_new(found)
check_rest(anndata.read_h5ad(arguments.input), found)
