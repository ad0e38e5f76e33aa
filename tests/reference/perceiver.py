"""The perceiver adapter stated with torch.nn modules, of random sizes and weights.

Three cases, in FOLDER/0, 1 and 2. In each settings.json: the adapter's settings; case.safetensors: weight.NAME,
gradient.NAME (of the weighted sum of the output), genes [B,G,E] with NaN beyond the lengths, lengths [B], prompt
[B,P,D], upstream [B,P,D], gradient.genes. Computed in float64, kept in float32.
"""
import argparse
import json
import math
import pathlib
import random

import torch
from safetensors.torch import save_file
from torch import nn

E, D = 12, 20


class Block(nn.Module):
    def __init__(self, width, heads, multiple, reads_genes):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.genes_norm = nn.LayerNorm(width) if reads_genes else None
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.feed_forward = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, multiple * width), nn.GELU(),
                                          nn.Linear(multiple * width, width))

    def forward(self, x, genes=None, padding=None):
        query = self.norm(x)
        keys = query if genes is None else self.genes_norm(genes)
        x = x + self.attention(query, keys, keys, key_padding_mask=padding, need_weights=False)[0]
        return x + self.feed_forward(x)


class Perceiver(nn.Module):
    def __init__(self, s, width):
        super().__init__()
        self.positions, self.form, self.scale = s["positions"], s["output_norm"], s["output_scale"]
        self.latents = nn.Parameter(torch.randn(s["latents"], width))
        self.genes = nn.Linear(E, width)
        self.cross = Block(width, s["heads"], s["feed_forward_multiple"], True)
        self.blocks = nn.ModuleList(Block(width, s["heads"], s["feed_forward_multiple"], False)
                                    for _ in range(s["depth"]))
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, D)
        if self.form == "layer":
            self.output_norm = nn.LayerNorm(D)

    def forward(self, genes, lengths):
        x = self.genes(genes)
        cells, num_genes, width = x.shape
        if self.positions:
            table = torch.zeros(num_genes, width, dtype=x.dtype)
            for p in range(num_genes):
                for i in range(width):
                    angle = p / 10000 ** ((i - i % 2) / width)
                    table[p, i] = math.cos(angle) if i % 2 else math.sin(angle)
            x = x + table
        latents = self.cross(self.latents.expand(cells, -1, -1), x, torch.arange(num_genes) >= lengths[:, None])
        for block in self.blocks:
            latents = block(latents)
        out = self.project(self.norm(latents))
        if self.form == "layer":
            out = self.output_norm(out)
        if self.form == "l2":
            out = nn.functional.normalize(out, dim=-1)
        return out * self.scale


def as_the_adapter_names(tensors):
    """MultiheadAttention keeps query, key and value in one tensor."""
    names = {"attention.out_proj": "attention.out", "feed_forward.0": "feed_forward_norm", "feed_forward.1": "up",
             "feed_forward.3": "down"}
    result = {}
    for name, tensor in tensors.items():
        if ".in_proj_" in name:
            for part, third in zip(("query", "key", "value"), tensor.chunk(3)):
                result[name.replace("in_proj_", f"{part}.")] = third
            continue
        for theirs, ours in names.items():
            name = name.replace(theirs, ours)
        result[name] = tensor
    return result


def write_case(folder, rng):
    heads = rng.choice([1, 2, 4])
    settings = {"latents": rng.randint(1, 6), "heads": heads, "depth": rng.randint(0, 3),
                "feed_forward_multiple": rng.randint(1, 3), "positions": rng.random() < 0.7,
                "output_norm": rng.choice(["l2", "layer", "none"]), "output_scale": rng.choice([1, 3.5])}
    width = D
    if rng.random() < 0.7:
        settings["width"] = width = heads * rng.randint(8, 12)
    cells, num_genes = rng.randint(2, 4), rng.randint(3, 40)
    lengths = torch.tensor([num_genes] + [rng.randint(1, num_genes - 1) for _ in range(cells - 1)])
    model = Perceiver(settings, width)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.double()
    genes = torch.randn(cells, num_genes, E)
    x = genes.double().requires_grad_(True)
    prompt = model(x, lengths)
    upstream = torch.randn(prompt.shape)
    (prompt * upstream.double()).sum().backward()
    genes[torch.arange(num_genes) >= lengths[:, None]] = math.nan
    parameters = dict(model.named_parameters())
    weights = as_the_adapter_names({name: p.detach() for name, p in parameters.items()})
    gradients = as_the_adapter_names({name: p.grad for name, p in parameters.items()})
    save_file({"genes": genes, "lengths": lengths, "prompt": prompt.detach().float(), "upstream": upstream,
               "gradient.genes": x.grad.float(),
               **{f"weight.{name}": t.float().contiguous() for name, t in weights.items()},
               **{f"gradient.{name}": t.float().contiguous() for name, t in gradients.items()}},
              folder / "case.safetensors")
    (folder / "settings.json").write_text(json.dumps(settings))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    for case in range(3):
        (args.folder / str(case)).mkdir(exist_ok=True)
        write_case(args.folder / str(case), rng)


main()
