#!/usr/bin/env python3
"""Checks the objects of the CPU kernels for what no test on an ordinary machine can see.

Shared symbols: a weak or COMDAT symbol (an inline function, a template) exists in many objects and the linker keeps any
one of them. Were it the copy compiled for AVX-512, every other user of that function would crash on a machine without
it.

Tile configuration: GCC 12 takes ldtilecfg for an instruction that reads 8 bytes and drops the stores to the other 56.
The object of AMX must load the palette, 64 bytes a row and 16 rows into the 64 bytes that it configures tiles from;
without them the first tile instruction faults, and only on real hardware.

Streaming stores: the driver must order them with sfence before a call ends.
"""

import argparse
import pathlib
import re
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


# What the configuration of 8 tiles of 16 rows of 64 bytes holds, as the units in which a compiler may store it.
TILE_CONFIGURATION = {
    "palette 1": {b"\x01"},
    "64 bytes a row": {b"\x40\x00" * n for n in (1, 2, 4, 8)} | {b"\x40"},
    "16 rows": {b"\x10" * n for n in (1, 2, 4, 8)},
}
# `mov` and friends with an immediate; the number of bytes follows from the suffix or the register, so any will do.
IMMEDIATE = re.compile(r"\bmov\w*\s+\$0x([0-9a-f]+),")
CONSTANT = re.compile(r"R_X86_64_\w+\s+(\.rodata\S*?)(?:\+0x([0-9a-f]+)|-0x([0-9a-f]+))?$")


def disassembly(objdump: str, path: pathlib.Path) -> list[list[str]]:
    """The lines of each function, relocations among them."""
    output = subprocess.run([objdump, "-dr", "--no-show-raw-insn", str(path)], check=True, capture_output=True,
                            text=True)
    functions: list[list[str]] = []
    for line in output.stdout.splitlines():
        if re.match(r"[0-9a-f]+ <.*>:$", line):
            functions.append([])
        elif functions:
            functions[-1].append(line)
    return functions


def section_bytes(objdump: str, path: pathlib.Path, section: str) -> bytes:
    output = subprocess.run([objdump, "-s", "-j", section, str(path)], check=True, capture_output=True, text=True)
    rows = re.findall(r"^ [0-9a-f]+ ((?:[0-9a-f]{2,8} ){1,4})", output.stdout, flags=re.MULTILINE)
    return bytes.fromhex("".join(row.replace(" ", "") for row in rows))


def constants(objdump: str, path: pathlib.Path, lines: list[str]) -> set[bytes]:
    """Immediates that the lines move, and the 16 bytes behind each reference to read-only data, in all their parts."""
    found = set()
    for line in lines:
        if match := IMMEDIATE.search(line):
            value = int(match[1], 16)
            found.add(value.to_bytes(8, "little").rstrip(b"\0") or b"\0")
            found.add(value.to_bytes(8, "little"))
        if match := CONSTANT.search(line):
            # The processor counts from the end of the 4 bytes that hold the distance.
            at = int(match[2] or "0", 16) - int(match[3] or "0", 16) + 4
            data = section_bytes(objdump, path, match[1])[at:at + 16]
            found.update(data[:size] for size in (1, 2, 4, 8, 16))
    return found


def tile_configuration_errors(objdump: str, path: pathlib.Path) -> list[str]:
    configures = [function for function in disassembly(objdump, path) if any("ldtilecfg" in line for line in function)]
    if not configures:
        return ["no ldtilecfg: tiles are never configured"]
    errors = []
    for function in configures:
        until = next(i for i, line in enumerate(function) if "ldtilecfg" in line)
        stored = constants(objdump, path, function[:until])
        stored |= {value.rstrip(b"\0") for value in stored}
        for what, spellings in TILE_CONFIGURATION.items():
            if not any(value in stored or value.rstrip(b"\0") in stored for value in spellings):
                errors.append(f"no store of {what} before ldtilecfg: the compiler dropped it; keep the empty asm that "
                              "says that all of the configuration is read")
    return errors


def fence_errors(objdump: str, path: pathlib.Path) -> list[str]:
    if any("sfence" in line for function in disassembly(objdump, path) for line in function):
        return []
    return ["no sfence: streaming stores of a call may be seen after what the caller does next"]


# Further checks of single objects.
CHECKS = {"amx.cpp.o": tile_configuration_errors, "grouped_gemm.cpp.o": fence_errors}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="build folder")
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--objdump", default="objdump")
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
    checked = sorted(p for name in CHECKS for p in args.build.rglob(name) if TARGET_FOLDER in p.parts)
    for path in checked:
        for error in CHECKS[path.name](args.objdump, path):
            failed = True
            print(f"{path}: {error}")
    if not failed:
        print(f"isa objects: {len(objects)} define no shared symbol, {len(checked)} hold what they must")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
