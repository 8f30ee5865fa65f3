"""Taints: the ones that a node's condition calls for, and who tolerates which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8s_notebook.controllers import conditions
from k8s_notebook.objects import Obj

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"
BY_CONDITION = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
_OURS = frozenset((*BY_CONDITION.values(), UNSCHEDULABLE))


def of(node: Obj | None) -> list[Obj]:
    """The taints of a node."""
    return list(((node or {}).get("spec") or {}).get("taints") or ())


def evicting(node: Obj | None) -> list[Obj]:
    """The taints of a node that drive pods away."""
    return [t for t in of(node) if t["effect"] == NO_EXECUTE]


def has(found: Iterable[Obj], key: str, effect: str) -> bool:
    """Whether a taint with this key and effect is there."""
    return any(t["key"] == key and t["effect"] == effect for t in found)


def without(found: Iterable[Obj], key: str, effect: str) -> list[Obj]:
    """The taints but for one."""
    return [t for t in found if (t["key"], t["effect"]) != (key, effect)]


def scheduling(node: Obj, found: Sequence[Obj], stamp: str) -> list[Obj]:
    """The taints with those of effect NoSchedule that the node's conditions call for, and without those they do not."""
    listed = (node.get("status") or {}).get("conditions") or ()
    wanted = [key for c in listed if (key := BY_CONDITION.get((c["type"], c["status"])))]
    if (node.get("spec") or {}).get("unschedulable"):
        wanted.append(UNSCHEDULABLE)
    kept = [t for t in found if t["effect"] != NO_SCHEDULE or t["key"] not in _OURS or t["key"] in wanted]
    new = [key for key in wanted if not has(kept, key, NO_SCHEDULE)]
    return [*kept, *({"key": key, "effect": NO_SCHEDULE, "timeAdded": stamp} for key in new)]


def wanted_eviction(node: Obj) -> tuple[str, str] | None:
    """(the NoExecute taint that the Ready condition calls for, the one that it excludes); None while Ready or never heard of."""
    ready = conditions.of(node, "Ready")
    if ready is None or ready["status"] == "True":
        return None
    return (NOT_READY, UNREACHABLE) if ready["status"] == "False" else (UNREACHABLE, NOT_READY)


def tolerated_for(tolerations: Sequence[Obj], found: Sequence[Obj]) -> float | None:
    """How many seconds a pod may stay on a node with these taints; 0: not at all, None: forever."""
    limits = []
    for taint in found:
        toleration = next((t for t in tolerations if tolerates(t, taint)), None)
        if toleration is None:
            return 0.0
        if toleration.get("tolerationSeconds") is not None:
            limits.append(max(0.0, float(toleration["tolerationSeconds"])))
    return min(limits, default=None)


def tolerates(toleration: Obj, taint: Obj) -> bool:
    """Whether a toleration holds for a taint (as in api/core/v1: ToleratesTaint)."""
    effect, key = toleration.get("effect"), toleration.get("key")
    if (effect and effect != taint["effect"]) or (key and key != taint["key"]):
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    return bool(operator == "Equal" and (toleration.get("value") or "") == (taint.get("value") or ""))
