#!/usr/bin/env python3
"""Writes the lock files in tools/requirements/: every version and every hash that may be installed.

Usage: .deps/env/bin/python tools/lock_requirements.py [--out FOLDER]

The versions are those of the environment that runs this script, so a new lock is made by changing the
environment first (pip install what is wanted, run the tests), then calling this. The hashes come from
pip's own package index, whichever one pip is set to use: wheels for x86_64 Linux and CPython 3.10 to 3.14
as one answer of the index lists them, and the source archive where a package has no wheel at all.
No address of an index is written down.
"""

import argparse
import html.parser
import importlib.metadata as metadata
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

CPP = ["torch", "nvidia-cuda-runtime", "nvidia-cuda-cupti"]
BASELINES = ["lightgbm"]  # without the packages that its Python side needs; in oracles.txt as well, which has them
BUILD = ["setuptools"]  # builds the source archives; installed before everything else
NOT_LOCKED = {"pip", "wheel", *BUILD}
PYTHONS = ["310", "311", "312", "313", "314"]

HEADERS = {
    "cpp.txt": "What C++ needs: LibTorch and the two CUDA libraries that libtorch_cpu.so is linked to.",
    "cuda.txt": "The rest of what torch depends on: needed to run on a GPU, and by Python's torch. Added to cpp.txt.",
    "baselines.txt": "What the baseline lightgbm opens: the wheel of LightGBM, of which the shared library alone is used.",
    "build.txt": "What builds the packages that come as source archives. Installed before oracles.txt.",
    "oracles.txt": "What the tests compare with. Added to cpp.txt and cuda.txt.",
}


class Links(html.parser.HTMLParser):
    """The files of one page of a package index: name -> sha256."""

    def __init__(self):
        super().__init__()
        self.files = {}

    def handle_starttag(self, tag, attributes):
        if tag != "a":
            return
        address = urllib.parse.urlsplit(dict(attributes).get("href") or "")
        if address.fragment.startswith("sha256="):
            name = urllib.parse.unquote(address.path.rsplit("/", 1)[-1])
            self.files[name] = address.fragment.removeprefix("sha256=")


def index_address():
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"],
                           capture_output=True, text=True, check=False)
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    if asked.returncode == 0:
        return asked.stdout.strip()
    from pip._internal.models.index import PyPI
    return PyPI.simple_url


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def fits(wheel):
    """Whether a wheel's name says x86_64 Linux (or any machine) and one of PYTHONS."""
    python, abi, platform = wheel.removesuffix(".whl").rsplit("-", 3)[1:]
    if platform != "any" and not ("manylinux" in platform and platform.endswith("x86_64")):
        return False
    if any(tag in ("py3", "py2.py3") or tag.startswith("py3") for tag in python.split(".")):
        return True
    version = python.removeprefix("cp")
    if abi == "abi3":
        return version.startswith("3") and int(version[1:]) <= int(PYTHONS[-1][1:])
    return version in PYTHONS and abi == python


def hashes(name, version, index):
    with urllib.request.urlopen(f"{index.rstrip('/')}/{normal(name)}/") as answer:
        links = Links()
        links.feed(answer.read().decode())
    of_version = {}
    for file, sha in links.files.items():
        if file.endswith(".whl") and file.split("-")[1] == version:
            of_version[file] = sha
        elif file.endswith(".tar.gz") and normal(file.removesuffix(".tar.gz")) == normal(f"{name}-{version}"):
            of_version[file] = sha
    wheels = {file: sha for file, sha in of_version.items() if file.endswith(".whl")}
    chosen = {file: sha for file, sha in wheels.items() if fits(file)} if wheels else of_version
    if not chosen:
        sys.exit(f"{name} {version}: the index lists no file that fits x86_64 Linux")
    return sorted(set(chosen.values()))


def closure(roots):
    """Names of all installed packages that `roots` need."""
    from pip._vendor.packaging.requirements import Requirement
    found, waiting = set(), [(root, frozenset()) for root in roots]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in found:
            continue
        found.add((name, extras))
        for line in metadata.distribution(name).requires or []:
            need = Requirement(line)
            if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in (extras or {""})):
                waiting.append((normal(need.name), frozenset(need.extras)))
    return {name for name, _ in found}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "requirements")
    arguments = parser.parse_args()

    versions = {normal(d.metadata["Name"]): d.version for d in metadata.distributions()}
    cuda = closure(["torch"]) - set(CPP) - NOT_LOCKED
    groups = {"cpp.txt": CPP, "cuda.txt": sorted(cuda), "baselines.txt": BASELINES, "build.txt": BUILD,
              "oracles.txt": sorted(set(versions) - set(CPP) - cuda - NOT_LOCKED)}
    index = index_address()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for file, names in groups.items():
        lines = [f"# {HEADERS[file]}", "# Written by tools/lock_requirements.py; do not edit by hand."]
        for name in names:
            found = hashes(name, versions[name], index)
            lines.append(" \\\n".join([f"{name}=={versions[name]}", *(f"    --hash=sha256:{h}" for h in found)]))
        (arguments.out / file).write_text("\n".join(lines) + "\n")
        print(f"{arguments.out / file}: {len(names)} packages")


if __name__ == "__main__":
    main()
