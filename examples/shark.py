#!/usr/bin/env python3
"""A sceptical shark: reads a brief from standard input and scores the pitch from what was observed of its change."""
import json
import sys

EVIDENCE = ("expected_gain", "soundness", "kernel_specific_analysis")


def moved(case):
    """Names of the facts in which the candidate differs from the baseline."""
    before, after = case["baseline"]["values"], (case["candidate"] or {"values": {}})["values"]
    return [name for name in after if name in before and after[name] != before[name]]


def main():
    brief = json.load(sys.stdin)
    pitch, cases = brief["pitch"], brief["cases"]
    holding = [item for item in pitch["evidence"] if item.get("holds")]
    facts = sorted({name for case in cases for name in moved(case)})
    claimed = max((one["high"] for one in pitch["prediction"]), default=1.0)
    possible = max((case["baseline_us"] / case["floor_us"] for case in cases if case["baseline_us"]), default=1.0)
    belief = 0.1 * min(len(holding), 3) if facts and claimed <= possible else 0.02
    reason = f"{len(holding)} of {len(pitch['evidence'])} items hold; moved: {', '.join(facts[:5]) or 'nothing'}"
    scores = {}
    for criterion in brief["rules"]["criteria"]:
        name = criterion["name"]
        strength = 10 * belief / 0.3 if name in EVIDENCE else min(2 * len(pitch["risk"]) + len(pitch["test"]), 10)
        scores[name] = {"score": min(strength, 10), "reason": reason}
    remarks = [] if claimed <= possible else [f"{claimed:g}x is claimed, the floor allows {possible:.2f}x"]
    forecast = {"p_win": belief, "low": 0.9, "high": 1.0 + belief / 3}
    json.dump({"scores": scores, "forecast": forecast, "remarks": remarks}, sys.stdout)


if __name__ == "__main__":
    main()
