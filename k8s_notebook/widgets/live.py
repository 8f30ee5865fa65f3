"""What a cluster has, kept up to date for the views: one watch per kind and cluster, however many views look.

The state belongs to one background thread, the feed; views are called back there, at most five times a second.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from k8s_notebook.machinery.api import Api, Subscription
from k8s_notebook.machinery.cache import Name, name_of
from k8s_notebook.objects import Obj, errors
from k8s_notebook.sim.clock import monotonic

QUIET, BATCH = 0.02, 0.2
"""Seconds: the first change after quiet is shown after QUIET, later ones are gathered for BATCH."""
INITIAL = 10.0
"""Seconds that the first picture waits for the cluster."""


@dataclass(slots=True)
class _Watched:
    """One resource's objects, as far as its watch has told."""

    resource: str
    subscription: Subscription
    objects: dict[Name, Obj] = field(default_factory=dict)
    initial: set[Name] | None = field(default_factory=set)
    complete: bool = False
    refused: str = ""


class Feed:
    """The objects of some resources, in one namespace or in all, following the cluster.

    `objects()` and `unseen()` may be called from any thread; listeners are called in the feed's own.
    """

    def __init__(self, api: Api, resources: Iterable[str], namespace: str = "") -> None:
        self._api = api
        self._wake = threading.Event()
        self._ready = threading.Event()
        self._pause = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        self._listeners: list[weakref.WeakMethod[Callable[[], None]]] = []
        self.trouble = ""
        self._watched = [self._watch(r, namespace) for r in resources]
        self._thread = threading.Thread(target=self._run, name="k8s-notebook-feed", daemon=True)
        self._thread.start()

    def wait(self, timeout: float = INITIAL) -> bool:
        """Whether the initial state of every resource came within `timeout` seconds. An interrupt ends the wait."""
        deadline = monotonic() + timeout
        while not self._ready.wait(0.1):
            if monotonic() > deadline:
                return False
        return True

    def objects(self) -> list[Obj]:
        """Everything, by resource and name. Shared and read-only."""
        with self._lock:
            return [w.objects[n] for w in self._watched for n in sorted(w.objects)]

    def unseen(self) -> dict[str, str]:
        """resource -> the server's sentence, for what may not be listed."""
        with self._lock:
            return {w.resource: w.refused for w in self._watched if w.refused}

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a method on every batch of changes, as long as its object lives."""
        self._listeners.append(weakref.WeakMethod(listener))

    def close(self) -> None:
        """End all watches and the thread."""
        self._closed = True
        self._pause.set()
        self._wake.set()
        for watched in self._watched:
            watched.subscription.close()

    def _watch(self, resource: str, namespace: str) -> _Watched:
        inside = namespace if self._api.kinds.of(resource).namespaced else ""
        watched = _Watched(resource, self._api.watch(resource, namespace=inside))
        watched.subscription.on_ready(self._wake.set)
        return watched

    def _run(self) -> None:
        while self._wake.wait() and not self._closed:
            self._wake.clear()
            changed = [w for w in self._watched if not w.refused and self._take_in(w)]
            if all(w.complete or w.refused for w in self._watched):
                self._ready.set()
            if changed and self._ready.is_set():
                self._tell()
                self._pause.wait(BATCH)

    def _take_in(self, watched: _Watched) -> bool:
        try:
            events = watched.subscription.take()
        except errors.ApiError as error:
            self._refuse(watched, error)
            return True
        with self._lock:
            for event in events:
                if event.type == "BOOKMARK":
                    self._end_of_initial(watched, event.initial)
                    continue
                name = name_of(event.object)
                if watched.initial is not None:
                    watched.initial.add(name)
                if event.type == "DELETED":
                    watched.objects.pop(name, None)
                else:
                    watched.objects[name] = event.object
        return bool(events)

    def _end_of_initial(self, watched: _Watched, initial: bool) -> None:
        if initial:
            seen, watched.initial = watched.initial or set(), set()
            for name in [n for n in watched.objects if n not in seen and watched.complete]:
                del watched.objects[name]
            watched.complete = True

    def _refuse(self, watched: _Watched, error: errors.ApiError) -> None:
        watched.refused = error.message
        watched.subscription.close()

    def _tell(self) -> None:
        for reference in list(self._listeners):
            listener = reference()
            if listener is None:
                self._listeners.remove(reference)
            else:
                listener()
