"""Pods that nobody else removes."""

from __future__ import annotations

import pytest

from k8s_notebook.controllers import pod_gc, taints
from k8s_notebook.controllers.pod_gc import FINISHED, PodGarbage
from k8s_notebook.machinery.actions import Action, Delete, RequeueAfter, Update
from k8s_notebook.objects import Obj
from tests import builders as b
from tests.fakes import FakeView


def deleted(actions: list[Action]) -> list[str]:
    return [a.name for a in actions if isinstance(a, Delete) and a.grace == 0]


def test_pods_of_a_lost_node_go_after_40_seconds() -> None:
    controller, view = PodGarbage(), FakeView(b.pod("a").on("gone").phase("Running").stored())
    assert controller.reconcile(view, ("", "gone"), 0.0) == [RequeueAfter(40.0)]
    update, delete = controller.reconcile(view, ("", "gone"), 40.0)
    assert isinstance(update, Update)
    assert update.obj["status"]["phase"] == "Failed"
    (condition,) = update.obj["status"]["conditions"]
    assert (condition["reason"], condition["message"]) == ("DeletionByPodGC", "PodGC: node no longer exists")
    assert deleted([delete]) == ["a"]


def test_a_node_that_comes_back_keeps_its_pods() -> None:
    controller, view = PodGarbage(), FakeView(b.pod("a").on("gone").stored())
    controller.reconcile(view, ("", "gone"), 0.0)
    view.put(b.node("gone").stored())
    assert controller.reconcile(view, ("", "gone"), 30.0) == []
    view.remove("nodes", "", "gone")
    assert controller.reconcile(view, ("", "gone"), 50.0) == [RequeueAfter(40.0)]


OUT = b.node("n").ready("Unknown").taint(taints.OUT_OF_SERVICE, "NoExecute").stored()
PODS: dict[str, tuple[b.PodBuilder, Obj | None, list[str]]] = {
    "unscheduled and terminating": (b.pod("a").deleted(), None, ["a"]),
    "scheduled and terminating": (b.pod("a").on("n").deleted(), b.node("n").ready().stored(), []),
    "terminating on a node out of service": (b.pod("a").on("n").deleted(), OUT, ["a"]),
    "not terminating": (b.pod("a"), None, []),
}


@pytest.mark.parametrize("case", PODS)
def test_terminating_pods(case: str) -> None:
    pod, node, expected = PODS[case]
    view = FakeView(pod.stored(), *([node] if node else []))
    assert deleted(PodGarbage().reconcile(view, ("default", "a"), 0.0)) == expected


def test_too_many_finished_pods_go_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_gc, "MOST_FINISHED", 2)
    pods = [b.pod(f"p{i}").phase("Succeeded").created(10 - i).stored() for i in range(4)]
    running = b.pod("r").phase("Running").stored()
    evicted = b.pod("e").phase("Failed").status(reason="Evicted").created(99).stored()
    actions = PodGarbage().reconcile(FakeView(*pods, running, evicted), FINISHED, 0.0)
    assert deleted(actions) == ["e", "p3", "p2"]


def test_which_changes_concern_what() -> None:
    watches = {w.resource: w.keys for w in PodGarbage().watches()}
    view = FakeView(b.node("n").ready().stored())
    assert list(watches["pods"](view, None, b.pod("a").on("n").stored())) == []
    assert list(watches["pods"](view, None, b.pod("a").on("ghost").stored())) == [("", "ghost")]
    assert list(watches["pods"](view, None, b.pod("a").on("n").phase("Failed").stored())) == [FINISHED]
    assert list(watches["nodes"](view, b.node("n").stored(), None)) == [("", "n")]
    assert list(watches["nodes"](view, b.node("n").stored(), b.node("n").ready().stored())) == []
