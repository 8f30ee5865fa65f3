"""Seconds until a new cluster answers and until its nodes are Ready: embedded beside a real control plane.

`python -m benchmarks.startup [--runs 5] [--nodes 3]`. Medians; both sides in turn on the same machine.
"""

from __future__ import annotations

import argparse
import statistics

from benchmarks import clusters


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=3)
    args = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {"embedded": {}, "real": {}}
    for _ in range(args.runs):
        for make in (lambda: clusters.embedded(args.nodes), lambda: clusters.real(args.nodes, bench=False)):
            side = make()
            side.stop()
            for what, seconds in side.seconds.items():
                found[side.name].setdefault(what, []).append(seconds)
    rows = [["seconds, median", "embedded", "real", "ratio"]]
    for what in found["embedded"]:
        ours, theirs = (statistics.median(found[s][what]) for s in ("embedded", "real"))
        rows.append([what, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.1f}"])
    print(clusters.table(rows))
    print(f"{args.runs} runs each, {args.nodes} nodes; embedded: {[round(x, 2) for x in found['embedded']['API answers']]}")


if __name__ == "__main__":
    main()
