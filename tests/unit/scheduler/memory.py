"""A small cluster in memory for tests of the scheduler's service: an Api with nothing but pods, nodes and events."""

from __future__ import annotations

from collections.abc import Callable

from k8s_notebook.machinery.actions import Bind, Create, Patch, Request
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
    """An Api. `refuse` may hold the error that the next bindings get."""

    kinds = kinds.BUILTIN

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Obj] = {}
        self.requests: list[Request] = []
        self.refuse: errors.ApiError | None = None
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
        if isinstance(request, Bind):
            if self.refuse is not None:
                return Ticket.failed(self.refuse)
            pod = self.pod(request.name)
            self.put("pods", {**pod, "spec": {**pod["spec"], "nodeName": request.node}})
        elif isinstance(request, Patch) and request.resource == "pods":
            pod = self.pod(request.name)
            self.put("pods", {**pod, "status": {**pod.get("status", {}), **request.body["status"]}})
        return Ticket.of({}, self.revision)

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


class World:
    """A cluster in memory with a scheduler, on a virtual clock."""

    def __init__(self, *nodes: builders.NodeBuilder) -> None:
        self.api = Memory()
        self.loop = Loop(Virtual(1000.0))
        for node in nodes:
            self.api.put("nodes", node.stored())
        self.informers = Informers(self.api, self.loop)
        self.scheduler = Scheduler(self.api, self.loop, self.informers)

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

    def condition(self, name: str) -> Obj:
        """The condition PodScheduled of a pod."""
        conditions = self.api.pod(name).get("status", {}).get("conditions", [])
        return next((c for c in conditions if c["type"] == "PodScheduled"), {})
