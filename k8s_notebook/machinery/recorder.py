"""Events about objects: repetitions are counted, similar ones combined and floods dropped, as client-go's correlator does."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TypeVar

from k8s_notebook.machinery.actions import Create, Emit, Patch
from k8s_notebook.machinery.api import Api, Ticket
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import NotFound
from k8s_notebook.objects.validating import names
from k8s_notebook.sim.clock import timestamp
from k8s_notebook.sim.loop import Loop

REMEMBERED = 4096
"""Distinct events and sources that are remembered (client-go: maxLruCacheEntries)."""
BURST = 25
"""Events about one object from one source before the flood limit applies."""
REFILL = 1 / 300
"""Events a second that the flood limit lets through afterwards."""
SIMILAR, WITHIN = 10, 600.0
"""From so many messages on that differ in nothing else, within so many seconds, they are combined into one event."""
COMBINED = "(combined from similar events): "

_Said = tuple[str, ...]
K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class _Similar:
    """The messages that one source said about one object for one reason, as many as are told apart."""

    at: float
    messages: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Counted:
    """An event that was said before: a repetition only counts it up."""

    namespace: str
    name: str
    first: str
    count: int = 0


@dataclass(slots=True)
class _Bucket:
    """What one source may still say about one object."""

    tokens: float
    at: float


class Recorder:
    """Writes the events of one component. `host` is the node, for kubelets."""

    def __init__(self, api: Api, loop: Loop, component: str, host: str = "") -> None:
        self._api = api
        self._loop = loop
        self._component = component
        self._host = host
        self._said: OrderedDict[_Said, _Counted] = OrderedDict()
        self._buckets: OrderedDict[_Said, _Bucket] = OrderedDict()
        self._similar: OrderedDict[_Said, _Similar] = OrderedDict()
        self._sequence = zlib.crc32(f"{component}/{host}".encode())

    def record(self, event: Emit) -> None:
        """Write the event, or count up the one that says the same; the flood limit drops it, but it is counted."""
        now = self._loop.now()
        regarding = reference(event.regarding, event.field_path)
        about = (*(str(regarding.get(f, "")) for f in ("kind", "namespace", "name", "uid", "apiVersion")), event.type)
        key: _Said = (*about, event.reason)
        if self._combined(key, event.message, now):
            event = replace(event, message=COMBINED + event.message)
        else:
            key = (*key, event.field_path, event.message)
        known = self._said.get(key) or self._begin(regarding, now)
        known.count += 1
        _remember(self._said, key, known)
        if not self._allowed(about, now):
            return
        if known.count == 1:
            self._create(known, event, regarding, now)
        else:
            self._count_up(known, event, regarding, now)

    def _begin(self, regarding: Obj, now: float) -> _Counted:
        self._sequence += 1
        end = f".{int(now) * 10**9 + self._sequence % 10**9:x}"
        name = str(regarding["name"]) + end
        return _Counted(regarding.get("namespace") or "default", "event" + end if names.subdomain(name) else name, timestamp(now))

    def _create(self, known: _Counted, event: Emit, regarding: Obj, now: float) -> None:
        self._api.submit(Create(self._build(known, event, regarding, now), "events", known.namespace))

    def _count_up(self, known: _Counted, event: Emit, regarding: Obj, now: float) -> None:
        """Count up the event in the cluster; one that was dropped or has expired is written again."""

        def answered(ticket: Ticket[Obj]) -> None:
            if isinstance(ticket.error, NotFound):
                self._loop.soon(lambda: self._create(known, event, regarding, now))

        body = {"count": known.count, "lastTimestamp": timestamp(now), "message": event.message}
        self._api.submit(Patch("events", known.name, known.namespace, body)).on_done(answered)

    def _combined(self, key: _Said, message: str, now: float) -> bool:
        """Whether so many messages were said for this reason that a new one only joins the event that stands for all."""
        similar = self._similar.get(key)
        if similar is None or now - similar.at > WITHIN:
            similar = _Similar(now)
        similar.at = now
        _remember(self._similar, key, similar)
        if message in similar.messages:
            return False
        if len(similar.messages) + 1 >= SIMILAR:
            return True
        similar.messages.add(message)
        return False

    def _build(self, known: _Counted, event: Emit, regarding: Obj, now: float) -> Obj:
        source = {"component": self._component, **({"host": self._host} if self._host else {})}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": known.name, "namespace": known.namespace},
            "involvedObject": regarding,
            "reason": event.reason,
            "message": event.message,
            "source": source,
            "firstTimestamp": known.first,
            "lastTimestamp": timestamp(now),
            "count": known.count,
            "type": event.type,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }

    def _allowed(self, about: _Said, now: float) -> bool:
        bucket = self._buckets.get(about) or _Bucket(BURST, now)
        _remember(self._buckets, about, bucket)
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.at) * REFILL)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _remember(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)


def reference(obj: Obj, field_path: str = "") -> Obj:
    """The ObjectReference of an object, as events carry it."""
    metadata = obj["metadata"]
    found = {
        "kind": obj.get("kind"),
        "namespace": metadata.get("namespace"),
        "name": metadata["name"],
        "uid": metadata.get("uid"),
        "apiVersion": obj.get("apiVersion"),
        "resourceVersion": metadata.get("resourceVersion"),
        "fieldPath": field_path,
    }
    return {k: v for k, v in found.items() if v}
