"""A control plane in memory on a virtual clock: the same parts as an embedded cluster, deterministic, as fast as they can run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from k8s_notebook.apiserver import boot
from k8s_notebook.apiserver.local import LocalApi
from k8s_notebook.apiserver.verbs import Server
from k8s_notebook.cluster import parts as working
from k8s_notebook.machinery.actions import Request
from k8s_notebook.machinery.reconcile import Controller, ControllerLoop
from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.sim.loop import Loop
from k8s_notebook.sim.streams import Streams
from k8s_notebook.store.journal import Journal
from k8s_notebook.store.revisions import Store

START = 1_767_225_600.0
"""Midnight of the first day of 2026, UTC."""

Part = Callable[["Simulation"], object]
"""Adds something that works on the simulation: a scheduler, kubelets, a test's own observer."""


class Simulation:
    """Store, API server, informers and the given controllers and parts; nothing runs before `run` or `until`."""

    def __init__(
        self,
        controllers: Iterable[Controller] = (),
        *,
        parts: Iterable[Part] = (),
        seed: int = 1,
        start: float = START,
        journal: Journal | None = None,
    ) -> None:
        self.clock = Virtual(start)
        self.loop = Loop(self.clock)
        self.streams = Streams(seed)
        self.store = Store(self.clock, journal)
        self.server = Server(self.store, self.loop, self.streams)
        boot.boot(self.server)
        self.store.commit()
        self.informers = working.informers(self.server)
        self.controllers: dict[str, ControllerLoop] = {}
        for controller in controllers:
            self.control(controller)
        self.parts = [part(self) for part in parts]

    def control(self, controller: Controller) -> ControllerLoop:
        """Run one more controller."""
        loop = self.controllers[controller.name] = working.control(self.server, self.informers, controller)
        return loop

    def api(self, user: str = "system:admin", manager: str = "") -> LocalApi:
        """The door for `user`; see `Server.api`."""
        return self.server.api(user, manager)

    def do(self, *requests: Request) -> Obj:
        """The answer of the last request; raises the first refusal."""
        api = self.api()
        answer: Obj = {}
        for request in requests:
            answer = api.submit(request).result()
        return answer

    def get(self, resource: str, namespace: str, name: str) -> Obj | None:
        """An object as it is stored, or None."""
        return self.server.state.object(resource, namespace, name)

    def all(self, resource: str, namespace: str = "") -> list[Obj]:
        """All objects of a resource (or of one namespace), by (namespace, name)."""
        return self.server.state.objects(resource, namespace)

    def now(self) -> float:
        """The virtual time, in seconds since the epoch."""
        return self.clock.now()

    def run(self, seconds: float = 0.0) -> int:
        """Let so much virtual time pass; how many callbacks ran."""
        return self.loop.run(self.clock.now() + seconds)

    def until(self, condition: Callable[[], bool], within: float = 300.0) -> bool:
        """Run until the condition holds, at most so much virtual time; whether it holds."""
        deadline = self.clock.now() + within
        for _ in itertools.count():
            if condition():
                return True
            if not self.loop.step(deadline):
                self.loop.run(deadline)
                return condition()
        return False

    def close(self) -> None:
        """End all watches and let go of the store."""
        self.informers.close()
        self.store.close()


def scheduler(simulation: Simulation) -> object:
    """The part that places pods."""
    return working.scheduler(simulation.server, simulation.informers)


def kubelets(count: int) -> Part:
    """The part that plays `count` nodes, and all others that are annotated as simulated."""
    return lambda simulation: working.kubelets(simulation.server, simulation.informers, count)


def whole(nodes: int = 3, *, seed: int = 1, start: float = START) -> Simulation:
    """A complete cluster: all controllers, the scheduler, and kubelets for so many nodes."""
    from k8s_notebook import controllers

    return Simulation(controllers.all(), parts=(kubelets(nodes), scheduler), seed=seed, start=start)
