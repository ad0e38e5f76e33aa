"""scikit-learn's logistic regression without a penalty on made-up embeddings, as FOLDER/cases.json."""
import argparse
import json
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression


def regression(x, y):
    # A penalty so weak that it is none: the name of "no penalty" differs between versions.
    return LogisticRegression(C=1e9, tol=1e-9, max_iter=20000).fit(x, y)


def make_case(rng, several):
    cells, width, classes = 400, 5, int(rng.integers(3, 6))
    x = rng.normal(size=(cells, width)).astype(np.float32)
    weights = rng.normal(size=(width, classes))
    logits = x @ weights + rng.gumbel(size=(cells, classes))  # classes overlap, so the optimum is finite
    if several:
        truth = (logits > np.median(logits)).astype(int)
        probabilities = np.stack([regression(x, truth[:, c]).predict_proba(x)[:, 1] for c in range(classes)], axis=1)
    else:
        truth = logits.argmax(axis=1)
        truth[:classes] = np.arange(classes)
        probabilities = regression(x, truth).predict_proba(x)
    return {"several": several, "classes": [f"c{c}" for c in range(classes)], "embeddings": x.tolist(),
            "truth": truth.tolist(), "probabilities": probabilities.tolist()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    cases = [make_case(rng, several) for several in (False, True, False)]
    (arguments.folder / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
