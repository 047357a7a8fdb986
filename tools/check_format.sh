#!/usr/bin/env bash
# Checks that clang-format would change nothing; `--fix` lets it change what it wants.
# usage: tools/check_format.sh [--fix] [ROOT]
set -euo pipefail

fix=0
if [[ "${1:-}" == "--fix" ]]; then
  fix=1
  shift
fi
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}"

tool="${CLANG_FORMAT:-clang-format}"
if ! command -v "$tool" >/dev/null; then
  echo "format: skipped, $tool is not installed (apt-get install clang-format)"
  exit 0
fi

tops=()
for top in include src tests bench examples; do
  if [[ -d "$top" ]]; then tops+=("$top"); fi
done
if [[ ${#tops[@]} -eq 0 ]]; then
  echo "format: no include/, src/ or tests/ in $PWD" >&2
  exit 1
fi
mapfile -d '' -t files < <(find "${tops[@]}" -type f \
  \( -name '*.hpp' -o -name '*.cpp' -o -name '*.h' -o -name '*.c' -o -name '*.cuh' -o -name '*.cu' \) -print0 | sort -z)
if [[ ${#files[@]} -eq 0 ]]; then
  echo "format: no sources"
elif [[ $fix -eq 1 ]]; then
  "$tool" --style=file -i "${files[@]}"
  echo "format: formatted ${#files[@]} files"
elif "$tool" --style=file --dry-run -Werror "${files[@]}"; then
  echo "format: ${#files[@]} files are as clang-format wants them"
else
  echo "format: run 'make format'" >&2
  exit 1
fi
