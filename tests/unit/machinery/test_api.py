"""Tickets: done or not yet, then a value or an error, in whatever thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from k8s_notebook.machinery.api import Ticket
from k8s_notebook.objects import errors

REFUSED = errors.NotFound("no")


def completed() -> Ticket[int]:
    ticket: Ticket[int] = Ticket()
    ticket.complete(1, revision=5)
    return ticket


def failed() -> Ticket[int]:
    ticket: Ticket[int] = Ticket()
    ticket.fail(REFUSED)
    return ticket


def completed_twice() -> Ticket[int]:
    ticket = completed()
    ticket.complete(2, revision=6)
    return ticket


def completed_then_failed() -> Ticket[int]:
    ticket = completed()
    ticket.fail(REFUSED)
    return ticket


def failed_then_completed() -> Ticket[int]:
    ticket = failed()
    ticket.complete(1, revision=5)
    return ticket


WELL: dict[str, tuple[Callable[[], Ticket[int]], int | None]] = {
    "handed out done": (lambda: Ticket.of(1), None),
    "handed out done, with the revision": (lambda: Ticket.of(1, 5), 5),
    "completed": (completed, 5),
    "completed twice: the first counts": (completed_twice, 5),
    "completed, then failed: the first counts": (completed_then_failed, 5),
}


@pytest.mark.parametrize(("make", "revision"), WELL.values(), ids=WELL)
def test_a_ticket_that_went_well(make: Callable[[], Ticket[int]], revision: int | None) -> None:
    ticket = make()
    assert (ticket.done, ticket.error, ticket.result(), ticket.revision) == (True, None, 1, revision)


BADLY: dict[str, Callable[[], Ticket[int]]] = {
    "handed out failed": lambda: Ticket.failed(REFUSED),
    "failed": failed,
    "failed, then completed: the first counts": failed_then_completed,
}


@pytest.mark.parametrize("make", BADLY.values(), ids=BADLY)
def test_a_ticket_that_failed(make: Callable[[], Ticket[int]]) -> None:
    ticket = make()
    assert (ticket.done, ticket.error, ticket.revision) == (True, REFUSED, None)
    with pytest.raises(errors.NotFound):
        ticket.result()


def test_a_ticket_that_is_open_has_no_result() -> None:
    with pytest.raises(RuntimeError, match="not done yet"):
        Ticket().result()


def test_callbacks_come_once_in_order_and_at_once_when_it_is_done() -> None:
    ticket, heard = Ticket(), []
    ticket.on_done(lambda t: heard.append(("a", t.result())))
    ticket.on_done(lambda t: heard.append(("b", t.result())))
    assert heard == []
    ticket.complete(1)
    ticket.complete(2)
    ticket.on_done(lambda t: heard.append(("c", t.result())))
    assert heard == [("a", 1), ("b", 1), ("c", 1)]


def test_a_callback_runs_in_the_thread_that_finishes() -> None:
    ticket, where = Ticket(), []
    ticket.on_done(lambda _: where.append(threading.current_thread().name))
    finisher = threading.Thread(target=ticket.complete, args=(1,), name="finisher")
    finisher.start()
    finisher.join(10)
    assert where == ["finisher"]


def test_no_callback_is_lost_or_doubled_between_threads() -> None:
    rounds, heard, lock = 300, [0] * 300, threading.Lock()
    for n in range(rounds):
        ticket: Ticket[int] = Ticket()
        gate = threading.Barrier(3)

        def count(_: Ticket[int], n: int = n) -> None:
            with lock:
                heard[n] += 1

        def run(action: Callable[[], None], gate: threading.Barrier = gate) -> None:
            gate.wait(10)
            action()

        actions = (lambda t=ticket: t.complete(1), lambda t=ticket: t.fail(REFUSED), lambda t=ticket, c=count: t.on_done(c))
        threads = [threading.Thread(target=run, args=(a,)) for a in actions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert ticket.done
        assert ticket.error is REFUSED or ticket.result() == 1
    assert heard == [1] * rounds
