#!/usr/bin/env python3
"""docs/api.md shows the examples as they are; --write puts their text there."""
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "api.md"
EXAMPLES = {"c": "01_c_api.c", "cpp": "02_cpp_api.cpp"}


def in_step(document, language, text):
    """The document with its one block of `language` replaced by `text`."""
    pattern = re.compile(rf"^```{language}\n.*?^```$", re.MULTILINE | re.DOTALL)
    blocks = pattern.findall(document)
    if len(blocks) != 1:
        sys.exit(f"{DOCUMENT}: {len(blocks)} blocks of {language}, expected 1")
    return document.replace(blocks[0], f"```{language}\n{text}```")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update the document")
    options = parser.parse_args()
    before = DOCUMENT.read_text(encoding="ascii")
    after = before
    for language, name in EXAMPLES.items():
        after = in_step(after, language, (ROOT / "examples" / name).read_text(encoding="ascii"))
    if options.write:
        DOCUMENT.write_text(after, encoding="ascii")
    elif before != after:
        print(f"{DOCUMENT} differs from the examples: run {__file__} --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
