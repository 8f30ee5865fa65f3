"""Node and Lease objects as a kubelet writes them: pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from k8s_notebook import release
from k8s_notebook.kubelet import addresses, images
from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import micro_timestamp, timestamp

SIMULATED = "k8s-notebook.io/simulated"
KWOK = "kwok.x-k8s.io/node"
LEASES = "kube-node-lease"
LEASE_SECONDS = 40
MOST_IMAGES = 50
"""Images that a node reports (nodeStatusMaxImages)."""

CAPACITY = {"cpu": "4", "ephemeral-storage": "100Gi", "memory": "16Gi", "pods": "110"}
_NO_HUGE_PAGES = {"hugepages-1Gi": "0", "hugepages-2Mi": "0"}
_GOOD = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
STARTED = ("Starting", "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeAllocatableEnforced")
"""The reasons of the events of a kubelet that starts."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a new node is like. `labels` are added to (or replace) the usual ones."""

    capacity: Mapping[str, str] = field(default_factory=lambda: CAPACITY)
    zones: tuple[str, ...] = ("zone-a", "zone-b", "zone-c")
    labels: Mapping[str, str] = field(default_factory=dict)


def is_simulated(node: Obj) -> bool:
    """Whether our kubelets play this node."""
    said = node["metadata"].get("annotations") or {}
    return said.get(SIMULATED) == "true" or said.get(KWOK) == "fake"


def new_node(number: int, shape: Shape, now: float) -> Obj:
    """The Node object that the kubelet of node `number` (from 1) registers."""
    name = f"node-{number}"
    network = addresses.pod_network(number)
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": shape.zones[(number - 1) % len(shape.zones)],
        **shape.labels,
    }
    node: Obj = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {SIMULATED: "true", "volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": {"podCIDR": network, "podCIDRs": [network]},
    }
    amounts = dict(sorted({**_NO_HUGE_PAGES, **shape.capacity}.items()))
    status = {"capacity": amounts, "allocatable": amounts}
    return {**node, "status": ready_status({**node, "status": status}, addresses.node_address(number), (), now)}


def ready_status(node: Obj, address: str, present: Iterable[str], now: float) -> Obj:
    """The status of a node that is well. `address`: its internal one, if it has none yet; `present`: the images on it."""
    old: Obj = node.get("status") or {}
    name, stamp = node["metadata"]["name"], timestamp(now)
    amounts = old.get("capacity") or dict(sorted({**_NO_HUGE_PAGES, **CAPACITY}.items()))
    status = {
        **old,
        "addresses": old.get("addresses") or [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
        "capacity": amounts,
        "allocatable": old.get("allocatable") or amounts,
        "conditions": _conditions(old, stamp),
        "daemonEndpoints": _endpoints(old),
        "nodeInfo": _info(name) | {k: v for k, v in (old.get("nodeInfo") or {}).items() if v},
        "images": _images(present),
    }
    return {k: v for k, v in status.items() if v}


def _endpoints(old: Obj) -> Obj:
    """Where the kubelet listens: the API writes port 0 for a node that a user made without one."""
    port = ((old.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
    return {"kubeletEndpoint": {"Port": port or 10250}}


def _conditions(old: Obj, stamp: str) -> list[Obj]:
    before = {c["type"]: c for c in old.get("conditions") or ()}
    found = [c for kind, c in before.items() if kind not in {g[0] for g in _GOOD}]
    for kind, value, reason, message in _GOOD:
        known = before.get(kind)
        since = known["lastTransitionTime"] if known and known["status"] == value else stamp
        found.append({"type": kind, "status": value, "lastHeartbeatTime": stamp, "lastTransitionTime": since,
                      "reason": reason, "message": message})  # fmt: skip
    return found


def is_well(node: Obj) -> bool:
    """Whether the node's conditions say what a kubelet that is well writes."""
    said = {c["type"]: c["status"] for c in (node.get("status") or {}).get("conditions") or ()}
    return all(said.get(kind) == value for kind, value, _, _ in _GOOD)


def is_ready(node: Obj) -> bool:
    """Whether the node's Ready condition is True."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in (node.get("status") or {}).get("conditions") or ())


def _images(present: Iterable[str]) -> list[dict[str, Any]]:
    entries = [images.image(name).entry() for name in present]
    return sorted(entries, key=lambda e: (-e["sizeBytes"], e["names"]))[:MOST_IMAGES]


def images_on(node: Obj) -> list[str]:
    """The names of the images that a node's status lists."""
    return [name for entry in (node.get("status") or {}).get("images") or () for name in entry.get("names") or ()]


def _info(name: str) -> dict[str, str]:
    machine = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    dashed = "-".join((machine[:8], machine[8:12], machine[12:16], machine[16:20], machine[20:]))
    return {
        "architecture": "amd64",
        "bootID": dashed,
        "containerRuntimeVersion": "containerd://2.1.0",
        "kernelVersion": "6.12.0-simulated",
        "kubeProxyVersion": "",
        "kubeletVersion": release.KUBERNETES,
        "machineID": machine,
        "operatingSystem": "linux",
        "osImage": "k8s-notebook (simulated)",
        "systemUUID": dashed,
    }


def internal_address(node: Obj) -> str:
    """The node's InternalIP, or ""."""
    listed = (node.get("status") or {}).get("addresses") or ()
    return next((str(a["address"]) for a in listed if a["type"] == "InternalIP"), "")


def new_lease(node: Obj, now: float) -> Obj:
    """The lease by which the kubelet of a node shows that it lives."""
    metadata = node["metadata"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": metadata["name"], "namespace": LEASES, "ownerReferences": [owner]},
        "spec": {"holderIdentity": metadata["name"], "leaseDurationSeconds": LEASE_SECONDS, "renewTime": micro_timestamp(now)},
    }


def renewed(lease: Obj, now: float) -> Obj:
    """The lease, renewed."""
    return {**lease, "spec": {**lease["spec"], "renewTime": micro_timestamp(now)}}


def start_sentence(reason: str, name: str) -> str:
    """The message of one of the events `STARTED`, or of NodeReady."""
    special = {"Starting": "Starting kubelet.", "NodeAllocatableEnforced": "Updated Node Allocatable limit across pods"}
    return special.get(reason) or f"Node {name} status is now: {reason}"
