"""All that a decision rests on, in columns: every node's verdicts and scores, made with whole arrays when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from k8s_notebook.scheduler import search, selection
from k8s_notebook.scheduler.arrays import Cluster, Incoming
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plan import Plan
from k8s_notebook.scheduler.plugins import inter_pod_affinity, pod_topology_spread
from k8s_notebook.scheduler.plugins.plugin import Bools
from k8s_notebook.scheduler.profiles import Profile
from k8s_notebook.scheduler.rows import Rows
from k8s_notebook.scheduler.search import Class, Space, View


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


def of(
    pod: Incoming, rows: Rows, known: Class, view: View, space: Space, plan: Plan, at: Ints, cluster: Cluster, profile: Profile,
) -> Columns:  # fmt: skip
    """The columns for a pod whose rows are up to date; `at` are the positions that are looked at, in order."""
    verdicts = rows.verdicts(at)
    fails = (verdicts[:, None] >> np.arange(len(profile.filters)) & 1).astype(np.bool_)
    feasible = np.logical_not(np.any(fails, axis=1)) & (not rows.rejected)
    if len(space.held):
        feasible &= space.held[at] == 0
    kept = np.flatnonzero(feasible)[: profile.enough(len(at))]
    waiting = np.flatnonzero(feasible & (rows.order[at] == cluster.slots.get(pod.nominated, -1)))
    kept = waiting if len(waiting) else kept
    scored = np.zeros(len(at), np.bool_)
    chosen = int(kept[0]) if len(kept) else -1
    raw, each, weighted = (np.zeros((len(profile.scores), len(at)), np.int64) for _ in range(3))
    if len(kept) > 1:
        scored[kept] = True
        raw[:, kept], each[:, kept] = _scores(rows, known, view, space, plan, at[kept])
        weighted = each * np.array(profile.weights, np.int64)[:, None]
        totals = weighted.sum(axis=0)[kept]
        chosen = int(kept[selection.pick_at(totals, len(kept), plan.ties, space.chance.copy())])
    names = [cluster.names[slot] for slot in rows.order[at]]
    return Columns(names, rows.order[at], fails, feasible, scored, raw, each, weighted, weighted.sum(axis=0), chosen)


def _scores(rows: Rows, known: Class, view: View, space: Space, plan: Plan, kept: Ints) -> tuple[Ints, Ints]:
    """(raw, normalised) scores [plugin, node] of the feasible positions."""
    arrays = rows.arrays
    raw = np.where((arrays.weights != 0)[:, None], arrays.scores[:, kept], 0)
    each = np.zeros_like(raw)
    for s in np.flatnonzero(arrays.weights):
        each[s] = search.normalised(raw[s], int(arrays.modes[s]))
    if plan.spread_row >= 0:
        raw[plan.spread_row], each[plan.spread_row] = _crowding(known, view, space, kept)
    if plan.affinity_row >= 0:
        raw[plan.affinity_row], each[plan.affinity_row] = _likings(known, kept)
    return raw, each


def _crowding(known: Class, view: View, space: Space, kept: Ints) -> tuple[Ints, Ints]:
    raw = np.zeros(len(kept), np.int64)
    if not len(known.spread.soft):
        return raw, raw
    pod_topology_spread.crowding_at(
        known.entries,
        known.spread,
        view.tallies,
        view.order,
        kept,
        len(kept),
        space.logs,
        space.sums,
        space.shares,
        space.stamps,
        raw,
    )
    return np.maximum(raw, 0), pod_topology_spread.normalised(raw)


def _likings(known: Class, kept: Ints) -> tuple[Ints, Ints]:
    raw = np.zeros(len(kept), np.int64)
    if not len(known.affinity.like):
        return raw, raw
    inter_pod_affinity.likings_at(known.entries, known.affinity, kept, len(kept), raw)
    return raw, inter_pod_affinity.normalised(raw)
