"""A small cluster in memory for tests of the scheduler's service: an Api that keeps objects and asks nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_notebook.machinery.actions import Bind, Create, Delete, Patch, Request, Update
from k8s_notebook.machinery.api import LogRequest, Stream, Ticket, WatchEvent
from k8s_notebook.machinery.cache import Informers, name_of
from k8s_notebook.objects import Obj, errors, kinds
from k8s_notebook.scheduler.service import Scheduler
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.sim.loop import Loop
from tests import builders


class Feed:
    """A Subscription."""

    ended = False

    def __init__(self) -> None:
        self._events: list[WatchEvent] = []
        self._ready: Callable[[], None] = lambda: None

    def push(self, event: WatchEvent) -> None:
        self._events.append(event)
        if len(self._events) == 1:
            self._ready()

    def take(self) -> list[WatchEvent]:
        events, self._events = self._events, []
        return events

    def on_ready(self, callback: Callable[[], None]) -> None:
        self._ready = callback
        if self._events:
            callback()

    def close(self) -> None:
        self._events = []


class Memory:
    """An Api. `refuse` may hold the error that the next bindings get, `slow` the requests' tickets that are not done at once.

    A pod that is deleted stays, terminating, while `graceful`.
    """

    kinds = kinds.BUILTIN

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Obj] = {}
        self.requests: list[Request] = []
        self.refuse: errors.ApiError | None = None
        self.refuse_update: errors.ApiError | None = None
        self.refuse_deletion: errors.ApiError | None = None
        self.graceful = False
        self.slow: tuple[type, ...] = ()
        self.open: list[Callable[[], None]] = []
        self.revision = 1
        self._feeds: dict[str, list[Feed]] = {}

    def put(self, resource: str, obj: Obj) -> None:
        """Create or replace an object."""
        self.revision += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision)}}
        key = (resource, *name_of(obj))
        kind = "MODIFIED" if key in self.objects else "ADDED"
        self.objects[key] = obj
        self._tell(resource, WatchEvent(kind, obj, self.revision))

    def delete(self, resource: str, namespace: str, name: str) -> None:
        """Take an object away."""
        self.revision += 1
        self._tell(resource, WatchEvent("DELETED", self.objects.pop((resource, namespace, name)), self.revision))

    def pod(self, name: str) -> Obj:
        """A pod."""
        return self.objects["pods", "default", name]

    def submit(self, request: Request) -> Ticket[Obj]:
        self.requests.append(request)
        if not isinstance(request, self.slow):
            return self._answer(request)
        ticket: Ticket[Obj] = Ticket()

        def answer() -> None:
            done = self._answer(request)
            if done.error is not None:
                ticket.fail(done.error)
            else:
                ticket.complete(done.result())

        self.open.append(answer)
        return ticket

    def answer(self) -> None:
        """Do what was asked slowly."""
        waiting, self.open = self.open, []
        for each in waiting:
            each()

    def _answer(self, request: Request) -> Ticket[Obj]:
        if isinstance(request, Bind) and self.refuse is not None:
            return Ticket.failed(self.refuse)
        if isinstance(request, Delete) and self.refuse_deletion is not None:
            return Ticket.failed(self.refuse_deletion)
        if isinstance(request, (Bind, Delete)) or (isinstance(request, Patch) and request.resource == "pods"):
            if ("pods", request.namespace, request.name) not in self.objects:
                return Ticket.failed(errors.not_found("pods", request.name))
            self._change(self.objects["pods", request.namespace, request.name], request)
        elif isinstance(request, Update):
            if self.refuse_update is not None:
                return Ticket.failed(self.refuse_update)
            self.put(request.resource, request.obj)
        return Ticket.of({}, self.revision)

    def _change(self, pod: Obj, request: Bind | Delete | Patch) -> None:
        if isinstance(request, Bind):
            self.put("pods", {**pod, "spec": {**pod["spec"], "nodeName": request.node}})
        elif isinstance(request, Patch):
            self.put("pods", {**pod, "status": _merged(pod.get("status", {}), request.body["status"])})
        elif self.graceful:
            self.put("pods", {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": "1970-01-01T00:17:10Z"}})
        else:
            self.delete("pods", request.namespace, request.name)

    def watch(self, resource: str, **_: object) -> Feed:
        feed = Feed()
        self._feeds.setdefault(resource, []).append(feed)
        for key, obj in self.objects.items():
            if key[0] == resource:
                feed.push(WatchEvent("ADDED", obj, self.revision))
        feed.push(WatchEvent("BOOKMARK", {}, self.revision, initial=True))
        return feed

    def log(self, request: LogRequest) -> Stream[str]:
        raise AssertionError("nobody reads logs here")

    def _tell(self, resource: str, event: WatchEvent) -> None:
        for feed in self._feeds.get(resource, []):
            feed.push(event)

    def events(self, reason: str = "") -> list[Obj]:
        """The events that were created."""
        made = [r.obj for r in self.requests if isinstance(r, Create) and r.resource == "events"]
        return [e for e in made if reason in ("", e["reason"])]

    def binds(self) -> list[tuple[str, str]]:
        """(pod, node) of all bindings, in order."""
        return [(r.name, r.node) for r in self.requests if isinstance(r, Bind)]


def _merged(status: Obj, change: Obj) -> Obj:
    """A status after a strategic merge patch."""
    conditions = {c["type"]: c for c in (*status.get("conditions", ()), *change.get("conditions", ()))}
    merged = {**status, **change, "conditions": list(conditions.values())}
    return {k: v for k, v in merged.items() if v is not None and v != []}


class World:
    """A cluster in memory with a scheduler, on a virtual clock. `more` goes to the scheduler."""

    def __init__(self, *nodes: builders.NodeBuilder, **more: Any) -> None:
        self.api = Memory()
        self.loop = Loop(Virtual(1000.0))
        for node in nodes:
            self.api.put("nodes", node.stored())
        self.informers = Informers(self.api, self.loop)
        self.scheduler = Scheduler(self.api, self.loop, self.informers, **more)

    def add(self, *pods: builders.PodBuilder) -> World:
        for pod in pods:
            self.api.put("pods", pod.stored())
        return self

    def run(self, seconds: float = 0.0) -> World:
        """Let time pass."""
        self.loop.run(self.loop.now() + seconds)
        return self

    def where(self, name: str) -> str:
        """The node of a pod."""
        return self.api.pod(name)["spec"].get("nodeName", "")

    def condition(self, name: str, type_: str = "PodScheduled") -> Obj:
        """A condition of a pod."""
        conditions = self.api.pod(name).get("status", {}).get("conditions", [])
        return next((c for c in conditions if c["type"] == type_), {})

    def nominated(self, name: str) -> str:
        """The node to which a pod's status nominates it."""
        return str(self.api.pod(name).get("status", {}).get("nominatedNodeName", ""))
