"""Writes random plain values as pickles of all protocols, and as JSON with the types spelled out."""

import argparse
import json
import math
import pathlib
import pickle
import random

import numpy


def make_value(rng, depth):
    kind = rng.randrange(12 if depth < 4 else 9)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, 1, -1, 255, 256, -129, 65535, 65536, 2**31, -2**31 - 1, 2**63 - 1, -2**63])
    if kind == 2:
        return rng.randrange(-2**rng.randrange(1, 64), 2**rng.randrange(1, 63))
    if kind == 3:
        return rng.choice([0.0, -2.5, 1e300, 5e-324, math.inf, -math.inf, math.nan, rng.gauss(0, 1)])
    if kind == 4:
        return "".join(chr(rng.choice([9, 10, 39, 92, 65, 233, 0x20ac, 0x1f600])) for _ in range(rng.randrange(300)))
    if kind == 5:
        return rng.choice(["ENSG0000", "shared", ""])
    if kind == 6:
        return rng.randbytes(rng.randrange(300))
    if kind == 7:
        return rng.choice([numpy.float64, numpy.float32])(rng.gauss(0, 100))
    if kind == 8:
        return rng.choice([numpy.int64, numpy.int32])(rng.randrange(-2**31, 2**31))
    size = rng.choice([0, 1, 2, 3, 4, 9])
    if kind == 9:
        return [make_value(rng, depth + 1) for _ in range(size)]
    if kind == 10:
        return tuple(make_value(rng, depth + 1) for _ in range(size))
    return {f"key {i}" if i % 2 else i: make_value(rng, depth + 1) for i in range(size)}


def spelled(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, numpy.integer)):
        return int(value)
    if isinstance(value, (float, numpy.floating)):
        value = float(value)
        name = "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf") if math.isinf(value) else "finite"
        return {"float": name, "value": value if math.isfinite(value) else 0.0}
    if isinstance(value, bytes):
        return {"bytes": list(value)}
    if isinstance(value, list):
        return {"list": [spelled(item) for item in value]}
    if isinstance(value, tuple):
        return {"tuple": [spelled(item) for item in value]}
    return {"dict": [[spelled(key), spelled(item)] for key, item in value.items()]}


parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, required=True)
arguments = parser.parse_args()
rng = random.Random(arguments.seed)
for case in range(20):
    shared = make_value(rng, 3)
    value = [make_value(rng, 0) for _ in range(10)] + [shared, {"again": shared}]
    for protocol in range(6):
        path = arguments.folder / f"{case}.protocol{protocol}.pkl"
        path.write_bytes(pickle.dumps(value, protocol))
        path.with_suffix(".json").write_text(json.dumps(spelled(value)))
