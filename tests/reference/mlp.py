"""The MLP adapter from torch.nn modules: random weights, input, output and gradients of the output's weighted sum.

FOLDER/case.safetensors: weight.NAME, gradient.NAME, genes [B,G,E], lengths [B], prompt [B,G,D], upstream [B,G,D]
(zero beyond the lengths), gradient.genes.
"""
import argparse
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn


class Normalised(nn.Module):
    def forward(self, x):
        return nn.functional.normalize(x, dim=-1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--activation", choices=["gelu", "relu"], required=True)
    parser.add_argument("--layer-norm", action="store_true")
    parser.add_argument("--output-norm", choices=["l2", "layer", "none"], required=True)
    parser.add_argument("--output-scale", type=float, required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    width, decoder_width, cells, genes = 12, 20, 3, 7
    parts = {"linear_1": nn.Linear(width, args.hidden)}
    if args.layer_norm:
        parts["norm_1"] = nn.LayerNorm(args.hidden)
    parts["activation"] = nn.GELU() if args.activation == "gelu" else nn.ReLU()
    parts["linear_2"] = nn.Linear(args.hidden, decoder_width)
    if args.output_norm == "layer":
        parts["norm_2"] = nn.LayerNorm(decoder_width)
    if args.output_norm == "l2":
        parts["norm"] = Normalised()
    model = nn.Sequential()
    for name, part in parts.items():
        model.add_module(name, part)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    x = torch.randn(cells, genes, width, requires_grad=True)
    lengths = torch.tensor([genes, 2, 5])
    prompt = model(x) * args.output_scale
    upstream = torch.randn_like(prompt) * (torch.arange(genes) < lengths[:, None])[:, :, None]
    (prompt * upstream).sum().backward()
    save_file({"genes": x.detach(), "lengths": lengths, "prompt": prompt.detach(), "upstream": upstream,
               "gradient.genes": x.grad,
               **{f"weight.{name}": p.detach() for name, p in model.named_parameters()},
               **{f"gradient.{name}": p.grad for name, p in model.named_parameters()}},
              args.folder / "case.safetensors")


main()
