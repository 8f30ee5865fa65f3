"""NodeName: a pod that names its node fits there only (as in plugins/nodename)."""

from __future__ import annotations

from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass


def fails(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools | None:
    """Which slots are another node than the named one."""
    if not pod.node_name:
        return None
    refused: plugin.Bools = at != cluster.slots.get(pod.node_name, -1)
    return refused


PLUGIN = plugin.Plugin(
    "NodeName",
    fails=fails,
    reasons=plugin.says("node(s) didn't match the requested node name", final=True),
)
