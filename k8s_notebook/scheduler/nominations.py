"""For which pods room is being made where (as in pkg/scheduler/backend/queue/nominator.go)."""

from __future__ import annotations

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster, Incoming
from k8s_notebook.scheduler.cycle import Decision


def named(pod: Obj) -> str:
    """The node that a pod's status names, or ""."""
    return str((pod.get("status") or {}).get("nominatedNodeName") or "")


def after(decision: Decision) -> str | None:
    """The node that a failed pod is nominated to, "" for none, None for the one that it was."""
    if decision.nominated:
        return decision.nominated
    return "" if decision.clears or not decision.nodes else None


def update(cluster: Cluster, pod: Incoming, old: Obj) -> None:
    """Follow a pod that changed. A nomination of ours that its status does not say yet stays."""
    now = pod.nominated
    if not now and not named(old) and pod.uid in cluster.nominated:
        now = cluster.nominated[pod.uid][1]
    cluster.denominate(pod.uid)
    if now:
        cluster.nominate(pod.uid, pod, now)
