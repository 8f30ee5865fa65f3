"""Which key is looked at next."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from k8s_notebook.machinery.workqueue import LAST_BACKOFF, WorkQueue
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.sim.loop import Loop


class Seen:
    """A queue whose keys are taken as they come: `taken` are (time, key)."""

    def __init__(self) -> None:
        self.loop = Loop(Virtual())
        self.taken: list[tuple[float, str]] = []
        self.queue: WorkQueue[str] = WorkQueue(self.loop, lambda: self.loop.soon(self._take))

    def _take(self) -> None:
        while (key := self.queue.take()) is not None:
            self.taken.append((self.loop.now(), key))

    def run(self, until: float = 10_000) -> list[tuple[float, str]]:
        self.loop.run(until)
        return self.taken


Steps = Callable[[Seen], None]


def later_then_sooner(seen: Seen) -> None:
    seen.queue.add_after("a", 9)
    seen.queue.add_after("a", 4)


def sooner_then_later(seen: Seen) -> None:
    seen.queue.add_after("a", 4)
    seen.queue.add_after("a", 9)


def now_and_later(seen: Seen) -> None:
    seen.queue.add_after("a", 9)
    seen.queue.add("a")


def at_once(seen: Seen) -> None:
    seen.queue.add_after("a", 0)


def waits_while_it_is_queued(seen: Seen) -> None:
    seen.loop.at(5, lambda: [seen.queue.add(k) for k in "ba"])
    seen.queue.add_after("a", 5)


PLANS: dict[str, tuple[Steps, list[tuple[float, str]]]] = {
    "the earlier wins: planned last": (later_then_sooner, [(4, "a")]),
    "the earlier wins: planned first": (sooner_then_later, [(4, "a")]),
    "now, and still later": (now_and_later, [(0, "a"), (9, "a")]),
    "no delay": (at_once, [(0, "a")]),
    "due while it is in the queue": (waits_while_it_is_queued, [(5, "b"), (5, "a")]),
}


@pytest.mark.parametrize(("steps", "taken"), PLANS.values(), ids=PLANS)
def test_when_keys_come(steps: Steps, taken: list[tuple[float, str]]) -> None:
    seen = Seen()
    steps(seen)
    assert seen.run() == taken
    assert (len(seen.queue), seen.queue.waiting) == (0, 0)


def test_keys_come_in_order_and_each_once() -> None:
    calls: list[int] = []
    queue: WorkQueue[str] = WorkQueue(Loop(Virtual()), lambda: calls.append(1))
    for key in "abacb":
        queue.add(key)
    assert len(queue) == 3
    assert [queue.take() for _ in range(4)] == ["a", "b", "c", None]
    assert calls == [1]
    queue.add("a")
    assert (queue.take(), calls) == ("a", [1, 1])


def test_a_key_comes_again_when_it_changed_after_it_was_taken() -> None:
    queue: WorkQueue[str] = WorkQueue(Loop(Virtual()), lambda: None)
    queue.add("a")
    assert queue.take() == "a"
    queue.add("a")
    assert queue.take() == "a"


def test_failures_wait_twice_as_long_each_time_up_to_the_most() -> None:
    seen = Seen()
    waits = [seen.queue.fail("a") for _ in range(30)]
    assert waits[:4] == [0.005, 0.01, 0.02, 0.04]
    assert all(b == min(2 * a, LAST_BACKOFF) for a, b in itertools.pairwise(waits))
    assert waits[-1] == 1000
    assert seen.queue.fail("b") == 0.005
    assert seen.queue.waiting == 2
    assert seen.run() == [(0.005, "a"), (0.005, "b")]


def test_a_key_that_went_well_begins_anew() -> None:
    seen = Seen()
    seen.queue.fail("a")
    seen.queue.fail("a")
    seen.queue.forget("a")
    assert seen.queue.fail("a") == 0.005
    seen.queue.forget("never seen")
