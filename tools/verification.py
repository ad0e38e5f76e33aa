#!/usr/bin/env python3
"""Keeps docs/verification.md: what each part of `tools/test.sh full` found when it last ran.

Usage: tools/verification.py PAGE --part NAME --result TEXT --seconds N [--build FOLDER]

Replaces the row of that part, and the tables of the machine and of the slowest files, which tell of the build FOLDER
(default build/release); rows of other parts stay. A part that never ran is named as such.
"""

import argparse
import datetime
import hashlib
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARTS = ("build", "fast tests", "oracle tests", "decoders on the GPU", "fuzzing", "quickstarts", "build with sanitizers",
         "fast tests with sanitizers")
ROW = re.compile(r"\| ([a-zA-Z ]+) \| (.*) \| (\d*) \| ([-\d]*) \| (.*) \|")
WRITTEN = ("docs/verification.md", "docs/reliability.md")  # by the run itself


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def commit():
    changed = output_of("git", "diff", "--name-only", "HEAD").splitlines()
    changed += output_of("git", "ls-files", "--others", "--exclude-standard").splitlines()
    name = f"`{output_of('git', 'rev-parse', '--short', 'HEAD')}`"
    return name + (" and changes" if set(changed) - set(WRITTEN) else "")


def machine(build):
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield "system", f"{system}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB of memory"
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M)
    yield "compiler", output_of(compiler[1], "--version").splitlines()[0]
    yield "CMake", output_of("cmake", "--version").split()[2]
    yield "LibTorch", importlib.metadata.version("torch")
    locks = b"".join(file.read_bytes() for file in sorted((ROOT / "tools/requirements").glob("*.txt")))
    yield "Python packages", f"`tools/requirements/*.txt`, sha256 of all begins with `{hashlib.sha256(locks).hexdigest()[:16]}`"
    yield "random inputs", os.environ.get("CELL2TEXT_TEST_SEED", "made anew")


def page(rows, build):
    yield "# Verification\n"
    yield ("What each part of `tools/test.sh full` found when it last ran, written by it as soon as the part has ended. Times "
           "in\nseconds of wall clock.\n")
    yield "| part | result | seconds | date | commit |\n| --- | --- | ---: | --- | --- |"
    for part in PARTS:
        yield "| " + " | ".join((part, *rows.get(part, ("has not run yet", "", "", "")))) + " |"
    yield "\nThe machine of the part that ran last:\n\n| what | version or value |\n| --- | --- |"
    for row in machine(build):
        yield "| " + " | ".join(row) + " |"
    slowest = output_of(sys.executable, "tools/slowest_files.py", str(build)).splitlines()[1:]
    yield f"\nSlowest files to compile there (`tools/slowest_files.py build/{build.name}`):\n\n```"
    yield from (line for line in slowest if line)
    yield "```"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--result", required=True)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    options = parser.parse_args()
    rows = {}
    if options.page.exists():
        for line in options.page.read_text().splitlines():
            if (match := ROW.fullmatch(line)) and match[1] in PARTS:
                rows[match[1]] = match.groups()[1:]
    rows[options.part] = (options.result, str(options.seconds), datetime.date.today().isoformat(), commit())
    rows = {part: row for part, row in rows.items() if row[0] != "has not run yet"}
    options.page.parent.mkdir(parents=True, exist_ok=True)
    new = options.page.with_suffix(".md.tmp")
    new.write_text("\n".join(page(rows, options.build)) + "\n")
    new.replace(options.page)


if __name__ == "__main__":
    main()
