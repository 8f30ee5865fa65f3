"""How an object is: one of eight classes, and kubectl's word for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from k8s_notebook.objects import Obj, kinds, tables
from k8s_notebook.objects.tables.getters import condition, is_true

CLASSES = ("bad", "stuck", "unknown", "wait", "away", "off", "done", "ok")
"""Worst first: error, cannot be placed, unknown, in progress, leaving, scaled to zero, finished, ok."""
PROBLEMS = frozenset({"bad", "stuck"})

WORDS: Mapping[str, str] = {
    "Running": "ok", "Ready": "ok", "Active": "ok", "Bound": "ok", "Available": "ok", "Normal": "ok", "Approved,Issued": "ok",
    "Completed": "done", "Succeeded": "done", "Complete": "done", "Released": "done",
    "Pending": "wait", "ContainerCreating": "wait", "PodInitializing": "wait", "SchedulingGated": "wait",
    "SuccessCriteriaMet": "wait", "NotReady": "wait",
    "Terminating": "away", "Unknown": "unknown", "Suspended": "off",
    "Warning": "bad", "Lost": "bad", "Failed": "bad", "Error": "bad",
}  # fmt: skip
"""kubectl's word -> the class it means."""
_INITIALISING = re.compile(r"Init:\d+/\d+")


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


def of_pod(word: str, ready: bool, pod: Obj) -> Status:
    """How a pod is for which kubectl prints `word`; `ready`: whether all its containers are."""
    scheduled = condition(pod, "PodScheduled")
    if word == "Pending" and scheduled.get("reason") == "Unschedulable":
        return Status("stuck", word, str(scheduled.get("message", "")))
    if word == "Running" and not ready:
        return Status("wait", word, "not ready")
    level = WORDS.get(word) or ("wait" if _INITIALISING.fullmatch(word) else "bad")
    return Status(level, word, "" if level in {"ok", "done", "away"} else _said(pod))


def of_node(ready: bool, cordoned: bool, node: Obj) -> Status:
    """How a node is."""
    if not ready:
        return Status("bad", "NotReady", str(condition(node, "Ready").get("message", "")))
    return Status("wait", "Ready,SchedulingDisabled", "no new pods are placed here") if cordoned else Status("ok", "Ready")


def of_replicas(ready: int, wanted: int, obj: Obj) -> Status:
    """How a workload is of whose `wanted` pods so many are ready."""
    word = f"{ready}/{wanted}"
    failure, progress = condition(obj, "ReplicaFailure"), condition(obj, "Progressing")
    if failure.get("status") == "True":
        return Status("bad", word, str(failure.get("message", "")))
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return Status("bad", word, str(progress.get("message", "")))
    if not wanted and not ready:
        return Status("off", word)
    return Status("ok" if ready >= wanted else "wait", word)


def _said(pod: Obj) -> str:
    """What the kubelet says about the first container that does not run."""
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        for state in (container.get("state") or {}).values():
            if state.get("message"):
                return str(state["message"])
    return str(status.get("message") or "")


def _pod(pod: Obj, now: float) -> Status:
    return of_pod(_cell(pod, "Status", now), is_true(pod, "Ready"), pod)


def _node(node: Obj, _: float) -> Status:
    cordoned = bool((node.get("spec") or {}).get("unschedulable"))
    return of_node(is_true(node, "Ready"), cordoned, node)


def _workload(obj: Obj, _: float) -> Status:
    ready = (obj.get("status") or {}).get("readyReplicas", 0)
    return of_replicas(ready, (obj.get("spec") or {}).get("replicas", 1), obj)


def _daemons(obj: Obj, _: float) -> Status:
    status = obj.get("status") or {}
    return of_replicas(status.get("numberReady", 0), status.get("desiredNumberScheduled", 0), obj)


def _job(job: Obj, _: float) -> Status:
    if is_true(job, "Failed"):
        return Status("bad", "Failed", condition(job, "Failed").get("message", ""))
    if is_true(job, "Complete"):
        return Status("done", "Complete")
    return Status("off", "Suspended") if (job.get("spec") or {}).get("suspend") else Status("wait", "Running")


def _phase(obj: Obj, _: float) -> Status:
    word = (obj.get("status") or {}).get("phase", "")
    return Status(WORDS.get(word, "ok"), word)


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
