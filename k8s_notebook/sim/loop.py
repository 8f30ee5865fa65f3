"""The event loop of a control plane: a heap of (time, priority, sequence, callback).

The order is total, so the same inputs give the same run. `run` drives it on a virtual clock; on the wall clock the
embedded server steps it as events fall due.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from k8s_notebook.sim.clock import Clock, Virtual


class Handle:
    """A planned callback; `cancel()` takes it out of the plan."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Never call it; harmless if it was called already."""
        self.callback = None


class Loop:
    """Calls callbacks in the order of (time, priority, sequence)."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, int, Handle]] = []
        self._sequence = itertools.count()
        self._woken: Callable[[], None] | None = None

    def now(self) -> float:
        """Seconds since the epoch on this loop's clock."""
        return self.clock.now()

    def at(self, when: float, callback: Callable[[], None], *, priority: int = 0) -> Handle:
        """Plan `callback` for `when`; among equal times the lower priority, then the earlier plan goes first."""
        handle = Handle(when, callback)
        heapq.heappush(self._heap, (when, priority, next(self._sequence), handle))
        if self._woken is not None and self._heap[0][3] is handle:
            self._woken()
        return handle

    def after(self, delay: float, callback: Callable[[], None], *, priority: int = 0) -> Handle:
        """Plan `callback` for `delay` seconds from now."""
        return self.at(self.now() + delay, callback, priority=priority)

    def soon(self, callback: Callable[[], None], *, priority: int = 0) -> Handle:
        """Plan `callback` for now, behind what is already planned for now."""
        return self.at(self.now(), callback, priority=priority)

    def on_wake(self, woken: Callable[[], None] | None) -> None:
        """Call `woken` whenever a new callback becomes the next one: the driver then looks at `peek()` again."""
        self._woken = woken

    def peek(self) -> float | None:
        """When the next callback falls due, or None."""
        while self._heap and self._heap[0][3].callback is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def step(self, until: float) -> bool:
        """Call the next callback if it is due by `until`; whether one was called. A virtual clock moves to its time."""
        when = self.peek()
        if when is None or when > until:
            return False
        handle = heapq.heappop(self._heap)[3]
        if isinstance(self.clock, Virtual):
            self.clock.advance(when)
        callback, handle.callback = handle.callback, None
        if callback is not None:
            callback()
        return True

    def run(self, until: float, *, most: int = 10_000_000) -> int:
        """Call everything due by `until` on a virtual clock, then move the clock there; how many were called."""
        called = 0
        while called < most and self.step(until):
            called += 1
        if isinstance(self.clock, Virtual):
            self.clock.advance(until)
        return called
