"""The page of `cell2text explain` in a headless Chromium, against the JSON of the same explanation.

Usage: explain_page.py FOLDER --seed N PAGE.html EXPLAINED.json TOP
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from browser import Browser  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--seed")
parser.add_argument("page", type=Path)
parser.add_argument("explained", type=Path)
parser.add_argument("top", type=int)
arguments = parser.parse_args()
explained = json.loads(arguments.explained.read_text())


def check(condition, text):
    if not condition:
        raise SystemExit(f"explain_page: {text}")


with Browser() as browser:
    for width in (1200, 380):
        browser.width(width)
        browser.open(arguments.page)
        outside = [url for url in browser.requests if not url.endswith(arguments.page.name)]
        check(not outside, f"the page asks for {outside}")
        check(browser.value("document.documentElement.scrollWidth") <= width, f"the page is wider than {width} pixels")
        bars = browser.value("charts.map((c) => [c.chart.data.labels, c.chart.data.datasets[0].data])")
        check(len(bars) == len(explained["labels"]), f"{len(bars)} plots for {len(explained['labels'])} labels")
        for (names, values), label in zip(bars, explained["labels"]):
            shown = label["genes"][:arguments.top]
            check(names == [gene["gene"] for gene in shown], f"{label['label']}: bars are of {names}")
            check(values == [gene["attribution"] for gene in shown], f"{label['label']}: bars are {values}")
        rows = browser.value("[...document.querySelectorAll('table')].map((t) => t.tBodies[0].rows.length)")
        check(rows == [len(label["genes"]) for label in explained["labels"]], f"tables have {rows} rows")
        marks = browser.value("[...document.querySelectorAll('mark')].map((m) => m.textContent)")
        words = [label["words"] for label in explained["labels"]]
        check(marks and all(mark in words for mark in marks), f"{marks} are marked, of {words}")
        notes = browser.value("[...document.querySelectorAll('.note')].map((n) => n.textContent)")
        alarms = sum(not label["from_cell"] for label in explained["labels"])
        check(sum("Does not come from the cell." in note for note in notes) == alarms, f"{alarms} alarms, notes: {notes}")
    browser.scheme("dark")
    check(not browser.complaints, f"the console says {browser.complaints}")
