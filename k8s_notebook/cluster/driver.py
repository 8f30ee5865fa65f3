"""Drives a control plane on the wall clock: due events in short slices, one commit per slice, in between the API answers."""

from __future__ import annotations

import asyncio
import logging
import traceback

from k8s_notebook.sim.clock import monotonic
from k8s_notebook.sim.loop import Loop
from k8s_notebook.store.revisions import Store

SLICE = 0.005
"""Seconds of work after which waiting requests get their turn."""
FARTHEST = 3600.0
"""Seconds that are slept at most: the machine may have been suspended."""

log = logging.getLogger(__name__)


class Driver:
    """Steps `loop` inside an asyncio loop and commits `store` once per turn."""

    def __init__(self, loop: Loop, store: Store) -> None:
        self._loop = loop
        self._store = store
        self._asyncio: asyncio.AbstractEventLoop | None = None
        self._planned: asyncio.Handle | None = None
        self._commit: asyncio.Handle | None = None
        self._turning = False
        self.turns = 0

    def start(self) -> None:
        """Begin to drive, in the running asyncio loop."""
        self._asyncio = asyncio.get_running_loop()
        self._store.on_dirty = self._dirty
        self._loop.on_wake(self._woken)
        if self._store.dirty:
            self._dirty()
        self._woken()

    def stop(self) -> None:
        """Drive no longer; what is written is committed."""
        self._loop.on_wake(None)
        self._store.on_dirty = None
        for handle in (self._planned, self._commit):
            if handle is not None:
                handle.cancel()
        self._store.commit()

    def _dirty(self) -> None:
        if self._commit is None and not self._turning and self._asyncio is not None:
            self._commit = self._asyncio.call_soon(self._commit_now)

    def _commit_now(self) -> None:
        self._commit = None
        self._store.commit()

    def _woken(self) -> None:
        if not self._turning:
            self._plan()

    def _plan(self) -> None:
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None
        when = self._loop.peek()
        if when is None or self._asyncio is None:
            return
        delay = when - self._loop.now()
        if delay <= 0:
            self._planned = self._asyncio.call_soon(self._turn)
        else:
            self._planned = self._asyncio.call_later(min(delay, FARTHEST), self._turn)

    def _turn(self) -> None:
        self._planned = None
        self._turning = True
        self.turns += 1
        end = monotonic() + SLICE
        try:
            while self._step() and monotonic() < end:
                pass
        finally:
            self._turning = False
        self._commit_now_if_planned()
        self._store.commit()
        self._plan()

    def _commit_now_if_planned(self) -> None:
        if self._commit is not None:
            self._commit.cancel()
            self._commit = None

    def _step(self) -> bool:
        try:
            return self._loop.step(self._loop.now())
        except Exception:
            # One part's mistake must not stop the others; the log says what it was.
            log.error("a part of the control plane failed:\n%s", traceback.format_exc())
            return True
