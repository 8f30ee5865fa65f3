"""A View over objects in memory, for tests of one reconcile."""

from __future__ import annotations

from k8s_notebook.machinery.cache import Cache, name_of
from k8s_notebook.objects import Obj, kinds


class FakeView:
    """What a reconciler reads, filled by hand. It is a View."""

    def __init__(self, *objects: Obj) -> None:
        self._caches: dict[str, Cache] = {}
        self.put(*objects)

    def put(self, *objects: Obj) -> None:
        """Add or replace objects."""
        for obj in objects:
            kind = kinds.EMBEDDED.for_object(obj["apiVersion"], obj["kind"])
            assert kind is not None, obj["kind"]
            self._cache(kind.resource).change(name_of(obj), obj)

    def remove(self, resource: str, namespace: str, name: str) -> None:
        """Take one object out."""
        self._cache(resource).change((namespace, name), None)

    def get(self, resource: str, namespace: str, name: str) -> Obj | None:
        """One object, or None."""
        return self._cache(resource).get(namespace, name)

    def all(self, resource: str, namespace: str = "") -> list[Obj]:
        """All objects of a resource, or those of one namespace."""
        return self._cache(resource).all(namespace)

    def by(self, resource: str, index: str, value: str) -> list[Obj]:
        """Objects by an index."""
        return self._cache(resource).by(index, value)

    def _cache(self, resource: str) -> Cache:
        return self._caches.setdefault(resource, Cache(resource))
