"""The volume plugins beside the real ones: verdicts, reasons, and what is written, on random clusters."""

from __future__ import annotations

import numpy as np
import pytest

from k8s_notebook.machinery.actions import Update
from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.plugins import (
    node_declared_features,
    node_volume_limits,
    volume_binding,
    volume_restrictions,
    volume_zone,
)
from tests.oracles import random_clusters
from tests.parity.harness import Answer, Harness
from tests.unit.scheduler.storage import RESOURCES

CASES = 60
CODES = {False: "Unschedulable", True: "UnschedulableAndUnresolvable"}
PLUGINS = {
    module.PLUGIN.name: module.PLUGIN
    for module in (volume_restrictions, node_volume_limits, volume_binding, volume_zone, node_declared_features)
}
pytestmark = pytest.mark.parity


def test_volumes_are_found_as_kube_scheduler_does(kube_scheduler: Harness) -> None:
    refused = written = 0
    for seed in range(CASES):
        case = random_clusters.random_cluster(seed, features=("volumes", "declared"), nodes=(2, 8))
        cluster = _cluster(case)
        for pending, answer in zip(case.pending, kube_scheduler.decide(case.to_json()), strict=False):
            where = f"case {seed}, {answer.pod}"
            if answer.error:
                break
            rejected, verdict = _verdict(pending, cluster)
            assert rejected == answer.prefilter, where
            for node, refusal in {} if rejected else _refused(answer, cluster).items():
                assert verdict.get(node) == refusal, f"{where}, {node}"
                refused += refusal is not None
            if answer.node:
                written += _follow(pending, cluster, answer, where)
    assert refused > CASES
    assert written > CASES // 4


def _cluster(case: random_clusters.Case) -> Cluster:
    cluster = Cluster()
    for node in case.nodes:
        cluster.set_node(node)
    for obj in case.objects:
        if obj["kind"] in RESOURCES:
            cluster.set_beside(RESOURCES[obj["kind"]], obj)
    for pod in case.pods:
        cluster.place(pod["metadata"]["uid"], cluster.read(pod))
    return cluster


Refusal = tuple[str, tuple[str, ...], str]
"""(plugin, reasons, code)"""


def _verdict(pending: Obj, cluster: Cluster) -> tuple[str, dict[str, Refusal]]:
    """Why the pod is refused altogether, and node -> the first refusal."""
    pod_class, at = cluster.incoming(pending).pod_class, cluster.order
    found: dict[str, Refusal] = {}
    for plugin in PLUGINS.values():
        if plugin.rejects is not None and (rejected := plugin.rejects(pod_class, cluster)):
            return rejected, {}
    for plugin in PLUGINS.values():
        for judge in (plugin.fails, plugin.moves):
            verdicts = judge(pod_class, cluster, at) if judge is not None else None
            if verdicts is not None and plugin.reasons is not None:
                slots = at[verdicts]
                said = plugin.reasons(pod_class, cluster, slots)
                for slot, given, final in zip(slots, said.given, said.final, strict=True):
                    texts = tuple(np.array(said.texts, object)[given])
                    found.setdefault(cluster.names[slot], (plugin.name, texts, CODES[bool(final)]))
    return "", found


def _refused(answer: Answer, cluster: Cluster) -> dict[str, Refusal | None]:
    """node -> what the plugins at hand say, None for nothing; nodes that others refuse are left out."""
    nodes: dict[str, Refusal | None] = dict.fromkeys(answer.feasible)
    mine = {name: r for name, r in answer.nodes.items() if r.plugin in PLUGINS}
    return nodes | {name: (r.plugin, r.reasons, r.code) for name, r in mine.items()}


def _follow(pending: Obj, cluster: Cluster, answer: Answer, where: str) -> int:
    """See that the same is written, let it happen, place the pod; how much was written."""
    actions = volume_binding.prebind(pending, answer.node, cluster)
    ours = {(a.resource, *_kept(a.obj)) for a in actions if isinstance(a, Update)}
    theirs = {(RESOURCES[w["kind"]], *_kept(w)) for w in answer.writes}
    assert ours == theirs, where
    cluster.beside.assume(actions)
    cluster.place(pending["metadata"]["uid"], cluster.incoming(pending).on(answer.node))
    return len(actions)


def _kept(obj: Obj) -> tuple[str, str, str]:
    """What the write was for."""
    metadata = obj["metadata"]
    reference = obj["spec"].get("claimRef") or {}
    named = {k: reference[k] for k in ("namespace", "name", "uid", "kind", "apiVersion") if k in reference}
    return metadata["name"], str(sorted((metadata.get("annotations") or {}).items())), str(sorted(named.items()))
