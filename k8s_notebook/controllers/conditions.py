"""Status conditions: finding them, setting them as the workload controllers do."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_notebook.objects import Obj

Conditions = Sequence[Obj]


def find(conditions: Conditions, kind: str) -> Obj | None:
    """The condition of a type, or None."""
    for condition in conditions:
        if condition["type"] == kind:
            return condition
    return None


def of(obj: Obj, kind: str) -> Obj | None:
    """The condition of a type in an object's status, or None."""
    return find((obj.get("status") or {}).get("conditions") or (), kind)


def without(conditions: Conditions, kind: str) -> list[Obj]:
    """The conditions of all other types."""
    return [c for c in conditions if c["type"] != kind]


def with_condition(conditions: Conditions, new: Obj) -> list[Obj]:
    """The conditions with `new` at the end; unchanged if status and reason of its type are what they were.

    lastTransitionTime stays while the status stays (as in pkg/controller/deployment/util: SetDeploymentCondition).
    """
    old = find(conditions, new["type"])
    if old is not None and old["status"] == new["status"]:
        if old.get("reason") == new.get("reason"):
            return list(conditions)
        if "lastTransitionTime" in old:
            new = {**new, "lastTransitionTime": old["lastTransitionTime"]}
    return [*without(conditions, new["type"]), new]
