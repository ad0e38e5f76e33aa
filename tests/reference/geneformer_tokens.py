"""Geneformer's ranking stated in numpy, on made-up counts with many ties, or on cells and dictionaries that are given.

FOLDER/cells.safetensors holds counts [B,C], totals [B], and what must come out: for each cell the normalised values
of its genes, descending, cut and right-padded by -1 (values [B,R]), the value of each token in each cell (by_token
[B,V], 0 where it is not expressed), and known [B], the expressed genes of the dictionary. FOLDER/genes.json lists
the ids of the columns; the dictionaries lie beside it. --cells FILE.h5ad --dictionaries FOLDER take real ones.
"""
import argparse
import json
import pathlib

import numpy as np
from safetensors.numpy import save_file


def made_up(rng):
    pool = [f"ENSG{i:011d}" for i in range(300)]
    known = [g for g in pool if rng.random() < 0.7]
    tokens = {"<pad>": 0, "<mask>": 1, "<cls>": 2, "<eos>": 3}
    tokens |= {gene: i + 4 for i, gene in enumerate(rng.permutation(known).tolist())}
    # few distinct medians and small counts: many values are equal, also by different ways (2/1 and 4/2)
    medians = {gene: float(rng.choice([0.5, 1, 2, 3, 0.7318])) for gene in pool}
    # retired ids stand for current ones, and some of those are in the file as well
    retired = {f"ENSG9{i:010d}": str(rng.choice(pool)) for i in range(60)}
    mapping = {gene: gene for gene in pool} | retired
    columns = list(rng.permutation(pool + list(retired) + [f"ERCC-{i}" for i in range(10)]))
    columns += [str(g) for g in rng.choice(pool, 20)]  # ids that occur twice
    columns = [f"{c}.{rng.integers(1, 20)}" if c.startswith("ENS") and rng.random() < 0.4 else c for c in columns]
    counts = rng.poisson(1.2, (40, len(columns))) * (rng.random((40, len(columns))) < rng.random((40, 1)))
    counts[0] = 0
    counts = counts.astype(np.float32)
    totals = counts.sum(1) * rng.uniform(1, 3, 40) + 1
    return columns, tokens, medians, mapping, counts, totals


def real(cells, dictionaries):
    import anndata

    data = anndata.read_h5ad(cells)
    tokens = json.loads((dictionaries / "token_dictionary.json").read_text())
    medians = json.loads((dictionaries / "gene_median_dictionary.json").read_text())
    counts = data.X.toarray().astype(np.float32)
    return list(data.var_names), tokens, medians, {}, counts, data.obs["n_counts"].to_numpy().astype(np.float64)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--limit", type=int, required=True)
    parser.add_argument("--cells", type=pathlib.Path)
    parser.add_argument("--dictionaries", type=pathlib.Path)
    args = parser.parse_args()
    columns, tokens, medians, mapping, counts, totals = (
        real(args.cells, args.dictionaries) if args.cells else made_up(np.random.default_rng(args.seed)))

    current = [c.split(".")[0] for c in columns]
    current = [mapping.get(c, c) for c in current]
    by_token = np.zeros((len(counts), max(tokens.values()) + 1))
    for column, gene in enumerate(current):
        if gene in tokens:
            by_token[:, tokens[gene]] += counts[:, column]
    scale = np.zeros(by_token.shape[1])
    for gene, token in tokens.items():
        if gene in medians:
            scale[token] = 10_000 / medians[gene]
    by_token = by_token / totals[:, None] * scale
    values = -np.sort(-by_token, axis=1)[:, : args.limit]
    values[values == 0] = -1
    save_file({"counts": counts, "totals": totals, "by_token": by_token, "values": np.ascontiguousarray(values),
               "known": (by_token > 0).sum(1)}, args.folder / "cells.safetensors")
    for name, content in [("genes", columns), ("token_dictionary", tokens), ("gene_median_dictionary", medians),
                          ("ensembl_mapping_dict", mapping)]:
        (args.folder / f"{name}.json").write_text(json.dumps([str(c) for c in content] if name == "genes" else content))


main()
