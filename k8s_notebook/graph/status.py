"""How an object is: one of eight classes, and kubectl's word for it."""

from __future__ import annotations

from typing import NamedTuple

from k8s_notebook.objects import Obj, kinds, tables

CLASSES = ("bad", "stuck", "wait", "away", "unknown", "off", "done", "ok")
"""Worst first: error, cannot be placed, in progress, leaving, unknown, scaled to zero, finished, ok."""
PROBLEMS = frozenset({"bad", "stuck"})

_WORDS = {
    "Running": "ok", "Ready": "ok", "Active": "ok", "Bound": "ok", "Available": "ok",
    "Completed": "done", "Succeeded": "done", "Complete": "done", "Released": "done",
    "Pending": "wait", "ContainerCreating": "wait", "PodInitializing": "wait", "SchedulingGated": "wait", "NotReady": "wait",
    "Terminating": "away", "Unknown": "unknown", "Suspended": "off",
}  # fmt: skip


class Status(NamedTuple):
    """A class of `CLASSES`, the word kubectl prints, and the reason in the server's words ("" where all is well)."""

    level: str
    word: str
    reason: str = ""


def of(obj: Obj, now: float) -> Status:
    """The status of any object; kinds that have no status of their own are ok."""
    found = _BY_KIND.get(obj["kind"])
    if obj["metadata"].get("deletionTimestamp"):
        return Status("away", "Terminating")
    return found(obj, now) if found else Status("ok", "")


def worst(statuses: list[str]) -> str:
    """The worst class of several; "ok" of none."""
    return min(statuses, key=CLASSES.index, default="ok")


def _cell(obj: Obj, column: str, now: float) -> str:
    kind = kinds.BUILTIN.for_object(obj["apiVersion"], obj["kind"])
    if kind is None:
        return ""
    names = [c["name"] for c in tables.columns(kind)]
    return str(tables.cells(kind, obj, now)[names.index(column)])


def _condition(obj: Obj, type_: str) -> Obj:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c["type"] == type_), {})


def _pod(pod: Obj, now: float) -> Status:
    word = _cell(pod, "Status", now)
    scheduled = _condition(pod, "PodScheduled")
    if word == "Pending" and scheduled.get("reason") == "Unschedulable":
        return Status("stuck", word, scheduled.get("message", ""))
    if word == "Running" and _condition(pod, "Ready").get("status") != "True":
        return Status("wait", "Running", "not ready")
    level = _WORDS.get(word) or ("wait" if word.startswith("Init:") and word[5:6].isdigit() else "bad")
    return Status(level, word, "" if level in {"ok", "done"} else _waiting(pod))


def _waiting(pod: Obj) -> str:
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        for state in (container.get("state") or {}).values():
            if state.get("message"):
                return str(state["message"])
    return str(status.get("message", ""))


def _node(node: Obj, _: float) -> Status:
    ready = _condition(node, "Ready")
    off = bool((node.get("spec") or {}).get("unschedulable"))
    if ready.get("status") != "True":
        return Status("bad", "NotReady", ready.get("message", ""))
    return Status("wait", "Ready,SchedulingDisabled", "cordoned") if off else Status("ok", "Ready")


def _replicas(wanted: int, ready: int) -> Status:
    word = f"{ready}/{wanted}"
    if not wanted:
        return Status("off", word)
    return Status("ok" if ready >= wanted else "wait", word)


def _workload(obj: Obj, _: float) -> Status:
    status = obj.get("status") or {}
    found = _replicas((obj.get("spec") or {}).get("replicas", 1), status.get("readyReplicas", 0))
    progressing = _condition(obj, "Progressing")
    failure = _condition(obj, "ReplicaFailure")
    if failure.get("status") == "True":
        return Status("bad", found.word, failure.get("message", ""))
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Status("bad", found.word, progressing.get("message", ""))
    return found


def _daemons(obj: Obj, _: float) -> Status:
    status = obj.get("status") or {}
    return _replicas(status.get("desiredNumberScheduled", 0), status.get("numberReady", 0))


def _job(job: Obj, _: float) -> Status:
    if _condition(job, "Failed").get("status") == "True":
        return Status("bad", "Failed", _condition(job, "Failed").get("message", ""))
    if _condition(job, "Complete").get("status") == "True":
        return Status("done", "Complete")
    return Status("off", "Suspended") if (job.get("spec") or {}).get("suspend") else Status("wait", "Running")


def _phase(obj: Obj, _: float) -> Status:
    word = (obj.get("status") or {}).get("phase", "")
    return Status(_WORDS.get(word, "bad" if word in {"Lost", "Failed"} else "ok"), word)


_BY_KIND = {
    "Pod": _pod,
    "Node": _node,
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "StatefulSet": _workload,
    "ReplicationController": _workload,
    "DaemonSet": _daemons,
    "Job": _job,
    "PersistentVolumeClaim": _phase,
    "PersistentVolume": _phase,
    "Namespace": _phase,
}
