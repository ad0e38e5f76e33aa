#!/usr/bin/env python3
"""Prints the ten files that took longest to compile in a build folder; over 25 s is marked.

Usage: tools/slowest_files.py BUILD_DIR

Reads .ninja_log: wall-clock seconds of the last time that each object was made. With several compilers at
once, or with ccache, a file's figure is not what it costs alone.
"""

import sys
from pathlib import Path

FINDING_S = 25


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    log = Path(sys.argv[1]) / ".ninja_log"
    if not log.exists():
        sys.exit(f"{log}: not found; build with ninja first")
    seconds = {}
    for line in log.read_text().splitlines():
        fields = line.split("\t")
        if len(fields) == 5 and fields[3].endswith((".o", ".gch")):
            seconds[fields[3]] = (int(fields[1]) - int(fields[0])) / 1000
    print(f"slowest of {len(seconds)} files to compile, seconds:")
    for name, took in sorted(seconds.items(), key=lambda item: -item[1])[:10]:
        print(f"{took:7.1f}  {name}{'   <- over 25 s' if took > FINDING_S else ''}")


if __name__ == "__main__":
    main()
