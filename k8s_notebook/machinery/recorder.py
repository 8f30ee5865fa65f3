"""Events about objects: repetitions are counted and floods dropped, as client-go's correlator does."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

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
        self._written: OrderedDict[tuple[str, ...], _Counted] = OrderedDict()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def record(self, event: Emit) -> Ticket[Obj] | None:
        """Write the event, or count up the one that says the same; None when the flood limit drops it."""
        now = self._loop.now()
        regarding = reference(event.regarding, event.field_path)
        if not self._allowed(regarding.get("uid") or regarding["name"], now):
            return None
        key = (*(str(regarding.get(f, "")) for f in ("kind", "namespace", "name", "uid", "fieldPath")), event.type,
               event.reason, event.message)  # fmt: skip
        known = self._written.get(key)
        if known is not None:
            self._written.move_to_end(key)
            known.count += 1
            body = {"count": known.count, "lastTimestamp": timestamp(now)}
            ticket = self._api.submit(Patch("events", known.name, known.namespace, body))
            if ticket.done and ticket.error is not None:
                del self._written[key]
            return ticket
        namespace = regarding.get("namespace") or "default"
        name = f"{regarding['name']}.{int(now * 1e9) + len(self._written):x}"
        self._written[key] = _Counted(namespace, name, 1, now)
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)
        return self._api.submit(Create(self._build(event, regarding, namespace, name, now), "events", namespace))

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
            bucket = self._buckets[about] = _Bucket(BURST, now)
            if len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.at) * REFILL)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


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
