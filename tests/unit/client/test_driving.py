"""A loop in a thread of its own: everything that works on it is called there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from k8s_notebook.client.driving import Driver
from k8s_notebook.client.inbox import Inbox
from k8s_notebook.machinery.actions import Bind, Get, Request
from k8s_notebook.machinery.api import Subscription, Ticket, WatchEvent
from k8s_notebook.objects import Obj, errors, kinds


class Wire:
    """An Api whose answers and events come from the test's thread."""

    kinds = kinds.BUILTIN

    def __init__(self) -> None:
        self.tickets: list[Ticket[Obj]] = []
        self.asked: list[Request] = []
        self.inbox: Inbox[WatchEvent] = Inbox()

    def submit(self, request: Request) -> Ticket[Obj]:
        self.asked.append(request)
        self.tickets.append(Ticket())
        return self.tickets[-1]

    def watch(self, resource: str, **_: object) -> Subscription:
        return self.inbox


@pytest.fixture
def driver() -> Iterator[Driver]:
    found = Driver("test")
    found.start()
    yield found
    found.stop()
    assert not found.alive


def there(driver: Driver, callback: Callable[[], object]) -> object:
    """What `callback` returns in the driver's thread."""
    found: list[object] = []
    done = threading.Event()

    def call() -> None:
        found.append(callback())
        done.set()

    driver.post(call)
    assert done.wait(20)
    return found[0]


def test_answers_come_in_the_thread(driver: Driver) -> None:
    wire = Wire()
    door = driver.door(wire)
    thread = there(driver, threading.current_thread)
    seen: list[object] = []
    done = threading.Event()

    def ask() -> None:
        door.submit(Get("pods", "x")).on_done(lambda t: (seen.append((threading.current_thread(), t.result())), done.set()))

    there(driver, ask)
    wire.tickets[0].complete({"a": 1})
    assert done.wait(20)
    assert seen == [(thread, {"a": 1})]


def test_refusals_come_too(driver: Driver) -> None:
    wire = Wire()
    ticket = driver.door(wire).submit(Get("pods", "x"))
    wire.tickets[0].fail(errors.Forbidden("no"))
    assert there(driver, lambda: type(ticket.error)) is errors.Forbidden


def test_events_and_trouble_come_in_the_thread(driver: Driver) -> None:
    wire = Wire()
    door = driver.door(wire)
    heard: list[object] = []
    done = threading.Event()
    subscription = door.watch("pods")
    subscription.on_ready(lambda: (heard.append(threading.current_thread().name), done.set()))
    wire.inbox.put([WatchEvent("ADDED", {}, 1)])
    assert done.wait(20)
    assert heard == ["test"]
    assert [e.revision for e in subscription.take()] == [1]
    wire.inbox.say("it does not answer")
    assert (door.trouble, subscription.trouble) == ("it does not answer", "it does not answer")
    subscription.close()
    assert (subscription.ended, door.trouble) == (True, "")


def test_what_is_due_is_called_and_a_mistake_stops_nobody(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()

    def plan() -> None:
        driver.loop.after(0.0, lambda: 1 // 0)
        driver.loop.after(0.01, done.set)

    there(driver, plan)
    driver.post(lambda: 1 // 0)
    assert done.wait(20)
    assert "ZeroDivisionError" in caplog.text


def test_only_so_many_requests_are_under_way_and_bindings_go_first(driver: Driver) -> None:
    wire = Wire()
    door = driver.door(wire, 2)
    wanted: list[Request] = [*(Get("pods", str(n)) for n in range(4)), Bind("default", "p", "u", "n")]
    tickets = there(driver, lambda: [door.submit(request) for request in wanted])
    assert wire.asked == wanted[:2]
    wire.tickets[1].complete({})
    assert there(driver, lambda: wire.asked[2:]) == [wanted[4]]
    for number in (0, 2, 3, 4):
        wire.tickets[number].complete({})
        there(driver, lambda: None)
    assert wire.asked[3:] == wanted[2:4]
    assert all(t.done for t in tickets)  # type: ignore[attr-defined]
