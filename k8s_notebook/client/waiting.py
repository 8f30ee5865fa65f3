"""Waiting for what another thread brings, in slices, so that an interrupt of the kernel stops a wait at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from k8s_notebook.machinery.api import Stream, Ticket
from k8s_notebook.objects import errors
from k8s_notebook.sim import clock

T = TypeVar("T")

SLICE = 0.1
"""Seconds of one slice of a wait."""
PATIENCE = 90.0
"""Seconds that one request may take, retries included."""


def until(event: threading.Event, deadline: float | None) -> bool:
    """Whether the event came before the deadline (of `clock.monotonic()`; None: wait for ever)."""
    while not event.is_set():
        left = SLICE if deadline is None else min(SLICE, deadline - clock.monotonic())
        if left <= 0:
            return False
        event.wait(left)
    return True


def pause(seconds: float) -> None:
    """Return after `seconds`; an interrupt of the kernel ends it at once."""
    until(threading.Event(), clock.monotonic() + seconds)


def results(tickets: Sequence[Ticket[T]], seconds: float = PATIENCE) -> None:
    """Return when all tickets are done, whether well or not; `errors.Unreachable` after `seconds`."""
    deadline = clock.monotonic() + seconds
    for ticket in tickets:
        done = threading.Event()
        ticket.on_done(lambda _, done=done: done.set())  # type: ignore[misc]
        if not until(done, deadline):
            raise errors.Unreachable(f"the cluster did not answer within {seconds:g} s.")


def result(ticket: Ticket[T], seconds: float = PATIENCE) -> T:
    """The ticket's value; raises its error, or `errors.Unreachable` after `seconds`."""
    if not ticket.done:
        results([ticket], seconds)
    return ticket.result()


def arrivals(stream: Stream[T], deadline: float | None, poll: Callable[[], bool] | None = None) -> list[T]:
    """The next things of a stream; empty when it ended, the deadline passed, or `poll` said stop."""
    ready = threading.Event()
    stream.on_ready(ready.set)
    while True:
        taken = stream.take()
        if taken or stream.ended:
            return taken or stream.take()
        ready.clear()
        again = stream.take()
        if again:
            return again
        left = SLICE if deadline is None else min(SLICE, deadline - clock.monotonic())
        if left <= 0 or (poll is not None and poll()):
            return []
        ready.wait(left)
