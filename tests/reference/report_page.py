"""A report's pages in a headless Chromium: what they say on the console, ask the network for, and how they behave.

Usage: report_page.py FOLDER --seed N MANY.html GRID ONE.html
FOLDER gets what is downloaded. GRID is the folder that MANY.html is of; ONE.html is of a run alone.
"""

import argparse
import csv
import io
import json
import math
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from browser import Browser  # noqa: E402

MAIN = "labels.cell_type.accuracy"


def check(condition, text):
    if not condition:
        raise SystemExit(f"report_page: {text}")


def near(a, b, places=1e-5):
    return abs(a - b) <= places * max(1, abs(a), abs(b))


def read_runs(grid):
    """Of each finished run: axes, seed, metrics, systems, folder."""
    runs = []
    for folder in sorted((grid / "runs").iterdir()):
        if (folder / "metrics.json").exists():
            point = json.loads((folder / "grid_point.json").read_text())
            systems = [s["name"] for s in json.loads((folder / "comparisons.json").read_text())["systems"] if "scores" in s]
            runs.append({"folder": folder, "axes": point["axes"], "seed": point["seed"], "systems": ["model", *systems],
                         "metrics": json.loads((folder / "metrics.json").read_text())})
    return runs


def score(run, name=MAIN):
    metric, key = name.split(".", 1)
    return run["metrics"][metric][key]["value"]


def effect(runs, axis):
    """value -> mean, spread, runs: as the page must have them, computed here from the folders."""
    values = sorted({run["axes"][axis] for run in runs})
    table = {}
    for run in runs:
        others = tuple(sorted((k, v) for k, v in run["axes"].items() if k != axis))
        table.setdefault((others, run["seed"]), {})[run["axes"][axis]] = score(run)
    matched = {key: row for key, row in table.items() if len(row) == len(values)}
    settings = sorted({others for others, _ in matched})
    result = {}
    for value in values:
        means, squares, freedom, count = [], 0, 0, 0
        for others in settings:
            scores = [row[value] for (setting, _), row in matched.items() if setting == others]
            mean = sum(scores) / len(scores)
            means.append(mean)
            squares += sum((x - mean) ** 2 for x in scores)
            freedom += len(scores) - 1
            count += len(scores)
        result[value] = (sum(means) / len(means), math.sqrt(squares / freedom) if freedom else None, count)
    return result


def column(browser, table, index):
    """What the rows of a table sort by in a column, in their present order."""
    return browser.value(f"""[...document.querySelector({table!r}).tBodies[0].rows].map((row) => {{
      const cell = row.cells[{index}];
      return cell.dataset.sort === undefined ? cell.textContent : cell.dataset.sort === "" ? null : Number(cell.dataset.sort); }})""")


def check_opening(browser, many):
    times, began = [], []
    for _ in range(3):
        start = time.monotonic()
        browser.open(many)
        began.append(time.monotonic() - start)
        times.append(browser.value("Number(document.body.dataset.drawn)") / 1000)
        check(not browser.complaints, f"the console says {browser.complaints}")
        outside = [url for url in browser.requests if not url.startswith("file:///") or not url.endswith(Path(many).name)]
        check(not outside, f"the page asks for {outside}")
    nodes = browser.value("document.getElementsByTagName('*').length")
    size = Path(many).stat().st_size
    print(f"50 runs: drawn {min(times):.2f} s after navigation began ({min(began):.2f} s as seen from outside), "
          f"{nodes} elements, {size / 1e6:.1f} MB")
    check(min(began) < 2, f"the page of 50 runs opens in {min(began):.2f} s; 2 s are promised")
    check(nodes < 20000, f"the page of 50 runs has {nodes} elements from the beginning")
    check(size < 6e6, f"the page of 50 runs has {size} bytes")


def check_sorting(browser, runs):
    table = "table.runs"
    titles = browser.value(f"[...document.querySelector('{table}').tHead.rows[0].cells].map((c) => c.textContent)")
    check("adapter" in titles and MAIN in titles, f"the table of runs has the columns {titles}")
    before = column(browser, table, 0)
    check(len(before) == len(runs), f"the table of runs has {len(before)} rows, {len(runs)} runs are there")
    expected = sorted((score(run) for run in runs), reverse=True)
    shown = column(browser, table, titles.index(MAIN))
    check(all(near(a, b) for a, b in zip(shown, expected)), "the runs do not stand in the order of what they are judged by")
    for index, title in enumerate(titles):
        button = f"document.querySelector('{table}').tHead.rows[0].cells[{index}].querySelector('button')"
        browser.value(f"{button}.focus()")
        for press in range(2):
            browser.press("Enter")  # by the keyboard
            direction = browser.value(f"{button}.parentNode.getAttribute('aria-sort')")
            values = column(browser, table, index)
            check(direction in ("ascending", "descending"), f"{title}: aria-sort is {direction}")
            if all(isinstance(value, (int, float)) for value in values):
                check(values == sorted(values, reverse=direction == "descending"), f"{title}: not in order: {values}")
            else:
                texts = [value.replace(" ★", "") for value in values]
                check(texts == sorted(texts, key=lambda t: re.sub(r"[^\w]", "", t.lower()), reverse=direction == "descending")
                      or title == "run", f"{title}: not in order: {texts}")
        browser.press("Enter")
        check(column(browser, table, 0) == before, f"{title}: a third time does not bring the first order back")
    check(browser.value("[...document.querySelectorAll('table.runs .best')].length") > 0, "no score is marked as the best")


def check_marks(browser, runs):
    """★ at the best run of each value of each axis."""
    titles = browser.value("[...document.querySelector('table.runs').tHead.rows[0].cells].map((c) => c.textContent)")
    for axis in ("encoder.plugin", "adapter.plugin", "finetuning.plugin"):
        index = titles.index(axis.split(".")[0])
        starred = browser.value(f"""[...document.querySelector('table.runs').tBodies[0].rows].filter((row) => row.cells[{index}].querySelector('.star'))
          .map((row) => [row.cells[{index}].dataset.text, row.cells[0].querySelector('span').title])""")
        best = {}
        for run in runs:
            best[run["axes"][axis]] = max(best.get(run["axes"][axis], 0), score(run))
        tied = {(run["axes"][axis], run["folder"].name) for run in runs if score(run) == best[run["axes"][axis]]}
        check({(value, Path(folder).name) for value, folder in starred} == tied,
              f"{axis}: ★ stands at {starred}")


def check_effects(browser, runs):
    for axis in ("encoder.plugin", "adapter.plugin", "finetuning.plugin"):
        rows = browser.value(f"""[...document.querySelector('[data-axis="{axis}"] table').tBodies[0].rows].map((row) =>
          [row.cells[0].textContent, ...[1, 3, 4].map((i) => row.cells[i].dataset.sort === "" ? null : Number(row.cells[i].dataset.sort))])""")
        expected = effect(runs, axis)
        check({row[0] for row in rows} == set(expected), f"{axis}: the values are {rows}")
        for value, mean, spread, count in rows:
            check(near(mean, expected[value][0]) and near(spread, expected[value][1]) and count == expected[value][2],
                  f"{axis} = {value}: the page says {mean}, {spread}, {count}; expected {expected[value]}")
    browser.value("look({ score: scored.find((s) => fullName(s) === 'overlap.bleu_4') })")
    again = browser.value("""Number(document.querySelector('[data-axis="encoder.plugin"] table').tBodies[0].rows[0].cells[1].dataset.sort)""")
    browser.value(f"look({{ score: scored.find((s) => fullName(s) === '{MAIN}') }})")
    check(not near(again, effect(runs, "encoder.plugin")["geneformer"][0], 1e-9), "another score changes no effect")


def check_csv(browser, runs, folder):
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder.resolve()))
    browser.value("[...document.querySelectorAll('button.button')].find((b) => b.textContent.includes('CSV')).click()")
    file = folder / "grid.csv"
    end = time.monotonic() + 20
    while not file.exists() and time.monotonic() < end:
        browser.value("1")
        time.sleep(0.05)
    check(file.exists(), "the CSV is not downloaded")
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    check(len(rows) == sum(len(run["systems"]) for run in runs), f"the CSV has {len(rows)} rows")
    by_folder = {run["folder"].name: run for run in runs}
    for row in rows:
        run = by_folder[Path(row["folder"]).name]
        check(int(row["seed"]) == run["seed"] and row["encoder.plugin"] == run["axes"]["encoder.plugin"], f"the CSV says {row}")
        if row["system"] == "model":
            for name in (MAIN, "overlap.bleu_4", "labels.paper.cell_type.merged_names"):
                check(near(float(row[name]), score(run, name)), f"{name}: the CSV says {row[name]}")


def check_parts(browser):
    """Curves, confusions, examples and settings, each as it is first seen and after a choice."""
    charts = browser.value("charts.map((one) => [one.canvas.getAttribute('aria-label'), one.chart.data.datasets.length])")
    for name in ("Training loss of all runs", "Validation loss of all runs"):
        check([name, 50] in charts, f"there is no chart '{name}' of 50 lines; there are {charts}")
    diagonal = "Number([...document.querySelectorAll('table.matrix tbody td')].reduce((sum, cell) => sum + Number(cell.textContent), 0))"
    check(browser.value(diagonal) == 60, "the confusion table does not count the 60 tested cells")
    first = browser.value("document.querySelector('table.matrix').outerHTML")
    browser.value("""(() => { const select = [...document.querySelectorAll('label.choice')].filter((l) => l.textContent.startsWith('Run'))[1].querySelector('select');
      select.selectedIndex = (select.selectedIndex + 1) % select.length; select.dispatchEvent(new Event('change')); })()""")
    check(browser.value("document.querySelector('table.matrix').outerHTML") != first, "another run has the same confusion table")
    chosen = browser.value("[...document.querySelectorAll('label.choice')].filter((l) => l.textContent.startsWith('Run')).map((l) => l.querySelector('select').selectedIndex)")
    check(len(chosen) == 3 and len(set(chosen)) == 1, f"the choices of a run show {chosen}")
    check(browser.value("document.querySelectorAll('details.example[open] mark').length") > 0, "no difference is marked")
    check(browser.value("document.querySelectorAll('details.example[open] .who').length") == 6, "the first example has not a reference and five runs")
    browser.value("document.querySelector('details.example[open] button.button').click()")
    check(browser.value("document.querySelectorAll('details.example[open] .who').length") == 51, "not all runs are shown when asked for")
    check(browser.value("document.querySelectorAll('pre').length") == 0, "settings are drawn before they are asked for")
    browser.value("document.querySelectorAll('details:not(.example)').forEach((one) => { one.open = true; })")
    browser.wait("document.querySelectorAll('.inside details').length === 100")
    browser.value("document.querySelectorAll('.inside details').forEach((one) => { one.open = true; })")
    browser.wait("document.querySelectorAll('pre').length === 100")
    check("plugin = \"llama\"" in browser.value("document.querySelector('pre').textContent"), "the settings are not those of a run")
    keys = browser.value("[...document.querySelector('table.differences').tBodies[0].rows].map((row) => row.cells[0].textContent)")
    check("encoder.plugin" in keys and "seed" in keys and "finetuning.rank" in keys and "data.path" not in keys,
          f"what differs: {keys}")
    check(browser.value("[...document.querySelectorAll('.note')].some((n) => n.textContent.includes('runs/unfinished'))"),
          "the unfinished run is not named")


def contrast(one, other):
    def light(text):
        parts = [int(x) / 255 for x in re.findall(r"\d+", text)[:3]]
        r, g, b = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    a, b = sorted((light(one), light(other)))
    return (b + 0.05) / (a + 0.05)


def check_colours(browser):
    found = {}
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        browser.wait("charts.every((one) => one.chart.options.scales.x.ticks.color === color('--soft'))")
        style = "getComputedStyle(document.querySelector('{}')).{}"
        paper = browser.value(style.format("body", "backgroundColor"))
        for text in ("body", ".soft", "table.runs td", "th button", "summary", ".choice"):
            ink = browser.value(style.format(text, "color"))
            check(contrast(ink, paper) >= 4.5, f"{scheme}: {text} is {ink} on {paper}, a contrast of {contrast(ink, paper):.1f}; 4.5 is needed")
        note = [browser.value(style.format(".note", name)) for name in ("color", "backgroundColor")]
        check(contrast(*note) >= 4.5, f"{scheme}: a note is {note}")
        ticks = browser.value("charts.map((one) => one.chart.options.scales.x.ticks.color)")
        check(len(set(ticks)) == 1, f"{scheme}: the charts' colours are {set(ticks)}")
        found[scheme] = (paper, ticks[0])
    browser.scheme("light")
    check(found["light"][0] != found["dark"][0] and found["light"][1] != found["dark"][1], f"dark mode changes nothing: {found}")


def check_narrow(browser, page):
    browser.width(360, 740)
    browser.open(page)
    browser.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    time.sleep(0.3)
    width = browser.value("document.documentElement.scrollWidth")
    wide = browser.value("""[...document.querySelectorAll('main *')].filter((e) => !e.closest('.scroll') && !e.closest('pre') && e.getBoundingClientRect().right > 361)
      .map((e) => e.tagName + '.' + e.className).slice(0, 5)""")
    check(width <= 360 and not wide, f"{Path(page).name} at phone width is {width} pixels wide: {wide}")
    check(not browser.complaints, f"at phone width the console says {browser.complaints}")
    browser.width(1200)


def check_one(browser, one):
    browser.open(one)
    check(not browser.complaints, f"a single run's page says {browser.complaints}")
    check(browser.requests == [Path(one).resolve().as_uri()], f"a single run's page asks for {browser.requests}")
    titles = browser.value("[...document.querySelectorAll('h2')].map((h) => h.textContent)")
    for title in ("Learning curve", "Scores", "Where the texts put each cell type", "Accuracy of each cell type against its frequency",
                  "Examples", "How to make this again"):
        check(title in titles, f"a single run's page has no '{title}'; it has {titles}")
    check("All runs" not in titles and "Effect of each axis" not in titles, f"a single run's page has {titles}")
    head = browser.value("[...document.querySelector('table.one').tHead.rows[1].cells].map((c) => c.textContent)")
    check(head[:6] == ["score", "model", "majority", "nearest", "head", "shuffled"] and "Gemma-4B full" in head, f"the scores' columns are {head}")
    groups = browser.value("document.querySelectorAll('table.one tr.group').length")
    browser.value("document.querySelector('table.one').tHead.rows[1].cells[1].querySelector('button').click()")
    values = column(browser, "table.one", 1)
    check(values == sorted(values, reverse=True), f"the scores of one run are not in order: {values}")
    check(browser.value("document.querySelectorAll('table.one tr.group').length") == 0, "headings stand between sorted rows")
    for _ in range(2):
        browser.value("document.querySelector('table.one').tHead.rows[1].cells[1].querySelector('button').click()")
    check(browser.value("document.querySelectorAll('table.one tr.group').length") == groups > 0, "the headings do not come back")
    check(browser.value("document.querySelectorAll('.example').length") == 10, "a single run's page has not ten examples")
    check(browser.value("[...document.querySelectorAll('.note')].some((n) => n.textContent.includes('baseline lightgbm is left out'))"),
          "the failed baseline is not named")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)  # the runs are made up already
    parser.add_argument("many")
    parser.add_argument("grid", type=Path)
    parser.add_argument("one")
    arguments = parser.parse_args()
    runs = read_runs(arguments.grid)
    check(len(runs) == 50, f"{len(runs)} runs are there, 50 are expected")
    with Browser() as browser:
        browser.width(1200)
        check_opening(browser, arguments.many)
        check_sorting(browser, runs)
        check_marks(browser, runs)
        check_effects(browser, runs)
        check_csv(browser, runs, arguments.folder)
        check_colours(browser)
        check_parts(browser)
        check(not browser.complaints, f"after all of that the console says {browser.complaints}")
        check_narrow(browser, arguments.many)
        check_one(browser, arguments.one)
        check_narrow(browser, arguments.one)


if __name__ == "__main__":
    main()
