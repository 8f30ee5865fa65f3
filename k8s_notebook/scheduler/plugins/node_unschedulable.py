"""NodeUnschedulable: cordoned nodes are refused (as in plugins/nodeunschedulable)."""

from __future__ import annotations

from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import plugin, tolerations
from k8s_notebook.scheduler.pods import PodClass

TAINT = ("node.kubernetes.io/unschedulable", "", "NoSchedule")


def fails(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools | None:
    """Which slots are cordoned, for a pod that does not tolerate that."""
    if tolerations.tolerated(pod.tolerations, TAINT):
        return None
    refused: plugin.Bools = cluster.unschedulable[at]
    return refused


PLUGIN = plugin.Plugin(
    "NodeUnschedulable",
    fails=fails,
    reasons=plugin.says("node(s) were unschedulable", final=True),
)
