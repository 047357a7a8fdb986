#!/usr/bin/env bash
# Prints how many compilers may run at once: one a core, but no more than memory holds; or JOBS where that is set.
set -euo pipefail
if [[ -n "${JOBS:-}" ]]; then
  echo "$JOBS"
  exit
fi
# The heaviest of our files, with sanitizers, needs about 1.5 GB.
kb_per_job=1500000
cores=$(nproc)
available_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
# A container may be given less than the machine has; "max" means no limit.
limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
if [[ "$limit" =~ ^[0-9]+$ && $((limit / 1024)) -lt $available_kb ]]; then available_kb=$((limit / 1024)); fi
jobs=$((available_kb / kb_per_job))
if ((jobs > cores)); then jobs=$cores; fi
if ((jobs < 1)); then jobs=1; fi
echo "$jobs"
