"""Evictions against disruption budgets (as in pkg/registry/core/pod/storage/eviction.go)."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_notebook.objects import Obj, selectors
from k8s_notebook.objects.errors import InternalError, TooManyRequests

_VIOLATED = "Cannot evict pod as it would violate the pod's disruption budget."
_SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


def check(budgets: Iterable[Obj], pod: Obj) -> Obj | None:
    """The budget that the eviction draws on, None if there is none; TooManyRequests if it allows no disruption now."""
    if _never_healthy(pod):
        return None
    labels = pod["metadata"].get("labels") or {}
    found = [b for b in budgets if (b.get("spec") or {}).get("selector") is not None
             and selectors.from_spec(b["spec"]["selector"]).matches(labels)]  # fmt: skip
    if len(found) > 1:
        raise InternalError(_SEVERAL)
    if not found:
        return None
    budget = found[0]
    status = budget.get("status") or {}
    if not _ready(pod) and _lets_unhealthy_go(budget, status):
        return None
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _refused(budget, f"The disruption budget {budget['metadata']['name']} is still being processed by the server.", 10)
    if (status.get("disruptionsAllowed") or 0) <= 0:
        needs, has = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        said = f"The disruption budget {budget['metadata']['name']} needs {needs} healthy pods and has {has} currently"
        raise _refused(budget, said, 0)
    return budget


def spent(budget: Obj, pod: str, now: str) -> Obj:
    """The budget after one disruption."""
    status = budget.get("status") or {}
    disrupted = {**(status.get("disruptedPods") or {}), pod: now}
    return {**budget, "status": {**status, "disruptionsAllowed": status["disruptionsAllowed"] - 1, "disruptedPods": disrupted}}


def _refused(budget: Obj, said: str, again: int) -> TooManyRequests:
    details: Obj = {"causes": [{"reason": "DisruptionBudget", "message": said}]}
    if again:
        details["retryAfterSeconds"] = again
    return TooManyRequests(_VIOLATED, details=details)


def _never_healthy(pod: Obj) -> bool:
    """Pods that count for no budget: finished, not yet running, or already going."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in ("Succeeded", "Failed", "Pending") or "deletionTimestamp" in pod["metadata"]


def _ready(pod: Obj) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _lets_unhealthy_go(budget: Obj, status: Obj) -> bool:
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    healthy = status.get("currentHealthy", 0)
    return bool(healthy >= status.get("desiredHealthy", 0) and status.get("desiredHealthy", 0) > 0)
