"""Namespaces: delete all that is in one before it goes (as in pkg/controller/namespace/deletion)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8s_notebook.controllers import conditions
from k8s_notebook.machinery.actions import Action, Delete, RequeueAfter, Update
from k8s_notebook.machinery.cache import Name, View, name_of
from k8s_notebook.machinery.reconcile import Watch
from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.sim.clock import timestamp

FINALIZER = "kubernetes"
RECHECK = 15.0
"""Seconds until objects with finalizers are looked at again."""
_FINE = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    (
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
)


class Namespaces:
    """Empties namespaces that are being deleted: pods first, then everything else, then the namespace itself."""

    name = "namespace-controller"

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._resources = contents(kinds)

    def watches(self) -> Sequence[Watch]:
        """Namespaces, and the end of everything that is in one."""
        inside = (Watch(r, _key_of_emptied) for r in self._resources)
        return (Watch("namespaces", _key_of_leaving), *inside)

    def pace(self, view: View, key: Name) -> float:
        """A short pause: objects go one by one, and each look lists all that are left."""
        return 0.05

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """The deletions of what is inside, the conditions, at last the removal of the finalizer."""
        namespace = view.get("namespaces", *key)
        if namespace is None or "deletionTimestamp" not in namespace["metadata"]:
            return []
        finalizers = (namespace.get("spec") or {}).get("finalizers") or []
        if FINALIZER not in finalizers:
            return []
        inside = {"pods": view.all("pods", key[1])}
        pods_left = bool(inside["pods"])
        if not pods_left:
            inside = {r: found for r in self._resources if (found := view.all(r, key[1]))}
        deletions: list[Action] = [
            Delete(resource, o["metadata"]["name"], key[1], propagation="Background")
            for resource, found in inside.items()
            for o in found
            if "deletionTimestamp" not in o["metadata"]
        ]
        status = _status(namespace, {} if pods_left else inside, now)
        noted: list[Action] = []
        if status != namespace.get("status"):
            noted.append(Update({**namespace, "status": status}, "namespaces", "status"))
        if any(inside.values()):
            return [*deletions, *noted, RequeueAfter(RECHECK)]
        if noted:
            return noted
        spec = {**namespace["spec"], "finalizers": [f for f in finalizers if f != FINALIZER]}
        return [Update({**namespace, "spec": spec}, "namespaces", "finalize")]


def contents(kinds: Iterable[Kind]) -> list[str]:
    """The resources that can be in a namespace; what is the same object in two groups is named once."""
    stored = (k for k in kinds if k.namespaced and k.storable and "delete" in k.verbs)
    return list(dict.fromkeys(k.resource for k in stored if k.resource != "events.events.k8s.io"))


def _key_of_leaving(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    return (name_of(new),) if new is not None and "deletionTimestamp" in new["metadata"] else ()


def _key_of_emptied(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    if new is not None or old is None:
        return ()
    name = old["metadata"].get("namespace", "")
    return _key_of_leaving(view, None, view.get("namespaces", "", name))


def _status(namespace: Obj, left: dict[str, list[Obj]], now: float) -> Obj:
    """Phase Terminating, and the five conditions that say what is left."""
    status = namespace.get("status") or {}
    told = {**_resources_left(left), **_finalizers_left(left)}
    found = list(status.get("conditions") or ())
    for kind, reason, message in _FINE:
        words = {"type": kind, "status": "False", "reason": reason, "message": message, **told.get(kind, {})}
        old = conditions.find(found, kind)
        if old is not None and all(old.get(k) == v for k, v in words.items()):
            continue
        same = old is not None and old["status"] == words["status"]
        since = old["lastTransitionTime"] if old is not None and same else timestamp(now)
        new = {**words, "lastTransitionTime": since}
        found = [new if c is old else c for c in found] if old is not None else [*found, new]
    return {**status, "phase": "Terminating", "conditions": found}


def _resources_left(left: dict[str, list[Obj]]) -> dict[str, Obj]:
    kept = {r: [o for o in found if o["metadata"].get("finalizers")] for r, found in left.items()}
    lines = sorted(f"{_dotted(r)} has {len(found)} resource instances" for r, found in kept.items() if found)
    if not lines:
        return {}
    message = f"Some resources are remaining: {', '.join(lines)}"
    return {"NamespaceContentRemaining": {"status": "True", "reason": "SomeResourcesRemain", "message": message}}


def _dotted(resource: str) -> str:
    """The resource with its group after a dot, also where the group is empty."""
    return resource if "." in resource else f"{resource}."


def _finalizers_left(left: dict[str, list[Obj]]) -> dict[str, Obj]:
    counts: dict[str, int] = {}
    for found in left.values():
        for obj in found:
            for finalizer in obj["metadata"].get("finalizers") or ():
                counts[finalizer] = counts.get(finalizer, 0) + 1
    if not counts:
        return {}
    lines = ", ".join(f"{f} in {n} resource instances" for f, n in sorted(counts.items()))
    message = f"Some content in the namespace has finalizers remaining: {lines}"
    return {"NamespaceFinalizersRemaining": {"status": "True", "reason": "SomeFinalizersRemain", "message": message}}
