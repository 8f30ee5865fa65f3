"""Hints of the plugins that look at one node: affinity, taints, ports, room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import arrays, plugins, requests
from k8s_notebook.scheduler.happenings import Event
from k8s_notebook.scheduler.plugins import tolerations
from k8s_notebook.scheduler.pods import PodClass, Port

if TYPE_CHECKING:
    from k8s_notebook.scheduler.queue import Entry

UNSCHEDULABLE = ("node.kubernetes.io/unschedulable", "", "NoSchedule")
ANY_ADDRESS = "0.0.0.0"
IMPLIED = "deviceclass.resource.kubernetes.io/"
"""Every device class is also an extended resource of this prefix and its name."""


def now_schedulable(entry: Entry, event: Event) -> bool:
    """Whether a node is new and open, or was opened."""
    was_open = event.old is not None and not _spec(event.old).get("unschedulable")
    return not was_open and event.new is not None and not _spec(event.new).get("unschedulable")


def tolerates_unschedulable(entry: Entry, event: Event) -> bool:
    """Whether the pod itself now puts up with closed nodes."""
    return event.about(entry.uid) and tolerations.tolerated(_spec(event.obj).get("tolerations") or (), UNSCHEDULABLE)


def now_tolerated(entry: Entry, event: Event) -> bool:
    """Whether the pod puts up with a node that it refused before."""
    return _turned(entry, event, "TaintToleration")


def now_selected(entry: Entry, event: Event) -> bool:
    """Whether the pod's selector and affinity match a node that they did not match before; of one that the pod names, any change."""
    named = entry.incoming.named if entry.incoming is not None else None
    if named is not None:
        return event.obj["metadata"]["name"] in named
    return _turned(entry, event, "NodeAffinity")


def port_freed(entry: Entry, event: Event) -> bool:
    """Whether the pod that is gone held a port that this one wants."""
    freed = event.facts.get("ports")
    if freed is None:
        freed = event.facts["ports"] = PodClass.of(event.obj["spec"]).ports
    return any(_same_port(a, b) for a in freed for b in entry.pod_class.ports)


def room_freed(entry: Entry, event: Event) -> bool:
    """Whether the pod itself, or one that has a node, now asks for less of what this one needs."""
    if event.about(entry.uid):
        return True
    if event.old is None or event.new is None or not _spec(event.new).get("nodeName"):
        return False
    before, after = (requests.of_pod(p["spec"], p.get("status") or {}).exact for p in (event.old, event.new))
    wanted = entry.pod_class.requests.exact
    return any(amount and before.get(name, 0) > after.get(name, 0) for name, amount in wanted.items())


def now_large_enough(entry: Entry, event: Event) -> bool:
    """Whether the pod would fit an empty node of this size, and there is more of something that it needs."""
    if event.new is None:
        return False
    after = _allocatable(event, "new")
    wanted = {name: amount for name, amount in entry.pod_class.requests.exact.items() if amount}
    if after.get("pods", 0) < 1 or any(amount > after.get(name, 0) for name, amount in wanted.items() if _counted(name)):
        return False
    if event.old is None:
        return True
    before = _allocatable(event, "old")
    return after.get("pods", 0) > before.get("pods", 0) or any(after.get(n, 0) > before.get(n, 0) for n in wanted)


def resource_offered(entry: Entry, event: Event) -> bool:
    """Whether a device class now stands for an extended resource that the pod asks for."""
    offered = [_spec(event.obj).get("extendedResourceName")]
    if event.old is None:
        offered.append(IMPLIED + str(event.obj["metadata"]["name"]))
    elif _spec(event.old).get("extendedResourceName") == offered[0]:
        return False
    return any(name in entry.pod_class.requests.exact for name in offered)


def specification_changed(entry: Entry, event: Event) -> bool:
    """Whether the pod itself asks for something else."""
    return event.about(entry.uid) and (event.old is None or event.new is None or event.old["spec"] != event.new["spec"])


def _turned(entry: Entry, event: Event, plugin: str) -> bool:
    """Whether a plugin accepts the node now and refused it (or did not know it) before."""
    if event.new is None or _refuses(entry, event, plugin, "new"):
        return False
    return event.old is None or _refuses(entry, event, plugin, "old")


def _refuses(entry: Entry, event: Event, plugin: str, which: str) -> bool:
    alone = event.facts.get(which)
    if alone is None:
        alone = event.facts[which] = arrays.Cluster()
        alone.set_node((event.old if which == "old" else event.new) or {})
    refused = plugins.REGISTRY[plugin].fails
    verdicts = refused(entry.pod_class, alone, np.array(list(alone.slots.values()), np.int64)) if refused is not None else None
    return verdicts is not None and bool(verdicts[0])


def _allocatable(event: Event, which: str) -> dict[str, int]:
    key = f"allocatable {which}"
    found: dict[str, int] | None = event.facts.get(key)
    if found is None:
        node = event.old if which == "old" else event.new
        found = event.facts[key] = requests.of_node(((node or {}).get("status") or {}).get("allocatable") or {})
    return found


def _counted(resource: str) -> bool:
    return resource in arrays.BASE or requests.is_scalar(resource)


def _same_port(one: Port, other: Port) -> bool:
    return one[0] == other[0] and one[2] == other[2] and (one[1] == other[1] or ANY_ADDRESS in (one[1], other[1]))


def _spec(obj: Obj) -> dict[str, Any]:
    return obj.get("spec") or {}
