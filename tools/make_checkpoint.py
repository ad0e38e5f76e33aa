#!/usr/bin/env python3
"""Writes a checkpoint with random weights, of a published model's form and size or of any other, for checks of speed,
memory and parity. Never more than one tensor is held in memory beside what transformers needs for its shapes.

Run with the project's Python: .deps/env/bin/python tools/make_checkpoint.py llama-3.2-1b OUT --dtype bfloat16
                               .deps/env/bin/python tools/make_checkpoint.py llama OUT --config hidden_size=64 ...
"""
import argparse
import json
import math
import shutil
import struct
import sys
from pathlib import Path

import torch
from transformers import (Gemma2Config, Gemma2ForCausalLM, Gemma3Config, Gemma3ForCausalLM,
                          Gemma3ForConditionalGeneration, Gemma3TextConfig, GenerationConfig, LlamaConfig,
                          LlamaForCausalLM)

ROOT = Path(__file__).resolve().parent.parent
DTYPES = {"float32": ("F32", torch.float32), "bfloat16": ("BF16", torch.bfloat16), "float16": ("F16", torch.float16)}

LLAMA_32 = {"vocab_size": 128256, "head_dim": 128, "num_key_value_heads": 8, "max_position_embeddings": 131072,
            "rms_norm_eps": 1e-5, "tie_word_embeddings": True, "bos_token_id": 128000,
            "eos_token_id": [128001, 128008, 128009], "initializer_range": 0.02,
            "rope_parameters": {"rope_theta": 500000.0, "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
                                "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}
FAMILIES = {"llama": (LlamaConfig, LlamaForCausalLM, {}),
            "gemma3": (Gemma3TextConfig, Gemma3ForCausalLM, {}),
            "gemma2": (Gemma2Config, Gemma2ForCausalLM, {}),
            "gemma3-vision": (Gemma3Config, Gemma3ForConditionalGeneration, {})}
SIZES = {
    "llama-3.2-1b": ("llama", LLAMA_32 | {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
                                          "num_attention_heads": 32, "head_dim": 64}),
    "llama-3.2-3b": ("llama", LLAMA_32 | {"hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28,
                                          "num_attention_heads": 24}),
    "gemma-3-1b": ("gemma3", {"vocab_size": 262144, "hidden_size": 1152, "intermediate_size": 6912,
                              "num_hidden_layers": 26, "num_attention_heads": 4, "num_key_value_heads": 1,
                              "head_dim": 256, "sliding_window": 512, "max_position_embeddings": 32768,
                              "query_pre_attn_scalar": 256, "eos_token_id": [1, 106]}),
    "gemma-3-4b": ("gemma3-vision", {
        "eos_token_id": [1, 106],
        "text_config": {"vocab_size": 262208, "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34,
                        "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "sliding_window": 1024,
                        "rope_parameters": {
                            "full_attention": {"rope_theta": 1e6, "rope_type": "linear", "factor": 8.0},
                            "sliding_attention": {"rope_theta": 1e4, "rope_type": "default"}}},
        "vision_config": {"model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304,
                          "num_hidden_layers": 27, "num_attention_heads": 16, "image_size": 896, "patch_size": 14,
                          "vision_use_head": False}}),
}


def parse_value(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def random_tensor(name, shape, config, generator, dtype):
    """Norms change nothing, biases are zero, embeddings and weights are normal."""
    if name.endswith("norm.weight"):
        return torch.full(shape, 1.0 if config.get_text_config().model_type == "llama" else 0.0, dtype=dtype)
    if name.endswith("bias"):
        return torch.zeros(shape, dtype=dtype)
    deviation = getattr(config.get_text_config(), "initializer_range", 0.02)
    return (torch.randn(shape, generator=generator) * deviation).to(dtype)


def write_shard(path, shapes, tensor_of, dtype):
    """One safetensors file, tensor by tensor."""
    name_of_dtype, torch_dtype = DTYPES[dtype]
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes.items():
        size = math.prod(shape) * torch_dtype.itemsize
        header[name] = {"dtype": name_of_dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            file.write(tensor_of(name, shape).contiguous().view(torch.uint8).numpy().data if math.prod(shape) else b"")


def split(shapes, bytes_of, limit):
    shards, size = [{}], 0
    for name, shape in shapes.items():
        if shards[-1] and size + bytes_of(shape) > limit:
            shards.append({})
            size = 0
        shards[-1][name] = shape
        size += bytes_of(shape)
    return shards


def tokenizer_files(source, out, vocabulary):
    files = [source] if source.is_file() else sorted(
        path for path in source.iterdir()
        if path.name in ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"))
    if not files:
        sys.exit(f"{source} holds no tokenizer.json or tokenizer.model")
    for path in files:
        shutil.copyfile(path, out / path.name)
    tokenizer = out / "tokenizer.json"
    if tokenizer.exists():
        json_ = json.loads(tokenizer.read_text())
        ids = [*json_["model"]["vocab"].values()] if isinstance(json_["model"].get("vocab"), dict) else []
        if ids and max(ids) >= vocabulary:
            sys.exit(f"{source} has ids up to {max(ids)}, the model embeds {vocabulary} tokens; give another --tokenizer")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=[*SIZES, *FAMILIES], help="a published size, or a family for --config")
    parser.add_argument("out", type=Path, help="folder to write; it must not exist, or be empty")
    parser.add_argument("--config", nargs="*", default=[], metavar="KEY=VALUE", help="keys of config.json, values as JSON")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shards", type=int, help="how many weight files (default: of at most 5 GB)")
    parser.add_argument("--tokenizer", type=Path, default=ROOT / "data/demo/tokenizer",
                        help="a tokenizer's file or folder; its ids must fit into the embedding")
    args = parser.parse_args()
    if args.out.exists() and any(args.out.iterdir()):
        sys.exit(f"{args.out} is not empty; name a new folder")
    args.out.mkdir(parents=True, exist_ok=True)

    family, settings = SIZES.get(args.model, (args.model, {}))
    settings = dict(settings)
    for pair in args.config:
        key, _, value = pair.partition("=")
        settings[key] = parse_value(value)
    config_class, model_class, _ = FAMILIES[family]
    config = config_class(**settings)
    text = config.get_text_config()
    with torch.device("meta"):
        model = model_class(config)
    tied = text.tie_word_embeddings
    shapes = {name: tuple(value.shape) for name, value in model.named_parameters()
              if not (tied and name == "lm_head.weight")}
    if family == "gemma3-vision":  # the layout of the published files
        shapes = {name.removeprefix("model.").replace("language_model.", "language_model.model.", 1): shape
                  for name, shape in shapes.items()}
    del model

    dtype = DTYPES[args.dtype][1]
    total = sum(math.prod(shape) * dtype.itemsize for shape in shapes.values())
    limit = -(-total // args.shards) if args.shards else 5 * 10**9
    shards = split(shapes, lambda shape: math.prod(shape) * dtype.itemsize, limit)
    generator = torch.Generator().manual_seed(args.seed)
    tensor_of = lambda name, shape: random_tensor(name, shape, config, generator, dtype)
    names = (["model.safetensors"] if len(shards) == 1 else
             [f"model-{i + 1:05}-of-{len(shards):05}.safetensors" for i in range(len(shards))])
    for name, shard in zip(names, shards):
        write_shard(args.out / name, shard, tensor_of, args.dtype)
    if len(shards) > 1:
        weight_map = {tensor: name for name, shard in zip(names, shards) for tensor in shard}
        (args.out / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}, indent=2))

    config.dtype = dtype
    config.architectures = [model_class.__name__]
    config.save_pretrained(args.out)
    GenerationConfig(do_sample=False, bos_token_id=text.bos_token_id,
                     eos_token_id=getattr(config, "eos_token_id", None) or text.eos_token_id).save_pretrained(args.out)
    tokenizer_files(args.tokenizer, args.out, text.vocab_size)
    print(f"{args.out}: {sum(map(math.prod, shapes.values())):,} parameters, {total / 1e9:.2f} GB in {len(names)} files")


if __name__ == "__main__":
    main()
