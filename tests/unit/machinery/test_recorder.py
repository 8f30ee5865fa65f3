"""Events: counted, combined, dropped in floods, as client-go's event correlator does it."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.machinery.actions import Create, Emit, Patch
from k8s_notebook.machinery.api import Ticket
from k8s_notebook.machinery.recorder import BURST, COMBINED, SIMILAR, WITHIN, Recorder, reference
from k8s_notebook.objects import Obj, errors
from k8s_notebook.sim.clock import Virtual, timestamp
from k8s_notebook.sim.loop import Loop
from tests.unit.machinery.fake import Played


def pod(name: str = "web-0", **more: Any) -> Obj:
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": "7", **more}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


NODE: Obj = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "uid": "node-1"}}


class World:
    """A recorder whose cluster keeps the events: `events` by name, `writes` as (verb, message, count)."""

    def __init__(self, component: str = "kubelet", host: str = "node-1") -> None:
        self.loop = Loop(Virtual(1000))
        self.api = Played()
        self.api.answer = self._answer
        self.events: dict[str, Obj] = {}
        self.recorder = Recorder(self.api, self.loop, component, host)

    def _answer(self, request: Any) -> Ticket[Obj]:
        if isinstance(request, Create):
            self.events[request.obj["metadata"]["name"]] = request.obj
            return Ticket.of(request.obj)
        if request.name not in self.events:
            return Ticket.failed(errors.NotFound("gone"))
        self.events[request.name] = {**self.events[request.name], **request.body}
        return Ticket.of(self.events[request.name])

    def say(self, message: str = "hello", about: Obj | None = None, reason: str = "Why", **more: Any) -> None:
        self.recorder.record(Emit(about or pod(), reason, message, **more))
        self.loop.run(self.loop.now())

    def wait(self, seconds: float) -> None:
        self.loop.run(self.loop.now() + seconds)

    def told(self) -> list[tuple[str, int]]:
        """(message, count) of all events, in the order of their first time."""
        return [(e["message"], e["count"]) for e in self.events.values()]


def test_what_an_event_says() -> None:
    world = World()
    world.say("Started", field_path="spec.containers{web}", type="Warning")
    (event,) = world.events.values()
    assert event["involvedObject"] == {
        "kind": "Pod", "namespace": "shop", "name": "web-0", "uid": "uid-web-0", "apiVersion": "v1", "resourceVersion": "7",
        "fieldPath": "spec.containers{web}",
    }  # fmt: skip
    assert event["source"] == {"component": "kubelet", "host": "node-1"}
    assert (event["reportingComponent"], event["reportingInstance"]) == ("kubelet", "node-1")
    assert (event["firstTimestamp"], event["lastTimestamp"]) == (timestamp(1000), timestamp(1000))
    assert (event["type"], event["reason"], event["message"], event["count"]) == ("Warning", "Why", "Started", 1)
    assert event["metadata"]["namespace"] == "shop"


@pytest.mark.parametrize(
    ("about", "namespace", "name"),
    [
        pytest.param(pod(), "shop", "web-0.", id="beside the object"),
        pytest.param(NODE, "default", "node-1.", id="of no namespace"),
        pytest.param(pod("system:node:a"), "shop", "event.", id="a name that no event can have"),
        pytest.param(pod("x" * 250), "shop", "event.", id="a name that is too long"),
    ],
)
def test_where_an_event_is_and_its_name(about: Obj, namespace: str, name: str) -> None:
    world = World()
    world.say(about=about)
    metadata = next(iter(world.events.values()))["metadata"]
    assert metadata["namespace"] == namespace
    assert metadata["name"].startswith(name)


def test_names_are_unique_at_one_moment_and_between_components() -> None:
    names: list[str] = []
    for component, host in (("kubelet", "node-1"), ("kubelet", "node-2"), ("scheduler", "")):
        world = World(component, host)
        for n in range(8):
            world.say(f"{n}")
        names += world.events
    assert len(set(names)) == len(names) == 24


def test_a_repetition_is_counted() -> None:
    world = World()
    world.say()
    world.wait(60)
    world.say()
    world.say()
    (event,) = world.events.values()
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (3, timestamp(1000), timestamp(1060))
    assert [type(r) for r in world.api.requests] == [Create, Patch, Patch]


DIFFERENT: dict[str, dict[str, Any]] = {
    "another message": {"message": "other"},
    "another reason": {"reason": "Other"},
    "another type": {"type": "Warning"},
    "another container": {"field_path": "spec.containers{b}"},
    "another object": {"about": pod("web-1")},
    "an object of the same name": {"about": pod(uid="again")},
}


@pytest.mark.parametrize("second", DIFFERENT.values(), ids=DIFFERENT)
def test_what_differs_is_an_event_of_its_own(second: dict[str, Any]) -> None:
    world = World()
    world.say()
    world.say(**second)
    assert [count for _, count in world.told()] == [1, 1]


def test_a_newer_version_of_an_object_is_the_same_object() -> None:
    world = World()
    world.say()
    world.say(about=pod(resourceVersion="8"))
    assert world.told() == [("hello", 2)]


def test_an_event_that_expired_is_written_again_with_its_count() -> None:
    world = World()
    world.say()
    world.events.clear()
    world.wait(3600)
    world.say()
    (event,) = world.events.values()
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (2, timestamp(1000), timestamp(4600))
    world.say()
    assert world.told() == [("hello", 3)]


def test_similar_messages_are_combined_from_the_tenth_on() -> None:
    world = World()
    for n in range(SIMILAR + 3):
        world.say(f"message {n}", field_path=f"spec.containers{{c{n}}}")
    single = [(f"message {n}", 1) for n in range(SIMILAR - 1)]
    assert world.told() == [*single, (f"{COMBINED}message {SIMILAR + 2}", 4)]


def test_a_message_that_is_known_is_not_combined() -> None:
    world = World()
    for n in range(SIMILAR):
        world.say(f"message {n}")
    world.say("message 0")
    assert world.told()[0] == ("message 0", 2)
    assert world.told()[-1] == (f"{COMBINED}message {SIMILAR - 1}", 1)


@pytest.mark.parametrize(
    ("pause", "combined"),
    [pytest.param(WITHIN, True, id="in the interval"), pytest.param(WITHIN + 1, False, id="after it")],
)
def test_the_interval_begins_with_the_last_message(pause: float, combined: bool) -> None:
    world = World()
    for n in range(SIMILAR - 1):
        world.say(f"message {n}")
        world.wait(WITHIN - 1)
    world.wait(pause - (WITHIN - 1))
    world.say("the tenth")
    assert world.told()[-1] == (COMBINED + "the tenth" if combined else "the tenth", 1)


@pytest.mark.parametrize("more", [{"reason": "Other"}, {"type": "Warning"}, {"about": pod("web-1")}])
def test_only_what_differs_in_nothing_else_is_similar(more: dict[str, Any]) -> None:
    world = World()
    for n in range(SIMILAR - 1):
        world.say(f"message {n}")
    world.say("message 9", **more)
    assert world.told()[-1] == ("message 9", 1)


def test_a_flood_is_dropped_and_yet_counted() -> None:
    world = World()
    for _ in range(BURST + 20):
        world.say()
    assert len(world.api.requests) == BURST
    world.wait(299)
    world.say()
    assert world.told() == [("hello", BURST)]
    world.wait(1)
    world.say()
    assert world.told() == [("hello", BURST + 22)]


@pytest.mark.parametrize("more", [{"type": "Warning"}, {"about": pod("web-1")}, {"about": pod(uid="again")}])
def test_each_object_and_type_has_its_own_limit(more: dict[str, Any]) -> None:
    world = World()
    for _ in range(BURST + 5):
        world.say()
    world.say("other", **more)
    assert world.told()[-1] == ("other", 1)


def test_an_event_that_was_dropped_is_written_when_it_comes_through() -> None:
    world = World()
    for _ in range(BURST):
        world.say()
    world.say("new")
    assert len(world.events) == 1
    world.wait(300)
    world.say("new")
    assert world.told() == [("hello", BURST), ("new", 2)]


def test_the_limit_never_lets_more_through_than_a_burst() -> None:
    world = World()
    world.say()
    world.wait(100 * 24 * 3600)
    before = len(world.api.requests)
    for _ in range(2 * BURST):
        world.say()
    assert len(world.api.requests) - before <= BURST + 1


def test_over_the_wire_the_second_try_waits_for_the_answer() -> None:
    world = World()
    world.say()
    world.api.answer = lambda request: None
    world.say()
    (ticket,) = world.api.tickets
    ticket.fail(errors.NotFound("gone"))
    assert len(world.api.requests) == 2
    world.wait(0)
    assert isinstance(world.api.requests[-1], Create)
    assert world.api.requests[-1].obj["count"] == 2


def test_a_reference_says_only_what_is_known() -> None:
    assert reference(NODE) == {"kind": "Node", "name": "node-1", "uid": "node-1", "apiVersion": "v1"}
