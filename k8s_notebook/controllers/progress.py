"""The status of a Deployment: counts, and the conditions Available, Progressing, ReplicaFailure.

As in pkg/controller/deployment: progress.go, sync.go (calculateStatus).
"""

from __future__ import annotations

from collections.abc import Sequence

from k8s_notebook.controllers import conditions, rollout
from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import seconds, timestamp

AVAILABLE, PROGRESSING, FAILURE = "Available", "Progressing", "ReplicaFailure"
CREATED, FOUND, UPDATED = "NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated"
COMPLETE, TIMED_OUT, CREATE_ERROR = "NewReplicaSetAvailable", "ProgressDeadlineExceeded", "ReplicaSetCreateError"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
NO_DEADLINE = 2**31 - 1
"""progressDeadlineSeconds that means: none."""


def condition(kind: str, status: str, reason: str, message: str, now: float) -> Obj:
    """A condition of a Deployment that changed just now."""
    stamp = timestamp(now)
    times = {"lastUpdateTime": stamp, "lastTransitionTime": stamp}
    return {"type": kind, "status": status, **times, "reason": reason, "message": message}


def has_deadline(deployment: Obj) -> bool:
    """Whether its progress is watched."""
    return deployment["spec"].get("progressDeadlineSeconds") not in (None, NO_DEADLINE)


def calculated(deployment: Obj, sets: Sequence[Obj], new: Obj | None, now: float) -> Obj:
    """The status that follows from the ReplicaSets; progress is not judged here."""
    old = deployment.get("status") or {}
    unavailable = rollout.limits(deployment)[1]
    available = sum(rollout.counted(s, "availableReplicas") for s in sets)
    numbers = {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": sum(rollout.counted(s, "replicas") for s in sets),
        "updatedReplicas": rollout.counted(new, "replicas") if new else 0,
        "readyReplicas": sum(rollout.counted(s, "readyReplicas") for s in sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, rollout.total(sets) - available),
    }
    status: Obj = {k: n for k, n in numbers.items() if n}
    leaving = _terminating(sets)
    if leaving is not None:
        status["terminatingReplicas"] = leaving
    if "collisionCount" in old:
        status["collisionCount"] = old["collisionCount"]
    enough = available >= deployment["spec"].get("replicas", 1) - unavailable
    reached = (
        condition(AVAILABLE, "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
        if enough
        else condition(AVAILABLE, "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", now)
    )
    status["conditions"] = conditions.with_condition(old.get("conditions") or (), reached)
    return status


def judged(deployment: Obj, status: Obj, sets: Sequence[Obj], new: Obj | None, now: float) -> Obj:
    """The status with progress judged, and with the failure of a ReplicaSet if there is one."""
    found = status["conditions"]
    if not has_deadline(deployment):
        found = conditions.without(found, PROGRESSING)
    else:
        found = _progress(deployment, status, found, new, now)
    failure = _failure(sets, new)
    found = conditions.with_condition(found, failure) if failure else conditions.without(found, FAILURE)
    return {**status, "conditions": found}


def complete(deployment: Obj, status: Obj) -> bool:
    """Whether all wanted pods are updated and available and no old one is left."""
    wanted = deployment["spec"].get("replicas", 1)
    counts = (status.get(f, 0) for f in ("updatedReplicas", "replicas", "availableReplicas"))
    return all(n == wanted for n in counts) and status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)


def check_after(deployment: Obj, status: Obj) -> float | None:
    """When (seconds since the epoch) a rollout without progress is looked at again; None: never."""
    current = conditions.find(status.get("conditions") or (), PROGRESSING)
    if not has_deadline(deployment) or current is None or current["reason"] == TIMED_OUT or complete(deployment, status):
        return None
    return seconds(current["lastUpdateTime"]) + float(deployment["spec"]["progressDeadlineSeconds"]) + 1


def _progress(deployment: Obj, status: Obj, found: list[Obj], new: Obj | None, now: float) -> list[Obj]:
    """The conditions with what can be said about progress."""
    current = conditions.of(deployment, PROGRESSING)
    finished = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if finished and current is not None and current["reason"] == COMPLETE:
        return found
    subject = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    if complete(deployment, status):
        message = f"{subject} has successfully progressed."
        return conditions.with_condition(found, condition(PROGRESSING, "True", COMPLETE, message, now))
    if _moved(deployment.get("status") or {}, status):
        moving = condition(PROGRESSING, "True", UPDATED, f"{subject} is progressing.", now)
        if current is not None and current["status"] == "True":
            moving["lastTransitionTime"] = current["lastTransitionTime"]
        return [*conditions.without(found, PROGRESSING), moving]
    if _timed_out(deployment, found, now):
        message = f"{subject} has timed out progressing."
        return conditions.with_condition(found, condition(PROGRESSING, "False", TIMED_OUT, message, now))
    return found


def _moved(old: Obj, new: Obj) -> bool:
    """Whether there are more updated, ready or available pods, or fewer old ones."""

    def outdated(status: Obj) -> int:
        count: int = status.get("replicas", 0) - status.get("updatedReplicas", 0)
        return count

    more = any(new.get(f, 0) > old.get(f, 0) for f in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    return more or outdated(new) < outdated(old)


def _timed_out(deployment: Obj, found: list[Obj], now: float) -> bool:
    current = conditions.find(found, PROGRESSING)
    if current is None or current["reason"] == COMPLETE:
        return False
    deadline = deployment["spec"]["progressDeadlineSeconds"]
    return bool(current["reason"] == TIMED_OUT or seconds(current["lastUpdateTime"]) + deadline < now)


def _failure(sets: Sequence[Obj], new: Obj | None) -> Obj | None:
    """The failure condition of the new set, or else of the first set that has one."""
    for one in ([new] if new else []) + list(sets):
        failed = conditions.of(one, FAILURE)
        if failed is not None:
            when = failed.get("lastTransitionTime")
            times = {"lastUpdateTime": when, "lastTransitionTime": when}
            return {
                "type": FAILURE,
                "status": failed["status"],
                **times,
                "reason": failed.get("reason", ""),
                "message": failed.get("message", ""),
            }
    return None


def _terminating(sets: Sequence[Obj]) -> int | None:
    """How many pods are going; None if a set that was looked at does not say."""
    leaving = 0
    for one in sets:
        status = one.get("status") or {}
        if "terminatingReplicas" in status:
            leaving += status["terminatingReplicas"]
        elif status.get("observedGeneration"):
            return None
    return leaving
