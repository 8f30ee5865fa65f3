"""TaintToleration: taints refuse pods, or make a node less liked (as in plugins/tainttoleration).

Nodes share few sets of taints, so each set is judged once and every node looks up the verdict on its set.
"""

from __future__ import annotations

import numpy as np

from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import plugin, tolerations
from k8s_notebook.scheduler.pods import PodClass


def fails(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools | None:
    """Which slots have a NoSchedule or NoExecute taint that the pod does not tolerate."""
    if len(cluster.taint_sets) == 1:
        return None
    verdicts = np.array([_refuses(pod, taints) for taints in cluster.taint_sets], np.bool_)
    refused: plugin.Bools = verdicts[cluster.taints[at]]
    return refused


def score(pod: PodClass, cluster: Cluster, at: Ints) -> Ints:
    """How many PreferNoSchedule taints of each slot the pod does not tolerate."""
    if len(cluster.taint_sets) == 1:
        return np.zeros(len(at), np.int64)
    soft = [t for t in pod.tolerations if t.get("effect") in (None, "", "PreferNoSchedule")]
    disliked = [[t for t in taints if t[2] == "PreferNoSchedule"] for taints in cluster.taint_sets]
    counts = np.array([sum(not tolerations.tolerated(soft, t) for t in taints) for taints in disliked], np.int64)
    found: Ints = counts[cluster.taints[at]]
    return found


def _refuses(pod: PodClass, taints: tuple[tolerations.Taint, ...]) -> bool:
    return any(t[2] in ("NoSchedule", "NoExecute") and not tolerations.tolerated(pod.tolerations, t) for t in taints)


PLUGIN = plugin.Plugin(
    "TaintToleration",
    weight=3,
    fails=fails,
    score=score,
    reasons=plugin.says("node(s) had untolerated taint(s)", final=True),
    mode=plugin.LOWEST_IS_100,
)
