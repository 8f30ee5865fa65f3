"""The order of things on the event loop."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from k8s_notebook.sim.clock import Virtual
from k8s_notebook.sim.loop import Loop

Plan = Callable[[Loop, Callable[[str], Callable[[], None]]], None]


def called(plan: Plan, until: float = 100.0) -> str:
    """What ran, in order, as the letters of the callbacks."""
    loop, order = Loop(Virtual()), []
    plan(loop, lambda name: lambda: order.append(name))
    loop.run(until)
    return "".join(order)


def by_time(loop: Loop, say: Callable[[str], Callable[[], None]]) -> None:
    loop.at(3, say("c"))
    loop.at(1, say("a"))
    loop.after(2, say("b"))


def by_plan(loop: Loop, say: Callable[[str], Callable[[], None]]) -> None:
    for name in "abc":
        loop.at(1, say(name))


def by_priority(loop: Loop, say: Callable[[str], Callable[[], None]]) -> None:
    loop.at(1, say("b"))
    loop.at(1, say("c"), priority=1)
    loop.at(1, say("a"), priority=-1)


def time_before_priority(loop: Loop, say: Callable[[str], Callable[[], None]]) -> None:
    loop.at(2, say("b"), priority=-5)
    loop.at(1, say("a"), priority=5)


def soon_is_behind_what_is_planned(loop: Loop, say: Callable[[str], Callable[[], None]]) -> None:
    def first() -> None:
        say("a")()
        loop.soon(say("c"))

    loop.at(1, first)
    loop.at(1, say("b"))


def urgent_soon_goes_first(loop: Loop, say: Callable[[str], Callable[[], None]]) -> None:
    def first() -> None:
        say("a")()
        loop.soon(say("b"), priority=-1)

    loop.at(1, first)
    loop.at(1, say("c"))


def past_counts_as_now(loop: Loop, say: Callable[[str], Callable[[], None]]) -> None:
    loop.at(5, lambda: loop.at(1, say("a")))
    loop.at(6, say("b"))


def cancelled(loop: Loop, say: Callable[[str], Callable[[], None]]) -> None:
    loop.at(1, say("a"))
    loop.at(2, say("x")).cancel()
    doomed = loop.at(4, say("y"))
    loop.at(3, doomed.cancel)


def cancelled_when_over(loop: Loop, say: Callable[[str], Callable[[], None]]) -> None:
    done = loop.at(1, say("a"))
    loop.at(2, done.cancel)


def too_late(loop: Loop, say: Callable[[str], Callable[[], None]]) -> None:
    loop.at(100, say("a"))
    loop.at(100.001, say("x"))


ORDERS: dict[str, tuple[Plan, str]] = {
    "by time": (by_time, "abc"),
    "equal times: the earlier plan": (by_plan, "abc"),
    "equal times: the lower priority": (by_priority, "abc"),
    "time counts before priority": (time_before_priority, "ab"),
    "soon is behind what is planned for now": (soon_is_behind_what_is_planned, "abc"),
    "soon and urgent": (urgent_soon_goes_first, "abc"),
    "the past is now": (past_counts_as_now, "ab"),
    "cancelled": (cancelled, "a"),
    "cancelled when it was over": (cancelled_when_over, "a"),
    "only what is due": (too_late, "a"),
}


@pytest.mark.parametrize(("plan", "order"), ORDERS.values(), ids=ORDERS)
def test_the_order(plan: Plan, order: str) -> None:
    assert called(plan) == order


def test_the_clock_shows_the_time_of_what_is_called_and_then_the_end() -> None:
    loop, times = Loop(Virtual(10)), []
    for when in (12.5, 11):
        loop.at(when, lambda: times.append(loop.now()))
    assert loop.run(20) == 2
    assert times == [11, 12.5]
    assert loop.now() == 20


def test_at_most_so_many() -> None:
    loop = Loop(Virtual())
    loop.soon(lambda: None)
    loop.soon(lambda: None)
    assert loop.run(0, most=1) == 1
    assert loop.run(0) == 1


def test_peek_skips_what_was_cancelled() -> None:
    loop = Loop(Virtual())
    assert loop.peek() is None
    first = loop.at(1, lambda: None)
    loop.at(2, lambda: None)
    assert loop.peek() == 1
    first.cancel()
    assert loop.peek() == 2
    assert loop.step(until=1.9) is False


def test_a_mistake_of_one_callback_does_not_cost_the_others() -> None:
    loop, order = Loop(Virtual()), []

    def mistake() -> None:
        raise ZeroDivisionError

    loop.at(1, mistake)
    loop.at(1, lambda: order.append("b"))
    with pytest.raises(ZeroDivisionError):
        loop.run(5)
    loop.run(5)
    assert order == ["b"]


def test_on_wake_is_told_only_of_a_new_next_callback() -> None:
    loop, woken = Loop(Virtual()), []
    loop.on_wake(lambda: woken.append(loop.peek()))
    loop.at(5, lambda: None)
    loop.at(9, lambda: None)
    loop.at(2, lambda: None)
    loop.at(2, lambda: None)
    assert woken == [5, 2]
    loop.on_wake(None)
    loop.at(1, lambda: None)
    assert woken == [5, 2]
