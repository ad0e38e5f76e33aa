"""The MLP adapter from torch.nn modules: random weights, input, output and gradients of the output's weighted sum.

FOLDER/case.safetensors: weight.NAME, gradient.NAME, genes [B,G,E], lengths [B], prompt [B,G,D], upstream [B,G,D]
(zero beyond the lengths), gradient.genes. Computed in float64, kept in float32. With one layer and --linear the names
are those of the linear adapter.
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
    parser.add_argument("--layers", type=int, required=True)
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--activation", choices=["gelu", "relu"], required=True)
    parser.add_argument("--layer-norm", action="store_true")
    parser.add_argument("--linear", action="store_true")
    parser.add_argument("--output-norm", choices=["l2", "layer", "none"], required=True)
    parser.add_argument("--output-scale", type=float, required=True)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    width, decoder_width, cells, genes = 12, 20, 3, 7
    widths = [width] + [args.hidden] * (args.layers - 1) + [decoder_width]
    parts = {}
    for i in range(1, args.layers + 1):
        parts["linear" if args.linear else f"linear_{i}"] = nn.Linear(widths[i - 1], widths[i])
        if i < args.layers:
            if args.layer_norm:
                parts[f"norm_{i}"] = nn.LayerNorm(args.hidden)
            parts[f"activation_{i}"] = nn.GELU() if args.activation == "gelu" else nn.ReLU()
    if args.output_norm == "layer":
        parts["output_norm" if args.linear else f"norm_{args.layers}"] = nn.LayerNorm(decoder_width)
    if args.output_norm == "l2":
        parts["normalised"] = Normalised()
    model = nn.Sequential()
    for name, part in parts.items():
        model.add_module(name, part)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    model.double()
    x = torch.randn(cells, genes, width).double().requires_grad_(True)
    lengths = torch.tensor([genes, 2, 5])
    prompt = model(x) * args.output_scale
    upstream = torch.randn(prompt.shape) * (torch.arange(genes) < lengths[:, None])[:, :, None]
    (prompt * upstream.double()).sum().backward()
    save_file({"genes": x.detach().float(), "lengths": lengths, "prompt": prompt.detach().float(),
               "upstream": upstream, "gradient.genes": x.grad.float(),
               **{f"weight.{name}": p.detach().float() for name, p in model.named_parameters()},
               **{f"gradient.{name}": p.grad.float() for name, p in model.named_parameters()}},
              args.folder / "case.safetensors")


main()
