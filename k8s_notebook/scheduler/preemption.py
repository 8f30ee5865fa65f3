"""What DefaultPreemption says about a pod that fits nowhere (as in plugins/defaultpreemption)."""

from __future__ import annotations

from collections import Counter

import numpy as np

from k8s_notebook.scheduler import messages
from k8s_notebook.scheduler.arrays import Cluster, Ints, NodeArrays, Placed
from k8s_notebook.scheduler.plugins import node_ports, node_resources_fit
from k8s_notebook.scheduler.rows import Rows

NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"
NEVER = "not eligible due to preemptionPolicy=Never."


def outlook(rows: Rows, cluster: Cluster, tried: Ints, *, priority: int, preempts: bool) -> str:
    """`preemption: 0/5 nodes are available: …`, or "" if the pods of lower priority on some node would make room.

    `tried`: the slots whose refusal another pod's leaving could lift.
    """
    if not preempts:
        return f"preemption: {NEVER}"
    reasons: Counter[str] = Counter({NOT_HELPFUL: len(cluster) - len(tried)})
    for slot in tried:
        victims = [p for p in cluster.pods_on(cluster.names[slot]).values() if p.priority < priority]
        if not victims:
            reasons[NO_VICTIMS] += 1
            continue
        left = _without(victims, int(slot), rows, cluster)
        if not left:
            return ""
        reasons.update(left)
    return f"preemption: {messages.sentence(len(cluster), messages.histogram(reasons))}"


def _without(victims: list[Placed], slot: int, rows: Rows, cluster: Cluster) -> list[str]:
    """The reasons for which the pod does not fit on a node even without the victims; empty if it fits."""
    arrays = NodeArrays(*(array[slot : slot + 1].copy() for array in cluster.arrays))
    for victim in victims:
        arrays.requested[0] -= cluster.vector(victim.requests)
        arrays.pods[0] -= 1
        for port in victim.pod_class.ports:
            arrays.ports[0, cluster.port(port)] -= 1
    here = np.zeros(1, np.int64)
    if len(rows.pod.conflicts) and node_ports.taken_at(arrays, rows.pod, here)[0]:
        return node_ports.PLUGIN.reasons(rows.pod_class, cluster, here).texts if node_ports.PLUGIN.reasons else []
    found = node_resources_fit.shortages(rows.pod.requests, list(cluster.resources), arrays, here)
    return [text for text, given in zip(found.texts, found.given[0], strict=True) if given]
