"""What the volume plugins share: the claims of a pod, who owns them, which driver serves them, where they can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster, Ints, Placed
from k8s_notebook.scheduler.plugins import migration, node_affinity, plugin
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.surroundings import Surroundings

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


class Owner(NamedTuple):
    """A pod as far as its volumes go."""

    namespace: str
    name: str
    uid: str
    """"" where only the name is known"""
    volumes: list[Obj]


class Wanted(NamedTuple):
    """One claim that a pod refers to."""

    name: str
    ephemeral: bool
    """made for this pod alone"""


def of_class(pod: PodClass) -> Owner:
    """The pod of a class; classes of pods with claims are not shared between pods whose names matter."""
    return Owner(pod.namespace, pod.name, "", pod.spec.get("volumes") or [])


def of_pod(pod: Obj) -> Owner:
    """The pod of an object."""
    metadata = pod["metadata"]
    return Owner(metadata.get("namespace") or "", metadata["name"], metadata.get("uid") or "", pod["spec"].get("volumes") or [])


def of_placed(uid: str, pod: Placed) -> Owner:
    """A pod on a node."""
    return Owner(pod.namespace, pod.name, uid, pod.pod_class.spec.get("volumes") or [])


def wanted(owner: Owner) -> Iterator[Wanted]:
    """The claims of a pod, in the order of its volumes."""
    for volume in owner.volumes:
        if volume.get("persistentVolumeClaim") is not None:
            yield Wanted(volume["persistentVolumeClaim"].get("claimName") or "", False)
        elif volume.get("ephemeral") is not None:
            yield Wanted(f"{owner.name}-{volume['name']}", True)


def missing(resource: str, name: str) -> str:
    """The sentence of a look-up that failed."""
    return f'{resource} "{name}" not found'


def foreign(owner: Owner, claim: Obj) -> str:
    """Why a claim is not the one that was made for a pod's ephemeral volume, or ""."""
    references = claim["metadata"].get("ownerReferences") or ()
    controller: Obj = next((r for r in references if r.get("controller")), {})
    known = ("uid", owner.uid) if owner.uid else ("name", owner.name)
    if controller.get(known[0]) == known[1]:
        return ""
    at, pod = f"{owner.namespace}/{claim['metadata']['name']}", f"{owner.namespace}/{owner.name}"
    return f"PVC {at} was not created for pod {pod} (pod is not owner)"


def class_of_claim(claim: Obj) -> str:
    """The storage class that a claim asks for, or ""."""
    annotations = claim["metadata"].get("annotations") or {}
    return str(annotations.get(OLD_CLASS, claim["spec"].get("storageClassName") or ""))


def class_of_volume(volume: Obj) -> str:
    """The storage class of a PersistentVolume, or ""."""
    annotations = volume["metadata"].get("annotations") or {}
    return str(annotations.get(OLD_CLASS, volume["spec"].get("storageClassName") or ""))


def waits(claim: Obj, beside: Surroundings) -> bool:
    """Whether a claim is bound only once a pod with it has a node."""
    found = beside.get(CLASSES, "", class_of_claim(claim))
    return found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer"


def bound(claim: Obj) -> bool:
    """Whether a claim has its volume and the volume controller said so."""
    return bool(claim["spec"].get("volumeName")) and BIND_COMPLETED in (claim["metadata"].get("annotations") or {})


def reachable(volume: Obj, cluster: Cluster, at: Ints) -> plugin.Bools:
    """From which slots a PersistentVolume can be used: its node affinity, in CSI terms on nodes that handed its plugin over."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    plain = selected(None if required is None else required.get("nodeSelectorTerms") or [], cluster, at)
    found = migration.of(volume["spec"])
    if found is None or found[0].handle(found[1], volume["metadata"].get("labels") or {}) is None:
        return plain
    moved = np.array([found[0].plugin in _handed_over(cluster, int(slot)) for slot in at], np.bool_)
    if not moved.any():
        return plain
    return np.where(moved, selected(migration.terms(volume, found[0]), cluster, at), plain)


def selected(terms: list[Obj] | None, cluster: Cluster, at: Ints) -> plugin.Bools:
    """Which slots match one of the terms by their labels; None matches all.

    As volume.CheckNodeAffinity does it: it knows no node name, so conditions on fields are not looked at.
    """
    matched = np.full(len(at), terms is None)
    for term in terms or ():
        if term.get("matchExpressions"):
            matched |= node_affinity.matches({"matchExpressions": term["matchExpressions"]}, cluster, at)
        elif term.get("matchFields"):
            matched[:] = True
    return matched


def csi_node(cluster: Cluster, slot: int) -> Obj | None:
    """The CSINode of a node."""
    return cluster.beside.get("csinodes.storage.k8s.io", "", cluster.names[slot])


def _handed_over(cluster: Cluster, slot: int) -> list[str]:
    """The in-tree plugins that a node has handed over to CSI drivers."""
    found = csi_node(cluster, slot) or {"metadata": {}}
    named: str = (found["metadata"].get("annotations") or {}).get(migration.MIGRATED) or ""
    return named.split(",")
