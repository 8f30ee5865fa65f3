"""Which pods go first."""

from __future__ import annotations

import pytest

from k8s_notebook.controllers import ranking
from k8s_notebook.objects import Obj
from tests import builders as b


def on(name: str, node: str = "n1") -> b.PodBuilder:
    return b.pod(name).on(node).ready(at=100)


PAIRS: dict[str, tuple[b.PodBuilder, b.PodBuilder]] = {
    "unassigned before assigned": (b.pod("z").phase("Running"), on("a")),
    "pending before unknown": (on("z").phase("Pending"), on("a").phase("Unknown")),
    "unknown before running": (on("z").phase("Unknown"), on("a")),
    "not ready before ready": (on("z").condition("Ready", "False"), on("a")),
    "cheaper before dearer": (on("z").annotation(ranking.DELETION_COST, "-5"), on("a")),
    "cost before readiness time": (on("z").ready(at=1), on("a").ready(at=999).annotation(ranking.DELETION_COST, "1")),
    "recently ready before long ready": (on("z").ready(at=990), on("a").ready(at=1)),
    "same bucket of readiness: smaller uid": (on("z").uid("1").ready(at=11), on("a").uid("2").ready(at=12)),
    "more restarts first": (on("z").restarts(3), on("a").restarts(2)),
    "younger before older": (on("z").created(990), on("a").created(1)),
    "same age: smaller uid": (on("z").uid("1"), on("a").uid("2")),
}


@pytest.mark.parametrize("case", PAIRS)
def test_pairs(case: str) -> None:
    first, second = (p.stored() for p in PAIRS[case])
    for order in ([first, second], [second, first]):
        (gone,) = ranking.first_to_go(order, [], 1, now=1000.0)
        assert gone is first


def test_pods_that_share_a_node_go_first() -> None:
    pods = [on("a", "n1").uid("1").stored(), on("b", "n2").uid("2").stored(), on("c", "n2").uid("3").stored()]
    gone = ranking.first_to_go(pods, pods, 2, now=1000.0)
    assert [p["metadata"]["name"] for p in gone] == ["b", "c"]


def test_nothing_is_sorted_when_all_go() -> None:
    pods: list[Obj] = [on("b").stored(), on("a").stored()]
    assert ranking.first_to_go(pods, [], 2, now=0.0) == pods
