"""The scheduler's events, in the newer form that kube-scheduler writes (as in client-go/tools/events)."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Literal

from k8s_notebook.machinery import recorder
from k8s_notebook.machinery.actions import Create, Patch
from k8s_notebook.machinery.api import Api
from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import messages
from k8s_notebook.sim import clock
from k8s_notebook.sim.loop import Loop

REMEMBERED = 4096
FORGET = 360.0
"""Seconds after which a repetition is a new event."""
PER_TURN = 32


@dataclass(slots=True)
class _Series:
    """An event that was written, and how often it was said since."""

    name: str
    count: int
    at: float


class Announcer:
    """Writes events about pods, a few per turn of the loop and behind more urgent work."""

    def __init__(self, api: Api, loop: Loop, component: str, host: str) -> None:
        self._api = api
        self._loop = loop
        self.component = component
        self._instance = f"{component}-{host}"
        self._said: OrderedDict[tuple[str, ...], _Series] = OrderedDict()
        self._waiting: deque[Create | Patch] = deque()
        self._number = 0

    def say(
        self, pod: Obj, type_: Literal["Normal", "Warning"], reason: str, action: str, note: str, *, related: Obj | None = None
    ) -> None:
        """Record an event about a pod, and another object that has to do with it; the first repetition starts a series."""
        now = self._loop.now()
        regarding = recorder.reference(pod)
        key = (type_, reason, action, *(str(regarding.get(f, "")) for f in ("namespace", "name", "uid", "resourceVersion")))
        known = self._said.get(key)
        if known is None or known.at + FORGET < now:
            event = self._build(regarding, type_, reason, action, note, now, key)
            if related is not None:
                event["related"] = recorder.reference(related)
            self._write(Create(event, "events", _namespace(regarding)))
            return
        known.count, known.at = known.count + 1, now
        if known.count == 2:
            series = {"count": 2, "lastObservedTime": clock.micro_timestamp(now)}
            self._write(Patch("events", known.name, _namespace(regarding), {"series": series}))

    def _build(self, regarding: Obj, type_: str, reason: str, action: str, note: str, now: float, key: tuple[str, ...]) -> Obj:
        self._number += 1
        name = f"{regarding['name']}.{int(now * 1e9) + self._number:x}"
        self._said[key] = _Series(name, 1, now)
        if len(self._said) > REMEMBERED:
            self._said.popitem(last=False)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": _namespace(regarding)},
            "involvedObject": regarding,
            "reason": reason,
            "message": messages.cut(note),
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "type": type_,
            "eventTime": clock.micro_timestamp(now),
            "action": action,
            "reportingComponent": self.component,
            "reportingInstance": self._instance,
        }

    def _write(self, what: Create | Patch) -> None:
        self._waiting.append(what)
        if len(self._waiting) == 1:
            self._loop.soon(self._turn, priority=2)

    def _turn(self) -> None:
        for _ in range(min(PER_TURN, len(self._waiting))):
            self._api.submit(self._waiting.popleft())
        if self._waiting:
            self._loop.soon(self._turn, priority=2)


def _namespace(regarding: Obj) -> str:
    found: str = regarding.get("namespace") or "default"
    return found
