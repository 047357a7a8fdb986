#!/usr/bin/env python3
"""The shared library exports every function of the C header, and nothing else."""
import argparse
import re
import subprocess
import sys


def exported(nm, library):
    """Names of the defined dynamic symbols."""
    listing = subprocess.run([nm, "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in listing.splitlines() if line.strip()}


def declared(header):
    """Names of the functions that the header marks for export."""
    with open(header, encoding="ascii") as text:
        return set(re.findall(r"^THRESHER_API [^(;]*?(thresher_\w+)\(", text.read(), re.MULTILINE))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("nm", "library", "header"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    found = exported(options.nm, options.library)
    wanted = declared(options.header)
    if not wanted:
        print(f"no function found in {options.header}: the pattern of this test no longer fits it")
        return 1
    for name in sorted(wanted - found):
        print(f"{name} is declared but not exported: define it in src/engine/c_api.cpp")
    for name in sorted(found - wanted):
        print(f"{name} is exported but not declared: see src/engine/thresher.map")
    return 0 if found == wanted else 1


if __name__ == "__main__":
    sys.exit(main())
