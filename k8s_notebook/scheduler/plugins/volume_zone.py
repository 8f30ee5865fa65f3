"""VolumeZone: a volume with zone or region labels can be used there only (as in plugins/volumezone)."""

from __future__ import annotations

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.labels import ABSENT
from k8s_notebook.scheduler.plugins import migration, plugin, volumes
from k8s_notebook.scheduler.pods import PodClass

KEYS = (migration.OLD_ZONE, migration.OLD_REGION, migration.ZONE, migration.REGION)
READS = (volumes.CLAIMS, volumes.VOLUMES, volumes.CLASSES)
_NEWER = {migration.OLD_ZONE: migration.ZONE, migration.OLD_REGION: migration.REGION}


def rejects(pod: PodClass, cluster: Cluster) -> str:
    """The sentence about a claim, class or volume that is missing, or ""."""
    return _volumes(pod, cluster)[1]


def fails(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools | None:
    """Which slots have zone labels, but not those of every volume."""
    constraints = [found for volume in _volumes(pod, cluster)[0] for found in _constraints(volume)]
    if not constraints:
        return None
    zoned = np.zeros(len(at), np.bool_)
    for key in KEYS:
        zoned |= cluster.labels.column(key).ids[at] != ABSENT
    inside = np.ones(len(at), np.bool_)
    for key, values in constraints:
        inside &= _matches(key, values, cluster, at)
    return zoned & ~inside


def _volumes(pod: PodClass, cluster: Cluster) -> tuple[list[Obj], str]:
    """The volumes behind a pod's claims, or why there is none behind one of them."""
    owner, found = volumes.of_class(pod), []
    for name, ephemeral in volumes.wanted(owner):
        if ephemeral:
            continue
        claim = cluster.beside.get(volumes.CLAIMS, owner.namespace, name)
        if claim is None:
            return [], volumes.missing("persistentvolumeclaim", name)
        named = claim["spec"].get("volumeName") or ""
        if not named:
            trouble = _unbound(claim, cluster)
            if trouble:
                return [], trouble
            continue
        volume = cluster.beside.get(volumes.VOLUMES, "", named)
        if volume is None:
            return [], volumes.missing("persistentvolume", named)
        found.append(volume)
    return found, ""


def _unbound(claim: Obj, cluster: Cluster) -> str:
    """Why a claim should have a volume by now, or ""."""
    name = volumes.class_of_claim(claim)
    if not name:
        return "PersistentVolumeClaim had no pv name and storageClass name"
    if cluster.beside.get(volumes.CLASSES, "", name) is None:
        return volumes.missing("storageclass.storage.k8s.io", name)
    return "" if volumes.waits(claim, cluster.beside) else "PersistentVolume had no name"


def _constraints(volume: Obj) -> list[tuple[str, list[str]]]:
    """(label key, values that will do) of a volume; labels that cannot be read do not count."""
    labels = volume["metadata"].get("labels") or {}
    split = [(key, [value.strip() for value in labels[key].split(migration.SEPARATOR)]) for key in KEYS if key in labels]
    return [(key, values) for key, values in split if all(values)]


def _matches(key: str, values: list[str], cluster: Cluster, at: Ints) -> plugin.Bools:
    column = cluster.labels.column(key)
    ids = column.ids[at]
    matched = np.isin(ids, [column.number(value) for value in values])
    if key in _NEWER:
        matched |= (ids == ABSENT) & _matches(_NEWER[key], values, cluster, at)
    return matched


PLUGIN = plugin.Plugin(
    "VolumeZone",
    fails=fails,
    rejects=rejects,
    reasons=plugin.says("node(s) had no available volume zone", final=True),
    reads=READS,
)
