#!/usr/bin/env python3
"""Prints the scores of a finished run and three of its descriptions beside their references.

Usage: tools/show_run.py RUN_DIR
"""

import json
import sys
from pathlib import Path


def scores(tree, path=""):
    """The leaves of metrics.json: (dotted name, {"value": ..., ...})."""
    for name, node in tree.items():
        if isinstance(node, dict) and "value" in node:
            yield path + name, node
        elif isinstance(node, dict):
            yield from scores(node, f"{path}{name}.")


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    run = Path(sys.argv[1])
    print(f"{'SCORE':<40} {'VALUE':>8}  95% INTERVAL")
    for name, score in scores(json.loads((run / "metrics.json").read_text())):
        value = "-" if score["value"] is None else f"{score['value']:.{0 if score['value'] > 1 else 4}f}"
        low, high = score.get("low"), score.get("high")
        interval = f"{low:.4f} .. {high:.4f}" if low is not None and high is not None else ""
        print(f"{name:<40} {value:>8}  {interval} {score.get('note') or ''}".rstrip())
    predictions = [json.loads(line) for line in (run / "predictions.jsonl").read_text().splitlines()]
    count = min(3, len(predictions))
    for i in range(count):
        one = predictions[i * len(predictions) // count]
        print(f"\ncell {one['cell']}\n  written    {one['prediction']}\n  reference  {one['reference']}")


if __name__ == "__main__":
    main()
