"""Rows of bench/run.py: the metric `bertscore` beside the package bert-score, on descriptions of about 100 tokens."""
import pathlib
import subprocess
import sys

from peer_bertscore import minilm
from sides import measured, per_second, row

HERE = pathlib.Path(__file__).resolve().parent
TARGET, REPEATS = 1.5, 2


def rows(folder, options, bench):
    folder = folder / "bertscore"
    if not (folder / "base/config.json").exists():
        subprocess.run([sys.executable, HERE / "peer_bertscore.py", "make", folder], check=True)
    found, runs = [], {}
    for name, model, count, layer in (("all-MiniLM-L6-v2", minilm(), 300, 6), ("a random BERT, 12 x 768", folder / "base", 40, 12)):
        pairs = []
        for _ in range(options.pairs):
            a = measured([bench, model, folder / "pairs.json", count, layer, REPEATS], options.threads)
            b = measured([sys.executable, HERE / "peer_bertscore.py", "run", model, folder / "pairs.json", count, layer,
                          REPEATS],
                         options.threads)
            if max(abs(x - y) for x, y in zip(a["f1"], b["f1"], strict=True)) > 1e-4:
                sys.exit("bench/run.py: BERTScores differ")
            pairs.append((a, b))
            print(f"bertscore, {name}: {[round(per_second(s, 'repeats', count * REPEATS), 2) for s in (a, b)]} pairs/s, "
                  f"{a['vm_hwm_mib']} and {b['vm_hwm_mib']} MiB", file=sys.stderr)
        speeds = lambda pair, key, scored=count * REPEATS: [per_second(side, "repeats", scored, key) for side in pair]
        found.append(row(f"BERTScore by {name}, {count} pairs of {b['tokens'] // b['texts']}-token texts", pairs, speeds,
                         "pairs/s", TARGET))
        runs[name] = [[{k: v for k, v in side.items() if k != "f1"} for side in pair] for pair in pairs]
    return found, runs
