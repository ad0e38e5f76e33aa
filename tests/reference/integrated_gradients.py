"""Captum's integrated gradients of what a transformers model gives to a stretch of a text behind soft tokens.

Usage: integrated_gradients.py FOLDER --seed N MODEL GIVEN.safetensors ASKED.json; writes FOLDER/attributions.safetensors

GIVEN holds soft [P,D] and baselines of its shape. ASKED: "before", "after" and "text" (token ids), and "cases", each with
"baseline" (a name), "first" and "count" (tokens of the text), "steps" (points of the integral).
"""

import json

import torch
from captum.attr import IntegratedGradients
from safetensors.torch import load_file, save_file

from causal_model import open_model, read_arguments

arguments = read_arguments("model", "given", "asked")
model = open_model(arguments.model)
given, asked = load_file(arguments.given), json.loads(arguments.asked.read_text())


def embed(ids):
    return model.get_input_embeddings()(torch.tensor(ids, dtype=torch.int64))


def log_probability(first, count):
    def of(soft):
        begin, end = embed(asked["before"]), embed(asked["after"] + asked["text"])
        rows = [piece.expand(len(soft), -1, -1) for piece in (begin, end)]
        log_p = model(inputs_embeds=torch.cat([rows[0], soft, rows[1]], 1)).logits.double().log_softmax(-1)
        start = len(begin) + soft.shape[1] + len(asked["after"]) + first
        return sum(log_p[:, start + i - 1, asked["text"][first + i]] for i in range(count))

    return of


answers = {}
for number, case in enumerate(asked["cases"]):
    f = log_probability(case["first"], case["count"])
    soft, baseline = given["soft"][None], given[case["baseline"]][None]
    attributions = IntegratedGradients(f).attribute(soft, baseline, n_steps=case["steps"], method="gausslegendre",
                                                    internal_batch_size=16)
    answers[f"{number}.attributions"] = attributions[0].double().contiguous()
    answers[f"{number}.values"] = torch.stack([f(soft)[0], f(baseline)[0]])
save_file(answers, arguments.folder / "attributions.safetensors")
