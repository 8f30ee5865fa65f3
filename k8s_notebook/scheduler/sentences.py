"""What a person wants to know first about a decision, in one sentence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from k8s_notebook.scheduler.evidence import Evidence, Ints
    from k8s_notebook.scheduler.explain import Explanation

PLAIN = {
    "Insufficient cpu": "too little cpu",
    "Insufficient memory": "too little memory",
    "Insufficient ephemeral-storage": "too little ephemeral storage",
    "Too many pods": "full of pods",
    "node(s) had untolerated taint(s)": "tainted",
    "node(s) were unschedulable": "cordoned",
    "node(s) didn't match Pod's node affinity/selector": "without the labels that it selects",
    "node(s) didn't match the requested node name": "not the node that it names",
    "node(s) didn't satisfy plugin(s) [NodeAffinity]": "not named by it",
    "node(s) didn't have free ports for the requested pod ports": "without the free port",
    "node(s) didn't match pod topology spread constraints": "where the spread would be too uneven",
    "node(s) didn't match pod topology spread constraints (missing required label)": "without the label to spread over",
    "node(s) didn't match pod affinity rules": "away from the pods that it must be near",
    "node(s) didn't match pod anti-affinity rules": "beside pods that it must keep away from",
    "node(s) didn't satisfy existing pods anti-affinity rules": "beside pods that keep it away",
}
"""kube-scheduler's reason -> what the refused nodes are."""

BETTER = {
    "NodeResourcesFit": "it has more room than {other}",
    "NodeResourcesBalancedAllocation": "its cpu and memory stay better balanced than on {other}",
    "PodTopologySpread": "fewer pods of its kind are there than on {other}",
    "InterPodAffinity": "it is better company than {other}",
    "NodeAffinity": "it matches more of what the pod prefers than {other}",
    "TaintToleration": "it has fewer taints that the pod would rather avoid than {other}",
    "ImageLocality": "it has more of the images than {other}",
}
"""Plugin -> why a node that scores higher is better."""


def headline(found: Explanation) -> str:
    """The answer without numbers and without what happened elsewhere: for the top of a picture that shows the rest."""
    bound = found.bound_to
    if not found.node or (found.gates and not bound):
        said = answer(found).partition("; smallest change that would help")[0]
        return f"{found.name} {'runs on' if bound else 'is'} {said}"
    short = f"{found.node} because {because(found).partition(' (')[0].partition(':')[0]}"
    if bound in ("", found.node):
        return f"{found.name} {'runs' if bound else 'would go'} {'on' if bound else 'to'} {short}"
    return f"{found.name} runs on {bound}; now it would be {short}"


def answer(found: Explanation) -> str:
    """The answer, without what it would be today.

    Bound: "node-7 because …", "node-7; now it would be node-2 because …". Pending: "Pending: 3 nodes too little cpu, 2 tainted;
    smallest change that would help: …".
    """
    bound = found.bound_to
    if found.gates and not bound:
        return f"Pending: waiting for scheduling gates: [{' '.join(found.gates)}]{_help(found)}"
    if not found.node:
        why = refusals(found)
        if bound:
            return f"{bound}, although now no node would fit: {why}"
        if found.nominated:
            return f"Pending: {why}; room is being made on {found.nominated}{_victims(found)}"
        return f"Pending: {why}{_help(found)}"
    said = f"{found.node} because {because(found)}"
    return said if bound in ("", found.node) else f"{bound}; now it would be {said}"


def _help(found: Explanation) -> str:
    if not found.changes:
        return ""
    best = found.changes[0]
    detail = f" ({best.detail})" if best.detail else ""
    then = f" ({best.fits:,} nodes would then fit)" if best.fits > 1 else ""
    if not then and best.node and best.node not in best.text + best.detail:
        then = f" (then {best.node} fits)"
    return f"; smallest change that would help: {best.text}{detail}{then}"


def _victims(found: Explanation) -> str:
    if not found.victims:
        return ""
    names = ", ".join(found.victims[:3]) + (f" and {len(found.victims) - 3} more" if len(found.victims) > 3 else "")
    return f", where {names} must go"


def refusals(found: Explanation) -> str:
    """`3 nodes too little cpu, 2 tainted`: the most frequent reason first. kube-scheduler's sentence if there are no nodes."""
    rests_on = found.evidence
    counts: Counter[str] = Counter()
    for _, text, rows in rests_on.first_reasons():
        counts[rests_on.texts[text]] += len(rows)
    if len(counts) == 1 and not _of_nodes(next(iter(counts))) and counts.total() == len(rests_on):
        return next(iter(counts))
    said: Counter[str] = Counter()
    for reason, n in counts.items():
        said[f" {plain(reason)}" if _of_nodes(reason) else f": {reason}"] += n
    parts = sorted(said.items(), key=lambda item: (-item[1], item[0]))
    if not parts:
        return found.message
    noun = "node" if parts[0][1] == 1 else "nodes"
    return ", ".join([f"{parts[0][1]:,} {noun}{parts[0][0]}", *(f"{n:,}{text}" for text, n in parts[1:])])


def _of_nodes(reason: str) -> bool:
    """Whether a reason says what the refused nodes are, rather than what is the matter with the pod."""
    return reason in PLAIN or reason.startswith(("Insufficient ", "node(s) "))


def plain(reason: str) -> str:
    """A reason of kube-scheduler in plain words.

    >>> plain("Insufficient example.com/gpu"), plain("node(s) had no fun")
    ('too little example.com/gpu', 'had no fun')
    """
    if reason in PLAIN:
        return PLAIN[reason]
    if reason.startswith("Insufficient "):
        return f"too little {reason.removeprefix('Insufficient ')}"
    return reason.removeprefix("node(s) ")


def because(found: Explanation) -> str:
    """Why the chosen node was chosen."""
    rests_on = found.evidence
    others = f" ({refusals(found)})" if found.feasible < len(rests_on) else ""
    if found.feasible <= 1:
        return f"it is the only node that fits{others}"
    scored = np.flatnonzero(rests_on.scored)
    if len(scored) < 2 or rests_on.chosen < 0:
        return f"it is the first node that fits{others}"
    return f"{_comparison(rests_on, scored)}{others}"


def _comparison(rests_on: Evidence, scored: Ints) -> str:
    """How the chosen node stands to the next best."""
    total, weighted = rests_on.total, rests_on.weighted
    mine = int(total[rests_on.chosen])
    tied = int((total[scored] == mine).sum())
    if tied > 1:
        return f"it is one of {tied:,} nodes that share the highest score, {mine}"
    second = max((row for row in scored.tolist() if row != rests_on.chosen), key=lambda row: (int(total[row]), -row))
    ahead = weighted[:, rests_on.chosen] - weighted[:, second]
    order = [s for s in np.argsort(-ahead, kind="stable").tolist() if ahead[s] > 0]
    other = rests_on.nodes[second]
    said = [
        BETTER.get(rests_on.scores[s], f"{rests_on.scores[s]} likes it more than {{other}}").format(other=other)
        for s in order[:1]
    ]
    parts = [f"{rests_on.scores[s]} {weighted[s, rests_on.chosen]} against {weighted[s, second]}" for s in order]
    return f"{said[0]}: {mine} points against {int(total[second])} ({', '.join(parts)})"
