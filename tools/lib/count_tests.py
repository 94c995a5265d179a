#!/usr/bin/env python3
"""Counts test cases after a ctest run and prints them as "N passed, M failed".

ctest counts programs; a GoogleTest program holds many cases and reports them in an XML file of its
own. A program that died before writing its report counts as one failure.

    count_tests.py CTEST_JUNIT_XML REPORT_DIR
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count_program(test, report):
    """(passed, failed) of one entry of ctest."""
    ok = test.get("status") == "run"
    if not report.exists():
        return (1, 0) if ok else (0, 1)
    root = ElementTree.parse(report).getroot()
    cases = [case for case in root.iter("testcase") if case.get("status") == "run"]
    failed = sum(1 for case in cases if case.find("failure") is not None)
    # A program can fail outside of its cases, for example by a leak found at its end.
    if not ok and failed == 0:
        failed = 1
    return len(cases) - failed, failed


def main():
    junit, reports = Path(sys.argv[1]), Path(sys.argv[2])
    passed = failed = 0
    if junit.exists():
        for test in ElementTree.parse(junit).getroot().iter("testcase"):
            if test.get("status") in ("disabled", "notrun"):
                continue
            good, bad = count_program(test, reports / f"{test.get('name')}.xml")
            passed += good
            failed += bad
    else:
        failed = 1
    print(f"{passed} passed, {failed} failed")


if __name__ == "__main__":
    main()
