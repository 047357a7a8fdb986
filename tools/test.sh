#!/usr/bin/env bash
# Runs every test that this machine can run: release build, checks of the sources, then the sanitizer build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
started=$SECONDS
status=0
# Tests run side by side; threads that spin while they wait would starve each other.
export OMP_WAIT_POLICY=passive
export UBSAN_OPTIONS=print_stacktrace=1

# run_preset PRESET: its tests, with results in build/PRESET/tests.xml
run_preset() {
  echo "test: running the tests of build/$1"
  ctest --preset "$1" -j "${JOBS:-$(nproc)}" --output-junit "$PWD/build/$1/tests.xml" --progress >"build/$1/tests.log" 2>&1 || {
    status=1
    grep -vE '^ *[0-9]+/[0-9]+ Test .*Passed|^ *Start ' "build/$1/tests.log" | tail -n 200
  }
}

tools/build.sh release
echo "test: checking the sources"
tools/lint.sh || status=1
run_preset release

tools/build.sh asan --target unit_tests
run_preset asan

python3 tools/test_summary.py "$((SECONDS - started))" release=build/release/tests.xml asan=build/asan/tests.xml || status=1
exit "$status"
