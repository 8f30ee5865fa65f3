"""How a row is doing: one of the eight status classes and why, from what the server printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from k8s_notebook.display.rows import Row, Sheet
from k8s_notebook.objects import Obj

ORDER = ("bad", "stuck", "unknown", "wait", "away", "off", "ok", "done", "")
"""Problems first."""
PROBLEMS = frozenset({"bad", "stuck", "unknown"})

_WORDS: Mapping[str, str] = {
    "Running": "ok", "Ready": "ok", "Active": "ok", "Bound": "ok", "Available": "ok", "Normal": "ok", "Approved,Issued": "ok",
    "Completed": "done", "Succeeded": "done", "Complete": "done", "Released": "done",
    "Pending": "wait", "ContainerCreating": "wait", "PodInitializing": "wait", "SchedulingGated": "wait",
    "SuccessCriteriaMet": "wait", "Warning": "bad", "Lost": "bad", "NotReady": "wait",
    "Terminating": "away", "Unknown": "unknown", "Suspended": "off",
}  # fmt: skip
_OF = re.compile(r"(\d+)/(\d+)")
_FIRST = re.compile(r"Init:\d+/\d+")


class Health(NamedTuple):
    """A class of `ORDER` ("" for things that are neither well nor ill) and a short reason."""

    level: str
    reason: str = ""


def of(sheet: Sheet, row: Row) -> Health:
    """How the object of a row is doing."""
    values = sheet.values(row)
    found = _BY_RESOURCE.get(sheet.kind.resource, _by_status)(values, row.object)
    if (row.object.get("metadata") or {}).get("deletionTimestamp") and found.level not in PROBLEMS:
        return Health("away", found.reason)
    return found


def _condition(obj: Obj, type_: str) -> Obj:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c.get("type") == type_), {})


def _pod(values: Mapping[str, Any], pod: Obj) -> Health:
    word = str(values.get("status", ""))
    scheduled = _condition(pod, "PodScheduled")
    if word == "Pending" and scheduled.get("reason") == "Unschedulable":
        return Health("stuck", str(scheduled.get("message", "")))
    if word == "Running":
        ready = _OF.fullmatch(str(values.get("ready", "")))
        return Health("ok") if ready is None or ready[1] == ready[2] else Health("wait", "not ready")
    level = _WORDS.get(word) or ("wait" if _FIRST.fullmatch(word) else "bad")
    return Health(level, "" if level in {"ok", "done", "away"} else _said(pod))


def _said(pod: Obj) -> str:
    """What the kubelet says about the first container that does not run."""
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        state = container.get("state") or {}
        for how in ("waiting", "terminated"):
            if how in state and state[how].get("message"):
                return str(state[how]["message"])
    return str(status.get("message") or "")


def _node(values: Mapping[str, Any], node: Obj) -> Health:
    word = str(values.get("status", ""))
    if not word.startswith("Ready"):
        return Health("bad", str(_condition(node, "Ready").get("message", "")))
    return Health("wait", "no new pods are placed here") if "SchedulingDisabled" in word else Health("ok")


def _ready_of(values: Mapping[str, Any], obj: Obj) -> Health:
    found = _OF.fullmatch(str(values.get("ready", "")))
    if found is None:
        return Health("")
    return _counted(int(found[1]), int(found[2]), obj)


def _desired(values: Mapping[str, Any], obj: Obj) -> Health:
    try:
        return _counted(int(values.get("ready", 0)), int(values.get("desired", 0)), obj)
    except (TypeError, ValueError):
        return Health("")


def _counted(ready: int, wanted: int, obj: Obj) -> Health:
    failure, progress = _condition(obj, "ReplicaFailure"), _condition(obj, "Progressing")
    if failure.get("status") == "True":
        return Health("bad", str(failure.get("message", "")))
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return Health("bad", str(progress.get("message", "")))
    if not wanted and not ready:
        return Health("off")
    return Health("ok" if ready >= wanted else "wait")


def _event(values: Mapping[str, Any], _: Obj) -> Health:
    return Health("bad" if values.get("type") == "Warning" else "")


def _by_status(values: Mapping[str, Any], _: Obj) -> Health:
    word = str(values.get("status", ""))
    return Health(_WORDS.get(word, "bad" if word in {"Failed", "Error"} else ""))


_BY_RESOURCE = {
    "pods": _pod,
    "nodes": _node,
    "deployments.apps": _ready_of,
    "statefulsets.apps": _ready_of,
    "replicasets.apps": _desired,
    "replicationcontrollers": _desired,
    "daemonsets.apps": _desired,
    "events": _event,
    "events.events.k8s.io": _event,
}
