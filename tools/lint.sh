#!/usr/bin/env bash
# Runs the checks of the sources that take seconds; all of them, even after one has failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
status=0
for check in layers sizes ascii links; do
  python3 -B "tools/check_$check.py" . || status=1
done
tools/check_format.sh || status=1
exit "$status"
