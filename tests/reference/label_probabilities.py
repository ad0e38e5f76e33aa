"""The probability that transformers gives to words behind a prompt of embeddings and a text, each read by itself.
Usage: label_probabilities.py FOLDER --seed N MODEL PROMPTS.safetensors ASKED.json; writes FOLDER/answers.json."""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--seed")
for name in ("model", "prompts", "asked"):
    parser.add_argument(name, type=Path)
arguments = parser.parse_args()
torch.set_num_threads(1)
disable_progress_bar()
tokenizer = AutoTokenizer.from_pretrained(arguments.model)
model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32).eval()
prompts = load_file(arguments.prompts)["prompts"]


def probability(question):
    encode = lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]
    before, tokens = encode(question["before"]), encode(question["before"] + question["words"])
    assert tokens[:len(before)] == before
    embeddings = torch.cat([prompts[question["prompt"], :question["length"]],
                            model.get_input_embeddings()(torch.tensor(tokens))])
    with torch.no_grad():
        scores = model(inputs_embeds=embeddings[None]).logits[0].double().log_softmax(-1)
    first = question["length"] - 1
    return sum(scores[first + i, tokens[i]].item() for i in range(len(before), len(tokens)))


answers = [float(torch.tensor(probability(one), dtype=torch.float64).exp())
           for one in json.loads(arguments.asked.read_text())]
(arguments.folder / "answers.json").write_text(json.dumps(answers))
