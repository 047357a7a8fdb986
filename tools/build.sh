#!/usr/bin/env bash
# Configures (once) and builds a preset. usage: tools/build.sh PRESET [CMAKE_BUILD_ARGUMENT...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset="$1"
shift
jobs="$(tools/jobs.sh)"
log="build/$preset/configure.log"
mkdir -p "build/$preset"
# Ninja configures again by itself when a CMake file changes, but not when a preset does or the .venv gains packages.
stale=0
for cause in CMakePresets.json .venv/.thresher-*; do
  if [[ "$cause" -nt "$log" ]]; then stale=1; fi
done
if [[ ! -e "build/$preset/build.ninja" || $stale -eq 1 ]]; then
  echo "build: configuring build/$preset"
  cmake --preset "$preset" >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
  }
fi
echo "build: building build/$preset with $jobs jobs"
cmake --build --preset "$preset" -j "$jobs" "$@"
