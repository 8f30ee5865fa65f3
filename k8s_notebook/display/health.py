"""How a row is doing: one of the eight status classes and why, from what the server printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from k8s_notebook.display.rows import Row, Sheet
from k8s_notebook.graph import status
from k8s_notebook.objects import Obj

ORDER = (*status.CLASSES, "")
"""Problems first."""
PROBLEMS = status.PROBLEMS | {"unknown"}

_OF = re.compile(r"(\d+)/(\d+)")


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


def _pod(values: Mapping[str, Any], pod: Obj) -> Health:
    found = _OF.fullmatch(str(values.get("ready", "")))
    return _health(status.of_pod(str(values.get("status", "")), found is None or found[1] == found[2], pod))


def _node(values: Mapping[str, Any], node: Obj) -> Health:
    word = str(values.get("status", ""))
    return _health(status.of_node(word.startswith("Ready"), "SchedulingDisabled" in word, node))


def _ready_of(values: Mapping[str, Any], obj: Obj) -> Health:
    found = _OF.fullmatch(str(values.get("ready", "")))
    return Health("") if found is None else _health(status.of_replicas(int(found[1]), int(found[2]), obj))


def _desired(values: Mapping[str, Any], obj: Obj) -> Health:
    try:
        return _health(status.of_replicas(int(values.get("ready", 0)), int(values.get("desired", 0)), obj))
    except (TypeError, ValueError):
        return Health("")


def _health(found: status.Status) -> Health:
    return Health(found.level, found.reason)


def _event(values: Mapping[str, Any], _: Obj) -> Health:
    return Health("bad" if values.get("type") == "Warning" else "")


def _by_status(values: Mapping[str, Any], _: Obj) -> Health:
    return Health(status.WORDS.get(str(values.get("status", "")), ""))


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
