"""Pods that leave tainted nodes."""

from __future__ import annotations

import pytest

from k8s_notebook.controllers import taints
from k8s_notebook.controllers.taint_eviction import TaintEviction
from k8s_notebook.machinery.actions import Action, Delete, Emit, RequeueAfter, Update
from k8s_notebook.objects import Obj
from tests import builders as b
from tests.fakes import FakeView

KEY = ("default", "pod")
TAINTED = b.node().taint(taints.UNREACHABLE, "NoExecute").stored()
CLEAN = b.node().stored()


def look(pod: Obj, node: Obj = TAINTED, now: float = 0.0, controller: TaintEviction | None = None) -> list[Action]:
    return (controller or TaintEviction()).reconcile(FakeView(pod, node), KEY, now)


def said(actions: list[Action]) -> list[str]:
    return [a.message for a in actions if isinstance(a, Emit)]


def tolerant(seconds: int | None = 300) -> Obj:
    return b.pod().on("node-1").phase("Running").tolerates(taints.UNREACHABLE, "NoExecute", seconds).stored()


def test_what_is_not_tolerated_evicts_at_once() -> None:
    emit, update, delete = look(b.pod().on("node-1").phase("Running").stored())
    assert isinstance(emit, Emit)
    assert (emit.reason, emit.message) == ("TaintManagerEviction", "Marking for deletion Pod default/pod")
    assert emit.regarding["metadata"] == {"name": "pod", "namespace": "default"}
    assert isinstance(update, Update)
    (condition,) = update.obj["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"], condition["message"]) == (
        "DisruptionTarget",
        "True",
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
    )
    assert isinstance(delete, Delete)
    assert (delete.name, delete.grace) == ("pod", None)


def test_toleration_seconds_run_from_when_the_taint_was_seen() -> None:
    controller = TaintEviction()
    assert look(tolerant(), now=100.0, controller=controller) == [RequeueAfter(300.0)]
    assert look(tolerant(), now=250.0, controller=controller) == [RequeueAfter(150.0)]
    assert said(look(tolerant(), now=400.0, controller=controller)) == ["Marking for deletion Pod default/pod"]


def test_when_the_taint_goes_the_eviction_is_cancelled() -> None:
    controller = TaintEviction()
    look(tolerant(), controller=controller)
    assert said(look(tolerant(), CLEAN, controller=controller)) == ["Cancelling deletion of Pod default/pod"]
    assert look(tolerant(), CLEAN, controller=controller) == []
    assert look(tolerant(), now=1000.0, controller=controller) == [RequeueAfter(300.0)]


def test_a_pod_that_is_gone_cancels_too() -> None:
    controller = TaintEviction()
    look(tolerant(), controller=controller)
    assert said(controller.reconcile(FakeView(TAINTED), KEY, 1.0)) == ["Cancelling deletion of Pod default/pod"]


@pytest.mark.parametrize(
    "pod",
    [
        tolerant(None),
        b.pod().on("node-1").tolerates("", "", operator="Exists").stored(),
        b.pod().stored(),
        b.pod().on("node-1").deleted().stored(),
    ],
)
def test_who_stays(pod: Obj) -> None:
    assert look(pod) == []


TOLERATIONS: dict[str, tuple[Obj, Obj, bool]] = {
    "same key, exists": ({"key": "k", "operator": "Exists"}, {"key": "k", "effect": "NoExecute"}, True),
    "everything": ({"operator": "Exists"}, {"key": "k", "effect": "NoExecute"}, True),
    "other effect": ({"key": "k", "operator": "Exists", "effect": "NoSchedule"}, {"key": "k", "effect": "NoExecute"}, False),
    "equal value": ({"key": "k", "value": "v"}, {"key": "k", "value": "v", "effect": "NoExecute"}, True),
    "other value": ({"key": "k", "operator": "Equal", "value": "w"}, {"key": "k", "value": "v", "effect": "NoExecute"}, False),
    "no value on either side": ({"key": "k"}, {"key": "k", "effect": "NoExecute"}, True),
}


@pytest.mark.parametrize("case", TOLERATIONS)
def test_tolerations(case: str) -> None:
    toleration, taint, expected = TOLERATIONS[case]
    assert taints.tolerates(toleration, taint) is expected


@pytest.mark.parametrize(("limits", "expected"), [([300, 20], 20.0), ([None, 20], 20.0), ([-5, 20], 0.0), ([None, None], None)])
def test_the_shortest_limit_counts(limits: list[int | None], expected: float | None) -> None:
    found = [{"key": str(i), "effect": "NoExecute"} for i in range(len(limits))]
    tolerations = [
        {"key": str(i), "operator": "Exists", **({} if n is None else {"tolerationSeconds": n})} for i, n in enumerate(limits)
    ]
    assert taints.tolerated_for(tolerations, found) == expected


def test_which_changes_concern_which_pods() -> None:
    watches = {w.resource: w.keys for w in TaintEviction().watches()}
    pod = b.pod().on("node-1").stored()
    view = FakeView(pod, TAINTED)
    assert list(watches["nodes"](view, CLEAN, TAINTED)) == [KEY]
    assert list(watches["nodes"](view, TAINTED, TAINTED)) == []
    assert list(watches["pods"](view, b.pod().stored(), pod)) == [KEY]
    assert list(watches["pods"](view, pod, pod)) == []
    assert list(watches["pods"](FakeView(pod, CLEAN), b.pod().stored(), pod)) == []
