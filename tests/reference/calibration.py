"""Reliability curves of made-up confidences by scikit-learn and numpy, as FOLDER/cases.json."""
import argparse
import json
import pathlib

import numpy as np
from sklearn.calibration import calibration_curve


def make_case(rng):
    cells, bins = int(rng.choice([1, 2, 7, 60, 400])), int(rng.choice([1, 2, 5, 10, 37]))
    confidences = rng.random(cells)
    if rng.random() < 0.5:  # as many on the edges of bins
        edges = rng.random(cells) < 0.5
        confidences[edges] = rng.choice(np.linspace(0, 1, bins + 1), edges.sum())
    right = rng.random(cells) < confidences ** rng.choice([0.5, 1, 3])
    return {"bins": bins, "confidences": confidences.tolist(), "right": right.tolist(), **expected(confidences, right, bins)}


def expected(confidences, right, bins):
    accuracy, confidence = calibration_curve(right, confidences, n_bins=bins, strategy="uniform")
    places = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidences)
    cells = np.bincount(places, minlength=bins)
    share = cells[cells > 0] / len(confidences)
    surest = {}
    for percent in (25, 50, 75, 90):
        # The mean over all orders of equally sure cells: each cell's chance to be among the surest times its outcome.
        wanted, taken, hits = percent / 100 * len(confidences), 0.0, 0.0
        for value in np.unique(confidences)[::-1]:
            same = confidences == value
            share_of_same = min(1.0, max(0.0, wanted - taken) / same.sum())
            taken, hits = taken + share_of_same * same.sum(), hits + share_of_same * right[same].sum()
        surest[str(percent)] = float(hits / taken)
    return {"ece": float((share * np.abs(accuracy - confidence)).sum()), "accuracy": accuracy.tolist(),
            "confidence": confidence.tolist(), "cells": cells.tolist(), "surest": surest}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    (args.folder / "cases.json").write_text(json.dumps([make_case(rng) for _ in range(150)]))


if __name__ == "__main__":
    main()
