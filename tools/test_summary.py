#!/usr/bin/env python3
"""Counts the results of CTest's JUnit files; names what failed, and why each skipped test could not run."""

import collections
import pathlib
import re
import sys
import xml.etree.ElementTree

SCORE = re.compile(r"^zoo: .*$", re.M)
REASON = re.compile(r"Skipped\s*\n(.*?)\n", re.S)


def skip_reason(case) -> str:
    """GoogleTest prints the reason under file:line: Skipped; else the last words of the test."""
    output = (case.findtext("system-out") or "").strip()
    match = REASON.search(output + "\n")
    if match and match[1].strip():
        return match[1].strip()
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


def read(path: pathlib.Path):
    passed, failed, scores, skipped = [], [], [], collections.defaultdict(list)
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        name = case.get("name")
        scores += SCORE.findall(case.findtext("system-out") or "")
        if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped[skip_reason(case)].append(name)
        elif case.find("failure") is not None or case.get("status") == "fail":
            failed.append(name)
        else:
            passed.append(name)
    return passed, failed, skipped, scores


def main() -> int:
    if len(sys.argv) < 3:
        print("usage: test_summary.py SECONDS BUILD=JUNIT_FILE...", file=sys.stderr)
        return 2
    totals = collections.Counter()
    parts = []
    for argument in sys.argv[2:]:
        build, _, file = argument.partition("=")
        path = pathlib.Path(file)
        if not path.exists():
            print(f"test: {build}: no results in {path}: the run did not finish")
            totals["failed"] += 1
            continue
        passed, failed, skipped, scores = read(path)
        for name in failed:
            print(f"test: {build}: FAILED {name}")
        for reason, names in skipped.items():
            shown = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
            print(f"test: {build}: skipped {shown}: {reason}")
        for score in scores:
            print(f"test: {build}: {score}")
        if not passed and not failed:
            print(f"test: {build}: no test ran")
            totals["failed"] += 1
        totals.update(passed=len(passed), failed=len(failed), skipped=sum(map(len, skipped.values())))
        parts.append(f"{build} {len(passed)}")
    print(f"test: {totals['passed']} passed ({', '.join(parts)}), {totals['failed']} failed, "
          f"{totals['skipped']} skipped, in {sys.argv[1]} s")
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
