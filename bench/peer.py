"""The other side of bench/run.py: the same work by transformers and torch, as a careful Python user writes it.
Prints one JSON object.

  peer.py train FOLDER CELLS STEPS       loss of the first cells, then optimiser steps
  peer.py lora FOLDER CELLS STEPS        the same with peft
  peer.py real FOLDER CELLS STEPS        the same with peft on a bfloat16 base of Llama-3.2-1B's size, one cell a step
  peer.py generate FOLDER CELLS REPEATS
  peer.py tokenize FOLDER CELLS REPEATS
"""
import torch

torch.set_flush_denormal(True)

import json
import os
import pathlib
import sys
import warnings

import numpy as np
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, BertConfig, BertModel
from transformers.utils import logging

import inputs as made
from stamps import lap, stamp

warnings.simplefilter("ignore")
logging.disable_progress_bar()
logging.set_verbosity_error()
BATCH, SOFT = made.SHAPES["batch_size"], made.SHAPES["soft_tokens"]


class Adapter(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        hidden, width = weights["linear_1.weight"].shape
        self.linear_1 = torch.nn.Linear(width, hidden)
        self.linear_2 = torch.nn.Linear(hidden, weights["linear_2.weight"].shape[0])
        self.load_state_dict(weights)

    def forward(self, genes):
        soft = self.linear_2(torch.nn.functional.gelu(self.linear_1(genes)))
        return torch.nn.functional.normalize(soft, dim=-1, eps=1e-12)


class Model(torch.nn.Module):
    def __init__(self, folder, weights, decoder=None, dtype=torch.float32):
        super().__init__()
        config = BertConfig.from_pretrained(weights / "encoder")
        config.num_hidden_layers = made.SHAPES["encoder"]["layers"]
        self.encoder = BertModel.from_pretrained(weights / "encoder", config=config, add_pooling_layer=False,
                                                 attn_implementation="sdpa").eval().requires_grad_(False)
        self.decoder = AutoModelForCausalLM.from_pretrained(decoder or weights / "decoder", dtype=dtype,
                                                            attn_implementation="sdpa")
        self.adapter = Adapter(load_file(weights / "adapter.safetensors"))
        data = np.load(folder / "inputs.npz")
        self.before, self.after = torch.tensor(data["before"]), torch.tensor(data["after"])
        starts = np.concatenate([[0], np.cumsum(data["lengths"])])
        self.genes = [torch.tensor(data["genes"][a:b]) for a, b in zip(starts[:-1], starts[1:])]
        self.texts = torch.tensor(data["texts"])

    def encode(self, cells):
        genes = torch.nn.utils.rnn.pad_sequence([self.genes[i] for i in cells], batch_first=True,
                                                padding_value=made.PAD)
        mask = torch.arange(genes.shape[1]) < torch.tensor([len(self.genes[i]) for i in cells]).unsqueeze(1)
        with torch.no_grad():
            states = self.encoder(genes, attention_mask=mask.long(), output_hidden_states=True).hidden_states
        return states[-2][:, 1:SOFT + 1]

    def prompt(self, cells):
        embed = self.decoder.get_input_embeddings()
        soft = self.adapter(self.encode(cells)).to(embed.weight.dtype)
        before, after = embed(self.before), embed(self.after)
        return torch.cat([before.expand(len(cells), -1, -1), soft, after.expand(len(cells), -1, -1)], 1)

    def loss(self, cells):
        prompt = self.prompt(cells)
        texts = self.texts[cells]
        embeddings = torch.cat([prompt, self.decoder.get_input_embeddings()(texts)], 1)
        labels = torch.cat([torch.full(prompt.shape[:2], -100), texts], 1)
        return self.decoder(inputs_embeds=embeddings, attention_mask=torch.ones(embeddings.shape[:2], dtype=torch.long),
                            labels=labels, use_cache=False).loss


def with_lora(model, shape):
    from peft import LoraConfig, get_peft_model
    model.decoder = get_peft_model(model.decoder, LoraConfig(
        r=shape["rank"], lora_alpha=shape["alpha"], task_type="CAUSAL_LM",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]))
    return model


def lora(folder, cells, steps):
    return steps_of(with_lora(Model(folder, folder / "weights-train"), made.SHAPES["lora"]), cells, steps)


def real(folder, cells, steps):
    model = Model(folder, folder / "weights-real", folder / "llama-3.2-1b", torch.bfloat16)
    return steps_of(with_lora(model, made.SHAPES["lora_of_real_sizes"]), cells, steps, batch=1)


def train(folder, cells, steps):
    return steps_of(Model(folder, folder / "weights-train"), cells, steps)


def steps_of(model, cells, steps, batch=BATCH):
    with torch.no_grad():
        check = np.mean([model.loss(list(range(i, i + batch))).item() for i in range(0, cells, batch)])
    model.decoder.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.01},
              {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=2e-4, fused=True)
    order = np.random.default_rng(1).permutation(len(model.genes))
    order = np.concatenate([order] * (1 + steps * batch // len(order)))
    result = {"check_loss": float(check), "steps": []}
    for step in range(steps):
        since = stamp()
        loss = model.loss(order[step * batch:(step + 1) * batch])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        result["steps"].append(lap(since) | {"cells": batch, "loss": loss.item()})
    return result


def generate(folder, cells, repeats):
    model = Model(folder, folder / "weights-generate").eval()
    shapes = made.SHAPES
    result = {"repeats": [], "versions": {}}
    for i in range(-1, repeats):
        since = stamp()
        with torch.inference_mode():
            prompt = model.prompt(list(range(cells)))
            tokens = model.decoder.generate(
                inputs_embeds=prompt, attention_mask=torch.ones(prompt.shape[:2], dtype=torch.long), do_sample=False,
                num_beams=shapes["beams"], max_new_tokens=shapes["new_tokens"], early_stopping=True, use_cache=True,
                pad_token_id=0)
        if i >= 0:
            result["repeats"].append(lap(since))
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    result["texts"] = [tokenizer.decode(row) for row in tokens.tolist()]
    return result


def tokenize(folder, cells, repeats):
    import anndata
    medians = np.load(folder / "inputs.npz")["medians"]
    matrix = anndata.read_h5ad(folder / "many.h5ad").X[:cells]
    chunks = [matrix[i:i + 512] for i in range(0, cells, 512)]
    totals = [np.asarray(chunk.sum(1)).ravel() for chunk in chunks]
    result = {"repeats": [], "cells": cells}
    for i in range(-1, repeats):
        since = stamp()
        ranked = [made.tokenize(chunk, total, medians, made.SHAPES["encoder"]["max_tokens"])
                  for chunk, total in zip(chunks, totals)]
        if i >= 0:
            result["repeats"].append(lap(since))
    result["tokens"] = sum(len(cell) for chunk in ranked for cell in chunk)
    result["first_genes"] = int(sum(cell[1] for chunk in ranked for cell in chunk))
    return result


if __name__ == "__main__":
    what, folder, *numbers = sys.argv[1:]
    torch.set_num_threads(1 if what == "tokenize" else int(os.environ.get("BENCH_THREADS", 2)))
    run = {"train": train, "lora": lora, "real": real, "generate": generate, "tokenize": tokenize}[what]
    print(json.dumps(run(pathlib.Path(folder), *map(int, numbers))))
