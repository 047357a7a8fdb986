#!/usr/bin/env python3
"""Checks that includes point one way: the folder order of docs/architecture.md, and what core may depend on."""

import argparse
import pathlib
import re
import sys

# Each folder may include the folders before it and itself.
ORDER = ["format", "reference", "device", "cpu", "gpu", "engine", "io", "catalog", "measure", "tank", "report", "cli"]
CORE = ORDER[: ORDER.index("engine") + 1]

# Includes that the order alone would allow.
FORBIDDEN = {
    ("engine", "tank"): "the engine never includes the tank: the tank writes champions/*.toml, the engine reads it",
}

# What core may include with <...> besides the C++ and C standard libraries.
STANDARD = set("""
algorithm any array atomic barrier bit bitset charconv chrono codecvt compare complex concepts condition_variable
coroutine deque exception execution expected filesystem format forward_list fstream functional future initializer_list
iomanip ios iosfwd iostream istream iterator latch limits list locale map memory memory_resource mutex new numbers
numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore set shared_mutex source_location
span sstream stack stdexcept stop_token streambuf string string_view syncstream system_error thread tuple type_traits
typeindex typeinfo unordered_map unordered_set utility valarray variant vector version
cassert cctype cerrno cfenv cfloat cinttypes climits clocale cmath csetjmp csignal cstdarg cstddef cstdint cstdio
cstdlib cstring ctime cuchar cwchar cwctype
assert.h ctype.h errno.h fenv.h float.h inttypes.h limits.h locale.h math.h setjmp.h signal.h stdalign.h stdarg.h
stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h tgmath.h time.h uchar.h wchar.h wctype.h
""".split())
SYSTEM = set("omp.h dlfcn.h fcntl.h unistd.h pthread.h sched.h poll.h dirent.h cpuid.h immintrin.h x86intrin.h "
             "arm_neon.h arm_sve.h elf.h".split())
SYSTEM_PREFIXES = ("sys/", "linux/", "asm/")
EXTENSIONS = {".h", ".hpp", ".c", ".cpp", ".cc", ".cu", ".cuh", ".inl"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def folder_of(path: pathlib.Path, root: pathlib.Path) -> str:
    """The layer that a source belongs to: a folder of src, or `include`."""
    parts = path.relative_to(root).parts
    return "include" if parts[0] == "include" else parts[1]


def why_wrong(folder: str, quoted: bool, target: str, source: pathlib.Path, root: pathlib.Path) -> str | None:
    """The rule that this include breaks, or None."""
    if target.startswith("thresher/"):
        return None
    first = target.split("/")[0]
    internal = "/" in target and first in ORDER
    if folder == "include":
        if internal or (quoted and not (source.parent / target).exists()):
            return "public headers include nothing of src: users install include/ alone"
        return None if is_core_system(target) else "public headers include only the standard library"
    if internal:
        if folder not in ORDER:
            return None
        if (folder, first) in FORBIDDEN:
            return FORBIDDEN[(folder, first)]
        if ORDER.index(first) > ORDER.index(folder):
            return f"{folder} comes before {first}: a folder includes only folders before it"
        return None
    if quoted:
        if target.startswith("../"):
            return "includes start at src/: write \"folder/file.hpp\", never ../"
        if (source.parent / target).exists() or (root / "src" / target).exists():
            return None
    if folder in CORE and not is_core_system(target):
        return f"core (format to engine) depends on the standard library and OpenMP only, not on <{target}>"
    return None


def is_core_system(target: str) -> bool:
    return target in STANDARD or target in SYSTEM or target.startswith(SYSTEM_PREFIXES)


def check(root: pathlib.Path) -> list[str]:
    problems = []
    src = root / "src"
    for folder in sorted(p for p in src.iterdir() if p.is_dir()) if src.is_dir() else []:
        if folder.name not in ORDER:
            problems.append(f"{folder.relative_to(root)}:1: unknown folder: add it to ORDER in tools/check_layers.py")
    sources = [p for top in ("include", "src") for p in sorted((root / top).rglob("*"))
               if p.is_file() and p.suffix in EXTENSIONS]
    if not sources:
        return [f"{root}:1: no sources under include/ or src/: is this the root of the repository?"]
    for source in sources:
        folder = folder_of(source, root)
        for number, line in enumerate(source.read_text(errors="replace").splitlines(), start=1):
            match = INCLUDE.match(line)
            if not match:
                continue
            reason = why_wrong(folder, match[1] == '"', match[2], source, root)
            if reason:
                problems.append(f"{source.relative_to(root)}:{number}: {match[2]}: {reason}")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", default=".", type=pathlib.Path)
    problems = check(parser.parse_args().root.resolve())
    print("\n".join(problems) if problems else "layers: every include points the right way")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
