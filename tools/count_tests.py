#!/usr/bin/env python3
"""Counts passed and failed tests in JUnit files of ctest.

Usage: tools/count_tests.py [--names] FILE.xml...

A doctest program counts by its test cases, as its last lines give them; one that broke off before them, and any
other test, counts as one. Prints "N passed, N failed"; with --names first the tests of ctest that failed.
Exit status 1 if anything failed or nothing ran.
"""

import re
import sys
import xml.etree.ElementTree as xml

CASES = re.compile(r"\[doctest\] test cases: *\d+ \| *(\d+) passed \| *(\d+) failed")


def main():
    arguments = [a for a in sys.argv[1:] if a != "--names"]
    if not arguments:
        sys.exit(__doc__)
    passed = failed = 0
    names = []
    for file in arguments:
        for case in xml.parse(file).getroot().iter("testcase"):
            went_well = case.get("status") == "run"
            counts = [(int(p), int(f)) for p, f in CASES.findall(case.findtext("system-out") or "")]
            case_passed, case_failed = map(sum, zip(*counts)) if counts else (int(went_well), 0)
            if not went_well and case_failed == 0:
                case_failed = 1
            passed, failed = passed + case_passed, failed + case_failed
            if not went_well:
                names.append(case.get("name"))
    if names and "--names" in sys.argv:
        print("failed in: " + ", ".join(names))
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
