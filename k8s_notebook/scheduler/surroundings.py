"""The objects beside nodes and pods that decisions rest on: claims, volumes, classes, services, budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from k8s_notebook.machinery.actions import Action, Patch, Update
from k8s_notebook.objects import Obj

RESOURCES = (
    "namespaces", "services", "replicationcontrollers", "replicasets.apps", "statefulsets.apps", "poddisruptionbudgets.policy",
    "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io", "csinodes.storage.k8s.io",
    "csidrivers.storage.k8s.io", "csistoragecapacities.storage.k8s.io", "volumeattachments.storage.k8s.io",
    "resourceclaims.resource.k8s.io", "deviceclasses.resource.k8s.io", "resourceslices.resource.k8s.io",
)  # fmt: skip

Name = tuple[str, str]
"""(namespace, name); the namespace of a cluster-scoped object is ""."""
Group = Callable[[Obj], str]
Objects = list[Obj]


class Assumed(NamedTuple):
    """An object as a write that is under way leaves it."""

    action: Update | Patch
    obj: Obj

    def on(self, stored: Obj) -> Assumed | None:
        """The same on what the cluster shows now; None if it shows the write already, or something that rules it out.

        An update rests on one version. A patch of a claim's status holds until the claim shows its users and has its devices.
        """
        if isinstance(self.action, Update):
            return self if _version(stored) == _version(self.obj) else None
        metadata, written, status = self.action.body["metadata"], self.action.body["status"], stored.get("status") or {}
        seen = _users(written) <= _users(status) and written.keys() <= status.keys()
        if seen or metadata.get("uid") != stored["metadata"].get("uid"):
            return None
        return self._replace(obj={**stored, "status": {**status, **written}})


class Surroundings:
    """Objects by resource and name, as the cluster holds them or as a decision that is being written leaves them."""

    def __init__(self) -> None:
        self._stored: dict[str, dict[Name, Obj]] = {resource: {} for resource in RESOURCES}
        self._assumed: dict[str, dict[Name, Assumed]] = {resource: {} for resource in RESOURCES}
        self._sorted: dict[str, list[Name] | None] = dict.fromkeys(RESOURCES)
        self._versions: dict[str, int] = dict.fromkeys(RESOURCES, 0)
        self._groups: dict[tuple[str, Group], dict[str, set[Name]]] = {}
        self.journal: list[tuple[Any, ...]] | None = None
        """Where what is assumed and forgotten is noted, as (method, actions), if somebody wants that."""

    def put(self, resource: str, obj: Obj) -> None:
        """Note an object that came or changed. A newer version ends what was assumed of it."""
        name = _name(obj)
        old = self._stored[resource].get(name)
        if old is None:
            self._sorted[resource] = None
        self._regroup(resource, name, old, obj)
        self._stored[resource][name] = obj
        assumed = self._assumed[resource].pop(name, None)
        if assumed is not None and (kept := assumed.on(obj)) is not None:
            self._assumed[resource][name] = kept
        self._versions[resource] += 1

    def remove(self, resource: str, namespace: str, name: str) -> None:
        """Forget an object; harmless if it is unknown."""
        old = self._stored[resource].pop((namespace, name), None)
        self._assumed[resource].pop((namespace, name), None)
        if old is not None:
            self._regroup(resource, (namespace, name), old, None)
            self._sorted[resource] = None
            self._versions[resource] += 1

    def get(self, resource: str, namespace: str, name: str) -> Obj | None:
        """An object as decisions see it, or None."""
        assumed = self._assumed[resource].get((namespace, name))
        return assumed.obj if assumed is not None else self._stored[resource].get((namespace, name))

    def stored(self, resource: str, namespace: str, name: str) -> Obj | None:
        """An object as the cluster last showed it, whatever is assumed of it."""
        return self._stored[resource].get((namespace, name))

    def list(self, resource: str, namespace: str | None = None) -> Objects:
        """All objects, or those of one namespace, in the order of (namespace, name)."""
        names = self._sorted[resource]
        if names is None:
            names = self._sorted[resource] = sorted(self._stored[resource])
        return self._objects(resource, (name for name in names if namespace is None or name[0] == namespace))

    def grouped(self, resource: str, group: Group, value: str) -> Objects:
        """The objects for which `group` says `value`, in the order of (namespace, name).

        `group` must be a function of a module, and must not depend on what is ever assumed.
        """
        groups = self._groups.get((resource, group))
        if groups is None:
            groups = self._groups[resource, group] = {}
            for name, obj in self._stored[resource].items():
                groups.setdefault(group(obj), set()).add(name)
        return self._objects(resource, sorted(groups.get(value, ())))

    def version(self, resource: str) -> int:
        """A number that goes up whenever something of the resource changed."""
        return self._versions[resource]

    def assume(self, actions: Iterable[Action]) -> None:
        """See the objects of these writes as if they were written, until the cluster shows that they were, or something else."""
        for action in self._noted("assume", actions):
            resource, name = _target(action)
            stored = self._stored.get(resource, {}).get(name)
            if isinstance(action, Update | Patch) and stored is not None:
                made = Assumed(action, action.obj if isinstance(action, Update) else stored).on(stored)
                if made is not None:
                    self._assumed[resource][name] = made
                    self._versions[resource] += 1

    def forget(self, actions: Iterable[Action]) -> None:
        """Undo `assume` of these writes where it still holds."""
        for action in self._noted("forget", actions):
            resource, name = _target(action)
            assumed = self._assumed.get(resource, {}).get(name)
            if assumed is not None and assumed.action is action:
                del self._assumed[resource][name]
                self._versions[resource] += 1

    def _noted(self, method: str, actions: Iterable[Action]) -> tuple[Action, ...]:
        listed = tuple(actions)
        if self.journal is not None and listed:
            self.journal.append((method, listed))
        return listed

    def _objects(self, resource: str, names: Iterable[Name]) -> Objects:
        stored, assumed = self._stored[resource], self._assumed[resource]
        return [assumed[name].obj if name in assumed else stored[name] for name in names]

    def _regroup(self, resource: str, name: Name, old: Obj | None, new: Obj | None) -> None:
        for (grouped, group), groups in self._groups.items():
            if grouped == resource:
                if old is not None:
                    groups[group(old)].discard(name)
                if new is not None:
                    groups.setdefault(group(new), set()).add(name)


def _target(action: Action) -> tuple[str, Name]:
    """(resource, name) of a write; ("", …) for other actions."""
    if isinstance(action, Update):
        return action.resource, _name(action.obj)
    return (action.resource, (action.namespace, action.name)) if isinstance(action, Patch) else ("", ("", ""))


def _users(status: Obj) -> set[str]:
    """Who a claim is reserved for."""
    return {user.get("uid") or "" for user in status.get("reservedFor") or ()}


def _name(obj: Obj) -> Name:
    metadata = obj["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


def _version(obj: Obj) -> str:
    return str(obj["metadata"].get("resourceVersion") or "")
