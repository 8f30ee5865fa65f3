"""What controllers ask about pods."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_notebook.controllers import conditions
from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import seconds

FINISHED = ("Succeeded", "Failed")


def phase(pod: Obj) -> str:
    """The phase, "" if there is none yet."""
    found: str = (pod.get("status") or {}).get("phase", "")
    return found


def active(pod: Obj) -> bool:
    """Whether it counts as a replica: not finished and not being deleted."""
    return "deletionTimestamp" not in pod["metadata"] and phase(pod) not in FINISHED


def unfinished(found: Iterable[Obj]) -> tuple[list[Obj], list[Obj]]:
    """(the active pods, those that are being deleted), without finished ones."""
    staying: list[Obj] = []
    leaving: list[Obj] = []
    for pod in found:
        status = pod.get("status")
        if status is None or status.get("phase") not in FINISHED:
            (leaving if "deletionTimestamp" in pod["metadata"] else staying).append(pod)
    return staying, leaving


def ready_condition(pod: Obj) -> Obj | None:
    """The Ready condition if it is True, else None."""
    status = pod.get("status")
    for condition in (status.get("conditions") or ()) if status else ():
        if condition["type"] == "Ready":
            return condition if condition["status"] == "True" else None
    return None


def ready(pod: Obj) -> bool:
    """Whether it is Ready."""
    return ready_condition(pod) is not None


def wait(ready: Obj, min_ready: int, now: float) -> float:
    """The seconds until a pod with this Ready condition counts as available, 0 if it does."""
    since = ready.get("lastTransitionTime")
    return max(0.0, seconds(since) + min_ready - now) if since else float(min_ready)


def same_for_counting(old: Obj, new: Obj) -> bool:
    """Whether a change of a pod leaves everything that replica counts depend on as it was."""
    before, after = old["metadata"], new["metadata"]
    return (
        before.get("deletionTimestamp") == after.get("deletionTimestamp")
        and before.get("labels") == after.get("labels")
        and before.get("ownerReferences") == after.get("ownerReferences")
        and phase(old) == phase(new)
        and ready_condition(old) == ready_condition(new)
    )


def from_template(owner: Obj, template: Obj, reference: Obj) -> Obj:
    """The pod that a workload creates: its name is the owner's and a random end, which the API server draws."""
    described = template.get("metadata") or {}
    metadata: Obj = {
        "generateName": f"{owner['metadata']['name']}-",
        "namespace": owner["metadata"]["namespace"],
        "ownerReferences": [reference],
    }
    for field in ("labels", "annotations", "finalizers"):
        if described.get(field):
            metadata[field] = described[field]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def disrupted(pod: Obj, reason: str, message: str, stamp: str) -> Obj:
    """The pod with condition DisruptionTarget; the same object if it has it."""
    old = conditions.of(pod, "DisruptionTarget")
    if old is not None and (old["status"], old.get("reason"), old.get("message")) == ("True", reason, message):
        return pod
    status = pod.get("status") or {}
    generation = pod["metadata"].get("generation")
    condition: Obj = {
        "type": "DisruptionTarget",
        **({"observedGeneration": generation} if generation else {}),
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": old["lastTransitionTime"] if old and old["status"] == "True" else stamp,
        "reason": reason,
        "message": message,
    }
    kept = conditions.without(status.get("conditions") or (), "DisruptionTarget")
    return {**pod, "status": {**status, "conditions": [*kept, condition]}}
