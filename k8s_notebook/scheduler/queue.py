"""Which pod is next: active, backing off, or waiting for something to change (as in pkg/scheduler/backend/queue).

Pure with respect to time: every method takes `now`, in seconds.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import Literal

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.pods import PodClass

FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 10.0
LONGEST_WAIT = 300.0
"""Seconds after which a pod is tried again though nothing happened."""

Place = Literal["active", "backoff", "error", "waiting", "out"]
_BACKING_OFF: tuple[Place, ...] = ("backoff", "error")


@dataclass(slots=True, eq=False)
class Entry:
    """One pod in the queue."""

    uid: str
    pod: Obj
    pod_class: PodClass
    priority: int
    timestamp: float = 0.0
    sequence: int = 0
    failures: int = 0
    errors: int = 0
    until: float = 0.0
    """When its back-off ends."""
    rejectors: frozenset[str] = field(default_factory=frozenset)
    place: Place = "out"


class Queue:
    """Pods that want a node. `helped_by` says after which events a plugin may decide otherwise."""

    def __init__(self, helped_by: dict[str, frozenset[str]]) -> None:
        self._helped_by = helped_by
        self._entries: dict[str, Entry] = {}
        self._heaps: dict[Place, list[tuple[tuple[float, ...], Entry]]] = {"active": [], "backoff": [], "error": []}
        self._waiting: dict[str, Entry] = {}
        self._sequence = itertools.count()

    def __len__(self) -> int:
        """How many pods are in it, wherever."""
        return len(self._entries)

    def __contains__(self, uid: str) -> bool:
        return uid in self._entries

    def counts(self) -> dict[str, int]:
        """How many pods are active, backing off, waiting."""
        places = [e.place for e in self._entries.values()]
        backing_off = places.count("backoff") + places.count("error")
        return {"active": places.count("active"), "backoff": backing_off, "waiting": places.count("waiting")}

    def add(self, entry: Entry, now: float) -> None:
        """Put a new pod into the queue."""
        self._entries[entry.uid] = entry
        entry.timestamp, entry.sequence = now, next(self._sequence)
        self._push(entry, "active")

    def get(self, uid: str) -> Entry | None:
        """A pod of the queue."""
        return self._entries.get(uid)

    def remove(self, uid: str) -> None:
        """Take a pod out; harmless if it is not in."""
        entry = self._entries.pop(uid, None)
        if entry is not None:
            self._waiting.pop(uid, None)
            entry.place = "out"

    def pop(self, now: float) -> Entry | None:
        """The next pod: by priority, then by the time it was queued. With nothing else to do also one that still backs off."""
        self._wake(now)
        entry = self._take("active") or self._take("backoff")
        if entry is not None:
            del self._entries[entry.uid]
            entry.place = "out"
        return entry

    def failed(self, entry: Entry, now: float, rejectors: frozenset[str]) -> None:
        """Put a pod back that fits nowhere: it waits for an event that helps one of the plugins that refused it."""
        entry.failures, entry.errors, entry.rejectors = entry.failures + 1, 0, rejectors
        self._put_back(entry, now, entry.failures)
        entry.place = "waiting"
        self._waiting[entry.uid] = entry

    def erred(self, entry: Entry, now: float) -> None:
        """Put a pod back that could not be bound: it is tried again after its back-off."""
        entry.errors += 1
        self._put_back(entry, now, entry.errors)
        self._push(entry, "error")

    def happened(self, event: str, now: float) -> None:
        """Try the waiting pods again that an event may help."""
        if self._waiting:
            helped = {name for name, events in self._helped_by.items() if event in events}
            for entry in [e for e in self._waiting.values() if not e.rejectors or e.rejectors & helped]:
                self.retry(entry, now)

    def retry(self, entry: Entry, now: float) -> None:
        """Try a waiting pod again, once its back-off is over."""
        if self._waiting.pop(entry.uid, None) is not None:
            self._push(entry, "active" if entry.until <= now else "backoff")

    def due(self) -> float | None:
        """When `pop` may next have something to give that it does not have now, or None."""
        times = [key[0] for key, _ in self._heaps["error"][:1]]
        times += [e.timestamp + LONGEST_WAIT for e in itertools.islice(self._waiting.values(), 1)]
        return min(times, default=None)

    def ready(self) -> bool:
        """Whether `pop` has something to give now."""
        return self._head("active") is not None or self._head("backoff") is not None

    def _wake(self, now: float) -> None:
        """Activate what has backed off or waited long enough."""
        for waiting in list(itertools.takewhile(lambda e: e.timestamp + LONGEST_WAIT <= now, self._waiting.values())):
            self.retry(waiting, now)
        for place in _BACKING_OFF:
            while (entry := self._head(place)) is not None and entry.until <= now:
                self._take(place)
                self._push(entry, "active")

    def _put_back(self, entry: Entry, now: float, times: int) -> None:
        entry.timestamp, entry.sequence = now, next(self._sequence)
        entry.until = float(int(now + min(FIRST_BACKOFF * 2.0 ** min(times - 1, 10), LONGEST_BACKOFF)))
        self._entries[entry.uid] = entry

    def _push(self, entry: Entry, place: Place) -> None:
        entry.place = place
        key = (-entry.priority, entry.timestamp, entry.sequence)
        heapq.heappush(self._heaps[place], (key if place == "active" else (entry.until, *key), entry))

    def _head(self, place: Place) -> Entry | None:
        """The first of a heap; entries that were taken out meanwhile are dropped."""
        heap = self._heaps[place]
        while heap:
            key, entry = heap[0]
            if entry.place == place and entry.sequence == key[-1] and self._entries.get(entry.uid) is entry:
                return entry
            heapq.heappop(heap)
        return None

    def _take(self, place: Place) -> Entry | None:
        entry = self._head(place)
        if entry is not None:
            heapq.heappop(self._heaps[place])
        return entry
