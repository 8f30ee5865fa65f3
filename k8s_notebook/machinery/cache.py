"""Local views of a cluster: one watch per resource, however many controllers read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from k8s_notebook.machinery.api import Api, Subscription, WatchEvent
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError
from k8s_notebook.sim.loop import Loop

Name = tuple[str, str]
"""(namespace, name); the namespace of a cluster-scoped object is ""."""
Index = Callable[[Obj], Iterable[str]]
Listener = Callable[[Obj | None, Obj | None], None]
"""Called with (old, new); old is None for a new object, new is None for a deleted one."""

RETRY = 1.0
"""Seconds until a failed watch is tried again."""


def name_of(obj: Obj) -> Name:
    """(namespace, name) of an object."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _uids(obj: Obj) -> Iterable[str]:
    return (obj["metadata"]["uid"],)


def _controller(obj: Obj) -> Iterable[str]:
    return tuple(r["uid"] for r in obj["metadata"].get("ownerReferences") or () if r.get("controller"))


def _owners(obj: Obj) -> Iterable[str]:
    return tuple(r["uid"] for r in obj["metadata"].get("ownerReferences") or ())


def _node(obj: Obj) -> Iterable[str]:
    node = (obj.get("spec") or {}).get("nodeName")
    return (node,) if node else ()


def _orphan(obj: Obj) -> Iterable[str]:
    return () if _controller(obj) else (obj["metadata"].get("namespace", ""),)


INDEXES: dict[str, Index] = {"uid": _uids, "controller": _controller, "owner": _owners, "node": _node, "orphan": _orphan}
"""The indexes that every cache can have: they are built when first asked for."""


class Cache:
    """All objects of one resource, as of `revision`."""

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.revision = 0
        self.synced = False
        self._objects: dict[Name, Obj] = {}
        self._namespaces: dict[str, dict[Name, Obj]] = {}
        self._indexes: dict[str, dict[str, dict[Name, Obj]]] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, namespace: str, name: str) -> Obj | None:
        """The object, or None."""
        return self._objects.get((namespace, name))

    def all(self, namespace: str = "") -> list[Obj]:
        """Everything, or everything in a namespace, by (namespace, name)."""
        found = self._namespaces.get(namespace, {}) if namespace else self._objects
        return [found[k] for k in sorted(found)]

    def names(self) -> Iterator[Name]:
        """The names of all objects, in order."""
        return iter(sorted(self._objects))

    def by(self, index: str, value: str) -> list[Obj]:
        """The objects that an index of `INDEXES` files under `value`, by (namespace, name)."""
        filed = self._indexes.get(index)
        if filed is None:
            filed = self._indexes[index] = {}
            for name, obj in self._objects.items():
                for key in INDEXES[index](obj):
                    filed.setdefault(key, {})[name] = obj
        found = filed.get(value, {})
        return [found[k] for k in sorted(found)]

    def change(self, name: Name, new: Obj | None) -> Obj | None:
        """Put (or, with None, take out) an object; the one that was there before."""
        old = self._objects.get(name)
        for index, filed in self._indexes.items():
            before = INDEXES[index](old) if old is not None else ()
            after = INDEXES[index](new) if new is not None else ()
            for key in before if before != after else ():
                members = filed.get(key, {})
                members.pop(name, None)
                if not members:
                    filed.pop(key, None)
            for key in after:
                filed.setdefault(key, {})[name] = new  # type: ignore[assignment]
        inside = self._namespaces.setdefault(name[0], {})
        if new is None:
            self._objects.pop(name, None)
            inside.pop(name, None)
        else:
            self._objects[name] = inside[name] = new
        return old


class View(Protocol):
    """What a reconciler may read."""

    def get(self, resource: str, namespace: str, name: str) -> Obj | None:
        """One object, or None."""
        ...

    def all(self, resource: str, namespace: str = "") -> list[Obj]:
        """All objects of a resource, or those of one namespace."""
        ...

    def by(self, resource: str, index: str, value: str) -> list[Obj]:
        """Objects by an index of `INDEXES`: ("controller", uid), ("owner", uid), ("node", name), ("uid", uid),
        ("orphan", namespace): what no controller owns.
        """
        ...


class Informers:
    """The caches of one control plane; they fill themselves from `api` on `loop`'s turns. It is a View."""

    def __init__(self, api: Api, loop: Loop) -> None:
        self._api = api
        self._loop = loop
        self._caches: dict[str, Cache] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._drained: list[Callable[[str], None]] = []
        self._subscriptions: dict[str, Subscription] = {}
        self._initial: dict[str, set[Name]] = {}
        self._closed = False

    def __contains__(self, resource: str) -> bool:
        return resource in self._caches

    def cache(self, resource: str) -> Cache:
        """The cache of a resource; the first call starts its watch."""
        cache = self._caches.get(resource)
        if cache is None:
            self._start(resource)
            cache = self._caches[resource] = Cache(resource)
            self._listeners[resource] = []
        return cache

    def listen(self, resource: str, listener: Listener) -> None:
        """Call `listener(old, new)` on every change; for what is there already at once."""
        cache = self.cache(resource)
        for obj in cache.all():
            listener(None, obj)
        self._listeners[resource].append(listener)

    def on_drained(self, callback: Callable[[str], None]) -> None:
        """Call `callback(resource)` after a batch of its changes was taken in."""
        self._drained.append(callback)

    def get(self, resource: str, namespace: str, name: str) -> Obj | None:
        """One object, or None."""
        return self.cache(resource).get(namespace, name)

    def all(self, resource: str, namespace: str = "") -> list[Obj]:
        """All objects of a resource, or those of one namespace."""
        return self.cache(resource).all(namespace)

    def by(self, resource: str, index: str, value: str) -> list[Obj]:
        """Objects by an index of `INDEXES`."""
        return self.cache(resource).by(index, value)

    def revision(self, resource: str) -> int:
        """The revision up to which a resource's changes are known."""
        return self.cache(resource).revision

    def synced(self) -> bool:
        """Whether every cache has its initial state."""
        return all(c.synced for c in self._caches.values())

    def status(self) -> dict[str, dict[str, int]]:
        """resource -> {"objects": n, "revision": r}: for `%k8s status --parts`."""
        return {r: {"objects": len(c), "revision": c.revision} for r, c in sorted(self._caches.items())}

    def close(self) -> None:
        """End all watches."""
        self._closed = True
        for subscription in self._subscriptions.values():
            subscription.close()
        self._subscriptions.clear()

    def _start(self, resource: str) -> None:
        self._initial[resource] = set()
        subscription = self._subscriptions[resource] = self._api.watch(resource)
        subscription.on_ready(lambda: self._plan(resource, subscription))

    def _start_again(self, resource: str) -> None:
        if self._closed:
            return
        try:
            self._start(resource)
        except ApiError:
            self._loop.after(RETRY, lambda: self._start_again(resource))

    def _plan(self, resource: str, subscription: Subscription) -> None:
        self._loop.soon(lambda: self._drain(resource, subscription), priority=-1)

    def _drain(self, resource: str, subscription: Subscription) -> None:
        if self._subscriptions.get(resource) is not subscription:
            return
        try:
            events = subscription.take()
        except ApiError:
            subscription.close()
            del self._subscriptions[resource]
            self._loop.after(RETRY, lambda: self._start_again(resource))
            return
        cache = self._caches[resource]
        for event in events:
            self._take_in(cache, event)
        for callback in self._drained:
            callback(resource)

    def _take_in(self, cache: Cache, event: WatchEvent) -> None:
        if event.type == "BOOKMARK":
            if event.initial:
                self._end_of_initial(cache)
        else:
            name = name_of(event.object)
            if not cache.synced or self._initial.get(cache.resource) is not None:
                self._initial.setdefault(cache.resource, set()).add(name)
            new = None if event.type == "DELETED" else event.object
            old = cache.change(name, new)
            if old is not None or new is not None:
                for listener in self._listeners[cache.resource]:
                    listener(old, new)
        cache.revision = max(cache.revision, event.revision)

    def _end_of_initial(self, cache: Cache) -> None:
        seen = self._initial.pop(cache.resource, set())
        for name in [n for n in cache.names() if n not in seen]:
            old = cache.change(name, None)
            for listener in self._listeners[cache.resource]:
                listener(old, None)
        cache.synced = True
