"""Changes of the store as they reach those who watch: bounded queues over shared, once encoded events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import orjson

from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError, Expired

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
Matches = Callable[[Obj], bool]
Convert = Callable[[Obj], Obj]

LIMIT = 65_536
"""Events that may wait for one watcher; a slower one has to list again."""

INITIAL_END = {"k8s.io/initial-events-end": "true"}
"""The annotation of the bookmark that ends the initial state."""


class Entry:
    """One version of one object: its dict (read-only, shared), its JSON, its revision.

    Versions that are superseded keep only the JSON; `obj` then parses it anew.
    """

    __slots__ = ("_keep", "_obj", "encoded", "revision")

    def __init__(self, obj: Obj | None, encoded: bytes, revision: int, keep: bool = True) -> None:
        self._obj = obj
        self._keep = keep
        self.encoded = encoded
        self.revision = revision

    @property
    def obj(self) -> Obj:
        """The object as a dict."""
        if self._obj is not None:
            return self._obj
        obj: Obj = orjson.loads(self.encoded)
        if self._keep:
            self._obj = obj
        return obj

    def forget(self) -> None:
        """Let go of the dict, keep the JSON."""
        self._obj = None
        self._keep = False


class Change:
    """One write: what was there before (`old`), and the version that watchers are shown (`shown`)."""

    __slots__ = ("_events", "_left", "name", "namespace", "old", "resource", "shown", "type")

    def __init__(self, resource: str, namespace: str, name: str, type_: EventType, old: Entry | None, shown: Entry) -> None:
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.type: EventType = type_
        self.old = old
        self.shown = shown
        self._left: Delivered | None = None
        self._events: dict[str, Delivered] = {}

    def event(self, as_type: EventType) -> Delivered:
        """The event of that type; the same one for every watcher."""
        event = self._events.get(as_type)
        if event is None:
            event = self._events[as_type] = Delivered(as_type, self.shown.obj, self.shown.revision, False, self.shown.encoded)
        return event

    def left(self) -> Delivered:
        """The DELETED that a selector shows when an object stops matching: the old state with the new revision."""
        if self._left is None and self.old is not None:
            self._left = _departed(self.old.obj, self.shown.revision)
        return self._left or self.event("DELETED")

    def forget(self, cold: bool = False) -> None:
        """Keep only what a later replay needs; of a cold resource not even the dict of the current version."""
        self._events = {}
        self._left = None
        if self.old is not None:
            self.old.forget()
        if cold or self.type == "DELETED":
            self.shown.forget()


class Delivered:
    """One event with the attributes of `machinery.api.WatchEvent`, and `encoded`: the JSON of `object`.

    It is shared by all watchers: an HTTP server writes `encoded` as it is, and never encodes `object` again.
    """

    __slots__ = ("encoded", "initial", "object", "revision", "type")

    def __init__(self, type_: EventType, obj: Obj, revision: int, initial: bool, encoded: bytes) -> None:
        self.type: EventType = type_
        self.object = obj
        self.revision = revision
        self.initial = initial
        self.encoded = encoded

    def __repr__(self) -> str:
        metadata = self.object.get("metadata", {})
        return (
            f"<{self.type} {self.object.get('kind')} {metadata.get('namespace', '')}/{metadata.get('name', '')} @{self.revision}>"
        )


def encode(obj: Obj) -> bytes:
    """The JSON of an object."""
    # A copy: what orjson gives sits in a buffer of several kilobytes, however short it is.
    return bytes(memoryview(orjson.dumps(obj)))


def bookmark(api_version: str, kind: str, revision: int, initial: bool = False) -> Delivered:
    """The BOOKMARK that says everything up to `revision` was shown."""
    metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
    if initial:
        metadata["annotations"] = INITIAL_END
    obj: Obj = {"kind": kind, "apiVersion": api_version, "metadata": metadata}
    return Delivered("BOOKMARK", obj, revision, initial, encode(obj))


def too_old(wanted: int, oldest: int) -> Expired:
    """`too old resource version: N (M)`."""
    return Expired(f"too old resource version: {wanted} ({oldest})")


def _departed(old: Obj, revision: int) -> Delivered:
    obj = {**old, "metadata": {**old["metadata"], "resourceVersion": str(revision)}}
    return Delivered("DELETED", obj, revision, False, encode(obj))


class Subscription:
    """The changes of one resource, for one watcher: see `machinery.api.Subscription`."""

    trouble = ""

    def __init__(
        self,
        hub: Watches,
        resource: str,
        since: int,
        *,
        namespace: str = "",
        matches: Matches | None = None,
        convert: Convert | None = None,
        about: tuple[str, str] = ("", ""),
        limit: int = LIMIT,
    ) -> None:
        self.resource = resource
        self.closed = False
        self._hub = hub
        self._since = since
        self._namespace = namespace
        self._matches = matches
        self._convert = convert
        self._about = about
        self._limit = limit
        self._queue: list[Delivered] = []
        self._error: ApiError | None = None
        self._callback: Callable[[], None] | None = None
        self._armed = True

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""
        return self.closed or self._error is not None

    def take(self) -> list[Delivered]:
        """What arrived since the last call, in order; raises `Expired` when it fell behind and all before was taken."""
        self._armed = True
        taken, self._queue = self._queue, []
        if not taken and self._error is not None:
            raise self._error
        if taken and self._error is not None:
            self.wake()
        return taken

    def on_ready(self, callback: Callable[[], None]) -> None:
        """Call `callback` when something can be taken or the stream ended."""
        self._callback = callback
        self._armed = True
        if self._queue or self.ended:
            self.wake()

    def close(self) -> None:
        """Let go."""
        if not self.closed:
            self.closed = True
            self._queue = []
            self._hub.leave(self)

    def progress(self) -> None:
        """Queue a BOOKMARK at the last committed revision: for clients that asked for bookmarks."""
        if not self.ended:
            self._queue.append(bookmark(*self._about, max(self._hub.committed, self._since)))
            self.wake()

    def begin(self, entries: Iterable[Entry], revision: int, *, ends: bool) -> None:
        """Queue the initial state as ADDED events; with `ends` also the bookmark that closes it."""
        for entry in entries:
            obj = entry.obj
            if self._matches is None or self._matches(obj):
                self._queue.append(self._converted(Delivered("ADDED", obj, entry.revision, False, entry.encoded)))
        if ends:
            self._queue.append(bookmark(*self._about, revision, initial=True))

    def offer(self, change: Change) -> bool:
        """Queue a change if it concerns this watcher; whether it did."""
        if change.shown.revision <= self._since or self.ended:
            return False
        if self._namespace and change.namespace != self._namespace:
            return False
        event = change.event(change.type) if self._matches is None else self._seen(change, self._matches)
        if event is None:
            return False
        if len(self._queue) >= self._limit:
            self.fail(too_old(event.revision, event.revision))
            return True
        self._queue.append(event if self._convert is None else self._converted(event))
        return True

    def fail(self, error: ApiError) -> None:
        """End with an error, behind what is queued already."""
        if not self.ended:
            self._error = error
            self._hub.leave(self)

    def wake(self) -> None:
        """Tell the watcher, once per `take`."""
        if self._armed and self._callback is not None:
            self._armed = False
            self._callback()

    def _seen(self, change: Change, matches: Matches) -> Delivered | None:
        now = matches(change.shown.obj)
        if change.type != "MODIFIED":
            return change.event(change.type) if now else None
        before = change.old is not None and matches(change.old.obj)
        if now:
            return change.event("MODIFIED" if before else "ADDED")
        return change.left() if before else None

    def _converted(self, event: Delivered) -> Delivered:
        if self._convert is None:
            return event
        obj = self._convert(event.object)
        return Delivered(event.type, obj, event.revision, event.initial, encode(obj))


class Watches:
    """All subscriptions of a store; `committed` is the revision up to which they were served."""

    def __init__(self) -> None:
        self.committed = 0
        self._subscriptions: dict[str, list[Subscription]] = {}

    def join(self, subscription: Subscription) -> None:
        """Serve it from now on."""
        self._subscriptions.setdefault(subscription.resource, []).append(subscription)

    def leave(self, subscription: Subscription) -> None:
        """Serve it no longer."""
        # A new list: a delivery may be walking over the old one.
        members = self._subscriptions.get(subscription.resource, [])
        self._subscriptions[subscription.resource] = [s for s in members if s is not subscription]

    def count(self) -> int:
        """How many subscriptions there are."""
        return sum(len(s) for s in self._subscriptions.values())

    def deliver(self, changes: Iterable[Change], revision: int) -> None:
        """Queue changes with all whom they concern, then wake each of them once."""
        self.committed = revision
        woken: dict[Subscription, None] = {}
        for change in changes:
            for subscription in self._subscriptions.get(change.resource, ()):
                if subscription.offer(change):
                    woken[subscription] = None
        for subscription in woken:
            subscription.wake()

    def fail(self, error: ApiError, revision: int) -> None:
        """End all subscriptions: what they were about to see will not happen."""
        self.committed = revision
        everyone = [s for members in self._subscriptions.values() for s in members]
        for subscription in everyone:
            subscription.fail(error)
        for subscription in everyone:
            subscription.wake()
