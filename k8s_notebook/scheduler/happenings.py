"""What happens in a cluster that may let a pod fit that did not fit before (as in pkg/scheduler/framework/events.go)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import requests

NODE_ADD, NODE_DELETE = "node/add", "node/delete"
NODE_LABELS, NODE_TAINTS, NODE_ALLOCATABLE, NODE_FEATURES = "node/labels", "node/taints", "node/allocatable", "node/features"
POD_ADD, POD_DELETE = "pod/add", "pod/delete"
"""A pod got a node, or one that had a node (or was nominated to one) is gone."""
POD_LABELS, POD_SMALLER, POD_TOLERATIONS = "pod/labels", "pod/smaller", "pod/tolerations"
POD_GATES, POD_CLAIMS, POD_UPDATE = "pod/gates", "pod/claims", "pod/update"
"""All gates are gone; the claims made for it are known; something else changed."""
ADD, UPDATE, DELETE = "add", "update", "delete"


class Event:
    """One change: its kind, and the object before (None: new) and after (None: gone)."""

    __slots__ = ("facts", "kind", "new", "old")

    def __init__(self, kind: str, old: Obj | None, new: Obj | None) -> None:
        self.kind = kind
        self.old = old
        self.new = new
        self.facts: dict[str, Any] = {}
        """What a hint found out about the change and the next may use."""

    @property
    def obj(self) -> Obj:
        """The object as it is, or was last."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found

    def about(self, uid: str) -> bool:
        """Whether it is a change of the object with this uid."""
        return bool(self.obj["metadata"].get("uid") == uid)


def of(resource: str, old: Obj | None, new: Obj | None) -> str:
    """The kind of a change of anything but nodes and pods: "persistentvolumes/add"."""
    return f"{resource}/{ADD if old is None else DELETE if new is None else UPDATE}"


def of_node(old: Obj, new: Obj) -> Iterator[str]:
    """The kinds of a node's change; nothing for one that no plugin looks at, such as a heartbeat."""
    spec, was = new.get("spec") or {}, old.get("spec") or {}
    if _differ(old, new, "status", "allocatable"):
        yield NODE_ALLOCATABLE
    if _differ(old, new, "metadata", "labels"):
        yield NODE_LABELS
    if (spec.get("taints") or []) != (was.get("taints") or []) or (was.get("unschedulable") and not spec.get("unschedulable")):
        yield NODE_TAINTS
    if _differ(old, new, "status", "declaredFeatures"):
        yield NODE_FEATURES


def of_pod(old: Obj, new: Obj) -> Iterator[str]:
    """The kinds of a pod's change."""
    found = False
    for kind, changed in _OF_POD:
        if changed(old, new):
            found = True
            yield kind
    if not found:
        yield POD_UPDATE


def _differ(old: Obj, new: Obj, stanza: str, field: str) -> bool:
    before, after = (old.get(stanza) or {}).get(field), (new.get(stanza) or {}).get(field)
    return before is not after and (before or None) != (after or None)


def _smaller(old: Obj, new: Obj) -> bool:
    """Whether a pod asks for less of something than before."""
    if _sizes(old) == _sizes(new):
        return False
    before = requests.of_pod(old["spec"], old.get("status") or {}).exact
    after = requests.of_pod(new["spec"], new.get("status") or {}).exact
    return any(amount > after.get(name, -1) for name, amount in before.items())


def _sizes(pod: Obj) -> list[Any]:
    """All that requests are computed from."""
    spec, status = pod["spec"], pod.get("status") or {}
    containers = [c.get("resources") for f in ("containers", "initContainers") for c in spec.get(f) or ()]
    said = [c.get("resources") for f in ("containerStatuses", "initContainerStatuses") for c in status.get(f) or ()]
    given = [c.get("allocatedResources") for f in ("containerStatuses", "initContainerStatuses") for c in status.get(f) or ()]
    if not any(r is not None for r in (*said, *given, status.get("resources"))):
        return [containers, spec.get("resources"), spec.get("overhead")]
    return [containers, spec.get("resources"), spec.get("overhead"), said, given, status.get("resources")]


def _tolerations(old: Obj, new: Obj) -> bool:
    return len(old["spec"].get("tolerations") or ()) != len(new["spec"].get("tolerations") or ())


def _opened(old: Obj, new: Obj) -> bool:
    return bool(old["spec"].get("schedulingGates")) and not new["spec"].get("schedulingGates")


def _claimed(old: Obj, new: Obj) -> bool:
    return _differ(old, new, "status", "resourceClaimStatuses") or _differ(old, new, "status", "extendedResourceClaimStatus")


_OF_POD = (
    (POD_LABELS, lambda old, new: _differ(old, new, "metadata", "labels")),
    (POD_SMALLER, _smaller),
    (POD_GATES, _opened),
    (POD_TOLERATIONS, _tolerations),
    (POD_CLAIMS, _claimed),
)
