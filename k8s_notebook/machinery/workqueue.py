"""Which key is looked at next: each at most once at a time, failures later and later (as client-go's workqueue)."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from k8s_notebook.sim.loop import Handle, Loop

K = TypeVar("K", bound=Hashable)

FIRST_BACKOFF = 0.005
LAST_BACKOFF = 1000.0


class WorkQueue(Generic[K]):
    """Keys in order of arrival, without repetition. `ready` is called when an empty queue gets a key."""

    def __init__(self, loop: Loop, ready: Callable[[], None]) -> None:
        self._loop = loop
        self._ready = ready
        self._keys: dict[K, None] = {}
        self._later: dict[K, Handle] = {}
        self._failures: dict[K, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def waiting(self) -> int:
        """How many keys wait for their time."""
        return len(self._later)

    def add(self, key: K) -> None:
        """Put a key at the end, unless it is in the queue."""
        if key not in self._keys:
            self._keys[key] = None
            if len(self._keys) == 1:
                self._ready()

    def add_after(self, key: K, delay: float) -> None:
        """Put a key into the queue in `delay` seconds; the earlier of two plans wins."""
        planned = self._later.get(key)
        when = self._loop.now() + delay
        if planned is not None:
            if planned.when <= when:
                return
            planned.cancel()
        self._later[key] = self._loop.at(when, lambda: self._due(key))

    def fail(self, key: K) -> float:
        """Put a key back after its back-off, which doubles with each failure; the seconds it waits."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(FIRST_BACKOFF * 2.0 ** min(failures, 40), LAST_BACKOFF)
        self.add_after(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """The key went well: its next failure is a first one."""
        self._failures.pop(key, None)

    def take(self) -> K | None:
        """The next key, or None."""
        if not self._keys:
            return None
        key = next(iter(self._keys))
        del self._keys[key]
        return key

    def _due(self, key: K) -> None:
        self._later.pop(key, None)
        self.add(key)
