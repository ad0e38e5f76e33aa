"""RMS normalisation and rotary positions as transformers computes them, on random input."""
import argparse
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig
from transformers.models.gemma3.modeling_gemma3 import Gemma3RMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm, LlamaRotaryEmbedding, apply_rotary_pos_emb

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
pick = lambda low, high: int(torch.randint(low, high + 1, ()))

out = {}
width = pick(3, 70)
x = torch.randn(4, width) * 3
out["norm.x"], out["norm.weight"] = x, torch.randn(width)
for name, kind in {"llama": LlamaRMSNorm, "gemma": Gemma3RMSNorm}.items():
    norm = kind(width, eps=1e-5)
    norm.weight.data = out["norm.weight"].clone()
    out["norm." + name] = norm(x).detach()

heads, channels = pick(1, 4), 2 * pick(4, 40)
theta, factor, low, high, original = float(pick(500, 500000)), float(pick(2, 32)), 1.0, float(pick(3, 6)), pick(64, 2048)
q = torch.randn(3, 11, heads, channels)
positions = torch.randint(0, 1500, (3, 11))
out["rope.x"], out["rope.positions"] = q, positions
scalings = {
    "default": {"rope_type": "default"},
    "linear": {"rope_type": "linear", "factor": factor},
    "llama3": {"rope_type": "llama3", "factor": factor, "low_freq_factor": low, "high_freq_factor": high,
               "original_max_position_embeddings": original},
}
for name, scaling in scalings.items():
    config = LlamaConfig(hidden_size=heads * channels, num_attention_heads=heads, head_dim=channels,
                         max_position_embeddings=4096, rope_parameters={"rope_theta": theta, **scaling})
    cos, sin = LlamaRotaryEmbedding(config)(q, positions)
    turned, _ = apply_rotary_pos_emb(q.transpose(1, 2), q.transpose(1, 2), cos, sin)
    out["rope." + name] = turned.transpose(1, 2).contiguous()

numbers = {"theta": theta, "factor": factor, "low": low, "high": high, "original": original}
save_file(out, args.folder / "expected.safetensors", metadata={k: repr(v) for k, v in numbers.items()})
