"""Writes safetensors files of random tensors with Python's library, or checks a file against the same tensors."""

import argparse
import json
import pathlib

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
          torch.int8, torch.uint8, torch.bool]


def make_tensors(seed):
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for dtype in DTYPES:
        for i in range(4):
            rank = int(torch.randint(0, 4, (1,), generator=generator))
            shape = [int(s) for s in torch.randint(0 if i == 3 else 1, 6, (rank,), generator=generator)]
            values = torch.randn(shape, generator=generator, dtype=torch.float64) * 30
            values = values.abs() if dtype == torch.uint8 else values
            name = f"layer.{i}.{str(dtype).split('.')[1]}" + (" mit ß und \"\\" if i == 2 else "")
            tensors[name] = values.to(dtype)
    return tensors


def write(folder, tensors):
    save_file(tensors, folder / "theirs.safetensors", metadata={"format": "pt"})
    sharded = folder / "sharded"
    sharded.mkdir()
    names = sorted(tensors)
    weight_map = {}
    for shard in range(3):
        file = f"model-{shard + 1:05d}-of-00003.safetensors"
        part = names[shard::3]
        save_file({name: tensors[name] for name in part}, sharded / file, metadata={"format": "pt"})
        weight_map.update({name: file for name in part})
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (sharded / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    expected = {}
    for name, tensor in tensors.items():
        values = tensor.to(torch.float64).flatten()
        weights = torch.arange(1, values.numel() + 1, dtype=torch.float64)
        expected[name] = {"shape": list(tensor.shape), "sum": float(values.sum()),
                          "weighted": float((values * weights).sum())}
    (folder / "expected.json").write_text(json.dumps(expected))


def check(path, tensors):
    loaded = load_file(path)
    assert sorted(loaded) == sorted(tensors), "other names"
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype and loaded[name].shape == tensor.shape, name
        assert torch.equal(loaded[name], tensor), f"{name} differs"
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt", "note": "grüße \"quoted\""}, file.metadata()


parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--check")
arguments = parser.parse_args()
if arguments.check:
    check(arguments.folder / arguments.check, make_tensors(arguments.seed))
else:
    write(arguments.folder, make_tensors(arguments.seed))
