"""Nodes that fall silent."""

from __future__ import annotations

import pytest

from k8s_notebook.controllers import taints, zones
from k8s_notebook.controllers.node_lifecycle import EVERYONE, NodeLifecycle
from k8s_notebook.machinery.actions import Action, Emit, RequeueAfter, Update
from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import micro_timestamp
from tests import builders as b
from tests.fakes import FakeView

KEY = ("", "node-1")
UNREACHABLE = {"key": taints.UNREACHABLE, "effect": "NoSchedule", "timeAdded": "1970-01-01T00:16:40Z"}
UNREACHABLE_EVICTS = {**UNREACHABLE, "effect": "NoExecute"}


def lease(name: str, renewed: float) -> Obj:
    made = b.anything("coordination.k8s.io/v1", "Lease", name).namespace("kube-node-lease")
    return made.set("spec.renewTime", micro_timestamp(renewed)).stored()


def look(*objects: Obj, now: float, controller: NodeLifecycle | None = None) -> list[Action]:
    controller = controller or listening()
    return controller.reconcile(FakeView(*objects), KEY, now)


def listening() -> NodeLifecycle:
    """A controller that has listened since the beginning of time."""
    controller = NodeLifecycle(period=1e9)
    controller.reconcile(FakeView(), EVERYONE, 0.0)
    controller._period = 5.0
    controller._looked = 1000.0
    return controller


def updates(actions: list[Action], subresource: str = "") -> list[Obj]:
    return [a.obj for a in actions if isinstance(a, Update) and a.resource == "nodes" and a.subresource == subresource]


def test_a_node_that_is_heard_of_is_left_alone() -> None:
    actions = look(b.node().ready().stored(), lease("node-1", 990.0), now=1000.0)
    assert actions == [RequeueAfter(40.0)]


def test_the_next_look_is_at_a_whole_period() -> None:
    assert look(b.node().ready().stored(), lease("node-1", 992.5), now=1000.0) == [RequeueAfter(45.0)]


def test_a_silent_node_becomes_unknown() -> None:
    node = b.node().ready(at=5.0).condition("MemoryPressure", "False").condition("NetworkUnavailable", "False").stored()
    update, emit = look(node, lease("node-1", 949.0), now=1000.0)
    assert isinstance(update, Update)
    assert update.subresource == "status"
    found = {c["type"]: c for c in update.obj["status"]["conditions"]}
    assert found["Ready"] == {
        "type": "Ready",
        "status": "Unknown",
        "lastTransitionTime": "1970-01-01T00:16:40Z",
        "lastHeartbeatTime": "1970-01-01T00:00:05Z",
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
    }
    assert found["MemoryPressure"]["status"] == "Unknown"
    assert found["NetworkUnavailable"]["status"] == "False"
    assert found["DiskPressure"]["reason"] == "NodeStatusNeverUpdated"
    assert isinstance(emit, Emit)
    assert (emit.reason, emit.message) == ("NodeNotReady", "Node node-1 status is now: NodeNotReady")


def test_a_node_that_never_spoke_has_a_longer_grace() -> None:
    node = b.node().created(945.0).stored()
    assert not updates(look(node, now=1000.0), "status")
    (changed,) = updates(look(node, now=1006.0), "status")
    (ready,) = (c for c in changed["status"]["conditions"] if c["type"] == "Ready")
    assert (ready["reason"], ready["message"]) == ("NodeStatusNeverUpdated", "Kubelet never posted node status.")


def test_a_new_controller_gives_everybody_their_grace() -> None:
    controller, node = NodeLifecycle(), b.node().ready().stored()
    view = FakeView(node, b.node("node-2").ready().stored())
    assert controller.reconcile(view, KEY, 1000.0) == [RequeueAfter(50.0)]
    for later in range(1005, 1050, 5):
        controller.reconcile(view, EVERYONE, float(later))
    assert updates(controller.reconcile(view, KEY, 1051.0), "status")


def test_after_a_pause_of_the_machine_the_grace_begins_again() -> None:
    controller, node = listening(), b.node().ready().stored()
    controller._looked = 100.0
    assert look(node, lease("node-1", 95.0), now=1000.0, controller=controller) == [RequeueAfter(50.0)]


def silent(name: str = "node-1", zone: str = "a") -> b.NodeBuilder:
    return b.node(name).zone(zone).ready("Unknown", at=990.0)


def test_taints_of_a_silent_node() -> None:
    (changed,) = updates(look(silent().stored(), b.node("node-2").zone("a").ready().stored(), now=1000.0))
    assert changed["spec"]["taints"] == [UNREACHABLE, UNREACHABLE_EVICTS]


def test_nodes_of_a_zone_are_evicted_one_at_a_time() -> None:
    controller = listening()
    view = FakeView(silent().stored(), silent("node-2").stored(), *(b.node(f"n{i}").zone("a").ready().stored() for i in range(3)))
    (first,) = updates(controller.reconcile(view, KEY, 1000.0))
    assert UNREACHABLE_EVICTS in first["spec"]["taints"]
    second = controller.reconcile(view, ("", "node-2"), 1000.0)
    assert updates(second)[0]["spec"]["taints"] == [UNREACHABLE]
    assert second[-1] == RequeueAfter(10.0)
    assert updates(controller.reconcile(view, ("", "node-2"), 1010.0))[0]["spec"]["taints"][1]["effect"] == "NoExecute"


def test_nobody_is_evicted_when_all_zones_are_lost() -> None:
    view = [silent().taint(taints.UNREACHABLE, "NoSchedule").stored(), silent("node-2", "b").stored()]
    assert look(*view, now=1000.0) == [RequeueAfter(5.0)]


def test_entering_the_loss_of_all_zones_takes_evicting_taints_back() -> None:
    controller = listening()
    view = FakeView(silent().taint(taints.UNREACHABLE, "NoExecute").taint("mine", "NoExecute").stored())
    (changed,) = updates(controller.reconcile(view, EVERYONE, 1001.0))
    assert changed["spec"]["taints"] == [{"key": "mine", "effect": "NoExecute"}]
    assert not updates(controller.reconcile(view, EVERYONE, 1006.0))


def test_a_small_zone_that_is_mostly_lost_is_not_evicted() -> None:
    lost = [silent(f"node-{i}").taint(taints.UNREACHABLE, "NoSchedule").stored() for i in (1, 2, 3)]
    actions = look(*lost, b.node("n").zone("a").ready().stored(), now=1000.0)
    assert actions == [RequeueAfter(5.0)]


def test_a_ready_node_loses_its_taints() -> None:
    node = b.node().ready(at=999.0).taint(taints.NOT_READY, "NoSchedule").taint(taints.UNREACHABLE, "NoExecute")
    (changed,) = updates(look(node.taint("mine", "NoSchedule").stored(), now=1000.0))
    assert changed["spec"]["taints"] == [{"key": "mine", "effect": "NoSchedule"}]


def test_not_ready_and_unreachable_exclude_each_other() -> None:
    node = b.node().ready("False", at=999.0).taint(taints.UNREACHABLE, "NoSchedule").taint(taints.UNREACHABLE, "NoExecute")
    (changed,) = updates(look(node.stored(), lease("node-1", 999.0), now=1000.0))
    assert [(t["key"], t["effect"]) for t in changed["spec"]["taints"]] == [
        (taints.NOT_READY, "NoSchedule"),
        (taints.NOT_READY, "NoExecute"),
    ]


@pytest.mark.parametrize(
    ("condition", "key"),
    [("MemoryPressure", "memory-pressure"), ("DiskPressure", "disk-pressure"), ("PIDPressure", "pid-pressure")],
)
def test_pressure_is_a_taint(condition: str, key: str) -> None:
    node = b.node().ready(at=999.0).condition(condition, "True").stored()
    (changed,) = updates(look(node, now=1000.0))
    assert [(t["key"], t["effect"]) for t in changed["spec"]["taints"]] == [(f"node.kubernetes.io/{key}", "NoSchedule")]


def test_cordoned_nodes_are_tainted() -> None:
    (changed,) = updates(look(b.node().ready(at=999.0).set("spec.unschedulable", True).stored(), now=1000.0))
    assert changed["spec"]["taints"][0]["key"] == taints.UNSCHEDULABLE


def test_old_names_of_labels_follow_the_new_ones() -> None:
    node = b.node().ready(at=999.0).label("kubernetes.io/os", "linux").label("beta.kubernetes.io/os", "minix").stored()
    (changed,) = updates(look(node, now=1000.0))
    assert changed["metadata"]["labels"]["beta.kubernetes.io/os"] == "linux"


def test_pods_of_a_lost_node_are_marked_until_all_are() -> None:
    controller = listening()
    ready, done = b.pod("a").on("node-1").ready().stored(), b.pod("b").on("node-1").phase("Running").stored()
    view = FakeView(b.node().ready(at=1.0).stored(), b.node("node-2").ready(at=999.0).stored(), ready, done)
    (lost,) = updates(controller.reconcile(view, KEY, 1000.0), "status")
    view.put(lost)
    marked = [a for a in controller.reconcile(view, KEY, 1000.0) if isinstance(a, Update) and a.resource == "pods"]
    (condition,) = marked[0].obj["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["lastTransitionTime"]) == ("Ready", "False", "1970-01-01T00:16:40Z")
    said = [a for a in controller.reconcile(view, KEY, 1000.0) if isinstance(a, Emit)]
    assert [(e.reason, e.message, e.type) for e in said] == [("NodeNotReady", "Node is not ready", "Warning")]
    view.put(marked[0].obj)
    assert not [a for a in controller.reconcile(view, KEY, 1000.0) if isinstance(a, Update) and a.resource == "pods"]
    view.put(ready)
    assert not [a for a in controller.reconcile(view, KEY, 1000.0) if isinstance(a, Update) and a.resource == "pods"]


def test_nodes_that_come_and_go_are_told_about() -> None:
    controller, view = NodeLifecycle(), FakeView(b.node().ready().stored())
    emit, again = controller.reconcile(view, EVERYONE, 0.0)
    assert isinstance(emit, Emit)
    assert (emit.reason, emit.message) == ("RegisteredNode", "Node node-1 event: Registered Node node-1 in Controller")
    assert again == RequeueAfter(5.0)
    view.remove("nodes", "", "node-1")
    (emit,) = controller.reconcile(view, EVERYONE, 5.0)
    assert isinstance(emit, Emit)
    assert (emit.reason, emit.message) == ("RemovingNode", "Node node-1 event: Removing Node node-1 from Controller")


@pytest.mark.parametrize(
    ("ready", "not_ready", "expected"),
    [
        (3, 0, zones.State.NORMAL),
        (1, 2, zones.State.NORMAL),
        (2, 3, zones.State.PARTIAL),
        (3, 3, zones.State.NORMAL),
        (0, 1, zones.State.FULL),
        (0, 0, zones.State.NORMAL),
    ],
)
def test_states_of_a_zone(ready: int, not_ready: int, expected: zones.State) -> None:
    assert zones.state(ready, not_ready) is expected


@pytest.mark.parametrize(
    ("how", "size", "expected"),
    [
        (zones.State.NORMAL, 3, 10.0),
        (zones.State.FULL, 3, 10.0),
        (zones.State.PARTIAL, 50, None),
        (zones.State.PARTIAL, 51, 100.0),
    ],
)
def test_pause_between_two_nodes(how: zones.State, size: int, expected: float | None) -> None:
    assert zones.pause(how, size) == expected


def test_heartbeats_alone_wake_nobody() -> None:
    (keys,) = (w.keys for w in NodeLifecycle().watches() if w.resource == "nodes")
    old, new = b.node().ready(at=1.0).stored(), b.node().ready(at=11.0).stored()
    assert list(keys(FakeView(), old, new)) == []
    assert list(keys(FakeView(), old, b.node().ready("False").stored())) == [KEY]
    assert list(keys(FakeView(), None, old)) == [EVERYONE, KEY]
