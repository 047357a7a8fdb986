#!/usr/bin/env bash
# Runs clang-tidy on the sources under src/, with the flags of the release build. usage: tools/tidy.sh [FILE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v clang-tidy >/dev/null; then
  echo "tidy: skipped, clang-tidy is not installed (apt-get install clang-tidy)"
  exit 0
fi
if [[ ! -e build/release/compile_commands.json ]]; then tools/build.sh release; fi
files=("$@")
if [[ ${#files[@]} -eq 0 ]]; then
  # Files of one instruction set are intrinsics from end to end, which the checks were not made for.
  mapfile -t files < <(find src -name '*.cpp' ! -path 'src/cpu/avx2.cpp' ! -path 'src/cpu/avx512.cpp' \
    ! -path 'src/cpu/amx.cpp' | sort)
fi
echo "tidy: checking ${#files[@]} files"
# GCC's warning flags are unknown to clang, which is no concern of the sources.
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/release --quiet \
  --extra-arg=-Wno-unknown-warning-option
echo "tidy: clean"
