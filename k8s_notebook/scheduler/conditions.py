"""What the scheduler writes into a pod's status: conditions, and the node where room is being made."""

from __future__ import annotations

from typing import Any

from k8s_notebook.machinery.actions import Patch
from k8s_notebook.objects import Obj
from k8s_notebook.sim import clock

BY_SCHEDULER = "PreemptionByScheduler"
"""The reason of the condition of a pod that kube-scheduler evicts."""


def scheduled(reason: str, message: str) -> dict[str, Any]:
    """The condition of a pod that has no node."""
    return {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}


def disrupted(scheduler: str) -> dict[str, Any]:
    """The condition of a pod that must make room."""
    message = f"{scheduler}: preempting to accommodate a higher priority pod"
    return {"type": "DisruptionTarget", "status": "True", "reason": BY_SCHEDULER, "message": message}


def patch(pod: Obj, now: float, condition: dict[str, Any] | None = None, nominated: str | None = None) -> Patch | None:
    """The patch that brings a pod's status to say so; None if it does. `nominated`: a node, "" for none, None as it is."""
    status = pod.get("status") or {}
    wanted: dict[str, Any] = {}
    if condition is not None and (written := _news(pod, condition, now)):
        wanted["conditions"] = [written]
    if nominated is not None and (status.get("nominatedNodeName") or "") != nominated:
        wanted["nominatedNodeName"] = nominated or None
    metadata = pod["metadata"]
    body = {"status": wanted}
    return Patch("pods", metadata["name"], metadata["namespace"], body, "strategic", "status") if wanted else None


def _news(pod: Obj, condition: dict[str, Any], now: float) -> dict[str, Any]:
    """The condition as it is written; empty if the pod's says the same."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    old: Obj = next((c for c in conditions if c["type"] == condition["type"]), {})
    if all(old.get(f) == condition[f] for f in ("status", "reason", "message")):
        return {}
    since = old.get("lastTransitionTime") if old.get("status") == condition["status"] else None
    generation = pod["metadata"].get("generation")
    return {
        **condition,
        "lastProbeTime": None,
        "lastTransitionTime": since or clock.timestamp(now),
        **({"observedGeneration": generation} if generation is not None else {}),
    }
