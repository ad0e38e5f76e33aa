"""difflib's ratios of made-up texts as FOLDER/ratios.json, or pathway scores as FOLDER/scores.json: parts of texts
matched by difflib, sets scored by scikit-learn. A part that matches nothing is one more wrong class for the subset
accuracy and the Jaccard index, and outside the classes of F1.
"""
import argparse
import difflib
import json
import pathlib
import random
import re

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

OPENER, SECOND = ". this cell is associated with ", ". additionally, it involves "


def damaged(rng, text, edits, letters):
    letters_of_text = list(text)
    for _ in range(edits):
        at = rng.randrange(len(letters_of_text) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            letters_of_text.insert(at, rng.choice(letters))
        elif kind == 1 and at < len(letters_of_text):
            del letters_of_text[at]
        elif kind == 2 and at < len(letters_of_text):
            letters_of_text[at] = rng.choice(letters)
        else:
            cut = rng.randrange(len(letters_of_text) + 1)
            letters_of_text = letters_of_text[cut:] + letters_of_text[:cut] if rng.random() < 0.1 else letters_of_text
    return "".join(letters_of_text)


def ratios(rng):
    alphabets = ["ab", "abc ", "abcdefghijklmnopqrstuvwxyz (-)", "αβγδ cell", "日本語 e\u0301👩"]
    for _ in range(1700):
        letters = rng.choice(alphabets)
        b = "".join(rng.choice(letters) for _ in range(rng.choice([0, 1, 2, 5, 30, 80, 150, 198, 199, 200, 201, 420])))
        if rng.random() < 0.7:
            a = damaged(rng, b, rng.choice([0, 1, 2, 5, 30]), letters)
        else:
            a = "".join(rng.choice(letters) for _ in range(rng.choice([0, 1, 2, 5, 30, 80, 150, 250])))
        yield {"a": a, "b": b, "ratio": difflib.SequenceMatcher(None, a, b).ratio()}


def form(text):
    text = " ".join(re.split(r"[ \t\n\v\f\r]+", text.lower().strip(" \t\n\v\f\r")))
    return text.removesuffix(".").strip(" ")


def meant(part, forms):
    """The one description with the best ratio of at least .97; equal ones always win, since they have 1."""
    rated = [(difflib.SequenceMatcher(None, part, text).ratio(), name) for text, name in forms.items()]
    best = max(ratio for ratio, _ in rated)
    names = [name for ratio, name in rated if ratio == best]
    return names[0] if best >= 0.97 and len(names) == 1 else ""


def parts(text):
    text = " ".join(text.lower().split())
    if OPENER not in text:
        return []
    first, found, second = text[text.index(OPENER) + len(OPENER):].partition(SECOND)
    return [form(first)] + ([form(second)] if found else [])


def described(rng, descriptions):
    text = "This sample consists of a B cell"
    for opener, description in zip([". This cell is associated with ", " Additionally, it involves "], descriptions):
        text += opener + description
    return text if descriptions else text + "."


def make_text(rng, pathways, table):
    told = [table[name] for name in pathways]
    for i in range(len(told)):
        kind = rng.random()
        if kind < 0.3:
            told[i] = damaged(rng, told[i], rng.choice([1, 1, 2, 4]), "abcdefg ")
        elif kind < 0.35:
            told[i] = rng.choice(["", "Genes.", told[i].upper(), told[i].replace(" ", "\n  "), told[i] * 3])
    return described(rng, told)


def scores(rng, table):
    forms = {form(text): name for name, text in table.items()}
    names = list(table)
    few = rng.sample(names, rng.choice([2, 5, 50]))
    cells, truth, said, unreadable = [], [], [], []
    for _ in range(rng.choice([3, 30, 80])):
        true = rng.sample(few, rng.choice([1, 2, 2, 2]))
        guess = true if rng.random() < 0.5 else rng.sample(few, rng.choice([0, 1, 2, 2]))
        text = make_text(rng, guess, table)
        found = [meant(part, forms) for part in parts(text)]
        cells.append({"reference": described(rng, [table[name] for name in true]), "prediction": text, "meant": found})
        truth.append([name in true for name in names])
        said.append([name in found for name in names])
        unreadable.append(found.count(""))
    truth, said, unreadable = np.array(truth, int), np.array(said, int), np.array(unreadable)
    classes = [i for i in range(len(names)) if truth[:, i].any() or said[:, i].any()]
    wrong = np.stack([unreadable > 0, unreadable > 1], axis=1).astype(int)
    both = [np.hstack([truth, np.zeros_like(wrong)]), np.hstack([said, wrong])]
    f1 = {f"{average}_f1": float(f1_score(truth, said, labels=classes, average=average, zero_division=0))
          for average in ("weighted", "macro", "micro")}
    return {"cells": cells, "scores": {
        "subset_accuracy": float(accuracy_score(*both)),
        "jaccard": float(jaccard_score(*both, average="samples", zero_division=0)),
        "unreadable": float(np.mean((unreadable > 0) | (said.sum(1) == 0))), **f1}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("what", choices=["ratios", "scores"])
    parser.add_argument("table", type=pathlib.Path, nargs="?")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    if args.what == "ratios":
        cases = list(ratios(rng))
    else:
        table = dict(line.split("\t") for line in args.table.read_text(encoding="utf-8").splitlines())
        cases = [scores(rng, table) for _ in range(12)]
    (args.folder / f"{args.what}.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
