"""Which volume a claim would get on each node: one that is there, else one that is made (as in volumebinding/binder.go)."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from k8s_notebook.objects import Obj, label_selectors, quantity
from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import node_affinity, plugin, volumes

NONE = -1


@dataclass(slots=True)
class Matching:
    """What the claims of a pod that wait for a node would get on each slot."""

    found: plugin.Bools
    """[slot]: every claim can have a volume"""
    room: plugin.Bools
    """[slot]: the driver has storage for those that must be made"""
    picks: list[tuple[Obj, Ints, list[Obj]]] = field(default_factory=list)
    """(claim, [slot]: number of a volume or NONE, volumes)"""
    made: list[tuple[Obj, plugin.Bools]] = field(default_factory=list)
    """(claim, [slot]: a volume is made for it)"""


def match(claims: list[Obj], cluster: Cluster, at: Ints) -> Matching:
    """The volumes of claims that wait for a node, smallest claim first so that each gets the smallest fit."""
    matching = Matching(np.ones(len(at), np.bool_), np.ones(len(at), np.bool_))
    pending = [(claim, np.ones(len(at), np.bool_)) for claim in claims if _chosen_node(claim) is not None]
    for claim, _ in pending:
        matching.found &= at == cluster.slots.get(_chosen_node(claim) or "", NONE)
    elsewhere = ~matching.found
    for claim in sorted((c for c in claims if _chosen_node(c) is None), key=_size):
        numbers, candidates = _pick(claim, matching.picks, cluster, at)
        matching.picks.append((claim, numbers, candidates))
        pending.append((claim, numbers == NONE))
    undecided = ~elsewhere
    for claim, needed in pending:
        _make(claim, needed & undecided, matching, cluster, at)
        undecided &= matching.found & matching.room
        matching.made.append((claim, needed))
    return matching


def _chosen_node(claim: Obj) -> str | None:
    """The node for which the claim's volume is being made already."""
    found: str | None = (claim["metadata"].get("annotations") or {}).get(volumes.SELECTED_NODE)
    return found


def _size(claim: Obj) -> Fraction:
    return quantity.parse(_requests(claim).get("storage", 0))


def _requests(claim: Obj) -> dict[str, Any]:
    return (claim["spec"].get("resources") or {}).get("requests") or {}


def _pick(claim: Obj, earlier: list[tuple[Obj, Ints, list[Obj]]], cluster: Cluster, at: Ints) -> tuple[Ints, list[Obj]]:
    """For each slot the number of the smallest volume that fits and no earlier claim got there (as FindMatchingVolume)."""
    bound, free = candidates(claim, cluster)
    tried = bound or free
    numbers = np.full(len(at), NONE, np.int64)
    open_slots = np.ones(len(at), np.bool_)
    for number, volume in enumerate(tried):
        here = np.flatnonzero(open_slots)
        if not len(here):
            break
        left = ~_given(volume, earlier)[here] if earlier else np.ones(len(here), np.bool_)
        fits = left & node_can_use(volume, cluster, at[here])
        numbers[here[fits]] = number
        open_slots[here[fits | left] if bound else here[fits]] = False
    return numbers, tried


def _given(volume: Obj, earlier: list[tuple[Obj, Ints, list[Obj]]]) -> plugin.Bools:
    """[slot]: an earlier claim got this volume."""
    taken = np.zeros(len(earlier[0][1]), np.bool_)
    for _, numbers, tried in earlier:
        taken |= np.array([other is volume for other in tried] + [False], np.bool_)[numbers]
    return taken


def node_can_use(volume: Obj, cluster: Cluster, at: Ints) -> plugin.Bools:
    """Which slots match the node affinity of a volume that is not bound yet."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return volumes.selected(None if required is None else required.get("nodeSelectorTerms") or [], cluster, at)


def candidates(claim: Obj, cluster: Cluster) -> tuple[list[Obj], list[Obj]]:
    """(volumes that are bound to the claim already, volumes that it could have, smallest first)."""
    size, wanted = _size(claim), claim["spec"]
    bound, free = [], []
    selector = label_selectors.from_spec(wanted["selector"]) if wanted.get("selector") is not None else label_selectors.EVERYTHING
    for volume in cluster.beside.grouped(volumes.VOLUMES, volumes.class_of_volume, volumes.class_of_claim(claim)):
        reference = volume["spec"].get("claimRef")
        mine = reference is not None and refers(reference, claim)
        if (reference is not None and not mine) or not _alike(volume, wanted, size):
            continue
        if mine:
            bound.append(volume)
        elif _available(volume, wanted) and selector.matches(volume["metadata"].get("labels")):
            free.append(volume)
    return bound, sorted(free, key=_capacity)


def refers(reference: Obj, claim: Obj) -> bool:
    """Whether a volume's claimRef means a claim."""
    metadata = claim["metadata"]
    same = reference.get("name") == metadata["name"] and (reference.get("namespace") or "") == (metadata.get("namespace") or "")
    return same and reference.get("uid") in (None, "", metadata.get("uid"))


def _capacity(volume: Obj) -> Fraction:
    return quantity.parse((volume["spec"].get("capacity") or {}).get("storage", 0))


def _alike(volume: Obj, wanted: Obj, size: Fraction) -> bool:
    """Whether a volume is large enough, of the right mode and attributes, and stays."""
    spec = volume["spec"]
    return (
        _capacity(volume) >= size
        and (spec.get("volumeMode") or "Filesystem") == (wanted.get("volumeMode") or "Filesystem")
        and (spec.get("volumeAttributesClassName") or "") == (wanted.get("volumeAttributesClassName") or "")
        and not volume["metadata"].get("deletionTimestamp")
    )


def _available(volume: Obj, wanted: Obj) -> bool:
    modes = set(wanted.get("accessModes") or ())
    return (volume.get("status") or {}).get("phase") == "Available" and modes.issubset(volume["spec"].get("accessModes") or ())


def _make(claim: Obj, needed: plugin.Bools, matching: Matching, cluster: Cluster, at: Ints) -> None:
    """Note on which of the slots no volume can be made for a claim (as checkVolumeProvisions)."""
    if not needed.any():
        return
    storage_class = cluster.beside.get(volumes.CLASSES, "", volumes.class_of_claim(claim)) or {}
    provisioner = storage_class.get("provisioner") or ""
    if provisioner in ("", volumes.NO_PROVISIONER):
        matching.found &= ~needed
        return
    topologies = storage_class.get("allowedTopologies") or ()
    admitted = _admitted(topologies, cluster, at) if topologies else np.ones(len(at), np.bool_)
    matching.found &= ~needed | admitted
    here = np.flatnonzero(needed & admitted)
    size = _requests(claim).get("storage")
    if size is not None and _tracks_capacity(provisioner, cluster):
        matching.room[here] &= _has_room(quantity.value(size), storage_class["metadata"]["name"], cluster, at[here])


def _admitted(topologies: list[Obj], cluster: Cluster, at: Ints) -> plugin.Bools:
    matched = np.zeros(len(at), np.bool_)
    for term in topologies:
        expressions = [{**e, "operator": "In"} for e in term.get("matchLabelExpressions") or ()]
        matched |= node_affinity.matches({"matchExpressions": expressions}, cluster, at)
    return matched


def _tracks_capacity(provisioner: str, cluster: Cluster) -> bool:
    driver = cluster.beside.get("csidrivers.storage.k8s.io", "", provisioner)
    return bool(driver and (driver.get("spec") or {}).get("storageCapacity"))


def _has_room(size: int, storage_class: str, cluster: Cluster, at: Ints) -> plugin.Bools:
    """From which slots some storage of the class with `size` bytes left can be reached."""
    matched = np.zeros(len(at), np.bool_)
    for capacity in cluster.beside.grouped("csistoragecapacities.storage.k8s.io", class_of_capacity, storage_class):
        limit = capacity.get("maximumVolumeSize", capacity.get("capacity"))
        topology = capacity.get("nodeTopology")
        if limit is not None and quantity.value(limit) >= size and topology is not None:
            matched |= _labelled(topology, cluster, at)
    return matched


def class_of_capacity(capacity: Obj) -> str:
    """The storage class of a CSIStorageCapacity."""
    return str(capacity.get("storageClassName") or "")


def _labelled(selector: Obj, cluster: Cluster, at: Ints) -> plugin.Bools:
    """Which slots a label selector matches; an empty one matches all."""
    labels = selector.get("matchLabels") or {}
    expressions = [{"key": key, "operator": "In", "values": [value]} for key, value in labels.items()]
    expressions += selector.get("matchExpressions") or ()
    return node_affinity.matches({"matchExpressions": expressions}, cluster, at) if expressions else np.ones(len(at), np.bool_)
