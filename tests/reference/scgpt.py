"""A random scGPT model in its published form, its files, and the outputs of every layer; bins as scGPT makes them.

The network is stated here with torch.nn: gene embedding + LayerNorm, value encoder, their sum, TransformerEncoderLayer
after normalisation with ReLU. FOLDER/model holds args.json, vocab.json and best_model.pt, written by torch.save;
--layout plain|flash|impl names its attention weights as torch or flash-attn do, --module puts "module." before all
names. FOLDER/expected.safetensors holds ids and values [B,G] (right-padded), lengths [B], hidden_0 (the sum of the
embeddings) to hidden_L [B,G,E], and for bins: values_N (descending), lower_N and upper_N, the bins that scGPT's random
choice lies between.
"""
import argparse
import json
import pathlib

import numpy
import torch
from safetensors.torch import save_file
from torch import nn


class ValueEncoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear1 = nn.Linear(1, width)
        self.linear2 = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, values):
        return self.norm(self.linear2(torch.relu(self.linear1(values.clamp(max=512)[..., None]))))


class GeneEncoder(nn.Module):
    def __init__(self, genes, width, padding):
        super().__init__()
        self.embedding = nn.Embedding(genes, width, padding_idx=padding)
        self.enc_norm = nn.LayerNorm(width)

    def forward(self, ids):
        return self.enc_norm(self.embedding(ids))


class Model(nn.Module):
    def __init__(self, genes, args, padding):
        super().__init__()
        width = args["embsize"]
        self.encoder = GeneEncoder(genes, width, padding)
        self.flag_encoder = nn.Embedding(2, width)
        self.value_encoder = ValueEncoder(width)
        layer = nn.TransformerEncoderLayer(width, args["nheads"], args["d_hid"], args["dropout"], batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, args["nlayers"], enable_nested_tensor=False)
        self.decoder = nn.Sequential(nn.Linear(width, width), nn.Linear(width, 1))
        self.mvc_decoder = nn.Linear(width, width)

    def states(self, ids, values, lengths):
        x = self.encoder(ids) + self.value_encoder(values)
        padding = torch.arange(ids.shape[1]) >= lengths[:, None]
        yield x
        for layer in self.transformer_encoder.layers:
            x = layer(x, src_key_padding_mask=padding)
            yield x


def under_other_names(state, layout, module):
    names = {"flash": ("self_attn.Wqkv.", "self_attn."), "impl": ("self_attn._impl.Wqkv.", "self_attn._impl.")}
    renamed = {}
    for name, value in state.items():
        if layout in names:
            projection, rest = names[layout]
            name = name.replace("self_attn.in_proj_", projection).replace("self_attn.out_proj.", rest + "out_proj.")
        renamed["module." * module + name] = value
    return renamed


def random_cells(genes, special):
    cells, longest = int(torch.randint(2, 6, ())), int(torch.randint(4, 40, ()))
    lengths = torch.randint(2, longest + 1, (cells,))
    lengths[0] = longest
    ids = torch.randint(0, genes, (cells, longest))
    values = torch.randint(1, 51, (cells, longest)).float()
    values[0, -1] = 800  # beyond what the value encoder looks at
    ids[:, 0], values[:, 0] = special["<cls>"], -2
    for row, length in enumerate(lengths):
        ids[row, length:], values[row, length:] = special["<pad>"], 0
    return ids, values, lengths


def bins(rng, count):
    """Values of a cell and the two bins that a value's bin is drawn between, as scGPT's preprocessing defines them."""
    values = rng.poisson(rng.gamma(0.5, 4, count)) + 1.0 if rng.random() < 0.7 else rng.gamma(2, 2, count)
    if rng.random() < 0.3:
        values = numpy.log1p(values / values.sum() * 1e4)
    values = numpy.sort(values.astype(numpy.float32))[::-1].copy()
    edges = numpy.quantile(values, numpy.linspace(0, 1, 50))
    return values, numpy.digitize(values, edges, right=True), numpy.digitize(values, edges)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--layout", default="plain", choices=["plain", "flash", "impl"])
    parser.add_argument("--module", action="store_true")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    heads = int(torch.randint(1, 5, ()))
    args = {"embsize": 8 * heads * int(torch.randint(1, 4, ())), "nheads": heads, "n_bins": 51, "dropout": 0.2,
            "nlayers": int(torch.randint(1, 5, ())), "d_hid": int(torch.randint(10, 90, ())), "pad_value": -2,
            "pad_token": "<pad>", "input_emb_style": "continuous", "n_layers_cls": 3, "fast_transformer": True}
    genes = int(torch.randint(20, 60, ()))
    vocabulary = {f"GENE{i}": i for i in range(genes)} | {"<pad>": genes, "<cls>": genes + 1, "<eoc>": genes + 2}
    model = Model(len(vocabulary), args, genes).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # far from the small start, so that each layer matters
            parameter.add_(torch.randn_like(parameter) * 0.25)
    folder = arguments.folder / "model"
    folder.mkdir()
    (folder / "args.json").write_text(json.dumps(args))
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    torch.save(under_other_names(model.state_dict(), arguments.layout, arguments.module), folder / "best_model.pt")
    ids, values, lengths = random_cells(genes, vocabulary)
    expected = {"ids": ids, "values": values, "lengths": lengths}
    with torch.no_grad():
        for i, state in enumerate(model.states(ids, values, lengths)):
            expected[f"hidden_{i}"] = state.contiguous()
    rng = numpy.random.default_rng(arguments.seed)
    for i, count in enumerate([1, 2, 3, 49, 50, 51, 99, 1 + 49 * 7, *rng.integers(1, 3000, 12)]):
        for name, value in zip(("values", "lower", "upper"), bins(rng, int(count))):
            expected[f"{name}_{i}"] = torch.from_numpy(numpy.ascontiguousarray(value)).float()
    save_file(expected, arguments.folder / "expected.safetensors")


main()
