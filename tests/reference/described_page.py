"""The page of `cell2text describe --report` in a headless Chromium, against the data in it.

Usage: described_page.py FOLDER --seed N PAGE.html
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from browser import Browser  # noqa: E402

TITLES = ["The file, as the doctor sees it", "What became of the cells", "On the UMAP", "Cell types", "Composition by sample",
          "Composition by my_clusters", "How sure the model is", "Genes used per cell", "The least certain cells"]

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--seed")
parser.add_argument("page", type=Path)
arguments = parser.parse_args()


def check(condition, text):
    if not condition:
        raise SystemExit(f"described_page: {text}")


def check_explained(browser):
    explained = browser.value("data.least.filter((one) => one.explanation).map((one) => one.explanation)")
    check(len(explained) == 1 and explained[0]["labels"], f"{len(explained)} cells are explained")
    bars = browser.value("charts.filter((c) => c.canvas.getAttribute('aria-label').startsWith('Genes that moved')).map((c) => [c.chart.data.labels, c.chart.data.datasets[0].data])")
    labels = [label for label in explained[0]["labels"] if label["from_cell"]]
    expected = [[[gene["gene"] for gene in label["genes"]], [gene["attribution"] for gene in label["genes"]]] for label in labels]
    check(bars == expected, f"bars are {bars}, expected {expected}")
    alarms = browser.value("[...document.querySelectorAll('.example .soft')].filter((p) => p.textContent.includes('not from the cell')).length")
    check(alarms == (len(labels) < len(explained[0]["labels"])), f"{alarms} alarms are shown")
    marks = browser.value("[...document.querySelectorAll('.example mark')].map((m) => m.textContent)")
    check(marks and set(marks) <= {label["words"] for label in explained[0]["labels"]}, f"{marks} are marked")


def check_charts(browser):
    charts = browser.value("charts.map((c) => [c.canvas.getAttribute('aria-label'), c.chart.data.datasets.map((d) => d.data.length)])")
    points = browser.value("data.umap.x.length")
    planes = [sets for name, sets in charts if "on the UMAP" in name]
    check(len(planes) == 2 and all(sum(sets) == points for sets in planes), f"{points} points, drawn are {planes}")
    hidden = browser.value("charts.filter((c) => c.canvas.getBoundingClientRect().height < 50).length")
    check(hidden == 0, f"{hidden} plots have no height")
    shares = browser.value("""charts.filter((c) => c.canvas.getAttribute('aria-label').startsWith('Composition'))
      .flatMap((c) => c.chart.data.labels.map((_, i) => c.chart.data.datasets.reduce((sum, d) => sum + d.data[i], 0)))""")
    check(shares and all(abs(share - 1) < 1e-9 for share in shares), f"the shares of a group sum to {shares}")


with Browser() as browser:
    for width in (1200, 360):
        browser.width(width)
        browser.open(arguments.page)
        check(browser.requests == [arguments.page.resolve().as_uri()], f"the page asks for {browser.requests}")
        check(browser.value("document.documentElement.scrollWidth") <= width, f"the page is wider than {width} pixels")
        check(browser.value("[...document.querySelectorAll('h2')].map((h) => h.textContent)") == TITLES, "its headings are others")
        check(browser.value("document.querySelectorAll('.example').length") == 10, "there are not ten doubtful cells")
        check_charts(browser)
        check_explained(browser)
    browser.scheme("dark")
    browser.wait("charts.every((one) => Object.values(one.chart.options.scales).every((s) => s.ticks.color === color('--soft')))")
    check(not browser.complaints, f"the console says {browser.complaints}")
