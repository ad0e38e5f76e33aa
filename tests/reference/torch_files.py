"""Random tensors of every type, with odd strides and shared storages, as torch.save writes them and as safetensors."""
import argparse
import json
import pathlib
import random

import torch
from safetensors.torch import save_file

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
rng = random.Random(args.seed)

state = {}
for dtype in [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
              torch.int8, torch.uint8, torch.bool]:
    value = (torch.randn([rng.randint(1, 6) for _ in range(3)]) * 50).to(dtype)
    name = str(dtype)
    state[name] = value
    state[name + ".turned"] = value.permute(2, 0, 1)
    state[name + ".part"] = value[value.shape[0] // 2:, :, ::2]
    state[name + ".shared"] = value.reshape(-1)[rng.randint(0, 2):]
state["scalar"] = torch.tensor(3.5)
state["empty"] = torch.zeros(0, 4)
state["parameter"] = torch.nn.Parameter(torch.randn(3, 2))

save_file({name: value.detach().clone(memory_format=torch.contiguous_format).contiguous() for name, value in state.items()},
          args.folder / "truth.safetensors")
torch.save(state, args.folder / "one.bin")
torch.save(state, args.folder / "old-protocol.bin", pickle_protocol=4)
(args.folder / "shards").mkdir()
weight_map = {name: f"pytorch_model-0000{1 + i % 3}-of-00003.bin" for i, name in enumerate(state)}
for file in set(weight_map.values()):
    torch.save({name: state[name] for name in state if weight_map[name] == file}, args.folder / "shards" / file)
(args.folder / "shards" / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}))
torch.save(torch.nn.Linear(2, 2), args.folder / "module.bin")
torch.save(state, args.folder / "legacy.bin", _use_new_zipfile_serialization=False)
