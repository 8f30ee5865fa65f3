"""Why a pod goes, went, or cannot go somewhere: the decision made again today, with the pod itself taken out.

Pure: it works on any cluster's objects, and needs no compiled code.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import failures, pods, profiles
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.cycle import Columns, Cycle
from k8s_notebook.scheduler.plugins import node_affinity
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.profiles import Profile

RECOMPUTED = "recomputed from what is in the cluster now, with the pod itself taken out; not a record of the scheduler's decision"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one pod is (not) on a node.

    `rows` has one entry per node and plugin: node, plugin, passed (None: it refuses nobody), reason, and raw, normalised, weight,
    weighted (None: not scored). `ranking` has one entry per node: rank (None: refused), node, total, feasible, reasons.
    `columns` are the same numbers as arrays.
    """

    namespace: str
    name: str
    node: str
    """The node that would be chosen now, or ""."""
    bound_to: str
    """The node that the pod is on, or ""."""
    sentence: str
    message: str
    """kube-scheduler's own sentence if no node fits, else ""."""
    rows: list[dict[str, Any]]
    ranking: list[dict[str, Any]]
    columns: Columns | None
    source: str = RECOMPUTED


def explain(pod: Obj, nodes: Iterable[Obj], others: Iterable[Obj], *, profile: Profile = profiles.DEFAULT) -> Explanation:
    """The explanation for a pod, bound or pending, among `nodes` (in the scheduler's order of arrival) and all `others` pods.

    Every node is looked at, also where the scheduler would have stopped early in a large cluster.
    """
    cluster = cluster_of(nodes, others, without=pod["metadata"].get("uid") or pod["metadata"]["name"])
    cycle = Cycle(cluster, dataclasses.replace(profile, percentage=100))
    pod_class = cluster.pod_class(pod["spec"])
    spec = pod["spec"]
    if not len(cluster):
        decision = cycle.decide(pod_class)
        return _explanation(pod, "", f"Pending: {decision.message}", decision.message, [], [], None)
    columns = cycle.columns(pod_class)
    decision = cycle.decide(pod_class, priority=spec.get("priority") or 0, preempts=spec.get("preemptionPolicy") != "Never")
    reasons = _reasons(columns, cycle, pod_class)
    rows = _rows(columns, reasons, profile)
    ranking = _ranking(columns, reasons, profile)
    inside = set(columns.nodes)
    outside = [name for name in cluster.slots if name not in inside]
    refused = [cycle.rows(pod_class).rejected or failures.OUTSIDE] if outside else []
    for name in outside:
        rows.append(_row(name, node_affinity.PLUGIN.name, False, refused[0]))
        ranking.append({"rank": None, "node": name, "total": None, "feasible": False, "reasons": refused})
    sentence = _sentence(pod, ranking, rows)
    return _explanation(pod, decision.node, sentence, decision.message, rows, ranking, columns)


def cluster_of(nodes: Iterable[Obj], running: Iterable[Obj], *, without: str = "") -> Cluster:
    """The arrays of nodes and of the pods that occupy them; the pod with the uid (or name) `without` is left out."""
    cluster = Cluster()
    for node in nodes:
        cluster.set_node(node)
    for pod in running:
        uid = pod["metadata"].get("uid") or pod["metadata"]["name"]
        if uid != without and pod["spec"].get("nodeName") and not pods.ended(pod):
            cluster.place(uid, cluster.read(pod))
    return cluster


def _explanation(
    pod: Obj, node: str, sentence: str, message: str, rows: list[dict[str, Any]], ranking: list[dict[str, Any]],
    columns: Columns | None,
) -> Explanation:  # fmt: skip
    metadata = pod["metadata"]
    bound = pod["spec"].get("nodeName") or ""
    return Explanation(metadata.get("namespace", ""), metadata["name"], node, bound, sentence, message, rows, ranking, columns)


def _reasons(columns: Columns, cycle: Cycle, pod_class: PodClass) -> dict[tuple[int, str], list[str]]:
    """(row of a node, plugin) -> its reasons, for all plugins that refuse the node."""
    found: dict[tuple[int, str], list[str]] = {}
    for bit, plugin in enumerate(cycle.profile.filters):
        refused = np.flatnonzero(columns.fails[:, bit])
        if len(refused) and plugin.reasons is not None:
            said = plugin.reasons(pod_class, cycle.cluster, columns.slots[refused])
            for row, given in zip(refused, said.given, strict=True):
                found[int(row), plugin.name] = [text for text, is_given in zip(said.texts, given, strict=True) if is_given]
    return found


def _row(node: str, plugin: str, passed: bool | None, reason: str) -> dict[str, Any]:
    return {
        "node": node, "plugin": plugin, "passed": passed, "reason": reason,
        "raw": None, "normalised": None, "weight": None, "weighted": None,
    }  # fmt: skip


def _rows(columns: Columns, reasons: dict[tuple[int, str], list[str]], profile: Profile) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(p.name for p in (*profile.filters, *profile.scores)))
    filters = {p.name for p in profile.filters}
    scores = {p.name: s for s, p in enumerate(profile.scores)}
    found = []
    for i, node in enumerate(columns.nodes):
        for name in names:
            said = reasons.get((i, name), [])
            row = _row(node, name, not said if name in filters else None, ", ".join(said))
            if columns.scored[i] and name in scores:
                s = scores[name]
                row |= {"raw": int(columns.raw[s, i]), "normalised": int(columns.normalised[s, i])}
                row |= {"weight": profile.weights[s], "weighted": int(columns.weighted[s, i])}
            found.append(row)
    return found


def _ranking(columns: Columns, reasons: dict[tuple[int, str], list[str]], profile: Profile) -> list[dict[str, Any]]:
    """The chosen node first, then by total, then in the order in which nodes were looked at; refused nodes last."""
    order = sorted(
        range(len(columns.nodes)), key=lambda i: (not columns.feasible[i], i != columns.chosen, -int(columns.total[i]), i)
    )
    found = []
    for rank, i in enumerate(order, 1):
        feasible = bool(columns.feasible[i])
        first = next((reasons[i, p.name] for p in profile.filters if (i, p.name) in reasons), [])
        found.append({
            "rank": rank if feasible else None, "node": columns.nodes[i], "feasible": feasible,
            "total": int(columns.total[i]) if columns.scored[i] else None, "reasons": first,
        })  # fmt: skip
    return found


def _sentence(pod: Obj, ranking: list[dict[str, Any]], rows: list[dict[str, Any]]) -> str:
    """What a person wants to know first."""
    gates = [gate["name"] for gate in pod["spec"].get("schedulingGates") or ()]
    if gates:
        return f"Pending: waiting for scheduling gates: [{' '.join(gates)}]"
    fits = [r for r in ranking if r["feasible"]]
    why_not = _refusals(ranking)
    bound = pod["spec"].get("nodeName") or ""
    if not fits:
        return f"{bound} although today no node would fit: {why_not}" if bound else f"Pending: {why_not}"
    chosen = fits[0]
    others = f" ({why_not})" if why_not else ""
    if len(fits) == 1:
        said = f"{chosen['node']} because it is the only node that fits{others}"
    else:
        said = f"{chosen['node']} because {_comparison(fits, rows)}{others}"
    return said if bound in ("", chosen["node"]) else f"{bound}; today it would be {said}"


def _refusals(ranking: list[dict[str, Any]]) -> str:
    """`2 Insufficient cpu, 1 had untolerated taint(s)`: the most frequent first."""
    counts = Counter(reason.removeprefix("node(s) ") for r in ranking for reason in r["reasons"])
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _comparison(fits: list[dict[str, Any]], rows: list[dict[str, Any]]) -> str:
    """How the chosen node stands to the next best."""
    first, second = fits[0], fits[1]
    tied = sum(r["total"] == first["total"] for r in fits)
    if tied > 1:
        return f"it is the first of {tied} nodes that share the highest score, {first['total']}"
    scores = {(r["node"], r["plugin"]): r["weighted"] for r in rows if r["weighted"] is not None}
    better = [
        (ahead, name, score, behind)
        for (node, name), score in scores.items()
        if node == first["node"] and (ahead := score - (behind := scores[second["node"], name])) > 0
    ]
    parts = [f"{name} {score} against {behind}" for _, name, score, behind in sorted(better, key=lambda b: (-b[0], b[1]))]
    return f"it scores {first['total']}, ahead of {second['node']} with {second['total']}: {', '.join(parts)}"
