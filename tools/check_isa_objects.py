#!/usr/bin/env python3
"""Checks that objects compiled for one instruction set define nothing that the linker might share with other code.

A weak or COMDAT symbol (an inline function, a template) exists in many objects and the linker keeps any one of them.
Were it the copy compiled for AVX-512, every other user of that function would crash on a machine without it.
"""

import argparse
import pathlib
import subprocess
import sys

# NOTE: only the library's own; tests compile the same files again, against an emulation.
TARGET_FOLDER = "thresher_cpu.dir"
OBJECTS = ("avx2.cpp.o", "avx512.cpp.o", "amx.cpp.o")
# nm: W and V are weak, u is unique-global; lower-case w and v are weak references, harmless.
SHARED_TYPES = {"W", "V", "u"}
# Symbols of a sanitizer build, the same in every object: pointers and tables, no code.
HARMLESS_PREFIXES = ("__asan", "__ubsan", "__tsan", "__sanitizer", "__odr_asan", "DW.ref.")


def shared_symbols(nm: str, path: pathlib.Path) -> list[str]:
    output = subprocess.run([nm, "--defined-only", "--demangle", str(path)], check=True, capture_output=True, text=True)
    found = []
    for line in output.stdout.splitlines():
        fields = line.split(maxsplit=2)
        if len(fields) == 3 and fields[1] in SHARED_TYPES and not fields[2].startswith(HARMLESS_PREFIXES):
            found.append(fields[2])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="build folder")
    parser.add_argument("--nm", default="nm")
    args = parser.parse_args()
    objects = sorted(p for name in OBJECTS for p in args.build.rglob(name) if TARGET_FOLDER in p.parts)
    if not objects:
        print(f"{args.build}: no {TARGET_FOLDER} with {', '.join(OBJECTS)}: build thresher_cpu first", file=sys.stderr)
        return 1
    failed = False
    for path in objects:
        for symbol in shared_symbols(args.nm, path):
            failed = True
            print(f"{path}: {symbol}: weak symbol in an object of one instruction set: make it static, "
                  "or put it into an unnamed namespace")
    if not failed:
        print(f"isa objects: {len(objects)} define no shared symbol")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
