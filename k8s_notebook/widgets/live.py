"""What a cluster has, kept up to date for the views: one feed per cluster and scope, however many views look.

The state belongs to one background thread, the feed; views are called back there, at most five times a second.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from k8s_notebook.machinery.api import Api, Subscription, WatchEvent
from k8s_notebook.machinery.cache import Name, name_of
from k8s_notebook.objects import Obj, errors
from k8s_notebook.sim import clock

BATCH = 0.2
"""Seconds: the first change after quiet is shown at once, later ones are gathered for BATCH."""
INITIAL = 10.0
"""Seconds that the first picture waits for the cluster."""
ABANDONED = 2.0
"""Seconds after which a feed notices that nobody looks any more."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """One resource's objects, as far as its watch has told; `initial` are those that a new watch has shown so far."""

    resource: str
    subscription: Subscription
    objects: dict[Name, Obj] = field(default_factory=dict)
    initial: set[Name] | None = field(default_factory=set)
    complete: bool = False
    refused: str = ""
    lost: bool = False


class Feed:
    """The objects of some resources, in one namespace or in all, following the cluster for every `Look` at it.

    It ends when it is closed, or when the last of its looks has gone.
    """

    def __init__(self, api: Api, resources: Iterable[str], namespace: str = "", wall: clock.Clock | None = None) -> None:
        self._api = api
        self._namespace = namespace
        self._clock = wall or clock.Wall()
        # A queue of this class may be filled even in the middle of a garbage collection, which an Event may not.
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._pause = threading.Event()
        self._lock = threading.Lock()
        self._looks: list[weakref.ref[Look]] = []
        self._looked_at = False
        self.closed = False
        self.stale_since: float | None = None
        """When the cluster was lost, in seconds since the epoch; None while it is heard."""
        self._watched = [_Watched(r, self._watch(r)) for r in resources]
        self._thread = threading.Thread(target=self._run, name="k8s-notebook-views", daemon=True)
        self._thread.start()

    def look(self) -> Look:
        """One more look at it."""
        found = Look(self)
        with self._lock:
            self._looks.append(weakref.ref(found))
            self._looked_at = True
        return found

    def wait(self, timeout: float = INITIAL) -> bool:
        """Whether the initial state of every resource came within `timeout` seconds. An interrupt ends the wait."""
        deadline = clock.monotonic() + timeout
        while not self._ready.wait(0.1):
            if self.closed or clock.monotonic() > deadline:
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

    def wake(self) -> None:
        """Let the thread see what is new; from any thread, at any time."""
        self._woken.put(None)

    def close(self) -> None:
        """End all watches and the thread."""
        self.closed = True
        self._pause.set()
        self.wake()
        for watched in self._watched:
            watched.subscription.close()

    def _watch(self, resource: str) -> Subscription:
        inside = self._namespace if self._api.kinds.of(resource).namespaced else ""
        subscription = self._api.watch(resource, namespace=inside)
        subscription.on_ready(self.wake)
        return subscription

    def _run(self) -> None:
        try:
            while not self._abandoned():
                if self._take_in() and self._ready.is_set():
                    self._tell()
                    self._pause.wait(BATCH)
                self._sleep()
        finally:
            self.close()

    def _sleep(self) -> None:
        """Return when something happened, or when it is time to see whether anybody still looks."""
        with contextlib.suppress(queue.Empty):
            self._woken.get(timeout=ABANDONED)
            while True:
                self._woken.get_nowait()

    def _abandoned(self) -> bool:
        """Whether it is closed, or all who looked have gone; then nobody finds it any more."""
        with _sharing:
            if not self.closed and (self._living() or not self._looked_at):
                return False
            for key in [k for k, feed in _feeds.items() if feed is self]:
                del _feeds[key]
            return True

    def _living(self) -> list[Look]:
        with self._lock:
            found = [(r, look) for r in self._looks if (look := r()) is not None and not look.closed]
            self._looks = [r for r, _ in found]
        return [look for _, look in found]

    def _take_in(self) -> bool:
        """Whether anything changed that a view shows."""
        changed = [w for w in self._watched if not w.refused and not w.lost and self._follow(w)]
        if all(w.complete or w.refused for w in self._watched):
            self._ready.set()
        was, silent = self.stale_since, any(w.lost or w.subscription.trouble for w in self._watched if not w.refused)
        self.stale_since = (self._clock.now() if was is None else was) if silent else None
        return bool(changed) or self.stale_since != was

    def _follow(self, watched: _Watched) -> bool:
        try:
            events = self._arrived(watched)
        except Exception as error:
            self._end(watched, error)
            return True
        with self._lock:
            for event in events:
                _apply(watched, event)
        if events and watched.subscription.ended:
            self.wake()
        return bool(events)

    def _arrived(self, watched: _Watched) -> list[WatchEvent]:
        """What a watch has told; one that fell behind is begun anew."""
        try:
            return watched.subscription.take()
        except errors.Expired:
            watched.subscription.close()
            watched.initial = set()
            watched.subscription = self._watch(watched.resource)
            return watched.subscription.take()

    def _end(self, watched: _Watched, error: Exception) -> None:
        """A watch ended for good: the connection was closed, or the resource may not be listed."""
        watched.subscription.close()
        with self._lock:
            watched.lost = isinstance(error, errors.Unreachable)
            if not watched.lost:
                watched.refused = str(error) or type(error).__name__

    def _tell(self) -> None:
        for look in self._living():
            try:
                look.tell()
            except Exception:
                # One view's mistake must not stop the others.
                log.exception("a view failed")


class Look:
    """One view's look at a feed, which lives as long as somebody looks."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.closed = False
        self._listener: weakref.WeakMethod[Callable[[], None]] | None = None

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a method on every batch of changes, in the feed's thread, as long as its object lives."""
        self._listener = weakref.WeakMethod(listener)

    def tell(self) -> None:
        """Call the listener."""
        listener = self._listener() if self._listener is not None else None
        if listener is not None:
            listener()

    def close(self) -> None:
        """Look no more."""
        self.closed = True
        self.feed.wake()


_sharing = threading.Lock()
_feeds: dict[tuple[Api, tuple[str, ...], str], Feed] = {}


def follow(api: Api, resources: Iterable[str], namespace: str = "") -> Look:
    """A look at the feed of these resources: all who ask the same of the same cluster share one."""
    key = (api, tuple(resources), namespace)
    with _sharing:
        feed = _feeds.get(key)
        if feed is None or feed.closed:
            feed = _feeds[key] = Feed(*key)
        return feed.look()


def _apply(watched: _Watched, event: WatchEvent) -> None:
    if event.type == "BOOKMARK":
        if event.initial and watched.initial is not None:
            seen, watched.initial = watched.initial, None
            watched.objects = {n: o for n, o in watched.objects.items() if n in seen}
            watched.complete = True
        return
    name = name_of(event.object)
    if watched.initial is not None:
        watched.initial.add(name)
    if event.type == "DELETED":
        watched.objects.pop(name, None)
    else:
        watched.objects[name] = event.object
