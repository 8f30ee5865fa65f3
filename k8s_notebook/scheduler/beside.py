"""Keeps up to date what a cluster has beside nodes and pods, as far as it is served and may be seen."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from k8s_notebook.machinery.cache import Informers, Listener
from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kinds
from k8s_notebook.scheduler import surroundings
from k8s_notebook.scheduler.arrays import Cluster

Changed = Callable[[str, Obj | None, Obj | None], None]

READ: dict[str, tuple[str, str]] = {
    "namespaces": ("metadata", "labels"),
    "services": ("spec", "selector"),
    "replicationcontrollers": ("spec", "selector"),
    "replicasets.apps": ("spec", "selector"),
    "statefulsets.apps": ("spec", "selector"),
}
"""Of what changes often: the one field that decisions read. Other changes of these are passed over."""

USED_BY: dict[str, str] = {
    "namespaces": "namespace selectors of pod affinity",
    "services": "the default topology spreading",
    "replicationcontrollers": "the default topology spreading",
    "replicasets.apps": "the default topology spreading",
    "statefulsets.apps": "the default topology spreading",
    "poddisruptionbudgets.policy": "preemption (disruption budgets are not respected)",
    **dict.fromkeys(
        ("persistentvolumeclaims", "persistentvolumes"), "VolumeBinding, VolumeZone, VolumeRestrictions and NodeVolumeLimits"
    ),
    **dict.fromkeys(
        ("storageclasses.storage.k8s.io", "csidrivers.storage.k8s.io", "csistoragecapacities.storage.k8s.io"), "VolumeBinding"
    ),
    **dict.fromkeys(("csinodes.storage.k8s.io", "volumeattachments.storage.k8s.io"), "NodeVolumeLimits"),
    **dict.fromkeys(
        ("resourceclaims.resource.k8s.io", "deviceclasses.resource.k8s.io", "resourceslices.resource.k8s.io"), "DynamicResources"
    ),
}
"""What does not see clearly without a resource."""


def watch(informers: Informers, kinds: Kinds, cluster: Cluster, without: Collection[str], changed: Changed) -> None:
    """Follow all resources of `surroundings.RESOURCES` that are served, but those in `without`; tell `changed` of each change."""
    for resource in served(kinds):
        if resource not in without:
            informers.listen(resource, _listener(resource, cluster, changed))


def served(kinds: Kinds) -> list[str]:
    """The resources that a cluster serves."""
    known = {kind.resource for kind in kinds}
    return [r for r in surroundings.RESOURCES if r in known]


def _listener(resource: str, cluster: Cluster, changed: Changed) -> Listener:
    stanza, field = READ.get(resource, ("", ""))

    def listen(old: Obj | None, new: Obj | None) -> None:
        if field and old is not None and new is not None and _part(old, stanza, field) == _part(new, stanza, field):
            return
        if new is not None:
            cluster.set_beside(resource, new)
        elif old is not None:
            metadata = old["metadata"]
            cluster.remove_beside(resource, metadata.get("namespace") or "", metadata["name"])
        changed(resource, old, new)

    return listen


def _part(obj: Obj, stanza: str, field: str) -> Any:
    return (obj.get(stanza) or {}).get(field)
