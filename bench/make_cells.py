#!/usr/bin/env python3
"""Makes up cells in the manner of CELLxGENE, to measure the dataset builder at scale: many files of counts and labels.

Usage: .deps/env/bin/python bench/make_cells.py -o DIR [--cells 1000000] [--genes 20000] [--nonzeros 1000] [--seed 0]
                                                [--cells-per-file 100000] [--gmt FILE]

Nothing of it was measured: gene symbols stand beside Ensembl ids that are not theirs. What it has of real data: about
100 datasets with 5,000 donors, rows of a donor together; 500 cell types of the Cell Ontology, 26 organs, 100 tissues and
60 diseases, few of them frequent and most rare (normal 59%, COVID-19 6%, brain and blood two fifths); some cells that a
builder leaves out; a log-normal number of genes a cell, negative binomial counts; and types that differ, each in genes
of its own and in two Hallmark sets. CSR, float32, not compressed: 8 bytes a count. Memory does not grow with --cells.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys
import time

import h5py
import numpy as np
from scipy.special import gammaln

import made_labels

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = 500
SLOTS = 1 << 15  # of a type's genes, to draw from
QUANTILES = 1 << 10  # of a count
STEPS = 4  # classes of mean counts in each doubling
DEEPEST = 2 * STEPS  # classes up or down for a cell with more or fewer genes than usual
CLASSES = 10 * STEPS
CELLS_AT_ONCE = 256  # so that arrays stay in the cache
BLOCK = 1 << 22  # values written at once


def gene_sets(path):
    return [line.split("\t")[2:] for line in path.read_text().splitlines() if line]


def genes(count, sets, random):
    """Ensembl ids and symbols of `count` genes, and the columns of each set."""
    ids = [name for name in json.loads((ROOT / "data/demo/genes/token_dictionary.json").read_text())
           if name.startswith("ENSG")]
    ids = sorted(ids + [f"ENSG9{i:010}" for i in range(count - len(ids))])[:count]
    wanted = list(dict.fromkeys(symbol for one in sets for symbol in one))
    if len(wanted) > count:
        sys.exit(f"make_cells.py: --genes is {count}, and the gene sets alone have {len(wanted)}; more are needed")
    known = set(wanted)
    others = [name for name in json.loads((ROOT / "data/demo/genes/vocab.json").read_text())
              if not name.startswith("<") and name not in known]
    names = (wanted + others + [f"MADE{i}" for i in range(count)])[:count]
    place = random.permutation(count)
    symbols = np.empty(count, dtype=object)
    symbols[place] = names
    column = dict(zip(names, place))
    return ids, symbols, [np.array([column[symbol] for symbol in one]) for one in sets]


class Counts:
    """Draws counts of cells. A cell's genes are one from each of equal parts of its type's distribution, so they come in
    the order of their columns, and a gene that is nearly always expressed hardly comes twice."""

    def __init__(self, num_genes, nonzeros, sets, random):
        self.nonzeros, self.draws_per_gene = nonzeros, 1.0
        base = random.lognormal(0, 2, num_genes)
        scale = self.scale(base, nonzeros)
        self.table = np.empty((TYPES, SLOTS), dtype=np.uint32)  # column, and class of its counts in the upper half
        for one in self.table:
            rate = scale * base * random.lognormal(0, 0.3, num_genes)
            rate[random.choice(num_genes, min(150, num_genes), replace=False)] *= 8
            for index in random.choice(len(sets), 2, replace=False):
                rate[sets[index]] *= 4
            expressed = 1 - np.exp(-rate)
            edges = np.cumsum(expressed)
            places = (np.arange(SLOTS) + random.random(SLOTS)) * (edges[-1] / SLOTS)
            column = np.searchsorted(edges, places).clip(max=num_genes - 1)
            mean = np.log2(rate / expressed)
            one[:] = column + (np.round(STEPS * mean).clip(0, CLASSES).astype(np.int64)[column] << 16)
        self.table = self.table.ravel()
        self.quantiles = np.concatenate([self.counts_of(2 ** (step / STEPS)) for step in
                                         range(-DEEPEST, CLASSES + DEEPEST + 1)])
        trial = self.draw(random.integers(0, TYPES, 2000), np.full(2000, nonzeros), random)[2]
        self.draws_per_gene = nonzeros / trial.mean()

    @staticmethod
    def scale(base, nonzeros):
        """The factor of all rates that makes so many genes expressed on average."""
        low, high = 1e-9, 1e9
        for _ in range(100):
            middle = np.sqrt(low * high)
            low, high = (middle, high) if (1 - np.exp(-middle * base)).sum() < nonzeros else (low, middle)
        return low

    @staticmethod
    def counts_of(mean):
        """Quantiles of a negative binomial count of this mean, given that it is not 0."""
        size, most = 2.0, int(20 * mean + 50)
        k = np.arange(1, most)
        log_probability = gammaln(k + size) - gammaln(size) - gammaln(k + 1) + k * np.log(mean / (mean + size))
        shares = np.cumsum(np.exp(log_probability))
        at = (np.arange(QUANTILES) + 0.5) / QUANTILES
        return (1 + np.searchsorted(shares / shares[-1], at)).clip(max=most).astype(np.float32)

    def draw(self, types, wanted, random):
        """Columns and counts of cells one after the other, and how many genes each has."""
        draws = np.maximum(1, wanted * self.draws_per_gene).astype(np.int64)
        starts = np.cumsum(draws) - draws
        total = int(draws.sum())
        bits = random.bit_generator.random_raw(total)
        slots_per_draw = SLOTS * (1 - 1e-7) / draws
        place = np.arange(total, dtype=np.float64)
        place += (bits >> np.uint64(11)) * 2.0**-53
        place *= np.repeat(slots_per_draw, draws)
        place += np.repeat(types * float(SLOTS) - starts * slots_per_draw + 1e-4, draws)
        drawn = self.table[place.astype(np.int64)]
        depth = np.round(STEPS * np.log2(np.maximum(wanted, 1) / self.nonzeros)).clip(-DEEPEST, DEEPEST).astype(np.int64)
        entry = (drawn >> 16) * np.uint32(QUANTILES)
        entry += np.repeat((depth + DEEPEST).astype(np.uint32) * np.uint32(QUANTILES), draws)
        entry += (bits & np.uint64(QUANTILES - 1)).astype(np.uint32)
        columns = (drawn & 0xffff).astype(np.int32)
        new = np.empty(total, dtype=bool)
        np.not_equal(columns[1:], columns[:-1], out=new[1:])
        new[starts] = True
        return columns[new], self.quantiles[entry[new]], np.add.reduceat(new, starts, dtype=np.int64)


class Growing:
    """A dataset of one dimension that is written in large blocks."""

    def __init__(self, group, name, dtype):
        self.set = group.create_dataset(name, shape=(0,), maxshape=(None,), chunks=(1 << 18,), dtype=dtype)
        self.waiting, self.count = [], 0

    def add(self, values, end=False):
        self.waiting.append(values)
        self.count += len(values)
        if self.count >= BLOCK or end:
            at = len(self.set)
            self.set.resize((at + self.count,))
            self.set[at:] = np.concatenate(self.waiting)
            self.waiting, self.count = [], 0


def encoded(node, kind, version, **more):
    for name, value in {"encoding-type": kind, "encoding-version": version, **more}.items():
        node.attrs[name] = value
    return node


def write_texts(group, name, values):
    encoded(group.create_dataset(name, data=np.asarray(values, dtype=object), dtype=h5py.string_dtype()), "string-array",
            "0.2.0")


def write_frame(file, name, index, columns):
    """`columns`: name to values, or to (codes, categories); as anndata encodes a data frame."""
    group = encoded(file.create_group(name), "dataframe", "0.2.0", _index="_index")
    group.attrs["column-order"] = np.array(list(columns), dtype=object)
    write_texts(group, "_index", index)
    for column, values in columns.items():
        if isinstance(values, tuple):
            one = encoded(group.create_group(column), "categorical", "0.2.0", ordered=False)
            used, codes = np.unique(values[0], return_inverse=True)
            encoded(one.create_dataset("codes", data=codes.astype(np.int16)), "array", "0.2.0")
            write_texts(one, "categories", [values[1][code] for code in used])
        elif values.dtype == object:
            write_texts(group, column, values)
        else:
            encoded(group.create_dataset(column, data=values), "array", "0.2.0")


def write_file(path, labels, counts, ids, symbols, wanted, random):
    """One .h5ad; how many counts it has."""
    cells = len(labels.cell_type)
    with h5py.File(path, "w") as file:
        encoded(file, "anndata", "0.1.0")
        matrix = encoded(file.create_group("X"), "csr_matrix", "0.1.0", shape=np.array([cells, len(ids)]))
        data, columns = Growing(matrix, "data", np.float32), Growing(matrix, "indices", np.int32)
        lengths = []
        for first in range(0, cells, CELLS_AT_ONCE):
            part = slice(first, first + CELLS_AT_ONCE)
            drawn, values, count = counts.draw(labels.profile[part], wanted[part], random)
            end = first + CELLS_AT_ONCE >= cells
            columns.add(drawn, end), data.add(values, end), lengths.append(count)
        ends = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        matrix.create_dataset("indptr", data=ends)
        write_frame(file, "obs", labels.names, labels.columns)
        write_frame(file, "var", ids, {"feature_name": symbols})
        for name in ("layers", "obsm", "obsp", "varm", "varp", "uns"):
            encoded(file.create_group(name), "dict", "0.1.0")
    return int(ends[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--out", type=pathlib.Path, required=True, help="an empty folder, or a new one")
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--nonzeros", type=int, default=1_000, help="expressed genes of a cell, on average")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cells-per-file", type=int, default=100_000)
    parser.add_argument("--gmt", type=pathlib.Path, default=ROOT / "data/demo/pathways/h.all.v2025.1.Hs.symbols.gmt",
                        help="gene sets whose symbols are among the genes")
    options = parser.parse_args()
    for name, least, most in (("cells", 1, 10**9), ("genes", 100, 65_535), ("nonzeros", 1, options.genes // 2),
                              ("cells_per_file", 1, 10**9)):
        if not least <= getattr(options, name) <= most:
            parser.error(f"--{name.replace('_', '-')} is {getattr(options, name)}; expected is {least} to {most}")
    if not options.gmt.exists():
        sys.exit(f"make_cells.py: {options.gmt} is not there; name the Hallmark sets with --gmt")
    options.out.mkdir(parents=True, exist_ok=True)
    if any(options.out.iterdir()):
        sys.exit(f"make_cells.py: {options.out} is not empty; give a new folder")
    needed, free = options.cells * (8.3 * options.nonzeros + 150) / 1e9, shutil.disk_usage(options.out).free / 1e9
    if needed > free:
        sys.exit(f"make_cells.py: {options.cells:,} cells of {options.nonzeros:,} genes take {needed:.1f} GB, and "
                 f"{options.out} has {free:.1f} GB left; give fewer with --cells, or another folder")
    make(options)


def make(options):
    def generator(*key):
        return np.random.Generator(np.random.SFC64([options.seed, *key]))
    sets = gene_sets(options.gmt)
    ids, symbols, columns = genes(options.genes, sets, generator(1))
    counts = Counts(options.genes, options.nonzeros, columns, generator(2))
    plan = made_labels.Plan(options.cells, TYPES, generator(3))
    began, values = time.monotonic(), 0
    for number, first in enumerate(range(0, options.cells, options.cells_per_file), 1):
        cells = min(options.cells_per_file, options.cells - first)
        random = generator(4, number)
        labels = plan.labels(first, cells, random)
        wanted = random.lognormal(-0.5 * 0.4**2, 0.4, cells) * options.nonzeros  # its mean is 1
        path = options.out / f"made-{number:04}.h5ad"
        temporary = path.with_suffix(".tmp")
        values += write_file(temporary, labels, counts, ids, symbols, wanted.clip(max=options.genes / 2), random)
        os.replace(temporary, path)
        done = first + cells
        print(f"{path.name}: {done:,} of {options.cells:,} cells, {values / done:,.0f} genes a cell, "
              f"{done / (time.monotonic() - began):,.0f} cells/s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
