"""One decision: which node a pod goes to (as in pkg/scheduler/schedule_one.go of 1.36, with parallelism 1)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler import failures, profiles
from k8s_notebook.scheduler.arrays import Cluster, Ints, NodeArrays
from k8s_notebook.scheduler.plugins import node_ports, node_resources_balanced_allocation, node_resources_fit
from k8s_notebook.scheduler.plugins.plugin import HIGHEST_IS_100, LOWEST_IS_100, Bools
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.profiles import Plan, Profile
from k8s_notebook.scheduler.rows import PodArrays, RowArrays, Rows

MOST_ROWS = 64
"""How many pod classes keep their rows."""
NO_NODES = "no nodes available to schedule pods"


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome for one pod. `message` is kube-scheduler's sentence when `node` is empty."""

    node: str
    nodes: int
    feasible: int
    evaluated: int
    message: str = ""
    rejectors: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Columns:
    """A decision in columns: one row per node that was looked at, in that order.

    `fails[node, filter]`; `scored` tells which rows took part in the scoring; the scores are [plugin, node], 0 where not scored.
    """

    nodes: list[str]
    slots: Ints
    fails: Bools
    feasible: Bools
    scored: Bools
    raw: Ints
    normalised: Ints
    weighted: Ints
    total: Ints
    chosen: int
    """The row of the chosen node, or -1."""


@kernels.kernel
def refresh(nodes: NodeArrays, pod: PodArrays, rows: RowArrays, plan: Plan, changed: Ints) -> None:
    """Redo what depends on the pods of the nodes in `changed`."""
    for i in range(len(changed)):
        slot = changed[i]
        fails = rows.fixed[slot]
        if plan.ports_bit >= 0 and node_ports.taken(nodes, pod, slot):
            fails |= 1 << plan.ports_bit
        if plan.fit_bit >= 0 and node_resources_fit.lacks(nodes, pod, slot):
            fails |= 1 << plan.fit_bit
        rows.fails[slot] = fails
        if plan.fit_row >= 0:
            rows.scores[plan.fit_row, slot] = node_resources_fit.least_allocated(nodes, pod, slot)
        if plan.balanced_row >= 0:
            rows.scores[plan.balanced_row, slot] = node_resources_balanced_allocation.balance(nodes, pod, slot)


@refresh.interpreted
def refresh_at(nodes: NodeArrays, pod: PodArrays, rows: RowArrays, plan: Plan, changed: Ints) -> None:
    """The same with whole arrays."""
    fails = rows.fixed[changed]
    if plan.ports_bit >= 0 and len(pod.conflicts):
        fails = fails | node_ports.taken_at(nodes, pod, changed).astype(np.int64) << plan.ports_bit
    if plan.fit_bit >= 0:
        fails = fails | node_resources_fit.lacks_at(nodes, pod, changed).astype(np.int64) << plan.fit_bit
    rows.fails[changed] = fails
    if plan.fit_row >= 0:
        rows.scores[plan.fit_row, changed] = node_resources_fit.least_allocated_at(nodes, pod, changed)
    if plan.balanced_row >= 0:
        rows.scores[plan.balanced_row, changed] = node_resources_balanced_allocation.balance_at(nodes, pod, changed)


@kernels.kernel
def weigh(raw: Ints, kept: Ints, found: int, mode: int, weight: int, totals: Ints) -> None:
    """Add one plugin's normalised, weighted scores of the nodes in `kept[:found]` to `totals`."""
    highest = 0
    if mode != 0:
        for i in range(found):
            highest = max(highest, raw[kept[i]])
    for i in range(found):
        score = raw[kept[i]]
        if mode == HIGHEST_IS_100 and highest > 0:
            score = 100 * score // highest
        elif mode == LOWEST_IS_100:
            score = 100 - 100 * score // highest if highest > 0 else 100
        totals[i] += weight * score


@kernels.kernel
def turn(index: int) -> int:
    """The rank of an index in pre-order of a binary heap of up to 2**32 places: 0, 1, 3, 7, …, 2, 5, ….

    kube-scheduler 1.36 takes the root of a max-heap of totals: of equal ones the first in this order wins. The place index+1 in
    binary is the path from the root; paths compare as words do, so they are left-aligned, and the shorter comes first.
    """
    place = index + 1
    bits = 0
    while place >> bits > 0:
        bits += 1
    return (place << (32 - bits)) << 6 | bits


@kernels.kernel
def step(
    nodes: NodeArrays, pod: PodArrays, rows: RowArrays, plan: Plan, changed: Ints, order: Ints, start: int, enough: int,
    kept: Ints, totals: Ints,
) -> tuple[int, int, int]:  # fmt: skip
    """(chosen slot or -1, how many feasible nodes were kept, how many nodes were refused on the way).

    Nodes are looked at in `order` from `start` on, round and round, until one more than `enough` would fit. `kept` and `totals`
    are filled with the feasible slots and, if there are several, their totals.
    """
    refresh(nodes, pod, rows, plan, changed)
    found, refused = 0, 0
    at = start % len(order) if len(order) > 0 else 0
    for _ in range(len(order)):
        slot = order[at]
        at = at + 1 if at + 1 < len(order) else 0
        if rows.fails[slot] != 0:
            refused += 1
            continue
        if found == enough:
            break
        kept[found] = slot
        totals[found] = 0
        found += 1
    if found == 0:
        return -1, 0, refused
    if found == 1:
        return kept[0], 1, refused
    for s in range(len(rows.weights)):
        if rows.weights[s] != 0:
            weigh(rows.scores[s], kept, found, rows.modes[s], rows.weights[s], totals)
    best = 0
    for i in range(1, found):
        if totals[i] > totals[best] or (totals[i] == totals[best] and best != 0 and turn(i) < turn(best)):
            best = i
    return kept[best], found, refused


@step.interpreted
def step_at(
    nodes: NodeArrays, pod: PodArrays, rows: RowArrays, plan: Plan, changed: Ints, order: Ints, start: int, enough: int,
    kept: Ints, totals: Ints,
) -> tuple[int, int, int]:  # fmt: skip
    """The same with whole arrays."""
    if len(changed):
        refresh_at(nodes, pod, rows, plan, changed)
    turned = np.roll(order, -(start % len(order))) if len(order) and start else order
    fits = np.flatnonzero(rows.fails[turned] == 0)
    looked_at = int(fits[enough]) if len(fits) > enough else len(turned)
    found = min(len(fits), enough)
    kept[:found] = turned[fits[:found]]
    totals[:found] = 0
    if found == 0:
        return -1, 0, looked_at
    if found == 1:
        return int(kept[0]), 1, looked_at - 1
    for s in np.flatnonzero(rows.weights):
        totals[:found] += rows.weights[s] * normalised(rows.scores[s, kept[:found]], int(rows.modes[s]))
    tied = np.flatnonzero(totals[:found] == totals[:found].max())
    best = tied[0] if len(tied) == 1 or tied[0] == 0 else tied[np.argmin(_turns(tied))]
    return int(kept[best]), found, looked_at - found


def normalised(raw: Ints, mode: int) -> Ints:
    """Raw scores of the feasible nodes as 0..100."""
    highest = int(raw.max()) if mode and len(raw) else 0
    if mode == HIGHEST_IS_100 and highest:
        return 100 * raw // highest
    if mode == LOWEST_IS_100:
        return 100 - 100 * raw // max(highest, 1)
    return raw


def _turns(indexes: Ints) -> Ints:
    """`turn` of each."""
    bits = np.frexp(indexes + 1)[1].astype(np.int64)
    turns: Ints = ((indexes + 1) << (32 - bits)) << 6 | bits
    return turns


class Cycle:
    """Decides for one pod after the other. The caller counts each pod on its node before it asks for the next."""

    def __init__(self, cluster: Cluster, profile: Profile = profiles.DEFAULT) -> None:
        self.cluster = cluster
        self.profile = profile
        self.start = 0
        """Where the next search begins."""
        self._plan = profile.plan()
        self._rows: OrderedDict[PodClass, Rows] = OrderedDict()
        self._kept: Ints = np.zeros(0, np.int64)
        self._totals: Ints = np.zeros(0, np.int64)

    def decide(self, pod: PodClass, *, priority: int = 0, preempts: bool = True) -> Decision:
        """The decision for a pod of this class; it moves the place where the next search begins."""
        total = len(self.cluster)
        if total == 0:
            return Decision("", 0, 0, 0, NO_NODES)
        rows = self.rows(pod)
        slot, found, refused = self._step(rows)
        if slot >= 0:
            self.start = (self.start + found + refused) % total
            return Decision(self.cluster.names[slot], total, found, found + refused)
        failure = failures.describe(rows, self.cluster, self.profile, priority=priority, preempts=preempts)
        if not rows.rejected:
            self.start = (self.start + refused) % total
        return Decision("", total, 0, refused, failure.message, failure.rejectors)

    def columns(self, pod: PodClass) -> Columns:
        """All that a decision for this class would rest on now; it changes nothing."""
        rows = self.rows(pod)
        slot, found, _ = self._step(rows)
        at = np.roll(rows.order, -(self.start % len(rows.order))) if len(rows.order) else rows.order
        fails = (rows.arrays.fails[at][:, None] >> np.arange(len(self.profile.filters)) & 1).astype(np.bool_)
        feasible = np.logical_not(np.any(fails, axis=1))
        scored = np.isin(at, self._kept[:found]) if found > 1 else np.zeros(len(at), np.bool_)
        raw = np.where(scored & (rows.arrays.weights != 0)[:, None], rows.arrays.scores[:, at], 0)
        each = np.zeros_like(raw)
        for s in np.flatnonzero(rows.arrays.weights):
            each[s, scored] = normalised(raw[s, scored], int(rows.arrays.modes[s]))
        weighted = each * rows.arrays.weights[:, None]
        chosen = int(np.flatnonzero(at == slot)[0]) if slot >= 0 else -1
        names = [self.cluster.names[s] for s in at]
        return Columns(names, at, fails, feasible, scored, raw, each, weighted, weighted.sum(axis=0), chosen)

    def rows(self, pod: PodClass) -> Rows:
        """The rows of a pod class, as they were when they were last used."""
        found = self._rows.get(pod)
        if found is None:
            found = self._rows[pod] = Rows(pod, self.cluster, self.profile)
            if len(self._rows) > MOST_ROWS:
                self._rows.popitem(last=False)
        else:
            self._rows.move_to_end(pod)
        return found

    def _step(self, rows: Rows) -> tuple[int, int, int]:
        changed = rows.stale()
        if len(self._kept) < len(self.cluster.names):
            self._kept = np.zeros(len(self.cluster.names), np.int64)
            self._totals = np.zeros(len(self.cluster.names), np.int64)
        enough = self.profile.enough(len(rows.order))
        return step.run(
            self.cluster.arrays, rows.pod, rows.arrays, self._plan, changed, rows.order, self.start, enough,
            self._kept, self._totals,
        )  # fmt: skip


@kernels.exercise
def _exercise() -> None:
    """Compile (or load) `step` and what it calls, for the types that `Cycle` uses."""
    ints = np.zeros(1, np.int64)
    square = np.zeros((1, 3), np.int64)
    nodes = NodeArrays(square, square, np.zeros((1, 2), np.int64), ints, ints, np.zeros((1, 1), np.int64))
    pod = PodArrays(np.zeros(3, np.int64), np.zeros(2, np.int64), np.zeros(0, np.int64))
    rows = RowArrays(ints.copy(), ints.copy(), np.zeros((2, 1), np.int64), np.ones(2, np.int64), np.ones(2, np.int64))
    step.dispatcher(nodes, pod, rows, Plan(0, 1, 0, 1), ints.copy(), ints.copy(), 0, 1, ints.copy(), ints.copy())
