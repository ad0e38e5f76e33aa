#!/usr/bin/env python3
"""Brings a part of CELLxGENE Census to disk, as .h5ad files that `cell2text dataset build` reads.

Usage: tools/census_export.py labels -o LABELS [--census-version 2025-01-30 | --uri PATH] [--organism homo_sapiens]
                                     [--filter "is_primary_data == True"] [--cells-per-file 500000]
       tools/census_export.py counts --labels LABELS --chosen chosen.csv -o COUNTS [--cells-per-file 20000]

In two steps, so that the builder chooses the cells and no counts are fetched for nothing:

  1. `labels` reads obs alone and writes it as files without any count, labels-00001.h5ad and so on. Their obs has the
     Census's columns, among them `nnz` (expressed genes) and `soma_joinid` (the cell's number there).
  2. cell2text dataset build build.toml --until sample    with LABELS/*.h5ad as sources and any_values = true, as they
     hold only zeros. It leaves the cells that it takes in stages/sample/chosen.csv.
  3. `counts` fetches these cells, in the order of their numbers, into cells-00001.h5ad and so on: CSR counts, the same
     obs columns, var by Ensembl id with feature_name. A build file with COUNTS/*.h5ad as sources builds from there, with
     sample.cells = "all", since they are chosen already.

chosen.csv is a table with a header, of which two columns are looked at: `source`, a file of LABELS (its path, or its
name alone), and `row` in it, from 0. A table of your own may have a column `soma_joinid` instead.

A file gets its name when it is whole, and one that is there is not fetched again: after an interruption run the same
command again. census.json in both folders says where the cells are from; a folder with others is refused. Memory is
that of one file's cells.

Needs tiledbsoma, and for --census-version cellxgene-census, which reads the public copy on S3 without an account:
  pip install cellxgene-census
--uri takes a copy of the Census or a SOMA experiment of one's own (measurement RNA, X/raw, var column feature_id).
"""
import argparse
import contextlib
import csv
import fcntl
import hashlib
import json
import os
import sys
import time
from pathlib import Path

NAMES = {"homo_sapiens": "Homo sapiens", "mus_musculus": "Mus musculus"}  # as the schema of CELLxGENE has them
LARGE = {"observation_joinid"}  # a text of its own for every cell; left out of labels
BUFFER_BYTES = 32 << 20  # of TileDB, for each column of a read


def fail(text):
    sys.exit(f"census_export.py: {text}")


def needed(module, package):
    try:
        return __import__(module)
    except ImportError as error:
        fail(f"{module} cannot be imported ({error}); by hand: {sys.executable} -m pip install {package}")


@contextlib.contextmanager
def opened(origin):
    """The experiment that `origin` (of census.json) speaks of."""
    config = {"soma.init_buffer_bytes": BUFFER_BYTES}
    organism, version, uri = origin["organism"], origin["census_version"], origin["uri"]
    soma = needed("tiledbsoma", "tiledbsoma")
    if uri is None:
        census = needed("cellxgene_census", "cellxgene-census")
        found = census.open_soma(census_version=version, tiledb_config=config)
    else:
        try:
            found = soma.open(uri, context=soma.SOMATileDBContext(tiledb_config=config))
        except soma.DoesNotExistError:
            fail(f"{uri} is no SOMA collection; expected is a copy of the Census, or an experiment")
    with found:
        if isinstance(found, soma.Experiment):
            yield found
            return
        organisms = sorted(found["census_data"]) if "census_data" in found else []
        if organism not in organisms:
            fail(f"{uri or version} holds no experiment census_data/{organism}; "
                 f"of organisms it has: {', '.join(organisms) or 'none'}")
        yield found["census_data"][organism]


@contextlib.contextmanager
def folder_of(path, about):
    """Makes the folder, or takes the one in which the same is to be had; nobody else works on it meanwhile."""
    path.mkdir(parents=True, exist_ok=True)
    with open(path / ".census_export.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fail(f"another census_export.py works on {path}")
        record = path / "census.json"
        old = json.loads(record.read_text()) if record.exists() else {}
        differing = [key for key in about if old.get(key) != about[key]]
        if differing and any(path.glob("*.h5ad")):
            key = differing[0]
            fail(f"{path} holds other cells: {key} is {json.dumps(old.get(key))} there and {json.dumps(about[key])} now; "
                 "give another folder with -o")
        if differing:
            with replacing(record) as temporary:
                temporary.write_text(json.dumps(about, indent=1) + "\n")
        yield path


@contextlib.contextmanager
def replacing(path):
    """A temporary name beside `path`, which what is written there gets at the end."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class Progress:
    """One line a file: what is done, and how long the rest will take at the speed so far."""

    def __init__(self, total):
        self.total, self.done, self.began, self.fetched = total, 0, time.monotonic(), 0

    def add(self, number, path, note):
        self.done += number
        text = f"{path.name}: {note}; {self.done:,} of {self.total:,} cells"
        if note != "is there":
            self.fetched += number
            left = (time.monotonic() - self.began) / self.fetched * (self.total - self.done)
            text += f", {left / 60:.0f} min left" if left >= 90 else f", {left:.0f} s left"
        print(text, file=sys.stderr, flush=True)


def frame(tables):
    """Arrow tables as one data frame with categories, in the order of the cells (or genes), without what no row has."""
    import pyarrow
    table = pyarrow.concat_tables(tables).unify_dictionaries()
    result = table.to_pandas().sort_values("soma_joinid", ignore_index=True)
    for name, column in result.items():
        if column.dtype == "category":
            result[name] = column.cat.remove_unused_categories()
    return result


def genes_of(experiment):
    """var as the builder reads it, and the numbers of the genes in X."""
    var = frame(list(experiment.ms["RNA"].var.read()))
    numbers = var.pop("soma_joinid").to_numpy()
    for name in ("feature_id", "var_id"):
        if name in var:
            return var.set_index(name), numbers
    fail(f"var has neither feature_id nor var_id; it has: {', '.join(var)}")


def write(path, counts, obs, var, origin):
    """One file. The cell's name is its number in the Census."""
    import anndata
    obs = obs.set_index(obs["soma_joinid"].astype(str).rename(None))
    if "organism" not in obs:  # the Census has an experiment for each
        obs["organism"] = NAMES.get(origin["organism"], origin["organism"])
    uns = {"title": f"CELLxGENE Census {origin['census_version']}" if origin["uri"] is None else origin["uri"]}
    cells = anndata.AnnData(counts, obs=obs, var=var, uns=uns)
    with replacing(path) as temporary:
        try:
            cells.write_h5ad(temporary, compression="gzip", compression_opts=1)
        except OSError as error:
            fail(f"{path} cannot be written: {error}; what is finished stays, run the same again when this is mended")


def export_labels(arguments):
    import scipy.sparse
    origin = {"what": "labels", "organism": arguments.organism, "uri": arguments.uri, "filter": arguments.filter,
              "census_version": None if arguments.uri else arguments.census_version,
              "cells_per_file": arguments.cells_per_file}
    with opened(origin) as experiment, folder_of(arguments.out, origin) as out:
        var, _ = genes_of(experiment)
        columns = [name for name in experiment.obs.keys() if name not in LARGE]
        lowest, highest = experiment.obs.non_empty_domain()[0]
        total = highest + 1 - lowest
        progress, kept = Progress(total), 0
        for number, first in enumerate(range(lowest, highest + 1, arguments.cells_per_file), 1):
            path = out / f"labels-{number:05}.h5ad"
            last = min(first + arguments.cells_per_file - 1, highest)
            if path.exists():
                progress.add(last - first + 1, path, "is there")
                kept += 1
                continue
            obs = frame(list(experiment.obs.read((slice(first, last),), column_names=columns,
                                                 value_filter=arguments.filter or None)))
            if len(obs) > 0:
                empty = scipy.sparse.csr_matrix((len(obs), len(var)), dtype="float32")
                write(path, empty, obs, var, origin)
                kept += 1
            progress.add(last - first + 1, path, f"{len(obs):,} cells pass the filter")
        if kept == 0:
            fail(f"none of {total:,} cells passes the filter {arguments.filter!r}")


def joinids_from_rows(lines, labels, path):
    """The numbers of cells that are given as rows of files of labels."""
    import h5py
    import numpy
    rows = {}
    for line, source, row in lines:
        name = Path(source).name
        try:
            rows.setdefault(name, []).append(int(row))
        except ValueError:
            fail(f"{path}:{line}: row {row!r} is no whole number")
    found = []
    for name, chosen in sorted(rows.items()):
        if not (labels / name).exists():
            fail(f"{path} speaks of {name}, which is not in {labels}; the cells must have been chosen from its files")
        with h5py.File(labels / name) as file:
            joinids = file["obs/soma_joinid"][:]
        if min(chosen) < 0 or max(chosen) >= len(joinids):
            fail(f"{path}: row {max(chosen) if min(chosen) >= 0 else min(chosen)} of {name}, which has {len(joinids)} rows")
        found.append(joinids[chosen])
    return numpy.concatenate(found)


def chosen_joinids(path, labels):
    """The numbers of the chosen cells, ascending, each once."""
    import numpy
    try:
        with open(path, newline="", encoding="utf-8") as file:
            table = csv.reader(file)
            header = next(table, [])
            column = {name: i for i, name in enumerate(header)}
            if "soma_joinid" in column:
                at = column["soma_joinid"]
                found = numpy.array([int(row[at]) for row in table], dtype="int64")
            elif "source" in column and "row" in column:
                a, b = column["source"], column["row"]
                lines = [(table.line_num, row[a], row[b]) for row in table]
                found = joinids_from_rows(lines, labels, path) if lines else numpy.zeros(0, "int64")
            else:
                fail(f"{path} has the columns {', '.join(header) or 'none'}; expected are source and row, or soma_joinid")
    except (OSError, UnicodeDecodeError, ValueError, IndexError) as error:
        fail(f"{path}: {error}; a table with the columns source and row, or soma_joinid, is expected")
    unique = numpy.unique(found)
    if len(unique) == 0:
        fail(f"{path} names no cell")
    if len(unique) < len(found):
        print(f"census_export.py: {len(found) - len(unique):,} cells are named twice and fetched once", file=sys.stderr)
    return unique


def rows_of(matrix, joinids, genes):
    """Counts of the cells as CSR [joinids, genes], both ascending. They come in the order of TileDB's tiles."""
    import numpy
    import scipy.sparse
    rows, columns, values = [], [], []
    in_order = numpy.array_equal(genes, numpy.arange(len(genes)))
    for table in matrix.read((joinids, slice(None))).tables():
        rows.append(numpy.searchsorted(joinids, table["soma_dim_0"].to_numpy()).astype("int32"))
        gene = table["soma_dim_1"].to_numpy()
        columns.append((gene if in_order else numpy.searchsorted(genes, gene)).astype("int32"))
        values.append(table["soma_data"].to_numpy())
    parts = [numpy.concatenate(part) for part in (values, rows, columns)]
    rows.clear(), columns.clear(), values.clear()
    counts = scipy.sparse.csr_matrix((parts[0], (parts[1], parts[2])), shape=(len(joinids), len(genes)))
    counts.sort_indices()
    return counts


def fetch(experiment, joinids, genes):
    """Counts and obs of some cells, checked to be all there."""
    import numpy
    lowest, highest = experiment.obs.non_empty_domain()[0]
    inside = joinids[(joinids >= lowest) & (joinids <= highest)]  # a read of others is TileDB's error
    obs = frame(list(experiment.obs.read((inside,)))) if len(inside) > 0 else None
    missing = joinids if obs is None else numpy.setdiff1d(joinids, obs["soma_joinid"].to_numpy())
    if len(missing) > 0:
        fail(f"cell {missing[0]} is chosen and is not there; were the cells chosen from labels of this version?")
    counts = rows_of(experiment.ms["RNA"].X["raw"], joinids, genes)
    if "nnz" in obs:
        short = numpy.flatnonzero(numpy.diff(counts.indptr) != obs["nnz"].to_numpy())
        if len(short) > 0:
            cell = short[0]
            fail(f"cell {joinids[cell]} came with {counts.indptr[cell + 1] - counts.indptr[cell]} expressed genes, and "
                 f"obs says {obs['nnz'][cell]}: the counts did not come whole; run the same again")
    return counts, obs


def export_counts(arguments):
    record = arguments.labels / "census.json"
    if not record.exists():
        fail(f"{record} is not there; --labels is the folder that 'census_export.py labels' wrote")
    origin = json.loads(record.read_text())
    joinids = chosen_joinids(arguments.chosen, arguments.labels)
    about = {key: origin[key] for key in ("organism", "uri", "census_version")} | {
        "what": "counts", "cells": len(joinids), "cells_sha256": hashlib.sha256(joinids.tobytes()).hexdigest(),
        "cells_per_file": arguments.cells_per_file}
    with opened(origin) as experiment, folder_of(arguments.out, about) as out:
        var, genes = genes_of(experiment)
        progress = Progress(len(joinids))
        for number, first in enumerate(range(0, len(joinids), arguments.cells_per_file), 1):
            some = joinids[first:first + arguments.cells_per_file]
            path = out / f"cells-{number:05}.h5ad"
            if not path.exists():
                counts, obs = fetch(experiment, some, genes)
                write(path, counts, obs, var, origin)
                progress.add(len(some), path, f"{counts.nnz / len(some):,.0f} genes a cell")
            else:
                progress.add(len(some), path, "is there")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True, metavar="labels|counts")
    labels = steps.add_parser("labels", help="obs alone, for the builder to choose from")
    origin = labels.add_mutually_exclusive_group()
    origin.add_argument("--census-version", default="2025-01-30", help="default: %(default)s, the paper's")
    origin.add_argument("--uri", help="a copy of the Census, or a SOMA experiment, instead of the public one")
    labels.add_argument("--organism", default="homo_sapiens", help="default: %(default)s")
    labels.add_argument("--filter", default="is_primary_data == True",
                        help="which cells, as tiledbsoma's value_filter; '' = all (default: %(default)s)")
    labels.add_argument("--cells-per-file", type=int, default=500_000, help="of the Census, before the filter")
    counts = steps.add_parser("counts", help="the cells that the builder has chosen")
    counts.add_argument("--labels", type=Path, required=True, help="folder that the first step wrote")
    counts.add_argument("--chosen", type=Path, required=True, help="stages/sample/chosen.csv of the build")
    counts.add_argument("--cells-per-file", type=int, default=20_000, help="as many are held in memory, about 1 GB")
    for step in (labels, counts):
        step.add_argument("-o", "--out", type=Path, required=True, help="folder of the files")
    arguments = parser.parse_args()
    if arguments.cells_per_file < 1:
        parser.error(f"--cells-per-file is {arguments.cells_per_file}; at least 1 is expected")
    soma = needed("tiledbsoma", "tiledbsoma" if getattr(arguments, "uri", None) else "cellxgene-census")
    try:
        export_labels(arguments) if arguments.step == "labels" else export_counts(arguments)
    except soma.SOMAError as error:
        fail(f"{error}; what is finished stays, run the same again when this is mended")
    except KeyboardInterrupt:
        fail("interrupted; what is finished stays, run the same again to go on")


if __name__ == "__main__":
    main()
