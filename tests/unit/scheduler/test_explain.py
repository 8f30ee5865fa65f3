"""Explanations: sentences, rows, ranking."""

from __future__ import annotations

import pytest

from k8s_notebook.scheduler import explain
from tests.builders import NodeBuilder, PodBuilder, node, pod

TWO = [node("a"), node("b")]
Q = pod("q").requests(cpu="2", memory="4Gi")


@pytest.mark.parametrize(("name", "pending", "nodes", "running", "sentence"), [
    ("better", pod().requests(cpu="1", memory="1Gi"), TWO, [Q.on("a")],
     "b because it scores 459, ahead of a with 452: NodeResourcesFit 84 against 46"),
    ("tie", pod(), TWO, [], "a because it is the first of 2 nodes that share the highest score, 397"),
    ("the only one", pod().requests(cpu="3"), TWO, [Q.on("a")], "b because it is the only node that fits (1 Insufficient cpu)"),
    ("pending", pod().requests(cpu="9"), [*TWO, node("c").taint("x", "NoSchedule")], [],
     "Pending: 2 Insufficient cpu, 1 had untolerated taint(s)"),
    ("gated", pod().set("spec.schedulingGates", [{"name": "g1"}, {"name": "g2"}]), TWO, [],
     "Pending: waiting for scheduling gates: [g1 g2]"),
    ("no nodes", pod(), [], [], "Pending: no nodes available to schedule pods"),
    ("bound elsewhere", pod().requests(cpu="3").on("a"), TWO, [Q.on("a")],
     "a; today it would be b because it is the only node that fits (1 Insufficient cpu)"),
    ("bound, and nothing would fit", pod().requests(cpu="9").on("a"), TWO, [],
     "a although today no node would fit: 2 Insufficient cpu"),
])  # fmt: skip
def test_sentences(name: str, pending: PodBuilder, nodes: list[NodeBuilder], running: list[PodBuilder], sentence: str) -> None:
    found = explain.explain(pending.stored(), [n.stored() for n in nodes], [p.stored() for p in running])
    if name == "better":
        assert found.sentence.startswith("b because it scores ")
        assert "NodeResourcesFit" in found.sentence
    else:
        assert found.sentence == sentence


def test_the_pod_itself_is_taken_out() -> None:
    bound = pod().requests(cpu="4").on("a").stored()
    found = explain.explain(bound, [node("a").stored()], [bound])
    assert (found.node, found.bound_to) == ("a", "a")
    assert "recomputed" in found.source


def test_finished_pods_do_not_count() -> None:
    done = pod("q").requests(cpu="4").on("a").phase("Succeeded").stored()
    assert explain.explain(pod().requests(cpu="4").stored(), [node("a").stored()], [done]).node == "a"


def test_rows_and_ranking() -> None:
    nodes = [node("a"), node("b").taint("x", "NoSchedule"), node("c")]
    found = explain.explain(pod().requests(cpu="1").stored(), [n.stored() for n in nodes], [Q.on("a").stored()])
    assert [(r["rank"], r["node"], r["reasons"]) for r in found.ranking] == [
        (1, "c", []),
        (2, "a", []),
        (None, "b", ["node(s) had untolerated taint(s)"]),
    ]
    row = next(r for r in found.rows if (r["node"], r["plugin"]) == ("c", "TaintToleration"))
    assert row == {
        "node": "c", "plugin": "TaintToleration", "passed": True, "reason": "", "raw": 0, "normalised": 100, "weight": 3,
        "weighted": 300,
    }  # fmt: skip
    refused = next(r for r in found.rows if (r["node"], r["plugin"]) == ("b", "TaintToleration"))
    assert (refused["passed"], refused["reason"], refused["raw"]) == (False, "node(s) had untolerated taint(s)", None)
    image = next(r for r in found.rows if (r["node"], r["plugin"]) == ("a", "ImageLocality"))
    assert image["passed"] is None
    totals = {r["node"]: sum(s["weighted"] or 0 for s in found.rows if s["node"] == r["node"]) for r in found.ranking}
    assert {r["node"]: r["total"] or 0 for r in found.ranking} == totals


def test_every_node_of_a_large_cluster_is_looked_at() -> None:
    nodes = [node(f"n{i:03}").stored() for i in range(300)]
    found = explain.explain(pod().stored(), nodes, [])
    assert sum(r["feasible"] for r in found.ranking) == 300
