"""Whether a change may help a pod that waits: one table for all plugins (their EventsToRegister in kube-scheduler).

A pod waits for the plugins that refused it. A change is told to those of them that have an entry for its kind here; a plugin
that is not in the table (a user's own) is told everything. `always` stands for "any such change may help".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from k8s_notebook.scheduler import happenings as h
from k8s_notebook.scheduler.hints import between_pods, on_nodes, on_volumes
from k8s_notebook.scheduler.hints.hint import Hint, always, itself, never

if TYPE_CHECKING:
    from k8s_notebook.scheduler.queue import Entry

SCHEDULING_GATES, DEFAULT_PREEMPTION, DYNAMIC_RESOURCES = "SchedulingGates", "DefaultPreemption", "DynamicResources"

_PVC, _PV, _CLASS = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
_CSI_NODE, _CSI_DRIVER = "csinodes.storage.k8s.io", "csidrivers.storage.k8s.io"
_CAPACITY, _ATTACHMENT = "csistoragecapacities.storage.k8s.io", "volumeattachments.storage.k8s.io"
_CLAIM, _DEVICES, _SLICE = "resourceclaims.resource.k8s.io", "deviceclasses.resource.k8s.io", "resourceslices.resource.k8s.io"

HINTS: Mapping[str, Mapping[str, Hint]] = {
    "NodeUnschedulable": {
        h.NODE_ADD: on_nodes.now_schedulable,
        h.NODE_TAINTS: on_nodes.now_schedulable,
        h.POD_TOLERATIONS: on_nodes.tolerates_unschedulable,
    },
    "NodeName": {h.NODE_ADD: always},
    "TaintToleration": {
        h.NODE_ADD: on_nodes.now_tolerated,
        h.NODE_TAINTS: on_nodes.now_tolerated,
        h.POD_TOLERATIONS: itself,
    },
    "NodeAffinity": {h.NODE_ADD: on_nodes.now_selected, h.NODE_LABELS: on_nodes.now_selected},
    "NodePorts": {h.NODE_ADD: always, h.POD_DELETE: on_nodes.port_freed},
    "NodeResourcesFit": {
        h.POD_DELETE: always,
        h.POD_SMALLER: on_nodes.room_freed,
        h.NODE_ADD: on_nodes.now_large_enough,
        h.NODE_ALLOCATABLE: on_nodes.now_large_enough,
        f"{_DEVICES}/add": on_nodes.resource_offered,
        f"{_DEVICES}/update": on_nodes.resource_offered,
    },
    "VolumeRestrictions": {
        h.POD_DELETE: on_volumes.disk_freed,
        h.NODE_ADD: always,
        f"{_PVC}/add": on_volumes.named_claim,
    },
    "NodeVolumeLimits": {
        f"{_CSI_NODE}/add": always,
        f"{_CSI_NODE}/update": on_volumes.limit_raised,
        h.POD_DELETE: on_volumes.volume_freed,
        f"{_PVC}/add": on_volumes.own_claim,
        f"{_ATTACHMENT}/delete": on_volumes.detached,
    },
    "VolumeBinding": {
        f"{_CLASS}/add": always,
        f"{_CLASS}/update": on_volumes.topologies_changed,
        f"{_PVC}/add": on_volumes.own_claim,
        f"{_PVC}/update": on_volumes.own_claim,
        f"{_PV}/add": always,
        f"{_PV}/update": always,
        h.NODE_ADD: always,
        h.NODE_LABELS: always,
        f"{_CSI_NODE}/add": always,
        f"{_CSI_NODE}/update": on_volumes.migration_changed,
        f"{_CSI_DRIVER}/update": on_volumes.capacity_ignored,
        f"{_CAPACITY}/add": always,
        f"{_CAPACITY}/update": on_volumes.capacity_grown,
    },
    "VolumeZone": {
        f"{_CLASS}/add": on_volumes.waits_for_consumer,
        h.NODE_ADD: always,
        h.NODE_LABELS: always,
        f"{_PVC}/add": on_volumes.named_claim,
        f"{_PVC}/update": on_volumes.named_claim,
        f"{_PV}/add": always,
        f"{_PV}/update": on_volumes.zone_changed,
    },
    "PodTopologySpread": {
        h.POD_ADD: between_pods.counted,
        h.POD_DELETE: between_pods.counted,
        h.POD_LABELS: between_pods.counted,
        h.POD_TOLERATIONS: between_pods.counted,
        h.NODE_ADD: between_pods.domain_changed,
        h.NODE_DELETE: between_pods.domain_changed,
        h.NODE_LABELS: between_pods.domain_changed,
        h.NODE_TAINTS: between_pods.domain_changed,
    },
    "InterPodAffinity": {
        h.POD_ADD: between_pods.attracts,
        h.POD_LABELS: between_pods.attracts,
        h.POD_DELETE: between_pods.repels_no_more,
        h.NODE_ADD: between_pods.moved,
        h.NODE_LABELS: between_pods.moved,
    },
    DYNAMIC_RESOURCES: {
        h.NODE_ADD: always,
        h.NODE_LABELS: always,
        h.NODE_ALLOCATABLE: always,
        f"{_CLAIM}/add": on_volumes.claim_of_devices,
        f"{_CLAIM}/update": on_volumes.claim_of_devices,
        h.POD_CLAIMS: itself,
        f"{_DEVICES}/add": always,
        f"{_DEVICES}/update": always,
        f"{_SLICE}/add": always,
        f"{_SLICE}/update": always,
    },
    "NodeDeclaredFeatures": {
        h.NODE_ADD: always,
        h.NODE_FEATURES: always,
        **dict.fromkeys((h.POD_UPDATE, h.POD_LABELS, h.POD_SMALLER, h.POD_TOLERATIONS), on_nodes.specification_changed),
    },
    SCHEDULING_GATES: {h.POD_GATES: itself},
    DEFAULT_PREEMPTION: {h.POD_DELETE: never},
}
"""plugin -> kind of change -> its hint."""


def of(plugin: str, kind: str) -> Hint | None:
    """The hint of a plugin for a kind of change; None if it looks at no such change."""
    known = HINTS.get(plugin)
    return always if known is None else known.get(kind)


def helps(entry: Entry, plugin: str, event: h.Event) -> bool:
    """Whether a change may lead a plugin to another verdict on a waiting pod; it may if its object cannot be read."""
    hint = of(plugin, event.kind)
    try:
        return hint is not None and hint(entry, event)
    except (KeyError, TypeError, ValueError):
        return True
