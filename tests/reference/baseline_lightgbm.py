"""LightGBM's Python package on made-up cells, with the settings of the baseline, as FOLDER/cases.json.

Embeddings or counts; one class of several (a multiclass booster), or several classes at once (a binary booster each);
with validation cells that stop the training, or without any.
"""
import argparse
import json
import pathlib

import lightgbm
import numpy as np
import scipy.sparse


def train(parameters, x, y, x_valid, y_valid, rounds, patience):
    data = lightgbm.Dataset(x, y, params=parameters)
    watched = [] if x_valid is None else [lightgbm.Dataset(x_valid, y_valid, reference=data, params=parameters)]
    callbacks = [lightgbm.early_stopping(patience, verbose=False)] if watched else []
    return lightgbm.train(parameters, data, num_boost_round=rounds, valid_sets=watched, callbacks=callbacks)


def make_case(rng, kind, several, watched, seed):
    cells, width = int(rng.integers(150, 500)), int(rng.integers(3, 30))
    classes = int(rng.integers(2, 6))
    rounds, patience, leaf = int(rng.integers(3, 60)), int(rng.integers(1, 12)), int(rng.choice([1, 5, 20]))
    part = np.array(["train"] * cells)
    part[rng.random(cells) < 0.3] = "valid" if watched else "train"
    part[rng.random(cells) < 0.2] = "test"
    if kind == "embedding":
        x = rng.normal(size=(cells, width)).astype(np.float32)
        given = x
    else:
        counts = rng.poisson(0.7, size=(cells, width)).astype(np.float32)
        totals = counts.sum(axis=1).astype(np.float64) + rng.integers(1, 50, size=cells)
        given = counts
        x = scipy.sparse.csr_matrix(np.log1p(1e4 * counts.astype(np.float64) / totals[:, None]).astype(np.float32))
    logits = np.asarray(given) @ rng.normal(size=(width, classes)) + rng.gumbel(size=(cells, classes))
    truth = (logits > np.quantile(logits, 0.6, axis=0)).astype(int) if several else logits.argmax(axis=1)
    if not several:
        truth[np.flatnonzero(part == "train")[:classes]] = np.arange(classes)
    parameters = {"objective": "binary" if several else "multiclass", "learning_rate": 0.05, "num_leaves": 31,
                  "min_data_in_leaf": leaf, "num_threads": 2, "deterministic": True, "force_row_wise": True,
                  "verbosity": -1, "seed": seed}
    parameters |= {"metric": "binary_logloss"} if several else {"metric": "multi_logloss", "num_class": classes}
    rows = {name: np.flatnonzero(part == name) for name in ("train", "valid", "test")}
    boosters = []
    for c in range(classes if several else 1):
        y = truth[:, c] if several else truth
        x_valid = x[rows["valid"]] if watched else None
        boosters.append(train(parameters, x[rows["train"]], y[rows["train"]], x_valid, y[rows["valid"]], rounds,
                              patience))
    test = x[rows["test"]]
    if several:
        probabilities = np.stack([b.predict(test, num_iteration=b.best_iteration or None) for b in boosters], axis=1)
    else:
        probabilities = boosters[0].predict(test, num_iteration=boosters[0].best_iteration or None)
    case = {"kind": kind, "several": several, "classes": [f"c{c}" for c in range(classes)], "rounds": rounds,
            "patience": patience, "min_cells_in_leaf": leaf, "seed": seed, "given": np.asarray(given).tolist(),
            "truth": truth.tolist(), "probabilities": probabilities.tolist(),
            "rounds_kept": [int(b.best_iteration if watched else b.current_iteration()) for b in boosters]}
    if kind != "embedding":
        case["totals"] = totals.tolist()
    return case | {name: rows[name].tolist() for name in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    cases = [make_case(rng, kind, several, watched, arguments.seed % 1000)
             for kind in ("embedding", "expression") for several in (False, True) for watched in (True, True, False)]
    (arguments.folder / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
