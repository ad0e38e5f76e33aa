"""What is kept of a benchmark run, and how it is shown: versions, the file of results, the tables of the docs."""
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs/benchmarks.md"


def versions():
    import torch
    version = importlib.metadata.version
    fields = dict(re.findall(r"^(model name|cpu family|model)\s*: (.+)$", open("/proc/cpuinfo").read(), re.M))
    cpu = fields.get("model name", "").strip()
    if "cpu family" in fields:  # a name may stand for several generations
        cpu += f" (family {fields['cpu family']}, model {fields['model']})"
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    changed = subprocess.run(["git", "status", "--porcelain", "--", ".", ":!bench/results", ":!docs"], cwd=ROOT,
                             capture_output=True, text=True).stdout
    return {name: version(name) for name in ("transformers", "peft", "numpy", "anndata", "scanpy", "ctxcore")} | {
        "torch": torch.__version__, "python": platform.python_version(), "kernel": platform.release(), "cpu": cpu,
        "cores": os.cpu_count(), "load_before": os.getloadavg()[0],
        "commit": commit.strip() + (" with changes" if changed.strip() else "")}


def table_line(one):
    number = lambda x: f"{x:,.0f}" if x >= 100 else f"{x:.2f}"
    wall, unit = one["wall"], one["unit"]
    if "peer" not in wall:
        target = f"under {one['target']:,.0f} {unit}" if one["target"] else ""
        return f"| {one['name']} | {number(wall['ours'])} {unit} | | | {target} | |"
    smaller = unit == "MiB"
    cpu = f"{one['cpu']['ratio']:.2f}" if "cpu" in one else ""
    name = one["name"] + (f" (not counting mapped pages: {one['anonymous']['ratio']:.2f})" if smaller else "")
    return (f"| {name} | {number(wall['ours'])} {unit} | {number(wall['peer'])} {unit} | **{wall['ratio']:.2f}** | "
            f"{'at most ' if smaller else ''}{one['target'] or ''} | {cpu} |")


def provenance(about):
    return (f"{about['cpu']}, {about['cores']} cores, {about['threads']} threads; torch {about['torch']}, transformers "
            f"{about['transformers']}, numpy {about['numpy']}; medians of {about['pairs']} interleaved pairs, "
            f"{about['date']}.")


def table(rows, about):
    head = ["| what | ours | peer | ratio | to reach | CPU time ratio |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *map(table_line, rows), "", provenance(about)])


def put_into_docs(text):
    begin, end = "<!-- bench/run.py writes from here -->", "<!-- to here -->"
    head, rest = DOCS.read_text().split(begin)
    DOCS.write_text(head + begin + "\n" + text + "\n" + end + rest.split(end)[1])


def kept(path, about, rows, runs):
    """With what a run of the same day, machine and versions has left there: rows of the same name are replaced."""
    if path.exists():
        old = json.loads(path.read_text())
        if provenance(old["about"]) == provenance(about):
            new = {one["name"]: one for one in rows}
            rows = [new.pop(one["name"], one) for one in old["rows"]] + list(new.values())
            runs = old["runs"] | runs
    return {"about": about, "rows": rows, "runs": runs}
