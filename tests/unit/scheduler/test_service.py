"""The scheduler at work on a small cluster in memory, on a virtual clock."""

from __future__ import annotations

import pytest

from k8s_notebook.machinery.actions import Patch
from k8s_notebook.objects import errors
from tests.builders import node, pod
from tests.unit.scheduler.memory import World

CPU = (
    "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
    "0/1 nodes are available: 1 No preemption victims found for incoming pod."
)


def test_pods_are_spread_and_announced() -> None:
    world = World(node("a"), node("b")).add(pod("p").requests(cpu="1"), pod("q").requests(cpu="1")).run()
    assert world.api.binds() == [("p", "a"), ("q", "b")]
    event = world.api.events()[0]
    assert event["message"] == "Successfully assigned default/p to a"
    told = {k: event[k] for k in ("type", "reason", "action", "reportingComponent", "reportingInstance", "source")}
    assert told == {
        "type": "Normal", "reason": "Scheduled", "action": "Binding", "reportingComponent": "default-scheduler",
        "reportingInstance": "default-scheduler-k8s-notebook", "source": {},
    }  # fmt: skip
    assert event["eventTime"] == "1970-01-01T00:16:40.000000Z"
    assert event["involvedObject"]["uid"] == "uid-p"


def test_a_pod_that_does_not_fit_says_so_and_goes_once_there_is_room() -> None:
    world = World(node("a").capacity(cpu="1")).add(pod("big").requests(cpu="3")).run()
    message = CPU.replace("No preemption victims found for incoming pod", "Preemption is not helpful for scheduling")
    assert world.condition("big") == {
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message, "lastProbeTime": None,
        "lastTransitionTime": "1970-01-01T00:16:40Z", "observedGeneration": 1,
    }  # fmt: skip
    assert [e["message"] for e in world.api.events("FailedScheduling")] == [message]
    world.api.put("nodes", node("b").stored())
    assert world.run().where("big") == "b"


def test_a_deleted_pod_leaves_room() -> None:
    world = World(node("a").capacity(cpu="1")).add(pod("first").requests(cpu="1")).run(1)
    world.add(pod("second").requests(cpu="1")).run()
    assert world.condition("second")["message"] == CPU
    world.api.delete("pods", "default", "first")
    assert world.run().where("second") == "a"


def test_a_finished_pod_leaves_room() -> None:
    world = World(node("a").capacity(cpu="1")).add(pod("first").requests(cpu="1")).run(1)
    world.add(pod("second").requests(cpu="1")).run()
    world.api.put("pods", {**world.api.pod("first"), "status": {"phase": "Succeeded"}})
    assert world.run().where("second") == "a"


def test_higher_priority_goes_first() -> None:
    low, high = pod("low").requests(cpu="1"), pod("high").requests(cpu="1").set("spec.priority", 100)
    world = World(node("a").capacity(cpu="1")).add(low, high).run()
    assert world.api.binds() == [("high", "a")]


def test_pods_of_another_scheduler_and_gated_pods_are_left_alone() -> None:
    gated = pod("gated").set("spec.schedulingGates", [{"name": "wait"}])
    world = World(node("a")).add(pod("other").set("spec.schedulerName", "mine"), gated).run()
    assert world.api.requests == []
    opened = {k: v for k, v in world.api.pod("gated")["spec"].items() if k != "schedulingGates"}
    world.api.put("pods", {**world.api.pod("gated"), "spec": opened})
    assert world.run().api.binds() == [("gated", "a")]


def test_a_refused_binding_is_forgotten_and_tried_again() -> None:
    world = World(node("a").capacity(cpu="1"))
    world.api.refuse = errors.InternalError("etcd is away")
    world.add(pod("p").requests(cpu="1")).run()
    assert world.condition("p")["reason"] == "SchedulerError"
    assert world.condition("p")["message"] == 'running Bind plugin "DefaultBinder": etcd is away'
    assert world.scheduler.cluster.placed == {}
    world.api.refuse = None
    assert world.run(0.5).where("p") == ""
    assert world.run(2).where("p") == "a"


def test_a_pod_that_waits_long_is_tried_again_and_its_events_become_a_series() -> None:
    world = World(node("a").capacity(cpu="1")).add(pod("big").requests(cpu="3")).run(200)
    assert len(world.api.events("FailedScheduling")) == 1
    world.run(140)
    assert len(world.api.events("FailedScheduling")) == 2  # another resourceVersion: the first attempt wrote the condition
    world.run(331)
    assert len(world.api.events("FailedScheduling")) == 2
    patches = [r for r in world.api.requests if isinstance(r, Patch) and r.resource == "events"]
    assert [p.body["series"]["count"] for p in patches] == [2]


def test_a_condition_that_says_the_same_is_not_written_again() -> None:
    world = World(node("a").capacity(cpu="1")).add(pod("big").requests(cpu="3")).run(700)
    assert len([r for r in world.api.requests if isinstance(r, Patch) and r.resource == "pods"]) == 1


def test_pods_that_were_there_before_count() -> None:
    world = World(node("a"), node("b"))
    world.add(pod("old").requests(cpu="3").on("a"), pod("new").requests(cpu="1")).run()
    assert world.where("new") == "b"


def test_a_pod_on_a_node_that_comes_later_counts() -> None:
    world = World().add(pod("old").requests(cpu="3").on("a"), pod("new").requests(cpu="2")).run()
    assert world.condition("new")["message"] == "no nodes available to schedule pods"
    world.api.put("nodes", node("a").stored())
    assert "1 Insufficient cpu" in world.run(2).condition("new")["message"]
    world.api.put("nodes", node("b").stored())
    assert world.run(30).where("new") == "b"


def test_a_node_that_goes_is_not_used() -> None:
    world = World(node("a"), node("b")).run()
    world.api.delete("nodes", "", "a")
    assert world.run().add(pod("p")).run().where("p") == "b"


def test_a_deleting_pod_is_skipped() -> None:
    world = World(node("a")).add(pod("p").deleted(900)).run()
    assert [e["message"] for e in world.api.events()] == ["skip schedule deleting pod: default/p"]
    assert world.api.binds() == []


def test_many_pods_fill_the_nodes_and_no_more() -> None:
    world = World(*(node(f"n{i}").capacity(pods="3") for i in range(4)))
    world.add(*(pod(f"p{i:02}") for i in range(14))).run(1)
    assert len(world.api.binds()) == 12
    assert world.scheduler.status() == {"scheduled": 12, "binding": 0, "active": 0, "backoff": 0, "waiting": 2}


def test_a_mistake_of_ours_does_not_cost_a_pod() -> None:
    world = World(node("a"))

    def mistaken(*_: object) -> None:
        world.scheduler.decided.clear()
        raise ZeroDivisionError

    world.scheduler.decided.append(mistaken)
    world.add(pod("p"), pod("q"))
    with pytest.raises(ZeroDivisionError):
        world.run()
    assert world.run().where("q") == "a"
    assert world.run(3).where("p") == "a"
