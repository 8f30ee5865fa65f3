"""One file per plugin of kube-scheduler, and the registry: all of them in the order of its default profile."""

from __future__ import annotations

from k8s_notebook.scheduler.plugins import (
    image_locality,
    node_affinity,
    node_name,
    node_ports,
    node_resources_balanced_allocation,
    node_resources_fit,
    node_unschedulable,
    taint_toleration,
)
from k8s_notebook.scheduler.plugins.plugin import Plugin

REGISTRY: dict[str, Plugin] = {
    each.PLUGIN.name: each.PLUGIN
    for each in (
        node_unschedulable, node_name, taint_toleration, node_affinity, node_ports, node_resources_fit,
        node_resources_balanced_allocation, image_locality,
    )
}  # fmt: skip
"""Name -> plugin. The first filter that refuses a node in this order gives its reasons."""
