#!/usr/bin/env python3
"""Checks that sources are ASCII: invisible or look-alike characters have no place in code."""

import argparse
import pathlib
import sys

SUFFIXES = {".h", ".hpp", ".c", ".cpp", ".cu", ".cuh", ".py", ".sh", ".cmake", ".toml"}
NAMES = {"CMakeLists.txt", "Makefile"}
TOPS = ("include", "src", "tests", "bench", "examples", "tools", "python", "cmake", "cases")


def check(root: pathlib.Path) -> list[str]:
    problems = []
    paths = [p for top in TOPS for p in (root / top).rglob("*")] + [p for p in root.iterdir()]
    for path in sorted(p for p in paths if p.is_file() and (p.suffix in SUFFIXES or p.name in NAMES)):
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
            for column, byte in enumerate(line, start=1):
                if byte > 126 or (byte < 32 and byte not in (9, 13)):
                    problems.append(f"{path.relative_to(root)}:{number}:{column}: byte 0x{byte:02x} is not ASCII text")
                    break
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", default=".", type=pathlib.Path)
    problems = check(parser.parse_args().root.resolve())
    print("\n".join(problems) if problems else "ascii: every source is ASCII")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
