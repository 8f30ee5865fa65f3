"""Events about objects: repetitions are counted, similar ones combined and floods dropped, as client-go's correlator does."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TypeVar

from k8s_notebook.machinery.actions import Create, Emit, Patch
from k8s_notebook.machinery.api import Api, Ticket
from k8s_notebook.objects import Obj
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
    """The messages that one source said about one object for one reason."""

    at: float
    messages: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Counted:
    """An event that was written: a repetition only counts it up."""

    namespace: str
    name: str
    count: int
    at: float


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
        self._written: OrderedDict[_Said, _Counted] = OrderedDict()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._similar: OrderedDict[_Said, _Similar] = OrderedDict()
        self._sequence = zlib.crc32(f"{component}/{host}".encode())

    def record(self, event: Emit) -> Ticket[Obj] | None:
        """Write the event, or count up the one that says the same; None when the flood limit drops it."""
        now = self._loop.now()
        regarding = reference(event.regarding, event.field_path)
        if not self._allowed(regarding.get("uid") or regarding["name"], now):
            return None
        about = (
            *(str(regarding.get(f, "")) for f in ("kind", "namespace", "name", "uid", "fieldPath")),
            event.type,
            event.reason,
        )
        combined = self._combined(about, event.message, now)
        if combined:
            event = replace(event, message=COMBINED + event.message)
        key = (*about, COMBINED if combined else event.message)
        known = self._written.get(key)
        if known is None:
            return self._write(key, event, regarding, now)
        self._written.move_to_end(key)
        known.count += 1
        body = {"count": known.count, "lastTimestamp": timestamp(now), **({"message": event.message} if combined else {})}
        ticket = self._api.submit(Patch("events", known.name, known.namespace, body))
        if ticket.done and ticket.error is not None:
            del self._written[key]
        return ticket

    def _write(self, key: _Said, event: Emit, regarding: Obj, now: float) -> Ticket[Obj]:
        namespace = regarding.get("namespace") or "default"
        self._sequence += 1
        name = f"{regarding['name']}.{int(now) * 10**9 + self._sequence % 10**9:x}"
        _remember(self._written, key, _Counted(namespace, name, 1, now))
        return self._api.submit(Create(self._build(event, regarding, namespace, name, now), "events", namespace))

    def _combined(self, about: _Said, message: str, now: float) -> bool:
        """Whether enough was said for this reason that one event stands for all of it."""
        similar = self._similar.get(about)
        if similar is None or now - similar.at > WITHIN:
            similar = _Similar(now)
            _remember(self._similar, about, similar)
        similar.at = now
        if len(similar.messages) < SIMILAR:
            similar.messages.add(message)
        return len(similar.messages) >= SIMILAR

    def _build(self, event: Emit, regarding: Obj, namespace: str, name: str, now: float) -> Obj:
        source = {"component": self._component, **({"host": self._host} if self._host else {})}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": regarding,
            "reason": event.reason,
            "message": event.message,
            "source": source,
            "firstTimestamp": timestamp(now),
            "lastTimestamp": timestamp(now),
            "count": 1,
            "type": event.type,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }

    def _allowed(self, about: str, now: float) -> bool:
        bucket = self._buckets.get(about)
        if bucket is None:
            bucket = _Bucket(BURST, now)
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
