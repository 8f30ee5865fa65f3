"""The garbage collector: what loses its owners goes too (as in pkg/controller/garbagecollector).

Keys are (resource, "namespace/name"): it looks at objects of every kind.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from k8s_notebook.machinery.actions import Action, Delete, Emit, Patch
from k8s_notebook.machinery.cache import Name, View
from k8s_notebook.machinery.reconcile import Watch
from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kind

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
IGNORED = ("events", "events.events.k8s.io")
"""Events own nothing and are owned by nothing (as upstream)."""
PACE = 0.05
"""Seconds between two looks at an owner that waits for its dependents."""


@dataclass
class _Owners:
    """The owner references of an object: the owner exists, is gone, or waits for its dependents."""

    solid: list[Obj] = field(default_factory=list)
    dangling: list[Obj] = field(default_factory=list)
    waiting: list[Obj] = field(default_factory=list)
    unknown: bool = False


class GarbageCollector:
    """Deletes objects whose owners are gone; carries out foreground deletion and orphaning."""

    name = "garbage-collector-controller"

    def __init__(self, kinds: Iterable[Kind]) -> None:
        stored = [k for k in kinds if k.storable and "delete" in k.verbs and k.resource not in IGNORED]
        self._resources = tuple(dict.fromkeys(k.resource for k in stored))
        self._kinds = {(k.group, k.kind): k for k in reversed(stored)}
        self._dependents: dict[str, dict[Name, None]] = {}

    def watches(self) -> Sequence[Watch]:
        """Every kind that is stored, but events."""
        return tuple(Watch(r, functools.partial(self._keys, r)) for r in self._resources)

    def pace(self, view: View, key: Name) -> float:
        """A pause while dependents go one by one."""
        obj = _get(view, key)
        return PACE if obj is not None and _leaving(obj, FOREGROUND) else 0.0

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """The deletions and the changes of owner references and finalizers that an object calls for."""
        obj = _get(view, key)
        if obj is None:
            return []
        if _leaving(obj, ORPHAN):
            return self._orphan(view, key[0], obj)
        if _leaving(obj, FOREGROUND):
            return self._foreground(view, key[0], obj)
        return self._judge(view, key[0], obj)

    def _keys(self, resource: str, view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
        """The objects that a change concerns; keeps the index of who depends on whom."""
        obj = new if new is not None else old
        if obj is None:
            return ()
        before = old["metadata"].get("ownerReferences") or () if old is not None else ()
        after = new["metadata"].get("ownerReferences") or () if new is not None else ()
        if new is not None and old is not None and before == after and "deletionTimestamp" not in new["metadata"]:
            return ()
        key = _key(resource, obj)
        keys: dict[Name, None] = {}
        if before != after:
            self._index(key, before, after)
            keys.update(dict.fromkeys(self._waiting_owners(view, obj, before)))
            if after and new is not None and len(self._owners(view, new).solid) < len(after):
                keys[key] = None
        if new is None:
            keys.update(self._dependents.get(obj["metadata"]["uid"], {}))
        elif _leaving(new, ORPHAN) or _leaving(new, FOREGROUND):
            keys[key] = None
        return list(keys)

    def _index(self, key: Name, before: Sequence[Obj], after: Sequence[Obj]) -> None:
        for reference in before:
            members = self._dependents.get(reference["uid"], {})
            members.pop(key, None)
            if not members:
                self._dependents.pop(reference["uid"], None)
        for reference in after:
            self._dependents.setdefault(reference["uid"], {})[key] = None

    def _waiting_owners(self, view: View, obj: Obj, references: Iterable[Obj]) -> Iterable[Name]:
        """The owners that wait in foreground deletion: one dependent less may be the last."""
        for reference in references:
            kind = self._kind(reference)
            owner = _owner(view, obj, reference, kind) if kind else None
            if kind and owner is not None and _leaving(owner, FOREGROUND):
                yield _key(kind.resource, owner)

    def _kind(self, reference: Obj) -> Kind | None:
        group = reference["apiVersion"].rpartition("/")[0]
        return self._kinds.get((group, reference["kind"]))

    def _owners(self, view: View, obj: Obj) -> _Owners:
        """The owner references by the state of their owner; one of a kind that is not served leaves all open."""
        found = _Owners()
        for reference in obj["metadata"].get("ownerReferences") or ():
            kind = self._kind(reference)
            if kind is None or (kind.namespaced and not obj["metadata"].get("namespace")):
                found.unknown = True
                continue
            owner = _owner(view, obj, reference, kind)
            if owner is None:
                found.dangling.append(reference)
            elif _leaving(owner, FOREGROUND):
                found.waiting.append(reference)
            else:
                found.solid.append(reference)
        return found

    def _judge(self, view: View, resource: str, obj: Obj) -> list[Action]:
        """What happens to an object because of its owners."""
        metadata = obj["metadata"]
        if "deletionTimestamp" in metadata or not metadata.get("ownerReferences"):
            return []
        owners = self._owners(view, obj)
        if owners.unknown:
            return self._complaints(view, obj, owners.dangling)
        if owners.solid:
            gone = len(owners.dangling) + len(owners.waiting)
            return [_with_owners(resource, obj, owners.solid)] if gone else []
        complaints = self._complaints(view, obj, owners.dangling)
        dependents = list(self._depending(view, obj)) if owners.waiting else []
        if not dependents:
            return [*complaints, _delete(resource, obj, _policy(obj))]
        actions: list[Action] = []
        if any(_leaving(d, FOREGROUND) for _, d in dependents):
            free = [{**r, "blockOwnerDeletion": False} for r in metadata["ownerReferences"]]
            actions.append(_with_owners(resource, obj, free))
        return [*actions, _delete(resource, obj, "Foreground")]

    def _complaints(self, view: View, obj: Obj, dangling: Iterable[Obj]) -> list[Action]:
        """The events about owners that do exist, but in another namespace."""
        namespace = obj["metadata"].get("namespace", "")
        said: list[Action] = []
        for reference in dangling:
            kind = self._kind(reference)
            if kind is not None and view.by(kind.resource, "uid", reference["uid"]):
                where = f"{reference['apiVersion']}/{reference['kind']}, namespace: {namespace}"
                owner = f"[{where}, name: {reference['name']}, uid: {reference['uid']}]"
                message = f'ownerRef {owner} does not exist in namespace "{namespace}"'
                said.append(Emit(obj, "OwnerRefInvalidNamespace", message, "Warning"))
        return said

    def _depending(self, view: View, owner: Obj) -> Iterable[tuple[str, Obj]]:
        """(resource, object) of everything that names the owner."""
        uid = owner["metadata"]["uid"]
        for resource in self._resources:
            for obj in view.by(resource, "owner", uid):
                yield resource, obj

    def _foreground(self, view: View, resource: str, owner: Obj) -> list[Action]:
        """The deletion of dependents; once none blocks any more, the owner is let go."""
        uid = owner["metadata"]["uid"]
        dependents = list(self._depending(view, owner))
        blocking = any(
            r["uid"] == uid and r.get("blockOwnerDeletion") for _, d in dependents for r in d["metadata"]["ownerReferences"]
        )
        if not blocking:
            return [_without_finalizer(resource, owner, FOREGROUND)]
        return [action for where, obj in dependents for action in self._judge(view, where, obj)]

    def _orphan(self, view: View, resource: str, owner: Obj) -> list[Action]:
        """The dependents forget the owner, then it is let go."""
        uid = owner["metadata"]["uid"]
        freed: list[Action] = [
            _with_owners(where, obj, [r for r in obj["metadata"]["ownerReferences"] if r["uid"] != uid])
            for where, obj in self._depending(view, owner)
        ]
        return [*freed, _without_finalizer(resource, owner, ORPHAN)]


def _key(resource: str, obj: Obj) -> Name:
    metadata = obj["metadata"]
    return resource, f"{metadata.get('namespace', '')}/{metadata['name']}"


def _get(view: View, key: Name) -> Obj | None:
    namespace, _, name = key[1].partition("/")
    return view.get(key[0], namespace, name)


def _leaving(obj: Obj, finalizer: str) -> bool:
    """Whether it is being deleted and held by a finalizer."""
    metadata = obj["metadata"]
    return "deletionTimestamp" in metadata and finalizer in (metadata.get("finalizers") or ())


def _owner(view: View, obj: Obj, reference: Obj, kind: Kind) -> Obj | None:
    """The owner that a reference names, if it is still the same one."""
    namespace = obj["metadata"].get("namespace", "") if kind.namespaced else ""
    owner = view.get(kind.resource, namespace, reference["name"])
    return owner if owner is not None and owner["metadata"]["uid"] == reference["uid"] else None


def _policy(obj: Obj) -> str:
    finalizers = obj["metadata"].get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


def _delete(resource: str, obj: Obj, policy: str) -> Delete:
    metadata = obj["metadata"]
    return Delete(resource, metadata["name"], metadata.get("namespace", ""), propagation=policy, uid=metadata["uid"])


def _patch(resource: str, obj: Obj, change: Obj) -> Patch:
    """A change of metadata that holds only for this state of the object."""
    metadata = obj["metadata"]
    body = {"metadata": {"resourceVersion": metadata["resourceVersion"], "uid": metadata["uid"], **change}}
    return Patch(resource, metadata["name"], metadata.get("namespace", ""), body, "merge")


def _with_owners(resource: str, obj: Obj, references: list[Obj]) -> Patch:
    return _patch(resource, obj, {"ownerReferences": references or None})


def _without_finalizer(resource: str, obj: Obj, finalizer: str) -> Patch:
    left = [f for f in obj["metadata"]["finalizers"] if f != finalizer]
    return _patch(resource, obj, {"finalizers": left or None})
