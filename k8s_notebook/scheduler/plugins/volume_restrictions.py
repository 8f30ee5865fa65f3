"""VolumeRestrictions: disks and claims that one pod at a time may use (as in plugins/volumerestrictions)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import plugin, volumes
from k8s_notebook.scheduler.pods import PodClass

DISK = "node(s) had no available disk"
IN_USE = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"


def rejects(pod: PodClass, cluster: Cluster) -> str:
    """The sentence about a claim that does not exist, or ""."""
    owner = volumes.of_class(pod)
    for name, ephemeral in volumes.wanted(owner):
        if not ephemeral and cluster.beside.get(volumes.CLAIMS, owner.namespace, name) is None:
            return volumes.missing("persistentvolumeclaim", name)
    return ""


def moves(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools | None:
    """Which slots have a pod with a disk of this pod; all of them if a claim for one pod is in use anywhere."""
    if exclusive_in_use(pod, cluster):
        return np.ones(len(at), np.bool_)
    disks = _disks(pod.spec)
    if not disks:
        return None
    return np.array([_taken(disks, cluster, int(slot)) for slot in at], np.bool_)


def reasons(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Reasons:
    """The disk first, then the claim."""
    disks = _disks(pod.spec)
    taken = np.array([_taken(disks, cluster, int(slot)) for slot in at], np.bool_)
    return plugin.Reasons([DISK, IN_USE], np.stack((taken, ~taken), axis=1), np.zeros(len(at), np.bool_))


def exclusive_in_use(pod: PodClass, cluster: Cluster) -> bool:
    """Whether some pod on a node uses a ReadWriteOncePod claim of this pod."""
    owner = volumes.of_class(pod)
    wanted = {name for name, ephemeral in volumes.wanted(owner) if not ephemeral and _exclusive(name, owner, cluster)}
    return bool(wanted) and any(
        placed.namespace == owner.namespace and not wanted.isdisjoint(_claims(placed.pod_class.spec))
        for placed in cluster.placed.values()
        if placed.node in cluster.slots
    )


def _exclusive(name: str, owner: volumes.Owner, cluster: Cluster) -> bool:
    claim = cluster.beside.get(volumes.CLAIMS, owner.namespace, name) or {"spec": {}}
    return "ReadWriteOncePod" in (claim["spec"].get("accessModes") or ())


def _claims(spec: Obj) -> Iterator[str]:
    """The claims that a pod's spec names."""
    for volume in spec.get("volumes") or ():
        if volume.get("persistentVolumeClaim") is not None:
            yield volume["persistentVolumeClaim"].get("claimName") or ""


def _disks(spec: Obj) -> list[tuple[str, Obj]]:
    """(field, source) of the volumes that are disks of one mount."""
    return [(field, v[field]) for v in spec.get("volumes") or () for field in _CONFLICTS if v.get(field) is not None]


def _taken(disks: list[tuple[str, Obj]], cluster: Cluster, slot: int) -> bool:
    return any(
        field == other and _CONFLICTS[field](mine, its)
        for placed in cluster.pods_on(cluster.names[slot]).values()
        for other, its in _disks(placed.pod_class.spec)
        for field, mine in disks
    )


def _writes(mine: Obj, its: Obj) -> bool:
    return not (mine.get("readOnly") and its.get("readOnly"))


def _same_gce(mine: Obj, its: Obj) -> bool:
    return mine.get("pdName") == its.get("pdName") and _writes(mine, its)


def _same_aws(mine: Obj, its: Obj) -> bool:
    return bool(mine.get("volumeID") == its.get("volumeID"))


def _same_iscsi(mine: Obj, its: Obj) -> bool:
    return mine.get("iqn") == its.get("iqn") and _writes(mine, its)


def _same_rbd(mine: Obj, its: Obj) -> bool:
    one_monitor = not set(mine.get("monitors") or ()).isdisjoint(its.get("monitors") or ())
    same = all(mine.get(field, default) == its.get(field, default) for field, default in (("pool", "rbd"), ("image", "")))
    return one_monitor and same and _writes(mine, its)


_CONFLICTS: dict[str, Callable[[Obj, Obj], bool]] = {
    "gcePersistentDisk": _same_gce,
    "awsElasticBlockStore": _same_aws,
    "iscsi": _same_iscsi,
    "rbd": _same_rbd,
}
"""field of a volume's spec -> whether two such sources may not be on one node."""

PLUGIN = plugin.Plugin(
    "VolumeRestrictions",
    moves=moves,
    rejects=rejects,
    reasons=reasons,
    reads=(volumes.CLAIMS,),
)
