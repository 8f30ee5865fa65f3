"""NodePorts: two pods of a node cannot hold the same host port (as in plugins/nodeports)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.arrays import Cluster, Ints, NodeArrays
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass, Port

if TYPE_CHECKING:
    from k8s_notebook.scheduler.plan import PodArrays

EVERY_ADDRESS = "0.0.0.0"


@kernels.inner
def taken(nodes: NodeArrays, pod: PodArrays, slot: int) -> bool:
    """Whether a pod on the node holds a port that the pod wants. `pod.conflicts`: the ports that stand in its way."""
    for i in range(len(pod.conflicts)):  # noqa: SIM110 (Numba compiles no generators)
        if nodes.ports[slot, pod.conflicts[i]] > 0:
            return True
    return False


@taken.vectorised
def taken_at(nodes: NodeArrays, pod: PodArrays, slot: Ints) -> plugin.Bools:
    """The same for an array of slots."""
    found: plugin.Bools = np.any(nodes.ports[slot[:, None], pod.conflicts] > 0, axis=1)
    return found


def conflicts(pod: PodClass, cluster: Cluster) -> Ints:
    """The columns of `NodeArrays.ports` of which a node may have none."""
    return np.array([i for held, i in cluster.ports.items() if any(conflict(held, wanted) for wanted in pod.ports)], np.int64)


def conflict(one: Port, other: Port) -> bool:
    """Whether two pods cannot both hold these; only 0.0.0.0 means every address, `::` does not."""
    same_address = one[1] == other[1] or EVERY_ADDRESS in (one[1], other[1])
    return (one[0], one[2]) == (other[0], other[2]) and same_address


PLUGIN = plugin.Plugin(
    "NodePorts",
    moves_filter=True,
    reasons=plugin.says("node(s) didn't have free ports for the requested pod ports", final=False),
)
