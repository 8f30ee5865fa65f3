"""kube-scheduler's sentences, word for word."""

from __future__ import annotations

from collections import Counter

import pytest

from k8s_notebook.scheduler import explain, messages
from tests.builders import NodeBuilder, PodBuilder, node, pod

NEW = "no new claims to deallocate, preemption:"


def named(name: str) -> PodBuilder:
    field = {"key": "metadata.name", "operator": "In", "values": [name]}
    terms = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    return pod().set("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution", terms)


FIVE = [node(f"n{i}") for i in range(5)]
FULL = [pod(f"q{i}").requests(cpu="3").on(f"n{i}") for i in range(5)]


@pytest.mark.parametrize(("name", "pending", "nodes", "running", "expected"), [
    ("nobody to preempt", pod().requests(cpu="2"), FIVE, FULL,
     f"0/5 nodes are available: 5 Insufficient cpu. {NEW} 0/5 nodes are available: "
     "5 No preemption victims found for incoming pod."),
    ("can never fit", pod().requests(cpu="5"), FIVE, [],
     f"0/5 nodes are available: 5 Insufficient cpu. {NEW} 0/5 nodes are available: "
     "5 Preemption is not helpful for scheduling."),
    ("a DaemonSet's pod", named("n0").requests(cpu="2"), FIVE, FULL,
     f"0/5 nodes are available: 1 Insufficient cpu, 4 node(s) didn't satisfy plugin(s) [NodeAffinity]. {NEW} "
     "0/5 nodes are available: 1 No preemption victims found for incoming pod, 4 Preemption is not helpful for scheduling."),
    ("the named node does not exist", named("x"), FIVE[:2], [],
     f"0/2 nodes are available: 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. {NEW} "
     "0/2 nodes are available: 2 Preemption is not helpful for scheduling."),
    ("two reasons of one node count twice", pod().requests(cpu="2", memory="15Gi"), FIVE[:1],
     [pod("q").requests(cpu="3", memory="2Gi").on("n0")],
     f"0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. {NEW} "
     "0/1 nodes are available: 1 No preemption victims found for incoming pod."),
    ("never preempts", pod().requests(cpu="2").set("spec.preemptionPolicy", "Never"), FIVE[:1], FULL[:1],
     f"0/1 nodes are available: 1 Insufficient cpu. {NEW} not eligible due to preemptionPolicy=Never."),
    ("victims that would not help", pod().requests(cpu="2", memory="15Gi").set("spec.priority", 5), FIVE[:1],
     [pod("low").requests(cpu="1").on("n0"), pod("high").requests(cpu="3", memory="2Gi").set("spec.priority", 9).on("n0")],
     f"0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. {NEW} "
     "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."),
    ("victims that would help: nothing is added", pod().requests(cpu="2").set("spec.priority", 5), FIVE[:1], FULL[:1],
     "0/1 nodes are available: 1 Insufficient cpu."),
    ("no nodes", pod(), [], [], "no nodes available to schedule pods"),
])  # fmt: skip
def test_messages(name: str, pending: PodBuilder, nodes: list[NodeBuilder], running: list[PodBuilder], expected: str) -> None:
    found = explain.explain(pending.stored(), [n.stored() for n in nodes], [p.stored() for p in running])
    assert found.message == expected


def test_counts_are_sorted_as_text() -> None:
    assert messages.histogram(Counter({"Insufficient memory": 2, "Insufficient cpu": 10})) == (
        "10 Insufficient cpu, 2 Insufficient memory."
    )


@pytest.mark.parametrize(("length", "expected"), [(1024, 1024), (1025, 1024), (9000, 1024)])
def test_a_long_note_is_cut(length: int, expected: int) -> None:
    cut = messages.cut("x" * length)
    assert len(cut) == expected
    assert cut.endswith(" ...") is (length > 1024)
