"""Which pod is next: active, backing off, or waiting for something to change (as in pkg/scheduler/backend/queue).

Pure with respect to time: every method that needs it takes `now`, in seconds.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import waiting
from k8s_notebook.scheduler.happenings import Event
from k8s_notebook.scheduler.pods import PodClass

FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 10.0
WINDOW = 1.0
"""Seconds: back-offs end at whole ones, and pods whose back-offs end in the same one are ordered as active ones are."""
LONGEST_WAIT = 300.0
"""A pod that waited longer is tried again though nothing happened,"""
LOOK = 30.0
"""which is looked at every so many seconds."""

Place = Literal["active", "backoff", "error", "waiting", "flying", "out"]
_BACKING_OFF: tuple[Place, ...] = ("backoff", "error")


@dataclass(slots=True, eq=False)
class Entry:
    """One pod in the queue."""

    uid: str
    pod: Obj
    pod_class: PodClass
    priority: int
    incoming: Any = None
    """What the pod's scheduling cycle is given."""
    timestamp: float = 0.0
    sequence: int = 0
    failures: int = 0
    errors: int = 0
    until: float = -math.inf
    """The window in which its back-off ends."""
    rejectors: frozenset[str] = field(default_factory=frozenset)
    gate: str = ""
    """The plugin that holds it back before it may be tried at all."""
    place: Place = "out"


def open_gate(entry: Entry) -> str:
    """An empty text: nothing holds the pod back."""
    return ""


class Queue:
    """Pods that want a node. `gate` says which plugin holds a pod back (PreEnqueue), or ""; back-offs are in seconds."""

    def __init__(
        self,
        gate: Callable[[Entry], str] = open_gate,
        *,
        first_backoff: float = FIRST_BACKOFF,
        longest_backoff: float = LONGEST_BACKOFF,
    ) -> None:
        self._gate = gate
        self._backoffs = first_backoff, longest_backoff
        self._entries: dict[str, Entry] = {}
        self._heaps: dict[Place, list[tuple[tuple[float, ...], Entry]]] = {"active": [], "backoff": [], "error": []}
        self._waiting = waiting.Waiting()
        self._flying: dict[str, int] = {}
        """uid -> how many events had happened when its cycle began."""
        self._heard: list[Event] = []
        self._forced: set[str] = set()
        """uids of those on their way that are tried again in any case"""
        self._sequence = itertools.count()

    def __len__(self) -> int:
        """How many pods are in it, wherever; pods that were popped are not."""
        return len(self._entries)

    def __contains__(self, uid: str) -> bool:
        return uid in self._entries

    @property
    def listens(self) -> bool:
        """Whether a change could matter to anybody: `happened` does nothing otherwise."""
        return bool(self._waiting) or bool(self._flying)

    def counts(self) -> dict[str, int]:
        """How many pods are active, backing off, waiting; those that are held back wait too."""
        places = [e.place for e in list(self._entries.values())]
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
            self._waiting.drop(uid)
            entry.place = "out"

    def pop(self, now: float) -> Entry | None:
        """The next pod: by priority, then by the time it was queued. With nothing else to do also one that still backs off.

        Until `failed`, `erred` or `done` it is on its way: what happens meanwhile is remembered for it.
        """
        self._wake(now)
        entry = self._take("active") or self._take("backoff")
        if entry is not None:
            del self._entries[entry.uid]
            entry.place = "flying"
            self._flying[entry.uid] = len(self._heard)
        return entry

    def done(self, uid: str) -> None:
        """A pod that was popped has its node, or is gone."""
        self._flying.pop(uid, None)
        self._forced.discard(uid)
        if not self._flying:
            self._heard.clear()

    def failed(self, entry: Entry, now: float, rejectors: frozenset[str]) -> None:
        """Put a pod back that fits nowhere: it waits for an event that helps one of the plugins that refused it."""
        if not rejectors:
            self.erred(entry, now)
            return
        entry.failures, entry.errors, entry.rejectors = entry.failures + 1, 0, rejectors
        missed = self._heard[self._flying.get(entry.uid, len(self._heard)) :]
        forced = entry.uid in self._forced
        self._put_back(entry, now, entry.failures)
        if forced:
            self._push(entry, "error")
        elif any(waiting.helps(entry, event) for event in missed):
            self._requeue(entry, now)
        else:
            self._wait(entry)

    def erred(self, entry: Entry, now: float) -> None:
        """Put a pod back that could not be bound: it is tried again after its back-off."""
        entry.errors, entry.rejectors = entry.errors + 1, frozenset()
        self._put_back(entry, now, entry.errors)
        self._push(entry, "error")

    def happened(
        self, kind: str, old: Obj | None, new: Obj | None, now: float, *, at_most: int | None = None, but: str = ""
    ) -> None:
        """Try the waiting pods again that a change may help: those of at most this priority, and not the one with uid `but`."""
        if not self.listens:
            return
        event = Event(kind, old, new)
        if self._flying:
            self._heard.append(event)
        for entry in self._waiting.helped(event):
            if (at_most is None or entry.priority <= at_most) and entry.uid != but:
                self._waiting.drop(entry.uid)
                self._requeue(entry, now)

    def updated(self, entry: Entry, kinds: list[str], old: Obj, new: Obj, now: float) -> None:
        """A pod of the queue changed: it is tried again if that helps. The entry is up to date already."""
        if entry.place != "waiting":
            return
        self._wait(entry)
        if any(waiting.helps(entry, Event(kind, old, new)) for kind in kinds):
            self._waiting.drop(entry.uid)
            self._requeue(entry, now)

    def again(self, uid: str, now: float) -> None:
        """Try a pod again once its back-off is over, whatever it waits for; one that is on its way when it is back."""
        entry = self._entries.get(uid)
        if uid in self._flying:
            self._forced.add(uid)
        elif entry is not None and entry.place == "waiting":
            self._waiting.drop(uid)
            self._push(entry, "error" if _backs_off(entry, now) else "active")

    def due(self) -> float | None:
        """When `pop` may next have something to give that it does not have now, or None."""
        failing = self._head("error")
        times = [failing.until + WINDOW] if failing is not None else []
        times += [_looked_at(e.timestamp + LONGEST_WAIT) for e in itertools.islice(self._waiting, 1)]
        return min(times, default=None)

    def ready(self) -> bool:
        """Whether `pop` has something to give now."""
        return self._head("active") is not None or self._head("backoff") is not None

    def _wake(self, now: float) -> None:
        """Activate what has backed off or waited long enough."""
        for each in list(itertools.takewhile(lambda e: _looked_at(e.timestamp + LONGEST_WAIT) <= now, self._waiting)):
            self._waiting.drop(each.uid)
            self._requeue(each, now)
        for place in _BACKING_OFF:
            while (entry := self._head(place)) is not None and not _backs_off(entry, now):
                self._take(place)
                self._enter(entry, "active")

    def _put_back(self, entry: Entry, now: float, times: int) -> None:
        entry.timestamp, entry.sequence = now, next(self._sequence)
        first, longest = self._backoffs
        ends = now + min(first * 2.0 ** min(times - 1, 30), longest)
        entry.until = math.floor(ends / WINDOW) * WINDOW if longest > 0 else -math.inf
        self._entries[entry.uid] = entry
        self.done(entry.uid)

    def _requeue(self, entry: Entry, now: float) -> None:
        """Make a pod active, or let it back off first."""
        if not _backs_off(entry, now):
            self._push(entry, "active")
        else:
            self._push(entry, "backoff" if entry.rejectors else "error")

    def _push(self, entry: Entry, place: Place) -> None:
        """Put a pod into a heap, unless it is held back."""
        entry.gate = self._gate(entry)
        if entry.gate:
            self._wait(entry)
        else:
            self._enter(entry, place)

    def _enter(self, entry: Entry, place: Place) -> None:
        entry.place = place
        key = (-entry.priority, entry.timestamp, entry.sequence)
        heapq.heappush(self._heaps[place], (key if place == "active" else (entry.until, *key), entry))

    def _wait(self, entry: Entry) -> None:
        entry.place = "waiting"
        self._waiting.put(entry)

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


def _backs_off(entry: Entry, now: float) -> bool:
    """Whether a back-off is not over: it is once the window in which it ends is."""
    return entry.until >= math.floor(now / WINDOW) * WINDOW


def _looked_at(over: float) -> float:
    """When it is noticed that something has been over since `over`."""
    return (math.floor(over / LOOK) + 1) * LOOK
