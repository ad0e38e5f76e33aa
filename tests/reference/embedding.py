"""Real cells, a random Geneformer over its real dictionaries, and what transformers makes of them.

Of FOLDER/v2 and FOLDER/v1 (a dictionary without <cls> and <eos>): cells.h5ad holds random cells of the demo, model the
checkpoint, expected.safetensors token_ids [B,G], lengths [B], for each layer hidden_L [B,G,E] of the genes, and
mean_L and cls_L [B,E]. Genes are ranked here from the recipe: counts over the cell's total x 10,000 over the median.
With --check FILE KEY (any number of times) each file is opened by scanpy, which makes a graph of neighbours from its
embedding KEY; FOLDER/obsm.safetensors holds the Nth as N.
"""
import argparse
import json
import pathlib

import anndata
import numpy as np
import scanpy
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForMaskedLM
from transformers.utils import logging

DEMO = pathlib.Path(__file__).resolve().parents[2] / "data/demo"


def dictionaries(v1):
    tokens = json.loads((DEMO / "genes/token_dictionary.json").read_text())
    if v1:
        genes = [gene for gene in tokens if not gene.startswith("<")]
        tokens = {"<pad>": 0, "<mask>": 1} | {gene: i + 2 for i, gene in enumerate(genes)}
    return tokens, json.loads((DEMO / "genes/gene_median_dictionary.json").read_text())


def ranked(adata, tokens, medians):
    known = np.array([gene in tokens for gene in adata.var_names])
    ids = np.array([tokens.get(gene, -1) for gene in adata.var_names])
    median = np.array([medians.get(gene, 1.0) for gene in adata.var_names])
    for row, total in zip(adata.X.toarray(), adata.obs.n_counts):
        value = np.where(known, row / total * 10_000 / median, 0)
        order = np.argsort(-value, kind="stable")[: (value > 0).sum()]
        yield torch.from_numpy(ids[order])


def expected(model, cells, v1):
    frame = 0 if v1 else 1
    lengths = torch.tensor([len(cell) for cell in cells])
    batch = torch.zeros(len(cells), int(lengths.max()) + 2 * frame, dtype=torch.long)
    genes = torch.zeros(len(cells), int(lengths.max()), dtype=torch.long)
    for i, cell in enumerate(cells):
        genes[i, : len(cell)] = cell
        batch[i, : len(cell) + 2 * frame] = cell if v1 else torch.cat([torch.tensor([2]), cell, torch.tensor([3])])
    mask = (torch.arange(batch.shape[1]) < (lengths + 2 * frame)[:, None]).long()
    with torch.no_grad():
        states = model(input_ids=batch, attention_mask=mask, output_hidden_states=True).hidden_states
    out = {"token_ids": genes, "lengths": lengths}
    inside = (torch.arange(genes.shape[1]) < lengths[:, None])[..., None]
    for layer, state in enumerate(states):
        hidden = state[:, frame : frame + genes.shape[1]] * inside
        out[f"hidden_{layer}"] = hidden.contiguous()
        out[f"mean_{layer}"] = hidden.sum(1) / lengths[:, None]
        out[f"cls_{layer}"] = state[:, 0].contiguous()
    return out


def check(folder, files):
    found = {}
    for number, (file, key) in enumerate(files):
        adata = scanpy.read_h5ad(file)
        assert adata.obsm[key].dtype == np.float32
        scanpy.pp.neighbors(adata, use_rep=key, n_neighbors=5)
        assert (adata.obsp["connectivities"].getnnz(axis=1) >= 4).all()
        assert adata.uns["cell2text_" + key]["encoder"] == "geneformer"
        found[str(number)] = torch.from_numpy(np.ascontiguousarray(adata.obsm[key]))
    save_file(found, folder / "obsm.safetensors")


def make(folder, seed, v1):
    folder.mkdir()
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    adata = anndata.read_h5ad(DEMO / "pbmc.h5ad")
    adata = adata[np.sort(rng.choice(adata.n_obs, 24, replace=False))].copy()
    adata.write_h5ad(folder / "cells.h5ad")
    tokens, medians = dictionaries(v1)
    model = BertForMaskedLM(BertConfig(
        vocab_size=len(tokens), hidden_size=48, num_attention_heads=4, num_hidden_layers=3, intermediate_size=96,
        hidden_act="relu", max_position_embeddings=768)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder / "model")
    (folder / "model/token_dictionary.json").write_text(json.dumps(tokens))
    (folder / "model/gene_median_dictionary.json").write_text(json.dumps({g: medians[g] for g in tokens if g in medians}))
    save_file(expected(model, list(ranked(adata, tokens, medians)), v1), folder / "expected.safetensors")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--check", nargs=2, action="append", metavar=("FILE", "KEY"))
    args = parser.parse_args()
    logging.set_verbosity_error()
    if args.check:
        check(args.folder, args.check)
        return
    make(args.folder / "v2", args.seed, False)
    make(args.folder / "v1", args.seed, True)


main()
