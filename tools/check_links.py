#!/usr/bin/env python3
"""Checks that every relative link in a Markdown file leads to a file, and every #anchor of it to a heading."""

import argparse
import pathlib
import re
import sys

SKIP = {".git", ".venv", "build", "node_modules"}
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
FENCE = re.compile(r"^\s*(```|~~~)")
EXTERNAL = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:")


def prose_lines(path: pathlib.Path):
    """Lines with their numbers, without code blocks and code spans."""
    fenced = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, re.sub(r"`[^`]*`", "", line), line


def anchors(path: pathlib.Path) -> set[str]:
    """GitHub's anchor of each heading: lower case, spaces to hyphens, punctuation dropped."""
    found = set()
    for _, _, line in prose_lines(path):
        match = re.match(r"^#{1,6}\s+(.*?)\s*#*$", line)
        if match:
            text = re.sub(r"[^\w\- ]", "", match[1].lower())
            found.add(text.replace(" ", "-"))
    return found


def check(root: pathlib.Path) -> list[str]:
    problems = []
    for path in sorted(root.rglob("*.md")):
        relative = path.relative_to(root)
        if SKIP & set(relative.parts):
            continue
        for number, prose, _ in prose_lines(path):
            for target in LINK.findall(prose):
                if EXTERNAL.match(target):
                    continue
                name, _, anchor = target.partition("#")
                base = root if name.startswith("/") else path.parent
                file = base / name.lstrip("/") if name else path
                if not file.exists():
                    problems.append(f"{relative}:{number}: {target}: there is no such file")
                elif anchor and file.suffix == ".md" and anchor not in anchors(file):
                    problems.append(f"{relative}:{number}: {target}: there is no such heading")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", default=".", type=pathlib.Path)
    problems = check(parser.parse_args().root.resolve())
    print("\n".join(problems) if problems else "links: every relative link leads somewhere")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
