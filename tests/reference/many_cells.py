"""The cells of an .h5ad so many times over, each with a name of its own, in the order of the copies.
Usage: many_cells.py FOLDER --seed N INPUT COPIES OUTPUT"""

import argparse

import anndata

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--seed")
parser.add_argument("input")
parser.add_argument("copies", type=int)
parser.add_argument("output")
arguments = parser.parse_args()

cells = anndata.read_h5ad(arguments.input)
names = [str(copy) for copy in range(arguments.copies)]
anndata.concat({name: cells for name in names}, index_unique="-", merge="same").write_h5ad(arguments.output)
