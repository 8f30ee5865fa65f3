"""NodeVolumeLimits: how many volumes of a CSI driver a node can attach (as in plugins/nodevolumelimits)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import migration, plugin, volumes
from k8s_notebook.scheduler.pods import PodClass

EXCEEDED = "node(s) exceed max volume count"
ATTACHMENTS, CSI_NODES = "volumeattachments.storage.k8s.io", "csinodes.storage.k8s.io"

Attached = dict[str, str]
"""driver/handle -> driver"""


def moves(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools | None:
    """Which slots would have more volumes of a driver than their CSINode admits."""
    owner = volumes.of_class(pod)
    if _missing(owner, cluster):
        return np.ones(len(at), np.bool_)
    new = dict(_attachable(owner, cluster))
    if not new:
        return None
    return np.array([_exceeds(new, cluster, int(slot)) for slot in at], np.bool_)


def reasons(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Reasons:
    """Too many volumes, or the claim that cannot be looked up."""
    owner = volumes.of_class(pod)
    name = _missing(owner, cluster)
    text = EXCEEDED
    if name:
        text = f"looking up PVC {owner.namespace}/{name}: {volumes.missing('persistentvolumeclaim', name)}"
    return plugin.Reasons([text], np.ones((len(at), 1), np.bool_), np.full(len(at), bool(name)))


def _missing(owner: volumes.Owner, cluster: Cluster) -> str:
    """The first claim that does not exist; the filters before this one usually found that out."""
    names = (name for name, _ in volumes.wanted(owner))
    return next((n for n in names if cluster.beside.get(volumes.CLAIMS, owner.namespace, n) is None), "")


def _exceeds(new: Attached, cluster: Cluster, slot: int) -> bool:
    limits = _limits(volumes.csi_node(cluster, slot))
    if limits.keys().isdisjoint(new.values()):
        return False
    node, held = cluster.names[slot], Attached()
    for uid, placed in cluster.pods_on(node).items():
        if placed.pod_class.spec.get("volumes"):
            held.update(_attachable(volumes.of_placed(uid, placed), cluster))
    there = Counter({**dict(_attachments(node, cluster)), **held}.values())
    more = Counter(driver for handle, driver in new.items() if handle not in held)
    return any(driver in limits and there[driver] + count > limits[driver] for driver, count in more.items())


def _limits(csi_node: Obj | None) -> dict[str, int]:
    """driver -> how many volumes the node takes; drivers without a limit are not in it."""
    drivers = ((csi_node or {}).get("spec") or {}).get("drivers") or ()
    counts = {d["name"]: (d.get("allocatable") or {}).get("count") for d in drivers}
    return {name: count for name, count in counts.items() if count is not None}


def _attachments(node: str, cluster: Cluster) -> Iterator[tuple[str, str]]:
    """(driver/handle, driver) of what the cluster says is attached to a node."""
    for attachment in cluster.beside.grouped(ATTACHMENTS, node_of, node):
        driver, named = attachment["spec"].get("attacher"), (attachment["spec"].get("source") or {}).get("persistentVolumeName")
        volume = cluster.beside.get(volumes.VOLUMES, "", named) if driver and named is not None else None
        if volume is not None and volume["spec"].get("csi") is not None:
            yield f"{driver}/{volume['spec']['csi'].get('volumeHandle', '')}", driver


def node_of(attachment: Obj) -> str:
    """The node of a VolumeAttachment."""
    return str(attachment["spec"].get("nodeName") or "")


def _attachable(owner: volumes.Owner, cluster: Cluster) -> Iterator[tuple[str, str]]:
    """(driver/handle, driver) of a pod's volumes on a node that has a CSINode."""
    claims = volumes.wanted(owner)
    for volume in owner.volumes:
        if volume.get("persistentVolumeClaim") is not None or volume.get("ephemeral") is not None:
            claim = cluster.beside.get(volumes.CLAIMS, owner.namespace, next(claims).name)
            found = _of_claim(claim, cluster) if claim is not None else None
        else:
            found = _translated(volume, {})
        if found is not None and all(found):
            yield "/".join(found), found[0]


def _of_claim(claim: Obj, cluster: Cluster) -> tuple[str, str] | None:
    """(driver, handle) of a claim: of its volume, else of the volume that its class would make."""
    named = claim["spec"].get("volumeName")
    volume = cluster.beside.get(volumes.VOLUMES, "", named) if named else None
    if volume is None:
        return _to_be_made(claim, cluster)
    source = volume["spec"].get("csi")
    if source is None:
        return _translated(volume["spec"], volume["metadata"].get("labels") or {})
    return source.get("driver") or "", source.get("volumeHandle") or ""


def _to_be_made(claim: Obj, cluster: Cluster) -> tuple[str, str] | None:
    """(driver, handle) of a claim without a volume; its handle is one that no volume has."""
    found = cluster.beside.get(volumes.CLASSES, "", volumes.class_of_claim(claim))
    if found is None:
        return None
    provisioner: str = found.get("provisioner") or ""
    migrated = migration.by_plugin(provisioner)
    if migrated is None and provisioner in migration.NOT_COUNTED:
        return None
    metadata = claim["metadata"]
    return migrated.driver if migrated else provisioner, f"\n{metadata.get('namespace') or ''}/{metadata['name']}"


def _translated(spec: Obj, labels: dict[str, str]) -> tuple[str, str] | None:
    """(driver, handle) of an in-tree volume that a CSI driver took over."""
    found = migration.of(spec)
    handle = found[0].handle(found[1], labels) if found else None
    return (found[0].driver, handle) if found and handle is not None else None


PLUGIN = plugin.Plugin(
    "NodeVolumeLimits",
    moves=moves,
    reasons=reasons,
    reads=(volumes.CLAIMS, volumes.VOLUMES, volumes.CLASSES, CSI_NODES, ATTACHMENTS),
)
