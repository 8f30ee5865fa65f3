"""The queue: order, back-off, waiting, events."""

from __future__ import annotations

import pytest

from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.queue import Entry, Queue
from tests.builders import pod

FIT = frozenset({"NodeResourcesFit"})
HELPED = {"NodeResourcesFit": frozenset({"added", "pod gone"}), "NodeAffinity": frozenset({"added", "labels"})}


def entry(name: str, priority: int = 0) -> Entry:
    built = pod(name).stored()
    return Entry(name, built, PodClass.of(built["spec"]), priority)


def names(queue: Queue, now: float) -> list[str]:
    """Everything that can be popped at `now`."""
    found = []
    while (popped := queue.pop(now)) is not None:
        found.append(popped.uid)
    return found


def test_priority_then_time_then_arrival() -> None:
    queue = Queue(HELPED)
    for name, priority, now in (("c", 0, 5), ("b", 0, 4), ("a", 0, 4), ("high", 7, 9)):
        queue.add(entry(name, priority), now)
    assert names(queue, 10) == ["high", "b", "a", "c"]


def test_a_retried_pod_goes_behind_those_that_were_queued_before_its_retry() -> None:
    queue = Queue(HELPED)
    first = entry("first")
    queue.add(first, 0)
    assert queue.pop(0) is first
    queue.add(entry("second"), 3)
    queue.failed(first, 5, FIT)
    queue.happened("added", 100)
    assert names(queue, 100) == ["second", "first"]


@pytest.mark.parametrize(("event", "rejectors", "woken"), [
    ("added", FIT, True),
    ("pod gone", FIT, True),
    ("labels", FIT, False),
    ("labels", frozenset({"NodeAffinity"}), True),
    ("pod gone", frozenset({"NodeAffinity"}), False),
    ("taints", frozenset(), True),
])  # fmt: skip
def test_only_events_that_help_wake(event: str, rejectors: frozenset[str], woken: bool) -> None:
    queue = Queue(HELPED)
    waiting = entry("p")
    queue.add(waiting, 0)
    queue.pop(0)
    queue.failed(waiting, 0, rejectors)
    queue.happened(event, 60)
    assert queue.ready() is woken


def test_a_pod_that_backs_off_is_taken_when_nothing_else_is_there() -> None:
    queue = Queue(HELPED)
    waiting = entry("p")
    queue.add(waiting, 0)
    queue.pop(0)
    queue.failed(waiting, 0, FIT)
    queue.happened("added", 0.1)
    assert queue.counts() == {"active": 0, "backoff": 1, "waiting": 0}
    queue.add(entry("new"), 0.2)
    assert names(queue, 0.3) == ["new", "p"]


@pytest.mark.parametrize(("errors", "until"), [(1, 101), (2, 102), (3, 104), (4, 108), (5, 110), (9, 110)])
def test_back_off_doubles_up_to_ten_seconds(errors: int, until: float) -> None:
    queue = Queue(HELPED)
    failing = entry("p")
    for _ in range(errors):
        queue.erred(failing, 100.5)
    assert failing.until == until
    assert queue.pop(until - 0.1) is None
    assert queue.due() == until
    assert queue.pop(until) is failing


def test_five_minutes_are_long_enough() -> None:
    queue = Queue(HELPED)
    waiting = entry("p")
    queue.failed(waiting, 50, FIT)
    assert queue.due() == 350
    assert queue.pop(349) is None
    assert queue.pop(350) is waiting


def test_a_removed_pod_is_gone_wherever_it_was() -> None:
    queue = Queue(HELPED)
    active, waiting, failing = entry("active"), entry("waiting"), entry("failing")
    queue.add(active, 0)
    queue.failed(waiting, 0, FIT)
    queue.erred(failing, 0)
    for each in (active, waiting, failing):
        queue.remove(each.uid)
    queue.happened("added", 1000)
    assert names(queue, 1000) == []
    assert len(queue) == 0
