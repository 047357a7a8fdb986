#!/usr/bin/env python3
"""Checks the size budgets of files: a file that outgrows its budget holds two ideas."""

import argparse
import pathlib
import sys

BUDGETS = {".hpp": 300, ".h": 300, ".cpp": 450, ".c": 450, ".cu": 600, ".cuh": 600, ".py": 300, ".sh": 200}
TOPS = ("include", "src", "tests", "bench", "examples", "tools", "python")


def check(root: pathlib.Path) -> list[str]:
    problems = []
    for top in TOPS:
        for path in sorted((root / top).rglob("*")):
            budget = BUDGETS.get(path.suffix)
            if budget is None or not path.is_file():
                continue
            lines = len(path.read_text(errors="replace").splitlines())
            if lines > budget:
                problems.append(f"{path.relative_to(root)}:{budget + 1}: {lines} lines, the budget is {budget}: split it")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", default=".", type=pathlib.Path)
    problems = check(parser.parse_args().root.resolve())
    print("\n".join(problems) if problems else "sizes: every file is within its budget")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
