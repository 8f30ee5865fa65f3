"""A fresh install: seconds until the first pod is bound and until the kernels are compiled, and how the API answers meanwhile.

`python -m benchmarks.first_schedule [--nodes 3]`. The kernel cache is empty at the start; the pod is created at once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time

from benchmarks import clusters

LONGEST = 120.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="k8s-notebook-kernels-") as cache:
        os.environ["K8S_NOTEBOOK_CACHE"] = cache
        begin = time.monotonic()
        side = clusters.embedded(args.nodes)
        try:
            pod = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "first"},
                "spec": {"containers": [{"name": "c", "image": "nginx"}]},
            }
            side.request("POST", "/api/v1/namespaces/default/pods", pod)
            clusters.until(
                lambda: bool(side.request("GET", "/api/v1/namespaces/default/pods/first")["spec"].get("nodeName")), LONGEST
            )
            bound = time.monotonic() - begin
            latencies: list[float] = []

            def compiled() -> bool:
                asked = time.monotonic()
                parts = side.request("GET", "/k8s-notebook/parts")
                latencies.append(time.monotonic() - asked)
                return bool(parts["driver"]["compiled"])

            clusters.until(compiled, LONGEST, 0.02)
            ready = time.monotonic() - begin
        finally:
            side.stop()
    rows = [
        ["empty kernel cache", "seconds"],
        ["API answers", f"{side.seconds['API answers']:.2f}"],
        ["first pod bound", f"{bound:.2f}"],
        ["kernels compiled and in use", f"{ready:.2f}"],
        ["API answer meanwhile, median", f"{statistics.median(latencies):.4f}"],
        ["API answer meanwhile, slowest", f"{max(latencies):.4f}"],
    ]
    print(clusters.table(rows))


if __name__ == "__main__":
    main()
