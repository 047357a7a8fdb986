#!/usr/bin/env bash
# Shows what this machine can do, checks the kernels, and runs round 2 of the Shark Tank on it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Seconds of measuring; with what is around it the demo ends in under four minutes on two AVX2 cores. What is not decided
# by then is AMBIGUOUS, and the report says about how many more blocks would decide it.
budget="${DEMO_BUDGET:-150s}"
out="${DEMO_OUT:-build/demo}"
thresher=build/release/src/cli/thresher

step() { printf '\n== %s\n' "$*"; }

step "what can run here"
"$thresher" devices
step "random problems against the reference"
"$thresher" verify --seeds 25
step "round 2 of the Shark Tank, $budget of measuring: results go to $out"
# A demo begins anew; rounds that are kept are run with 'thresher round run'.
rm -rf "$out"
"$thresher" round run rounds/02-lessons --out "$out" --budget "$budget"
