"""Seconds until a Deployment of 5,000 pods on 1,000 nodes is Ready, and peak memory: embedded beside a real control plane.

`python -m benchmarks.deployment [--pods 5000] [--nodes 1000] [--only embedded|real]`. The real side runs without rate limits and
with KWOK's nodes. Both sides get `SETTLE` seconds of quiet between their nodes' being Ready and the Deployment, so that neither is
still starting up; what a fresh start costs is in `benchmarks.startup` and `benchmarks.first_schedule`.
"""

from __future__ import annotations

import argparse
import time

from benchmarks import clusters
from benchmarks.clusters import Side

LONGEST = 400.0
SETTLE = 5.0
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def measure(side: Side, pods: int) -> None:
    """Add the seconds of each step to `side`."""
    time.sleep(SETTLE)
    begin = time.monotonic()
    side.request("POST", DEPLOYMENTS, clusters.deployment(pods))

    def reached(field: str) -> bool:
        return bool(side.request("GET", f"{DEPLOYMENTS}/web")["status"].get(field, 0) >= pods)

    clusters.until(lambda: reached("replicas"), LONGEST, 0.1)
    side.seconds["pods created"] = time.monotonic() - begin
    clusters.until(lambda: reached("readyReplicas"), LONGEST, 0.1)
    side.seconds["pods Ready"] = time.monotonic() - begin
    side.seconds["memory, MB"] = side.memory() / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--only", choices=("embedded", "real"))
    args = parser.parse_args()
    makers = {
        "embedded": lambda: clusters.embedded(args.nodes),
        "real": lambda: clusters.real(args.nodes, bench=True),
    }
    sides = []
    for name, make in makers.items():
        if args.only in (None, name):
            side = make()
            try:
                measure(side, args.pods)
            finally:
                side.stop()
            sides.append(side)
    rows = [[f"{args.pods:,} pods on {args.nodes:,} nodes", *(s.name for s in sides), *(["ratio"] if len(sides) == 2 else [])]]
    for what in sides[0].seconds:
        values = [s.seconds[what] for s in sides]
        ratio = [f"{values[1] / values[0]:.1f}"] if len(values) == 2 else []
        rows.append([what, *(f"{v:.2f}" for v in values), *ratio])
    print(clusters.table(rows))


if __name__ == "__main__":
    main()
