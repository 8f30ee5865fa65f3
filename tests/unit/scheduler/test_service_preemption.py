"""The scheduler at work: pods that make room for others, and what is said about it."""

from __future__ import annotations

import dataclasses

import pytest

from k8s_notebook.machinery.actions import Delete, Patch
from k8s_notebook.objects import errors
from k8s_notebook.scheduler import profiles
from tests.builders import PodBuilder, node, pod
from tests.unit.scheduler.memory import World


def small(name: str, priority: int = 0) -> PodBuilder:
    built = pod(name).requests(cpu="1").set("spec.priority", priority)
    return built.set("status.startTime", "1970-01-01T00:16:40Z")


def full(*more: PodBuilder) -> World:
    """A node of two processors with two pods of low priority."""
    world = World(node("a").capacity(cpu="2")).add(small("one").on("a"), small("two").on("a"), *more)
    return world


def high(name: str = "high", cpu: str = "2", priority: int = 100) -> PodBuilder:
    return pod(name).requests(cpu=cpu).set("spec.priority", priority)


def test_victims_are_told_deleted_and_announced_and_the_pod_gets_their_room() -> None:
    world = full()
    world.add(high()).run()
    deleted = [(r.name, r.uid, r.grace) for r in world.api.requests if isinstance(r, Delete)]
    assert sorted(deleted) == [("one", "uid-one", None), ("two", "uid-two", None)]
    told = [r.body["status"]["conditions"][0] for r in world.api.requests if isinstance(r, Patch) and r.name == "one"]
    assert told == [{
        "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
        "message": "default-scheduler: preempting to accommodate a higher priority pod", "lastProbeTime": None,
        "lastTransitionTime": "1970-01-01T00:16:40Z", "observedGeneration": 1,
    }]  # fmt: skip
    event = world.api.events("Preempted")[0]
    assert (event["type"], event["action"], event["message"]) == (
        "Normal", "Preempting", "Preempted by pod uid-high on node a",
    )  # fmt: skip
    assert event["related"]["name"] == "high"
    failed = world.api.events("FailedScheduling")[0]["message"]
    assert failed == "0/1 nodes are available: 1 Insufficient cpu."
    assert world.run(1).where("high") == "a"
    assert world.scheduler.cluster.nominated == {}


def test_the_room_is_kept_while_victims_end_in_peace() -> None:
    world = full()
    world.api.graceful = True
    world.add(high()).run()
    assert world.nominated("high") == "a"
    assert [n for _, n in world.scheduler.cluster.nominated.values()] == ["a"]
    world.add(small("late")).run(1)
    assert world.where("late") == ""
    world.api.delete("pods", "default", "one")
    assert world.run(5).where("high") == ""
    world.api.delete("pods", "default", "two")
    assert world.run(5).where("high") == "a"
    assert world.where("late") == ""


def test_a_preemptor_is_not_tried_before_all_victims_were_asked() -> None:
    world = full()
    world.api.slow = (Delete,)
    world.add(high()).run()
    assert [r.name for r in world.api.requests if isinstance(r, Delete)] == ["one"] or len(world.api.open) == 1
    attempts = world.scheduler.attempts
    world.api.answer()
    world.run()
    assert world.scheduler.attempts == attempts
    world.api.answer()
    assert world.run(2).where("high") == "a"


def test_a_victim_that_cannot_be_asked_lets_the_preemptor_try_again() -> None:
    world = full()
    world.api.refuse_deletion = errors.Forbidden("no")
    world.add(high()).run(5)
    assert world.scheduler.attempts > 1
    world.api.refuse_deletion = None
    assert world.run(20).where("high") == "a"


def test_lower_nominees_of_the_node_lose_their_nomination() -> None:
    world = full()
    world.api.graceful = True
    world.add(high("middle", priority=50)).run()
    assert world.nominated("middle") == "a"
    world.api.delete("pods", "default", "one")
    world.add(small("one").on("a")).run()
    world.add(high("top")).run()
    assert (world.nominated("top"), world.nominated("middle")) == ("a", "")


def test_a_nomination_in_a_pods_status_counts_and_ends_with_the_pod() -> None:
    world = World(node("a").capacity(cpu="2"))
    nominee = high("nominee").set("status.nominatedNodeName", "a").set("spec.schedulingGates", [{"name": "wait"}])
    world.add(nominee).run()
    assert world.scheduler.cluster.nominated != {}
    assert world.add(small("low")).run().where("low") == ""
    world.api.delete("pods", "default", "nominee")
    assert world.run(3).where("low") == "a"
    assert world.scheduler.cluster.nominated == {}


def test_a_nomination_that_no_longer_helps_is_taken_back() -> None:
    world = World(node("a").capacity(cpu="1"))
    world.add(high().set("status.nominatedNodeName", "a")).run()
    assert world.nominated("high") == ""
    assert world.scheduler.cluster.nominated == {}


@pytest.mark.parametrize("which", ["Never", "off"])
def test_nobody_goes_where_preemption_is_not_wanted(which: str) -> None:
    served = dataclasses.replace(profiles.DEFAULT, preempts=which != "off")
    world = World(node("a").capacity(cpu="1"), served=(served,)).add(small("one").on("a"))
    preemptor = high(cpu="1")
    if which == "Never":
        preemptor.set("spec.preemptionPolicy", "Never")
    world.add(preemptor).run(60)
    assert [r for r in world.api.requests if isinstance(r, Delete)] == []
