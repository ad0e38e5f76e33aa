#!/usr/bin/env python3
"""Holds a finished quickstart against what it must reach.

Usage: tools/check_quickstart.py RUN_DIR [--at-least 0.45] [--beside majority,head,...]

Checks that the files of a run are there and whole, that the share of held-out cells whose full cell type was
read back from the text is at least the given one, and that it is better than naming the commonest type, and stands
apart from the control whose cells are shuffled.
"""

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--at-least", type=float, default=0.45)
    parser.add_argument("--beside", default="", help="baselines that must have been scored, beside the control")
    arguments = parser.parse_args()
    faults = []

    def need(condition, text):
        if not condition:
            faults.append(text)

    files = ["experiment.toml", "environment.json", "log.jsonl", "predictions.jsonl", "metrics.json", "comparisons.json",
             "report.html", "model/cell2text.json", "model/adapter.safetensors"]
    for name in files:
        path = arguments.run / name
        need(path.is_file() and path.stat().st_size > 0, f"{path} is missing or empty")
    if not faults:
        metrics = json.loads((arguments.run / "metrics.json").read_text())
        predictions = [json.loads(line) for line in (arguments.run / "predictions.jsonl").read_text().splitlines()]
        accuracy = metrics["labels"]["cell_type.accuracy"]["value"] or 0.0
        types = Counter(one["cell_type"] for one in predictions)
        commonest = max(types.values()) / len(predictions)
        print(f"cell types read back: {accuracy:.3f} of {len(predictions)} cells (needed: {arguments.at_least}; "
              f"naming the commonest type: {commonest:.3f})")
        need(accuracy >= arguments.at_least, f"labels: cell_type.accuracy is {accuracy:.3f}; at least "
             f"{arguments.at_least} is needed")
        need(accuracy > commonest, f"labels: cell_type.accuracy is {accuracy:.3f}, no better than naming the commonest "
             f"type ({commonest:.3f})")
        comparisons = json.loads((arguments.run / "comparisons.json").read_text())
        need("labels.cell_type.accuracy" not in comparisons["not_told_apart"]["scores"],
             "labels: cell_type.accuracy does not stand apart from the control whose cells are shuffled")
        wanted = {"shuffled", *filter(None, arguments.beside.split(","))}
        missing = wanted - {system["name"] for system in comparisons["systems"] if "scores" in system}
        need(not missing, f"comparisons.json lacks {', '.join(sorted(missing))}")
        for system in comparisons["systems"]:
            if "scores" not in system:
                continue  # named above
            score = system["scores"]["labels"]["cell_type.accuracy"]
            print(f"  {system['name']}: {score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})")
            need(score["low"] <= score["value"] <= score["high"], f"{system['name']}: the interval is not around the value")
            lines = (arguments.run / f"predictions.{system['name']}.jsonl").read_text().splitlines()
            need(len(lines) == len(predictions),
                 f"predictions.{system['name']}.jsonl has {len(lines)} lines; {len(predictions)} are expected")
        need(len(predictions) >= 100, f"{len(predictions)} predictions; at least 100 are expected")
        need(all(one["prediction"] for one in predictions), "some predictions are empty")
        report = (arguments.run / "report.html").read_text()
        need("</html>" in report, "report.html does not end in </html>")
        outside = re.search(r"""(src|href)\s*=\s*["']?(https?:)?//[^"'\s>]+\.(js|css|png|svg|woff2?)|@import|url\(["']?https?:""",
                            report)
        need(not outside, f"report.html loads something from outside: {outside and outside[0]}; it must open offline")
    for fault in faults:
        print(f"check_quickstart: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
