"""Statuses and events, word for word, against what a real kubelet 1.36.3 with containerd wrote for the same pods.

tests/golden/kubelet.json holds for each pod its spec, and what was seen: statuses in the normal form of normal.py, and events.
Two differences are meant and not in the file: a real `sleep` ignores SIGTERM until it is killed, and a real kubelet writes the
sandbox as a status of its own.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from tests.unit.kubelet import normal
from tests.unit.kubelet.fake import Cluster

CASES: list[dict[str, Any]] = json.loads((pathlib.Path(__file__).parents[2] / "golden" / "kubelet.json").read_text())
PREPARED = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "real-node", "annotations": {"k8s-notebook.io/simulated": "true"}},
    "spec": {},
    "status": {"images": [{"names": ["localhost/busybox:1"], "sizeBytes": 1997435}]},
}
FAILING = {"notready": {"k8s-notebook.io/readiness": "fail"}, "live": {"k8s-notebook.io/liveness": "fail"}}


def play(case: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """The statuses and the events that our kubelet writes when the pod goes through what the real one went through."""
    cluster = Cluster(0)
    cluster.create("nodes", PREPARED)
    cluster.config_map("here", a="b")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sec", "namespace": "default"}, "data": {"a": "Yg=="}}
    cluster.create("secrets", secret)
    cluster.run(1)
    name = case["name"]
    cluster.pod(name, "real-node", annotations=FAILING.get(name), **case["spec"])
    cluster.run(12)
    if name in ("plain", "two", "vol"):
        cluster.delete(name, 0 if name == "vol" else None)
    cluster.run(8)
    cluster.config_map("nope", k="v")
    cluster.run(24)
    seen = cluster.api.history[name]
    statuses = [normal.normal_status(o["status"], f"uid-of-{name}", "10.0.0.1") for o in seen if "startTime" in o["status"]]
    found = cluster.api.objects.get("events", {}).values()
    return statuses, [normal.normal_event(e, f"uid-of-{name}") for e in found if e["involvedObject"]["name"] == name]


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_a_pod_goes_through_what_a_real_kubelet_reported(case: dict[str, Any]) -> None:
    statuses, events = play(case)
    for number, status in enumerate(case["statuses"]):
        assert status in statuses, f"status {number} of {case['name']}"
    assert sorted(set(map(tuple, events))) == sorted(map(tuple, case["events"]))
