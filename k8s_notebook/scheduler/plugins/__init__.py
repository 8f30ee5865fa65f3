"""One file per plugin of kube-scheduler, and the registry: all of them in the order of its default profile."""

from __future__ import annotations

from k8s_notebook.scheduler.plugins import (
    dynamic_resources,
    image_locality,
    inter_pod_affinity,
    node_affinity,
    node_declared_features,
    node_name,
    node_ports,
    node_resources_balanced_allocation,
    node_resources_fit,
    node_unschedulable,
    node_volume_limits,
    pod_topology_spread,
    taint_toleration,
    volume_binding,
    volume_restrictions,
    volume_zone,
)
from k8s_notebook.scheduler.plugins.plugin import Plugin

REGISTRY: dict[str, Plugin] = {
    each.PLUGIN.name: each.PLUGIN
    for each in (
        node_unschedulable, node_name, taint_toleration, node_affinity, node_ports, node_resources_fit, volume_restrictions,
        node_volume_limits, volume_binding, volume_zone, pod_topology_spread, inter_pod_affinity, dynamic_resources,
        node_resources_balanced_allocation, image_locality, node_declared_features,
    )
}  # fmt: skip
"""Name -> plugin. The first filter that refuses a node in this order gives its reasons."""
