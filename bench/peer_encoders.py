"""The other side of the encoder rows of bench/run.py, by transformers and torch, as careful users write it. Prints one
JSON object.

  peer_encoders.py make FOLDER SEED                      cells of mixed lengths and random checkpoints
  peer_encoders.py geneformer FOLDER MODEL FILE REPEATS  a padded batch of 8, in the order of the file
  peer_encoders.py sorted FOLDER MODEL FILE REPEATS      the same, cells sorted by length first
  peer_encoders.py scgpt FOLDER MODEL FILE REPEATS       a padded batch of 8, in the order of the file
  peer_encoders.py load FOLDER MODEL FILE REPEATS        from the file to token batches, row by row
"""
import torch

torch.set_flush_denormal(True)

import json
import os
import pathlib
import sys

import anndata
import numpy as np

import inputs as made
from stamps import lap, stamp

SHAPES = {"geneformer": {"layers": 6, "width": 256, "heads": 4, "feed_forward": 1024},
          "large": {"layers": 18, "width": 1152, "heads": 18, "feed_forward": 4608},
          "scgpt": {"layers": 12, "width": 512, "heads": 8, "feed_forward": 512}}
MAX_TOKENS, BATCH = 4096, 8


def lengths(random, count, mean=1840):
    """Expressed genes of cells as in the paper: 1,843 on average, up to 4,096, skewed as droplet data is."""
    found = random.lognormal(7.4, 0.5, count).clip(300, MAX_TOKENS - 2)
    return (found * (mean / found.mean())).clip(300, MAX_TOKENS - 2).round().astype(int)


def bert(shape, vocabulary):
    from transformers import BertConfig, BertForMaskedLM
    return BertForMaskedLM(BertConfig(
        vocab_size=vocabulary, hidden_size=shape["width"], num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"], intermediate_size=shape["feed_forward"], hidden_act="relu",
        max_position_embeddings=MAX_TOKENS))


def make(folder, seed):
    random = np.random.default_rng(int(seed))
    torch.manual_seed(int(seed))
    for name, count in (("mixed", 64), ("few", 8)):
        made.cells(random, lengths(random, count)).write_h5ad(folder / f"{name}.h5ad")
    made.cells(random, lengths(random, 4096)).write_h5ad(folder / "lengths.h5ad")
    medians = json.loads((folder / "gene_median_dictionary.json").read_text())
    tokens = json.loads((folder / "token_dictionary.json").read_text())
    for name in ("geneformer", "large"):
        bert(SHAPES[name], len(tokens)).save_pretrained(folder / name)
        for file, content in (("token_dictionary", tokens), ("gene_median_dictionary", medians)):
            (folder / name / f"{file}.json").write_text(json.dumps(content))
    (folder / "scgpt").mkdir(exist_ok=True)
    shape = SHAPES["scgpt"]
    names = made.gene_names()
    vocabulary = {name: i for i, name in enumerate([*names, "<pad>", "<cls>", "<eoc>"])}
    (folder / "scgpt/vocab.json").write_text(json.dumps(vocabulary))
    (folder / "scgpt/gene_name_id_dict.json").write_text(json.dumps({name: name for name in names}))
    (folder / "scgpt/args.json").write_text(json.dumps(
        {"embsize": shape["width"], "nlayers": shape["layers"], "nheads": shape["heads"],
         "d_hid": shape["feed_forward"], "n_bins": 51, "dropout": 0.2, "pad_value": -2}))
    torch.save(ScGpt(len(vocabulary), shape).state_dict(), folder / "scgpt/best_model.pt")


class ScGpt(torch.nn.Module):
    """scGPT's encoder without its heads, as its package builds it where flash-attn is not installed."""

    def __init__(self, genes, shape):
        super().__init__()
        width = shape["width"]
        self.encoder = torch.nn.ModuleDict({"embedding": torch.nn.Embedding(genes, width),
                                            "enc_norm": torch.nn.LayerNorm(width)})
        self.value_encoder = torch.nn.ModuleDict({"linear1": torch.nn.Linear(1, width),
                                                  "linear2": torch.nn.Linear(width, width),
                                                  "norm": torch.nn.LayerNorm(width)})
        layer = torch.nn.TransformerEncoderLayer(width, shape["heads"], shape["feed_forward"], 0.2, batch_first=True)
        self.transformer_encoder = torch.nn.TransformerEncoder(layer, shape["layers"])

    def forward(self, genes, values, padding):
        value = self.value_encoder
        x = self.encoder["enc_norm"](self.encoder["embedding"](genes))
        x = x + value["norm"](value["linear2"](torch.relu(value["linear1"](values.clamp(max=512)[..., None]))))
        return self.transformer_encoder(x, src_key_padding_mask=padding)


def ranked(folder, file):
    matrix = anndata.read_h5ad(folder / file).X
    medians = np.load(folder / "inputs.npz")["medians"]
    return made.tokenize(matrix, np.asarray(matrix.sum(1)).ravel(), medians, MAX_TOKENS)


def batches(order):
    return [order[i:i + BATCH] for i in range(0, len(order), BATCH)]


def geneformer(folder, model, file, repeats, by_length=False):
    from transformers import BertModel
    bert = BertModel.from_pretrained(folder / model, add_pooling_layer=False, attn_implementation="sdpa").eval()
    result = {"repeats": []}
    for i in range(-1, repeats):
        since = stamp()
        cells = [torch.tensor(cell) for cell in ranked(folder, file)]
        order = sorted(range(len(cells)), key=lambda c: len(cells[c])) if by_length else list(range(len(cells)))
        sums = [0.0] * len(cells)
        for batch in batches(order):
            ids = torch.nn.utils.rnn.pad_sequence([cells[c] for c in batch], batch_first=True, padding_value=made.PAD)
            mask = torch.arange(ids.shape[1]) < torch.tensor([len(cells[c]) for c in batch]).unsqueeze(1)
            with torch.inference_mode():
                hidden = bert(ids, attention_mask=mask.long(), output_hidden_states=True).hidden_states[-2]
            for row, c in enumerate(batch):
                sums[c] = hidden[row, 1:len(cells[c]) - 1].abs().mean().item()
        if i >= 0:
            result["repeats"].append(lap(since))
    return result | {"sums": sums, "tokens": sum(map(len, cells))}


def bins(row):
    """scGPT's binning of a cell's expressed values; a value that several bins begin with takes the middle one."""
    edges = np.quantile(row, np.linspace(0, 1, 50))
    low, high = np.digitize(row, edges, right=True), np.digitize(row, edges)
    return np.where(high > low, (low + 1 + high) // 2, high)


def scgpt(folder, model, file, repeats):
    genes = json.loads((folder / model / "vocab.json").read_text())
    network = ScGpt(len(genes), SHAPES["scgpt"]).eval()
    network.load_state_dict(torch.load(folder / model / "best_model.pt"))
    result = {"repeats": []}
    for i in range(-1, repeats):
        since = stamp()
        matrix = anndata.read_h5ad(folder / file).X
        cells = []
        for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:]):
            order = np.argsort(-matrix.data[start:end], kind="stable")[:1199]
            cells.append((np.concatenate([[genes["<cls>"]], matrix.indices[start:end][order]]),
                          np.concatenate([[-2.0], bins(matrix.data[start:end])[order]])))
        sums = []
        for batch in batches(range(len(cells))):
            sizes = torch.tensor([len(cells[c][0]) for c in batch])
            ids, values = (torch.nn.utils.rnn.pad_sequence([torch.tensor(cells[c][k]) for c in batch],
                                                           batch_first=True) for k in (0, 1))
            padding = torch.arange(ids.shape[1]) >= sizes.unsqueeze(1)
            with torch.inference_mode():
                hidden = network(ids, values.float(), padding)
            sums += [hidden[row, 1:size].abs().mean().item() for row, size in enumerate(sizes)]
        if i >= 0:
            result["repeats"].append(lap(since))
    return result | {"sums": sums, "tokens": sum(len(cell[0]) for cell in cells)}


def load(folder, model, file, repeats):
    """As Geneformer's tokenizer does: the file opened by anndata, cells taken row by row in chunks of 512."""
    medians = np.load(folder / "inputs.npz")["medians"]
    result = {"repeats": []}
    for i in range(-1, repeats):
        since = stamp()
        backed = anndata.read_h5ad(folder / file, backed="r")
        count = 0
        for first in range(0, backed.n_obs, 512):
            matrix = backed[first:first + 512].X
            for row in range(matrix.shape[0]):
                cell = matrix[row]
                tokens = made.tokenize(cell, np.asarray(cell.sum(1)).ravel(), medians, MAX_TOKENS)[0]
                count += len(torch.tensor(tokens))
        if i >= 0:
            result["repeats"].append(lap(since))
    return result | {"tokens": count}


if __name__ == "__main__":
    what, folder, *rest = sys.argv[1:]
    torch.set_num_threads(int(os.environ.get("BENCH_THREADS", 2)))
    if what == "make":
        make(pathlib.Path(folder), *rest)
    else:
        run = {"geneformer": geneformer, "sorted": lambda *a: geneformer(*a, by_length=True), "scgpt": scgpt,
               "load": load}[what]
        print(json.dumps(run(pathlib.Path(folder), rest[0], rest[1], int(rest[2]))))
