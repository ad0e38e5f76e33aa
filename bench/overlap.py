"""Row of bench/run.py: the metric `overlap` beside nltk and rouge-score, one thread each, on descriptions."""
import pathlib
import subprocess
import sys

from sides import measured, per_second, row

HERE = pathlib.Path(__file__).resolve().parent
REPEATS = 100  # of ours: a pass takes some milliseconds


def rows(folder, options, bench, target):
    pairs_file = folder / "bertscore/pairs.json"
    if not pairs_file.exists():
        subprocess.run([sys.executable, HERE / "peer_bertscore.py", "make", folder / "bertscore"], check=True)
    pairs = []
    for _ in range(options.pairs):
        a = measured([bench, pairs_file, REPEATS], threads=1)
        b = measured([sys.executable, HERE / "peer_overlap.py", pairs_file], threads=1)
        for name, values in b["scores"].items():
            if max(abs(x - y) for x, y in zip(a["scores"][name], values, strict=True)) > 1e-6:
                sys.exit(f"bench/run.py: {name} differs")
        for side in (a, b):
            side.pop("scores")
        pairs.append((a, b))
        print(f"overlap: {[round(speed) for speed in speeds((a, b), 'wall_s')]} pairs/s", file=sys.stderr)
    return [row(f"BLEU and ROUGE of texts of {b['words']:.0f} words, one thread; peer: nltk and rouge-score", pairs, speeds,
                "pairs/s", target)], pairs


def speeds(pair, key):
    return [per_second(side, "repeats", side["pairs"] * len(side["repeats"]), key) for side in pair]
