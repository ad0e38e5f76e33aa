"""scikit-learn's classification scores of made-up labels, as FOLDER/cases.json.

A prediction of null could not be read: it is given to scikit-learn as a class outside `labels`.
"""
import argparse
import json
import pathlib
import random

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

UNREADABLE = "\x00unreadable"


def make_case(rng):
    kinds = rng.choice([1, 2, 3, 10, 60])
    names = rng.sample(["T cell", "B cell", "β cell", "Éosinophil", "", " ", "a,b", "Z", "z"] +
                       ["class %d" % i for i in range(60)], kinds)
    cells = rng.choice([1, 2, 5, 50, 400])
    truth = [rng.choice(names[: rng.randint(1, kinds)]) for _ in range(cells)]
    right, unreadable = rng.random(), rng.choice([0, 0.1, 1])
    predicted = []
    for name in truth:
        if rng.random() < unreadable:
            predicted.append(None)
        else:
            predicted.append(name if rng.random() < right else rng.choice(names))
    return truth, predicted


def expected(truth, predicted):
    given = [UNREADABLE if p is None else p for p in predicted]
    classes = sorted(set(truth) | {p for p in predicted if p is not None})

    def scores(average):
        return precision_recall_fscore_support(truth, given, labels=classes, average=average, zero_division=0)

    columns = classes + [UNREADABLE]
    return {
        "truth": truth,
        "predicted": predicted,
        "classes": classes,
        "accuracy": float(accuracy_score(truth, given)),
        "macro": [float(x) for x in scores("macro")[:3]],
        "weighted": [float(x) for x in scores("weighted")[:3]],
        "per_class": [np.asarray(x).tolist() for x in scores(None)],
        "confusion": confusion_matrix(truth, given, labels=columns)[: len(classes)].tolist(),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    cases = [expected(*make_case(rng)) for _ in range(150)]
    (args.folder / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
