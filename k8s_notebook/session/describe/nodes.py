"""Nodes, with the pods on them and what they ask for."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_notebook.objects import Obj, errors, quantity, tables
from k8s_notebook.session import reading
from k8s_notebook.session.describe.lines import Page, notes, when
from k8s_notebook.session.door import Door
from k8s_notebook.sim import clock

_ROLE = "node-role.kubernetes.io/"


def describe(door: Door, page: Page, node: Obj) -> None:
    """Conditions, capacity, system, and what its pods take of it."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    roles = sorted(k.removeprefix(_ROLE) for k in metadata.get("labels") or {} if k.startswith(_ROLE))
    page.pair(0, "Name", metadata["name"])
    page.pair(0, "Roles", ",".join(roles))
    page.mapping(0, "Labels", metadata.get("labels"))
    notes(page, metadata)
    page.pair(0, "CreationTimestamp", when(metadata.get("creationTimestamp")))
    page.several(0, "Taints", [_taint(t) for t in spec.get("taints") or ()])
    page.pair(0, "Unschedulable", "true" if spec.get("unschedulable") else "false")
    _lease(door, page, metadata["name"])
    head = ("Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message")
    page.add(0, "Conditions:")
    page.table(1, head, [_condition(c) for c in status.get("conditions") or ()], padded=5)
    page.add(0, "Addresses:")
    for address in status.get("addresses") or ():
        page.pair(1, address["type"], address["address"])
    for key in ("capacity", "allocatable"):
        page.add(0, f"{key.title()}:")
        for name, amount in sorted((status.get(key) or {}).items()):
            page.pair(1, name, amount)
    _system(page, status.get("nodeInfo") or {})
    for key, title in (("podCIDR", "PodCIDR"), ("podCIDRs", "PodCIDRs"), ("providerID", "ProviderID")):
        if spec.get(key):
            page.pair(0, title, spec[key] if isinstance(spec[key], str) else ",".join(spec[key]))
    _pods(door, page, node)


def _taint(taint: Obj) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def _lease(door: Door, page: Page, name: str) -> None:
    try:
        found = reading.items(door, door.kind("leases.coordination.k8s.io"), "kube-node-lease", fields=f"metadata.name={name}")
    except errors.ApiError as error:
        page.pair(0, "Lease", f"not shown: {error.message}")
        return
    page.add(0, "Lease:")
    spec = (found[0].get("spec") or {}) if found else {}
    page.pair(1, "HolderIdentity", spec.get("holderIdentity") or "<unset>")
    page.pair(1, "AcquireTime", when(spec.get("acquireTime")))
    page.pair(1, "RenewTime", when(spec.get("renewTime")))


def _condition(found: Obj) -> tuple[str, ...]:
    beat, change = when(found.get("lastHeartbeatTime")), when(found.get("lastTransitionTime"))
    return found["type"], found["status"], beat, change, found.get("reason", ""), found.get("message", "")


def _system(page: Page, info: Obj) -> None:
    page.add(0, "System Info:")
    titles = (
        ("machineID", "Machine ID"), ("systemUUID", "System UUID"), ("bootID", "Boot ID"), ("kernelVersion", "Kernel Version"),
        ("osImage", "OS Image"), ("operatingSystem", "Operating System"), ("architecture", "Architecture"),
        ("containerRuntimeVersion", "Container Runtime Version"), ("kubeletVersion", "Kubelet Version"),
    )  # fmt: skip
    for key, title in titles:
        page.add(1, f"{title}:", info.get(key) or "")


def _pods(door: Door, page: Page, node: Obj) -> None:
    name = node["metadata"]["name"]
    fields = f"spec.nodeName={name},status.phase!=Failed,status.phase!=Succeeded"
    try:
        found = reading.items(door, door.kind("pods"), "", fields=fields)
    except errors.ApiError as error:
        page.pair(0, "Non-terminated Pods", f"not shown: {error.message}")
        return
    has = (node.get("status") or {}).get("allocatable") or {}
    now = clock.Wall().now()
    page.add(0, "Non-terminated Pods:", f"({len(found)} in total)")
    head = ("Namespace", "Name", "", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age")
    page.table(1, head, [_pod(p, has, now) for p in found])
    page.add(0, "Allocated resources:")
    page.raw("  (Total limits may be over 100 percent, i.e., overcommitted.)")
    page.table(1, ("Resource", "Requests", "Limits"), [_allocated(found, has, r) for r in ("cpu", "memory", "ephemeral-storage")])


def _pod(pod: Obj, has: Obj, now: float) -> tuple[str, ...]:
    metadata = pod["metadata"]
    amounts = [_share(_sum([pod], kind, name), has, name) for name in ("cpu", "memory") for kind in ("requests", "limits")]
    age = tables.human_duration(now - clock.seconds(metadata["creationTimestamp"]))
    return metadata["namespace"], metadata["name"], "", *amounts, age


def _allocated(pods: list[Obj], has: Obj, name: str) -> tuple[str, ...]:
    return name, _share(_sum(pods, "requests", name), has, name), _share(_sum(pods, "limits", name), has, name)


def _sum(pods: Iterable[Obj], kind: str, name: str) -> int:
    """Thousandths that the containers of pods request or are limited to; a pod needs its largest init container at least."""
    total = 0
    for pod in pods:
        spec = pod["spec"]
        sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
        first = [_amount(c, kind, name) for c in spec.get("initContainers") or () if c not in sidecars]
        total += max(sum(_amount(c, kind, name) for c in (*spec["containers"], *sidecars)), *first, 0)
    return total


def _amount(container: Obj, kind: str, name: str) -> int:
    found = ((container.get("resources") or {}).get(kind) or {}).get(name)
    return quantity.milli(found) if found else 0


def _share(milli: int, has: Obj, name: str) -> str:
    whole = quantity.milli(has[name]) if has.get(name) else 0
    percent = milli * 100 // whole if whole else 0
    return f"{_shown(milli, name)} ({percent}%)"


def _shown(milli: int, name: str) -> str:
    if name == "cpu":
        return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"
    amount = milli // 1000
    for unit in ("Gi", "Mi", "Ki"):
        size = 1024 ** (("Ki", "Mi", "Gi").index(unit) + 1)
        if amount and amount % size == 0:
            return f"{amount // size}{unit}"
    return str(amount)
