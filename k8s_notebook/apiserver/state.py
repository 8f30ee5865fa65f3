"""What all verbs share: the store, the clock, the kinds, admission; and looking objects up in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_notebook.apiserver import conversion
from k8s_notebook.machinery import decisions
from k8s_notebook.machinery.decisions import Decisions
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import Kind, Kinds
from k8s_notebook.sim.clock import timestamp
from k8s_notebook.sim.loop import Loop
from k8s_notebook.sim.streams import Streams
from k8s_notebook.store.revisions import Store
from k8s_notebook.store.watches import Entry, encode

TokenIssuer = Callable[[Obj, Obj, Obj | None], Obj]
"""(ServiceAccount, TokenRequest, bound object or None) -> the TokenRequest with its status."""


class State:
    """The server's parts. `kinds` may be replaced when custom resources come and go."""

    def __init__(self, store: Store, loop: Loop, streams: Streams, kinds: Kinds) -> None:
        self.store = store
        self.loop = loop
        self.streams = streams
        self.kinds = kinds
        self.token_issuer: TokenIssuer | None = None
        self.decisions: Decisions | None = None
        """The scheduler's decisions, which are served from its memory."""
        self._second = -1
        self._stamp = ""

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.loop.now()

    def stamp(self) -> str:
        """The time now as metav1.Time."""
        second = int(self.loop.now())
        if second != self._second:
            self._second, self._stamp = second, timestamp(second)
        return self._stamp

    def find(self, kind: Kind, namespace: str, name: str) -> Entry:
        """The stored object; NotFound if there is none."""
        if kind.resource == decisions.RESOURCE:
            entry = self._decision(namespace, name)
        else:
            entry = self.store.get(conversion.storage(kind), namespace if kind.namespaced else "", name)
        if entry is None:
            raise errors.not_found(kind.resource, name)
        return entry

    def entries(self, resource: str, namespace: str, revision: int | None) -> list[Entry]:
        """The objects of a resource at a revision (None: now), by (namespace, name)."""
        if resource == decisions.RESOURCE:
            found = self.decisions.list(namespace) if self.decisions is not None else []
            return [self._remembered(obj) for obj in found]
        return self.store.entries(resource, namespace) if revision is None else self.store.at(resource, revision, namespace)

    def _decision(self, namespace: str, name: str) -> Entry | None:
        found = self.decisions.get(namespace, name) if self.decisions is not None else None
        return self._remembered(found) if found is not None else None

    def _remembered(self, obj: Obj) -> Entry:
        return Entry(obj, encode(obj), self.store.revision)

    def object(self, resource: str, namespace: str, name: str) -> Obj | None:
        """A stored object by resource name, or None."""
        entry = self.store.get(resource, namespace, name)
        return entry.obj if entry is not None else None

    def objects(self, resource: str, namespace: str = "") -> list[Obj]:
        """The stored objects of a resource, by (namespace, name)."""
        return [e.obj for e in self.store.entries(resource, namespace)]

    def stored_kind(self, kind: Kind) -> Kind:
        """The kind in whose version objects are stored."""
        api_version = conversion.STORED.get(kind.api_version + "/" + kind.plural)
        if api_version is None:
            return kind
        return self.kinds.for_object(api_version, kind.kind) or kind


def metadata(obj: Obj, **changes: Any) -> Obj:
    """The object with some of its metadata replaced; None takes a field out."""
    kept = {**obj["metadata"], **changes}
    return {**obj, "metadata": {k: v for k, v in kept.items() if v is not None}}
