#!/usr/bin/env bash
# Shows what this machine can do: its devices, a check against the reference, and the seed's cases measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Seconds of timing a case; the table is complete in under half a minute on two AVX2 cores.
seconds="${DEMO_SECONDS:-2}"
thresher=build/release/src/cli/thresher

step() { printf '\n== %s\n' "$*"; }

step "what can run here"
"$thresher" devices
step "random problems against the reference"
"$thresher" verify --seeds 25
step "the four cases of the seed, gated: silu(A*B1^T) * (A*B2^T), NVFP4, fp16 out"
"$thresher" bench --op gated --case g8-k7168 --case g8-k2048 --case g2-k4096 --case g2-k1536 --seconds "$seconds"
