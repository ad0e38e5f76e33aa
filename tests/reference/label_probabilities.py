"""The probability that transformers gives to words behind a prompt of embeddings and a text, each read by itself.
Usage: label_probabilities.py FOLDER --seed N MODEL PROMPTS.safetensors ASKED.json; writes FOLDER/answers.json."""

import json

import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from causal_model import open_model, read_arguments

arguments = read_arguments("model", "prompts", "asked")
tokenizer = AutoTokenizer.from_pretrained(arguments.model)
model = open_model(arguments.model)
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
