"""A cluster whose watches the test feeds, and waiting for what another thread does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from k8s_notebook.client.inbox import Inbox
from k8s_notebook.machinery.actions import Request
from k8s_notebook.machinery.api import LogRequest, Stream, Ticket, WatchEvent
from k8s_notebook.machinery.cache import name_of
from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import EMBEDDED, Kinds
from k8s_notebook.sim import clock

PATIENCE = 20.0


def until(condition: Callable[[], Any], what: str = "") -> None:
    """Return when the condition holds; it must within PATIENCE seconds."""
    deadline, pause = clock.monotonic() + PATIENCE, threading.Event()
    while not condition():
        assert clock.monotonic() < deadline, what or "it never came true"
        pause.wait(0.002)


class Watched(Inbox[WatchEvent]):
    """One watch."""

    def __init__(self, namespace: str) -> None:
        super().__init__()
        self.namespace = namespace
        self.closed = False
        self.on_close(self._let_go)

    def _let_go(self) -> None:
        self.closed = True

    def initial(self, *objects: Obj) -> None:
        """A whole initial state."""
        self.put([*(WatchEvent("ADDED", o, 1) for o in objects), WatchEvent("BOOKMARK", {}, 1, initial=True)])

    def change(self, *objects: Obj) -> None:
        """New states of objects."""
        self.put([WatchEvent("MODIFIED", o, 2) for o in objects])

    def delete(self, *objects: Obj) -> None:
        """The end of objects."""
        self.put([WatchEvent("DELETED", o, 3) for o in objects])


class Cluster:
    """An Api that only watches."""

    def __init__(self) -> None:
        self.watches: dict[str, list[Watched]] = {}

    @property
    def kinds(self) -> Kinds:
        return EMBEDDED

    def watch(self, resource: str, *, namespace: str = "", **_: Any) -> Watched:
        watched = Watched(namespace)
        self.watches.setdefault(resource, []).append(watched)
        return watched

    def submit(self, request: Request) -> Ticket[Obj]:
        raise AssertionError("views only watch")

    def log(self, request: LogRequest) -> Stream[str]:
        raise AssertionError("views only watch")

    def __getitem__(self, resource: str) -> Watched:
        """The newest watch of a resource."""
        return self.watches[resource][-1]

    @property
    def open(self) -> int:
        """How many watches nobody has closed."""
        return sum(not w.closed for found in self.watches.values() for w in found)


def names(objects: list[Obj]) -> list[str]:
    return [name_of(o)[1] for o in objects]
