"""Ten optimiser steps of a tiny adapter and Llama, by transformers and torch.optim; with --lora by peft as well, which
starts from the folder `lora/`.

`model/` is the decoder as it starts, `start.safetensors` the gene vectors and the adapter as it starts,
`end.safetensors` all trained weights after the last step, `training.json` prompt, batches, settings and losses.
"""
import argparse
import json
import pathlib
import random
import warnings

import torch
from safetensors.torch import save_file
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils.logging import disable_progress_bar

from causal_model import letter_tokenizer

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--optimizer", choices=["adam", "adamw"], default="adamw")
parser.add_argument("--schedule", choices=["step", "cosine"], default="step")
parser.add_argument("--label-smoothing", type=float, default=0)
parser.add_argument("--tied", action="store_true")
parser.add_argument("--lora", action="store_true")
args = parser.parse_args()
torch.manual_seed(args.seed)
rng = random.Random(args.seed)
torch.set_num_threads(1)
warnings.simplefilter("ignore")
disable_progress_bar()

STEPS, ACCUMULATION, STEPS_PER_EPOCH = 10, 2, 3
GENES, GENE_WIDTH, HIDDEN = 40, 6, 11
settings = {"optimizer": args.optimizer, "schedule": args.schedule, "label_smoothing": args.label_smoothing,
            "learning_rate": 3e-3, "weight_decay": 0.2, "gamma": 0.7, "clip_norm": rng.choice([0.3, 1.0]),
            "beta_1": 0.85, "beta_2": 0.97,
            # Larger than usual: the step of a gradient that is rounding noise around zero stays small.
            "epsilon": 1e-4}

special = ["<|begin_of_text|>", "<|end_of_text|>"]
tokenizer = letter_tokenizer(special)
vocabulary = tokenizer.get_vocab_size()
end = tokenizer.token_to_id("<|end_of_text|>")

decoder = LlamaForCausalLM(LlamaConfig(
    vocab_size=vocabulary, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, tie_word_embeddings=args.tied, bos_token_id=tokenizer.token_to_id("<|begin_of_text|>"),
    eos_token_id=end, max_position_embeddings=256, initializer_range=0.3))
decoder.train()
decoder.save_pretrained(args.folder / "model")
tokenizer.save(str(args.folder / "model" / "tokenizer.json"))

if args.lora:
    from peft import LoraConfig, get_peft_model
    decoder = get_peft_model(decoder, LoraConfig(
        r=rng.randint(2, 30), lora_alpha=rng.randint(2, 30), use_rslora=rng.random() < 0.5, task_type="CAUSAL_LM",
        target_modules=rng.choice([["q_proj", "k_proj", "v_proj", "o_proj"], ["v_proj", "down_proj"]])))
    for name, value in decoder.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.1)
    decoder.save_pretrained(args.folder / "lora")

genes = torch.randn(GENES, GENE_WIDTH)
linear_1, linear_2 = torch.nn.Linear(GENE_WIDTH, HIDDEN), torch.nn.Linear(HIDDEN, 24)
adapter = {"linear_1.weight": linear_1.weight, "linear_1.bias": linear_1.bias,
           "linear_2.weight": linear_2.weight, "linear_2.bias": linear_2.bias}
save_file({"genes": genes, **{name: value.detach().clone() for name, value in adapter.items()}},
          args.folder / "start.safetensors")

before = [rng.randrange(vocabulary) for _ in range(3)]
after = [rng.randrange(vocabulary) for _ in range(2)]


def make_batch():
    cells = rng.randint(1, 4)
    return {"genes": [[rng.randrange(GENES) for _ in range(rng.randint(1, 9))] for _ in range(cells)],
            "texts": [[rng.randrange(vocabulary) for _ in range(rng.randint(0, 12))] + [end] for _ in range(cells)]}


steps = [[make_batch() for _ in range(ACCUMULATION)] for _ in range(STEPS)]


def batch_loss(batch):
    """Sums over the tokens of all descriptions: what is minimised, and what is reported."""
    embed = decoder.get_input_embeddings()
    rows, starts = [], []
    for cell, text in zip(batch["genes"], batch["texts"]):
        soft = functional.normalize(linear_2(functional.gelu(linear_1(genes[cell]))), dim=-1)
        rows.append(torch.cat([embed(torch.tensor(before)), soft, embed(torch.tensor(after + text))]))
        starts.append(len(before) + len(cell) + len(after))
    mask = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for b, row in enumerate(rows):
        mask[b, : len(row)] = 1
    padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    logits = decoder(inputs_embeds=padded, attention_mask=mask).logits
    minimised, reported = 0, 0
    for b, (start, text) in enumerate(zip(starts, batch["texts"])):
        scores, target = logits[b, start - 1: start - 1 + len(text)], torch.tensor(text)
        minimised = minimised + functional.cross_entropy(scores, target, reduction="sum",
                                                         label_smoothing=args.label_smoothing)
        reported += functional.cross_entropy(scores.detach(), target, reduction="sum").item()
    return minimised, reported


trained = {**{"adapter." + name: value for name, value in adapter.items()},
           **{("finetuning." + name.replace(".default", "") if args.lora else "decoder." + name): value
              for name, value in decoder.named_parameters() if value.requires_grad}}
groups = [{"params": [value for value in trained.values() if value.dim() > 1],
           "weight_decay": settings["weight_decay"]},
          {"params": [value for value in trained.values() if value.dim() < 2], "weight_decay": 0}]
kind = torch.optim.AdamW if args.optimizer == "adamw" else torch.optim.Adam
optimizer = kind(groups, lr=settings["learning_rate"], betas=(settings["beta_1"], settings["beta_2"]),
                 eps=settings["epsilon"])
if args.schedule == "step":
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=STEPS_PER_EPOCH, gamma=settings["gamma"])
else:
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS)

losses, norms, rates = [], [], []
for step in steps:
    tokens = sum(len(text) for batch in step for text in batch["texts"])
    optimizer.zero_grad()
    total = 0
    for batch in step:
        minimised, reported = batch_loss(batch)
        (minimised / tokens).backward()
        total += reported
    losses.append(total / tokens)
    norms.append(torch.nn.utils.clip_grad_norm_(trained.values(), settings["clip_norm"]).item())
    rates.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    schedule.step()

save_file({name: value.detach().clone().contiguous() for name, value in trained.items()},
          args.folder / "end.safetensors")
(args.folder / "training.json").write_text(json.dumps(
    {"settings": settings, "steps_per_epoch": STEPS_PER_EPOCH, "hidden": HIDDEN, "before": before, "after": after,
     "steps": steps, "losses": losses, "norms": norms, "rates": rates}))
