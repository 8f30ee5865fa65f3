"""The loop that runs reconcilers: it reads its own writes, backs off, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from k8s_notebook.machinery.actions import Action, Bind, Create, Emit, Patch, RequeueAfter, Update
from k8s_notebook.machinery.api import Ticket
from k8s_notebook.machinery.cache import Informers, Name, View, name_of
from k8s_notebook.machinery.reconcile import ControllerLoop, Watch
from k8s_notebook.machinery.recorder import Recorder
from k8s_notebook.objects import Obj, errors
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.sim.loop import Loop
from tests.unit.machinery.fake import Played

KEY: Name = ("default", "a")


def pod(name: str = "a", revision: int = 1) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "resourceVersion": str(revision)},
    }


def itself(view: View, old: Obj | None, new: Obj | None) -> tuple[Name, ...]:
    return (name_of(new or old or {}),)


UPDATE = Update(pod(), "pods")
EMIT = Emit(pod(), "Why", "said")


class Script:
    """A controller that does what the test says; `looks` are (time, key)."""

    name = "script"

    def __init__(self, *plans: list[Action] | Exception) -> None:
        self.plans: list[list[Action] | Exception] = list(plans)
        self.looks: list[tuple[float, Name]] = []
        self.before: Callable[[View, Name], None] = lambda view, key: None

    def watches(self) -> Sequence[Watch]:
        return (Watch("pods", itself),)

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        self.looks.append((now, key))
        self.before(view, key)
        plan = self.plans.pop(0) if self.plans else []
        if isinstance(plan, Exception):
            raise plan
        return plan


class Telling(Script):
    """It also speaks about answers and refusals; `heard` are (what, action, answer or error)."""

    def __init__(self, *plans: list[Action] | Exception, then: list[Action] | None = None) -> None:
        super().__init__(*plans)
        self.heard: list[tuple[str, Any, Any]] = []
        self.then = then or []

    def done(self, view: View, key: Name, action: Action, answer: Obj, now: float) -> list[Action]:
        self.heard.append(("done", action, answer))
        return self.then

    def refused(self, view: View, key: Name, action: Action, error: errors.ApiError, now: float) -> list[Action]:
        self.heard.append(("refused", action, error))
        return self.then


class Slow(Script):
    """It looks at a key every ten seconds."""

    def pace(self, view: View, key: Name) -> float:
        return 10.0


class World:
    """One controller over a cluster that the test plays; pods are synced and empty."""

    def __init__(self, controller: Script, *, synced: bool = True) -> None:
        self.loop = Loop(Virtual())
        self.api = Played()
        self.informers = Informers(self.api, self.loop)
        self.controller = controller
        self.control = ControllerLoop(self.api, self.loop, self.informers, controller, Recorder(self.api, self.loop, "script"))
        if synced:
            self.tell_all(1)

    def tell_all(self, revision: int) -> None:
        self.api.told("pods").bookmark(revision, initial=True)
        self.run()

    def tell(self, revision: int, name: str = "a") -> None:
        self.api.told("pods").tell("MODIFIED", pod(name, revision), revision)

    def run(self, seconds: float = 0) -> None:
        self.loop.run(self.loop.now() + seconds)

    @property
    def asked(self) -> list[Any]:
        return self.api.requests

    @property
    def times(self) -> list[float]:
        return [round(when, 6) for when, _ in self.controller.looks]


def answers(revision: int | None) -> Callable[[Any], Ticket[Obj]]:
    return lambda request: Ticket.of({}, revision)


def refuses(*errors_: errors.ApiError) -> Callable[[Any], Ticket[Obj]]:
    left = list(errors_)
    return lambda request: Ticket.failed(left.pop(0)) if left else Ticket.of({})


def test_a_change_is_looked_at_once_and_its_actions_are_done_in_order() -> None:
    world = World(Script([UPDATE, Bind("default", "a", "", "n")]))
    world.tell(2)
    world.tell(3)
    world.run()
    assert world.controller.looks == [(0, KEY)]
    assert world.asked == [UPDATE, Bind("default", "a", "", "n")]


def test_nothing_is_looked_at_before_every_cache_is_complete() -> None:
    world = World(Script(), synced=False)
    world.tell(1)
    world.run(5)
    assert world.controller.looks == []
    world.tell_all(2)
    world.run(1)
    assert [key for _, key in world.controller.looks] == [KEY]


def test_keys_come_in_order_of_their_changes() -> None:
    world = World(Script())
    for name in "bac":
        world.tell(5, name)
    world.run()
    assert [key[1] for _, key in world.controller.looks] == ["b", "a", "c"]


WRITES: dict[str, tuple[Action, int | None, bool]] = {
    "an update": (UPDATE, 7, True),
    "a patch": (Patch("pods", "a", "default", {}), 7, True),
    "a creation": (Create(pod(), "pods"), 7, True),
    "a binding": (Bind("default", "a", "", "n"), 7, True),
    "an update that changed nothing": (UPDATE, 2, False),
    "an answer without a revision": (UPDATE, None, False),
    "a subresource is no pod": (Create({}, "pods", name="a", subresource="eviction"), 7, False),
    "what it does not read": (Update(pod(), "configmaps"), 7, False),
}


@pytest.mark.parametrize(("action", "revision", "waits"), WRITES.values(), ids=WRITES)
def test_it_reads_its_own_writes(action: Action, revision: int | None, waits: bool) -> None:
    world = World(Script([action]))
    world.api.answer = answers(revision)
    world.tell(2)
    world.run()
    world.control.enqueue(KEY)
    world.run()
    assert len(world.controller.looks) == (1 if waits else 2)
    world.tell(6)  # not yet
    world.run()
    world.tell(7)
    world.run()
    assert world.controller.looks[-1] == (0, KEY)
    assert set(world.api.watches) == {"pods"}  # no watch of what nobody reads


def test_a_change_while_it_waits_is_looked_at_once_afterwards() -> None:
    world = World(Script([UPDATE]))
    world.api.answer = answers(9)
    world.tell(2)
    world.run()
    for revision in (3, 4, 5):
        world.tell(revision)
        world.run()
    assert len(world.controller.looks) == 1
    world.tell(9)
    world.run(100)
    assert len(world.controller.looks) == 2


def test_a_bookmark_shows_that_the_write_was_seen() -> None:
    world = World(Script([UPDATE]))
    world.api.answer = answers(9)
    world.tell(2)
    world.run()
    world.control.enqueue(KEY)
    world.api.told("pods").bookmark(9)
    world.run()
    assert len(world.controller.looks) == 2


def test_other_keys_do_not_wait() -> None:
    world = World(Script([UPDATE]))
    world.api.answer = answers(9)
    world.tell(2)
    world.run()
    world.tell(3, "b")
    world.run()
    assert [key[1] for _, key in world.controller.looks] == ["a", "b"]


def test_a_change_during_the_look_is_not_lost() -> None:
    controller = Script()
    world = World(controller)
    controller.before = lambda view, key: world.control.enqueue(key) if len(controller.looks) == 1 else None
    world.tell(2)
    world.run()
    assert len(controller.looks) == 2


def test_failures_back_off_and_success_forgets_them() -> None:
    world = World(Script([UPDATE], [UPDATE], [UPDATE], [], [UPDATE]))
    world.api.answer = refuses(*[errors.Conflict("changed")] * 3)
    world.tell(2)
    world.run(60)
    assert world.times == [0, 0.005, 0.015, 0.035]
    assert world.control.last_error == "changed"
    world.api.answer = refuses(errors.Conflict("changed"))
    world.tell(3)
    world.run(60)
    assert world.times[4:] == [60, 60.005]


def test_after_a_refusal_the_rest_of_the_plan_is_left_out() -> None:
    world = World(Script([UPDATE, EMIT, UPDATE]))
    world.api.answer = refuses(errors.Conflict("changed"))
    world.tell(2)
    world.run()
    assert world.asked == [UPDATE]


def test_a_failed_key_does_not_wait_for_what_went_well_before() -> None:
    world = World(Script([UPDATE, UPDATE]))
    given = [Ticket.of({}, 99), Ticket.failed(errors.Conflict("changed"))]
    world.api.answer = lambda request: given.pop(0)
    world.tell(2)
    world.run(1)
    assert world.times == [0, 0.005]


@pytest.mark.parametrize("where", ["reconcile", "answer"])
def test_a_mistake_is_said_and_costs_neither_the_key_nor_the_others(where: str) -> None:
    world = World(Script(ZeroDivisionError("oh") if where == "reconcile" else [UPDATE]))
    if where == "answer":
        given = [Ticket.failed(ZeroDivisionError("oh"))]
        world.api.answer = lambda request: given.pop() if given else Ticket.of({})
    world.tell(2)
    world.tell(2, "b")
    with pytest.raises(ZeroDivisionError):
        world.run()
    world.run(1)
    assert [key[1] for _, key in world.controller.looks] == ["a", "b", "a"]
    assert "oh" in world.control.last_error


def test_requeue_after() -> None:
    world = World(Script([RequeueAfter(30), RequeueAfter(20)]))
    world.tell(2)
    world.run(100)
    assert world.times == [0, 20]


def test_events_go_through_the_recorder() -> None:
    world = World(Script([EMIT, EMIT]))
    world.tell(2)
    world.run()
    assert [type(r) for r in world.asked] == [Create, Patch]
    assert world.asked[0].resource == "events"


SAID: dict[str, tuple[Ticket[Obj], str]] = {
    "went well": (Ticket.of({"x": 1}), "done"),
    "was refused": (Ticket.failed(errors.Conflict("changed")), "refused"),
}


@pytest.mark.parametrize(("ticket", "what"), SAID.values(), ids=SAID)
def test_a_controller_that_tells(ticket: Ticket[Obj], what: str) -> None:
    note = Update(pod("note"), "pods", "status")
    world = World(Telling([UPDATE], then=[EMIT, note, RequeueAfter(5)]))
    world.api.answer = lambda request: ticket if request is UPDATE else Ticket.of({})
    world.tell(2)
    world.run()
    assert isinstance(world.controller, Telling)
    assert world.controller.heard == [(what, UPDATE, ticket.error or {"x": 1})]
    assert world.asked[0] is UPDATE
    assert [type(r) for r in world.asked[1:]] == [Create, Update]


def test_over_the_wire_answers_come_later() -> None:
    world = World(Telling([UPDATE, EMIT, UPDATE]))
    world.api.answer = lambda request: None if isinstance(request, Update) else Ticket.of({})
    world.tell(2)
    world.run()
    assert len(world.api.tickets) == 2
    world.tell(3)
    world.run(10)
    assert len(world.controller.looks) == 1
    world.api.tickets[0].complete({}, 3)
    world.run()
    assert len(world.controller.looks) == 1
    world.api.tickets[1].complete({}, 4)
    world.run()
    assert len(world.controller.looks) == 1
    world.tell(4)
    world.run()
    assert len(world.controller.looks) == 2
    assert isinstance(world.controller, Telling)
    assert [what for what, *_ in world.controller.heard] == ["done", "done"]


FAILURES: dict[str, Exception] = {"refused": errors.Conflict("changed"), "broken": ZeroDivisionError("oh")}


@pytest.mark.parametrize("error", FAILURES.values(), ids=FAILURES)
def test_over_the_wire_a_failure_waits_for_the_other_answers(error: Exception) -> None:
    world = World(Script([UPDATE, UPDATE]))
    world.api.answer = lambda request: None
    world.tell(2)
    world.run()
    world.api.tickets[0].fail(error)
    if isinstance(error, errors.ApiError):
        world.run(10)
    else:
        with pytest.raises(ZeroDivisionError):
            world.run(10)
    assert len(world.controller.looks) == 1
    world.api.tickets[1].complete({}, 3)
    world.run(20)
    assert len(world.controller.looks) == 2


def test_a_paced_controller_gathers_changes() -> None:
    world = World(Slow())
    for revision in range(2, 8):
        world.tell(revision)
        world.run(1)
    world.run(30)
    assert world.times == [0, 10]
    world.tell(20)
    world.run(30)
    assert world.times == [0, 10, 36]


def test_its_state_in_numbers() -> None:
    world = World(Script([UPDATE], [RequeueAfter(50)]))
    world.api.answer = refuses(errors.Conflict("changed"))
    world.tell(2)
    world.run(1)
    assert world.control.status() == {"queue": 0, "waiting": 1, "reconciled": 2, "lastReconcile": 0.005, "lastError": "changed"}
