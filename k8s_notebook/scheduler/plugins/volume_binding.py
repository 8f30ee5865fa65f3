"""VolumeBinding: a pod's claims have volumes that its node can use, or get some there (as in plugins/volumebinding).

Deciding and acting are apart: `fails` and `reasons` judge nodes; once a node is chosen, `prebind` says what to write and
`prebound` whether the volume controller has finished. Between the two, `cluster.beside.assume(actions)` keeps other pods from
taking the same volumes, and `cluster.beside.forget(actions)` lets them go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from k8s_notebook.machinery.actions import Action, Update
from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import plugin, volume_matching, volumes
from k8s_notebook.scheduler.pods import PodClass

UNREACHABLE = "node(s) didn't match PersistentVolume's node affinity"
NOTHING_FITS = "node(s) didn't find available persistent volumes to bind"
NO_ROOM = "node(s) did not have enough free storage"
LOST = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
TIMED_OUT = "binding volumes: context deadline exceeded"
"""What to say when `prebound` was not true in time."""
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
READS = (
    volumes.CLAIMS, volumes.VOLUMES, volumes.CLASSES, "csinodes.storage.k8s.io", "csidrivers.storage.k8s.io",
    "csistoragecapacities.storage.k8s.io",
)  # fmt: skip


class Claims(NamedTuple):
    """The claims of a pod."""

    bound: list[Obj]
    waiting: list[Obj]
    """for a node"""
    trouble: str
    """why no node will do"""


def rejects(pod: PodClass, cluster: Cluster) -> str:
    """Why the pod cannot be placed whatever the nodes are like, or ""."""
    return claims_of(volumes.of_class(pod), cluster).trouble


def fails(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools | None:
    """Which slots cannot reach a volume of the pod, or cannot be given one."""
    claims = claims_of(volumes.of_class(pod), cluster)
    if not claims.bound and not claims.waiting:
        return None
    refused: plugin.Bools = np.any(_verdicts(claims, cluster, at), axis=1)
    return refused


def reasons(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Reasons:
    """What is wrong with the volumes on each slot."""
    verdicts = _verdicts(claims_of(volumes.of_class(pod), cluster), cluster, at)
    return plugin.Reasons([UNREACHABLE, NOTHING_FITS, NO_ROOM, LOST], verdicts, np.ones(len(at), np.bool_))


def claims_of(owner: volumes.Owner, cluster: Cluster) -> Claims:
    """The claims of a pod by what is to be done with them (as PreFilter)."""
    claims = Claims([], [], "")
    unbound = False
    for wanted in volumes.wanted(owner):
        claim = cluster.beside.get(volumes.CLAIMS, owner.namespace, wanted.name)
        trouble = _unusable(owner, wanted, claim)
        if claim is None or trouble:
            return Claims([], [], trouble)
        if volumes.bound(claim):
            claims.bound.append(claim)
        elif not claim["spec"].get("volumeName") and volumes.waits(claim, cluster.beside):
            claims.waiting.append(claim)
        else:
            unbound = True
    return Claims([], [], UNBOUND) if unbound else claims


def _unusable(owner: volumes.Owner, wanted: volumes.Wanted, claim: Obj | None) -> str:
    """Why a claim cannot be used, or ""."""
    if claim is None:
        if wanted.ephemeral:
            return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{wanted.name}"'
        return volumes.missing("persistentvolumeclaim", wanted.name)
    if (claim.get("status") or {}).get("phase") == "Lost":
        volume = claim["spec"].get("volumeName") or ""
        return f'persistentvolumeclaim "{wanted.name}" bound to non-existent persistentvolume "{volume}"'
    if claim["metadata"].get("deletionTimestamp"):
        return f'persistentvolumeclaim "{wanted.name}" is being deleted'
    return volumes.foreign(owner, claim) if wanted.ephemeral else ""


def _verdicts(claims: Claims, cluster: Cluster, at: Ints) -> plugin.Bools:
    """[slot, reason]: what is wrong, in the order of the reasons' texts."""
    verdicts = np.zeros((len(at), 4), np.bool_)
    fine = np.ones(len(at), np.bool_)
    for claim in claims.bound:
        volume = cluster.beside.get(volumes.VOLUMES, "", claim["spec"]["volumeName"])
        if volume is None:
            verdicts[:, 3] = fine
            break
        away = fine & ~volumes.reachable(volume, cluster, at)
        verdicts[:, 0] |= away
        fine &= ~away
    if claims.waiting:
        matching = volume_matching.match(claims.waiting, cluster, at)
        verdicts[:, 1], verdicts[:, 2] = ~matching.found, ~matching.room
    return verdicts


def prebind(pod: Obj, node: str, cluster: Cluster) -> list[Action]:
    """What to write before a pod is bound to its node: volumes that become its claims', claims that get a volume made there.

    Empty if nothing is left to do. Each object in it carries the version that the decision rests on.
    """
    claims = claims_of(volumes.of_pod(pod), cluster)
    if not claims.waiting:
        return []
    matching = volume_matching.match(claims.waiting, cluster, np.array([cluster.slots[node]], np.int64))
    actions: list[Action] = [
        Update(given(tried[numbers[0]], claim), volumes.VOLUMES)
        for claim, numbers, tried in matching.picks
        if numbers[0] != volume_matching.NONE
    ]
    return actions + [
        Update(_annotated(claim, volumes.SELECTED_NODE, node), volumes.CLAIMS) for claim, made in matching.made if made[0]
    ]


def prebound(pod: Obj, node: str, cluster: Cluster, actions: Sequence[Action]) -> bool | str:
    """Whether what `prebind` asked for has come true; a sentence if it never will and the pod must be scheduled again."""
    namespace = pod["metadata"].get("namespace") or ""
    for action in actions:
        if isinstance(action, Update):
            written = action.obj
            mine = action.resource == volumes.CLAIMS
            name = (written if mine else {"metadata": written["spec"]["claimRef"]})["metadata"]["name"]
            claim = cluster.beside.stored(volumes.CLAIMS, namespace, name)
            found = _made(claim, written, node, cluster) if mine else _taken(claim, written, node, cluster)
            if found is not True:
                return f"binding volumes: {found}" if found else False
    return True


def given(volume: Obj, claim: Obj) -> Obj:
    """A volume as it is once a claim has it (as GetBindVolumeToClaim)."""
    reference = volume["spec"].get("claimRef")
    metadata = claim["metadata"]
    wanted = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": metadata.get("namespace") or ""}
    wanted |= {"name": metadata["name"], "uid": metadata.get("uid"), "resourceVersion": metadata.get("resourceVersion")}
    if reference is not None and volume_matching.refers(reference, claim):
        if reference.get("uid") == metadata.get("uid"):
            return volume
    else:
        volume = _annotated(volume, BOUND_BY_CONTROLLER, "yes")
    return {**volume, "spec": {**volume["spec"], "claimRef": wanted}}


def _annotated(obj: Obj, key: str, value: str) -> Obj:
    metadata = obj["metadata"]
    return {**obj, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), key: value}}}


def _unseen(stored: Obj, written: Obj) -> bool:
    """Whether the cluster has not shown a write yet."""
    return stored["metadata"].get("resourceVersion") == written["metadata"].get("resourceVersion") and stored != written


def _taken(claim: Obj | None, written: Obj, node: str, cluster: Cluster) -> bool | str:
    """Whether a claim has the volume that was there."""
    name = written["metadata"]["name"]
    volume = cluster.beside.stored(volumes.VOLUMES, "", name)
    if volume is None or claim is None:
        reference = written["spec"]["claimRef"]
        gone = (volumes.VOLUMES, name) if volume is None else (volumes.CLAIMS, f"{reference['namespace']}/{reference['name']}")
        return f"failed to check binding: {volumes.missing(*gone)}"
    if _unseen(volume, written):
        return False
    trouble = _out_of_reach(volume, node, cluster)
    if not trouble and not (volume["spec"].get("claimRef") or {}).get("uid"):
        trouble = f'ClaimRef got reset for pv "{name}"'
    return trouble or volumes.bound(claim)


def _made(claim: Obj | None, written: Obj, node: str, cluster: Cluster) -> bool | str:
    """Whether a claim has the volume that is made for it."""
    metadata = written["metadata"]
    name = metadata["name"]
    if claim is None:
        return f"failed to check provisioning pvc: {volumes.missing(volumes.CLAIMS, '/'.join((metadata['namespace'], name)))}"
    if _unseen(claim, written):
        return False
    annotations = claim["metadata"].get("annotations")
    if not annotations:
        return f'selectedNode annotation reset for PVC "{name}"'
    if annotations.get(volumes.SELECTED_NODE) != node:
        return f'provisioning failed for PVC "{name}"'
    if claim["spec"].get("volumeName"):
        volume = cluster.beside.stored(volumes.VOLUMES, "", claim["spec"]["volumeName"])
        if volume is None:
            return False
        trouble = _out_of_reach(volume, node, cluster)
        if trouble:
            return trouble
    return volumes.bound(claim)


def _out_of_reach(volume: Obj, node: str, cluster: Cluster) -> str:
    """Why a node cannot use a volume after all, or ""."""
    if node not in cluster.slots:
        return f'failed to get node "{node}": {volumes.missing("node", node)}'
    if volumes.reachable(volume, cluster, np.array([cluster.slots[node]], np.int64))[0]:
        return ""
    return f'pv "{volume["metadata"]["name"]}" node affinity doesn\'t match node "{node}": no matching NodeSelectorTerms'


PLUGIN = plugin.Plugin(
    "VolumeBinding",
    fails=fails,
    rejects=rejects,
    reasons=reasons,
    reads=READS,
)
