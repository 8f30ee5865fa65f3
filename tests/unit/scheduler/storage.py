"""Builders of storage objects, and what a volume plugin says about nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.plugins.plugin import Plugin
from tests.builders import Builder, ClusterBuilder, PodBuilder, anything, cluster_wide, node, pod

WAITS = "WaitForFirstConsumer"
RESOURCES = {
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PersistentVolume": "persistentvolumes",
    "StorageClass": "storageclasses.storage.k8s.io",
    "CSINode": "csinodes.storage.k8s.io",
    "CSIDriver": "csidrivers.storage.k8s.io",
    "CSIStorageCapacity": "csistoragecapacities.storage.k8s.io",
    "VolumeAttachment": "volumeattachments.storage.k8s.io",
    "ResourceClaim": "resourceclaims.resource.k8s.io",
    "DeviceClass": "deviceclasses.resource.k8s.io",
    "ResourceSlice": "resourceslices.resource.k8s.io",
}
"""kind -> resource"""


def claim(name: str = "data", size: str = "1Gi", storage: str = "local", modes: tuple[str, ...] = ("ReadWriteOnce",)) -> Builder:
    """A claim of a storage class."""
    made = anything("v1", "PersistentVolumeClaim", name).set("spec.storageClassName", storage)
    return made.set("spec.resources.requests.storage", size).set("spec.accessModes", list(modes))


def bound_claim(name: str = "data", volume: str = "pv", **fields: Any) -> Builder:
    """A claim that has its volume."""
    made = claim(name, **fields).set("spec.volumeName", volume).annotation("pv.kubernetes.io/bind-completed", "yes")
    return made.status(phase="Bound")


def volume(name: str = "pv", size: str = "1Gi", storage: str = "local", nodes: tuple[str, ...] = ()) -> ClusterBuilder:
    """A PersistentVolume that is free; with `nodes`, usable there only."""
    made = cluster_wide("v1", "PersistentVolume", name).set("spec.storageClassName", storage).status(phase="Available")
    made.set("spec.capacity.storage", size).set("spec.accessModes", ["ReadWriteOnce"]).set("spec.volumeMode", "Filesystem")
    return made.set("spec.nodeAffinity.required", on("kubernetes.io/hostname", *nodes)) if nodes else made


def on(key: str, *values: str) -> Obj:
    """A node selector with one condition."""
    return {"nodeSelectorTerms": [{"matchExpressions": [{"key": key, "operator": "In", "values": list(values)}]}]}


def storage_class(name: str = "local", provisioner: str = "kubernetes.io/no-provisioner", mode: str = WAITS) -> ClusterBuilder:
    """A storage class; by default of volumes that are made by hand and bound late."""
    made = cluster_wide("storage.k8s.io/v1", "StorageClass", name)
    return made.set("provisioner", provisioner).set("volumeBindingMode", mode)


def csi_node(name: str, handed_over: str = "", **limits: int) -> ClusterBuilder:
    """A CSINode with a limit per driver (`__` stands for a dot)."""
    drivers = [{"name": d.replace("__", "."), "nodeID": name, "allocatable": {"count": n}} for d, n in limits.items()]
    made = cluster_wide("storage.k8s.io/v1", "CSINode", name).set("spec.drivers", drivers)
    return made.annotation("storage.alpha.kubernetes.io/migrated-plugins", handed_over)


def using(*names: str, pod_name: str = "pod", read_only: bool = False) -> PodBuilder:
    """A pod with these claims."""
    made = pod(pod_name)
    for name in names:
        made.add("spec.volumes", {"name": name, "persistentVolumeClaim": {"claimName": name, "readOnly": read_only}})
    return made


def with_volume(pod_name: str = "pod", **source: Any) -> PodBuilder:
    """A pod with a volume in its spec."""
    return pod(pod_name).add("spec.volumes", {"name": "v", **source})


def cluster_of(*things: Builder, nodes: tuple[str, ...] = ("n1", "n2"), pods: tuple[PodBuilder, ...] = ()) -> Cluster:
    """A cluster of nodes `n1` in zone `z1`, …, with these objects and pods."""
    cluster = Cluster()
    for name in nodes:
        cluster.set_node(node(name).zone(name.replace("n", "z")).stored())
    for thing in things:
        obj = thing.stored()
        if obj["kind"] == "Node":
            cluster.set_node(obj)
        else:
            cluster.beside.put(RESOURCES[obj["kind"]], obj)
    for each in pods:
        obj = each.stored()
        cluster.place(obj["metadata"]["uid"], cluster.read(obj))
    return cluster


def verdicts(plugin: Plugin, pending: PodBuilder, cluster: Cluster) -> str | dict[str, list[str]]:
    """What a plugin says: why no node will do, or node -> reasons (empty if the node will do)."""
    pod_class = cluster.incoming(pending.stored()).pod_class
    if plugin.rejects is not None and (rejected := plugin.rejects(pod_class, cluster)):
        return rejected
    at = cluster.order
    refused = np.zeros(len(at), np.bool_)
    for judge in (plugin.fails, plugin.moves):
        found = judge(pod_class, cluster, at) if judge is not None else None
        refused |= found if found is not None else False
    said: dict[str, list[str]] = {cluster.names[slot]: [] for slot in at}
    if refused.any() and plugin.reasons is not None:
        reasons = plugin.reasons(pod_class, cluster, at[refused])
        for row, slot in enumerate(at[refused]):
            said[cluster.names[slot]] = [t for t, given in zip(reasons.texts, reasons.given[row], strict=True) if given]
    return said
