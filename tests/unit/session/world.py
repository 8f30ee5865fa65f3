"""A whole control plane in memory behind a Door: waiting for it lets virtual time pass."""

from __future__ import annotations

from collections.abc import Callable

from k8s_notebook.cluster import simulation
from k8s_notebook.cluster.simulation import Simulation
from k8s_notebook.machinery.actions import Request
from k8s_notebook.machinery.api import Api, LogRequest, Stream, Subscription, Ticket, WatchEvent
from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kinds
from k8s_notebook.session.current import Cluster
from k8s_notebook.session.door import Door


class Driven:
    """The Api of a simulation that moves on whenever somebody waits for it."""

    def __init__(self, plane: Simulation, api: Api, step: float = 0.5) -> None:
        self.plane = plane
        self._api = api
        self._step = step

    @property
    def kinds(self) -> Kinds:
        return self._api.kinds

    def submit(self, request: Request) -> Ticket[Obj]:
        ticket = self._api.submit(request)
        self.plane.run(0)
        return ticket

    def watch(
        self, resource: str, *, since: int | None = None, namespace: str = "", labels: str = "", fields: str = ""
    ) -> Subscription:
        found = self._api.watch(resource, since=since, namespace=namespace, labels=labels, fields=fields)
        return DrivenSubscription(found, self.plane, self._step)

    def log(self, request: LogRequest) -> Stream[str]:
        return self._api.log(request)


class DrivenSubscription:
    """A subscription whose reader's patience is virtual time."""

    def __init__(self, inner: Subscription, plane: Simulation, step: float) -> None:
        self._inner = inner
        self._plane = plane
        self._step = step

    @property
    def ended(self) -> bool:
        return self._inner.ended

    def take(self) -> list[WatchEvent]:
        taken = self._inner.take()
        if not taken:
            self._plane.run(self._step)
            taken = self._inner.take()
        return taken

    def on_ready(self, callback: Callable[[], None]) -> None:
        self._inner.on_ready(callback)

    def close(self) -> None:
        self._inner.close()


def cluster(nodes: int = 2, user: str = "system:admin") -> Cluster:
    """A cluster whose nodes are ready; kubectl's verbs work on it as on any."""
    plane = simulation.whole(nodes)
    api = Driven(plane, plane.api(user, "kubectl"))
    plane.until(lambda: ready(plane) == nodes, 60)
    return Cluster(Door(api, "test", embedded=True))


def ready(plane: Simulation) -> int:
    """How many nodes are ready."""
    conditions = [c for n in plane.all("nodes") for c in (n.get("status") or {}).get("conditions") or ()]
    return sum(1 for c in conditions if c["type"] == "Ready" and c["status"] == "True")


def plane_of(found: Cluster) -> Simulation:
    """The simulation behind a cluster of `cluster()`."""
    api = found.api
    assert isinstance(api, Driven)
    return api.plane
