"""Preemption by trying: pods are really taken off the arrays, the plugins asked, and the pods put back.

For pods whose plugins run in Python (claims, a person's own policies), and to compare the compiled half with.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from k8s_notebook.scheduler import search
from k8s_notebook.scheduler.arrays import Cluster, Incoming, Placed
from k8s_notebook.scheduler.crowd import Crowd
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plan import Plan
from k8s_notebook.scheduler.rows import Rows

if TYPE_CHECKING:
    from k8s_notebook.scheduler.search import Class, View


NO_VICTIMS = "No preemption victims found for incoming pod"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node, the pods to be evicted there (uids), and how many of them exceed a budget."""

    node: str
    victims: tuple[str, ...]
    violations: int

    def cost(self, cluster: Cluster) -> tuple[float, ...]:
        """What is compared, in order: violations, highest priority, sum of priorities, victims, how long the highest ran."""
        pods = [cluster.placed[uid] for uid in self.victims]
        highest = max(p.priority for p in pods)
        since = min(p.started for p in pods if p.priority == highest)
        return self.violations, pods[0].priority, sum(p.priority + 2**31 for p in pods), len(pods), -since


@dataclass(slots=True)
class Tried:
    """What came of trying."""

    candidates: list[Candidate] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


class _Node:
    """One node on which pods are taken off and put back."""

    def __init__(self, pod: Incoming, rows: Rows, known: Class, view: View, plan: Plan, cluster: Cluster, position: int) -> None:
        self._pod, self._rows, self._known, self._view, self._plan = pod, rows, known, view, plan
        self._cluster, self._position = cluster, position
        self._name = cluster.names[int(rows.order[position])]
        self._before = dict(cluster.pods_on(self._name))

    def lower(self) -> list[tuple[str, Placed]]:
        """The pods of lower priority, the most important first."""
        found = [(uid, p) for uid, p in self._before.items() if p.priority < self._pod.priority]
        return sorted(found, key=lambda item: (-item[1].priority, item[1].started))

    def refusal(self) -> list[str]:
        """Why the pod does not fit as things are, with or without the pods for which room is being made; empty if it fits."""
        others = [
            (f"nominated {uid}", nominee.on(self._name)) for uid, nominee in self._cluster.nominees(self._name).items()
            if nominee.priority >= self._pod.priority and uid != self._pod.uid
        ]  # fmt: skip
        for uid, placed in others:
            self._cluster.place(uid, placed)
        said = self._said() if others else []
        for uid, _ in others:
            self._cluster.lift(uid)
        return said or self._said()

    def restore(self) -> None:
        """Put everybody back, in the order in which they were."""
        for uid in list(self._cluster.pods_on(self._name)):
            self._cluster.lift(uid)
        for uid, placed in self._before.items():
            self._cluster.place(uid, placed)
        self._refresh()

    def _said(self) -> list[str]:
        """The reasons of the first plugin that refuses the pod."""
        self._refresh()
        at = np.array([self._position], np.int64)
        bits = int(self._rows.verdicts(at)[0])
        if not bits:
            return []
        found = self._rows.reasons(self._rows.first_refusal(bits), at)
        return [text for text, given in zip(found.texts, found.given[0], strict=True) if given]

    def _refresh(self) -> None:
        search.refresh.run(self._view, self._known, self._plan, self._rows.stale())


def try_nodes(
    pod: Incoming, rows: Rows, known: Class, view: View, plan: Plan, cluster: Cluster, crowd: Crowd, movable: Ints, enough: int,
) -> Tried:  # fmt: skip
    """The candidates among the nodes at these positions, and the reasons of the others."""
    crowd.update()
    tried = Tried()
    journal, cluster.journal = cluster.journal, None
    try:
        for position in movable.tolist():
            node = _Node(pod, rows, known, view, plan, cluster, position)
            _try(node, cluster, crowd, tried)
            good = sum(c.violations == 0 for c in tried.candidates)
            if good and min(good, enough) + min(len(tried.candidates) - good, enough) >= enough:
                break
    finally:
        cluster.journal = journal
    return tried


def _try(node: _Node, cluster: Cluster, crowd: Crowd, tried: Tried) -> None:
    lower = node.lower()
    if not lower:
        tried.reasons[NO_VICTIMS] += 1
        return
    for uid, _ in lower:
        cluster.lift(uid)
    said = node.refusal()
    if said:
        tried.reasons.update(said)
        node.restore()
        return
    over = _violating([placed for _, placed in lower], crowd)
    victims: dict[str, bool] = {}
    for wanted in (True, False):
        for (uid, placed), violates in zip(lower, over, strict=True):
            if violates == wanted:
                cluster.place(uid, placed)
                if node.refusal():
                    cluster.lift(uid)
                    victims[uid] = violates
    node.restore()
    if victims:
        name = lower[0][1].node
        tried.candidates.append(Candidate(name, tuple(uid for uid, _ in lower if uid in victims), sum(victims.values())))


def _violating(pods: list[Placed], crowd: Crowd) -> list[bool]:
    """Which evictions would exceed a disruption budget, the pods before evicted too."""
    left = [budget.allowed for budget in crowd.budgets]
    found = []
    for pod in pods:
        mine = [i for i, budget in enumerate(crowd.budgets) if budget.protects(pod)]
        for i in mine:
            left[i] -= 1
        found.append(any(left[i] < 0 for i in mine))
    return found
