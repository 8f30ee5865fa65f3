"""The compiled half of a decision: rows are brought up to date, nodes are looked at, weighed, and one is taken.

As in pkg/scheduler/schedule_one.go of 1.36 with parallelism 1. `run` makes one decision for each of many alike pods and counts each on
its node before the next, without Python in between.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler import counting, judging, selection
from k8s_notebook.scheduler.counting import Entries
from k8s_notebook.scheduler.node_table import Ints, NodeArrays
from k8s_notebook.scheduler.plan import Plan, PodArrays
from k8s_notebook.scheduler.plugins import inter_pod_affinity, node_ports, node_resources_balanced_allocation
from k8s_notebook.scheduler.plugins import node_resources_fit as fit
from k8s_notebook.scheduler.plugins import pod_topology_spread as spreading
from k8s_notebook.scheduler.plugins.inter_pod_affinity import Affinity
from k8s_notebook.scheduler.plugins.plugin import HIGHEST_IS_100, LOWEST_IS_100
from k8s_notebook.scheduler.plugins.pod_topology_spread import Spread
from k8s_notebook.scheduler.rows import BLOCK, COUNTS, FLAT, SHARED, RowArrays
from k8s_notebook.scheduler.rules import Judged


@kernels.record
class View(NamedTuple):
    """The cluster as one decision sees it."""

    nodes: NodeArrays
    tallies: Ints
    order: Ints
    positions: Ints


@kernels.record
class Class(NamedTuple):
    """One pod class and what is known of it."""

    pod: PodArrays
    rows: RowArrays
    entries: Entries
    spread: Spread
    affinity: Affinity
    judged: Judged


@kernels.record
class Space(NamedTuple):
    """Scratch space; the caller reads `kept`, `totals` and `raw` after a decision."""

    kept: Ints
    """[found]: positions of the feasible nodes that were kept"""
    totals: Ints
    """[found]"""
    raw: Ints
    """[found]"""
    sums: Any
    """[found], floats"""
    shares: Any
    """[domain], floats"""
    stamps: Ints
    """[domain + 1]"""
    table: Ints
    """[found]"""
    logs: Any
    """[domains + 2]: natural logarithms"""
    chance: Ints
    """[1]"""
    held: Ints
    """[position]: 1 where pods that wait for room leave none; empty if there are no such pods"""


@kernels.kernel
def refresh(view: View, known: Class, plan: Plan, changed: Ints) -> None:
    """Redo what depends on the pods of the nodes in `changed` (slots), and see what that means for others."""
    for i in range(len(changed)):
        slot = changed[i]
        position = view.positions[slot]
        if position >= 0:
            redo(view, known, plan, slot, position)
    judging.judge(known.rows, known.entries, known.spread, known.affinity, known.judged)


@kernels.inner
def redo(view: View, known: Class, plan: Plan, slot: int, position: int) -> None:
    """Redo what depends on the pods of one node."""
    nodes, pod, rows = view.nodes, known.pod, known.rows
    fails = rows.fixed[position] | rows.moved[position]
    if plan.ports_bit >= 0 and node_ports.taken(nodes, pod, slot):
        fails |= 1 << plan.ports_bit
    if plan.fit_bit >= 0 and fit.lacks(nodes, pod, slot):
        fails |= 1 << plan.fit_bit
    rows.fails[position] = fails
    if plan.fit_row >= 0:
        rows.scores[plan.fit_row, position] = fit.fullness(nodes, pod, plan, slot)
    if plan.balanced_row >= 0 and rows.weights[plan.balanced_row] != 0:
        rows.scores[plan.balanced_row, position] = node_resources_balanced_allocation.balance(nodes, pod, plan, slot)
    base = rows.flags[SHARED]
    for s in range(len(rows.weights)):
        if rows.varies[s] == 0:
            base += rows.weights[s] * rows.scores[s, position]
    rows.base[position] = base
    counting.recount(known.entries, view.tallies, position, slot)
    judging.sum_up(rows, position)


@refresh.interpreted
def refresh_at(view: View, known: Class, plan: Plan, changed: Ints) -> None:
    """The same with whole arrays."""
    slots = np.unique(changed)
    at = view.positions[slots]
    slots, at = slots[at >= 0], at[at >= 0]
    nodes, pod, rows = view.nodes, known.pod, known.rows
    if len(at):
        fails = rows.fixed[at] | rows.moved[at]
        if plan.ports_bit >= 0 and len(pod.conflicts):
            fails = fails | node_ports.taken_at(nodes, pod, slots).astype(np.int64) << plan.ports_bit
        if plan.fit_bit >= 0:
            fails = fails | fit.lacks_at(nodes, pod, slots).astype(np.int64) << plan.fit_bit
        rows.fails[at] = fails
        if plan.fit_row >= 0:
            rows.scores[plan.fit_row, at] = fit.fullness_at(nodes, pod, plan, slots)
        if plan.balanced_row >= 0 and rows.weights[plan.balanced_row]:
            rows.scores[plan.balanced_row, at] = node_resources_balanced_allocation.balance_at(nodes, pod, plan, slots)
        steady = rows.weights * (rows.varies == 0)
        rows.base[at] = rows.flags[SHARED] + steady @ rows.scores[:, at]
        counting.recount_at(known.entries, view.tallies, at, slots)
    judging.judge_at(rows, known.entries, known.spread, known.affinity, known.judged)


@kernels.inner
def look(known: Class, space: Space, start: int, enough: int) -> tuple[int, int]:
    """(how many feasible nodes were kept, how many were refused on the way).

    Nodes are looked at from `start` on, round and round, until one more than `enough` would fit. `space.totals` begins with the
    part of the totals that depends on the node alone.
    """
    total, held, kept, totals = known.rows.total, space.held, space.kept, space.totals
    size, free = len(total), len(held) == 0
    found, refused = 0, 0
    at = start % size if size > 0 else 0
    for _ in range(size):
        if total[at] >= 0 and (free or held[at] == 0):
            if found == enough:
                break
            kept[found] = at
            totals[found] = total[at]
            found += 1
        else:
            refused += 1
        at = at + 1 if at + 1 < size else 0
    return found, refused


@look.interpreted
def look_at(known: Class, space: Space, start: int, enough: int) -> tuple[int, int]:
    """The same with whole arrays."""
    size = len(known.rows.total)
    turned = np.roll(np.arange(size), -(start % size)) if size else np.zeros(0, np.int64)
    good = known.rows.total[turned] >= 0
    if len(space.held):
        good &= space.held[turned] == 0
    feasible = np.flatnonzero(good)
    looked_at = int(feasible[enough]) if len(feasible) > enough else size
    found = min(len(feasible), enough)
    space.kept[:found] = turned[feasible[:found]]
    space.totals[:found] = known.rows.total[space.kept[:found]]
    return found, looked_at - found


@kernels.inner
def weigh(raw: Ints, space: Space, found: int, mode: int, weight: int) -> None:
    """Add one plugin's normalised, weighted scores of the positions in `space.kept[:found]` to `space.totals`."""
    kept, totals, table = space.kept, space.totals, space.table
    highest = 0
    for i in range(found):
        highest = max(highest, raw[kept[i]])
    if mode == HIGHEST_IS_100 and highest == 0:
        return
    if 0 < highest < found:
        for value in range(highest + 1):
            table[value] = weight * (100 * value // highest if mode == HIGHEST_IS_100 else 100 - 100 * value // highest)
        for i in range(found):
            totals[i] += table[raw[kept[i]]]
        return
    for i in range(found):
        score = raw[kept[i]]
        if mode == HIGHEST_IS_100:
            score = 100 * score // highest
        elif mode == LOWEST_IS_100:
            score = 100 - 100 * score // highest if highest > 0 else 100
        totals[i] += weight * score


@kernels.inner
def score(view: View, known: Class, plan: Plan, space: Space, found: int) -> None:
    """Add to `space.totals` what depends on which nodes are feasible, for the positions that were kept."""
    rows = known.rows
    if rows.flags[FLAT]:
        return
    for s in range(len(rows.weights)):
        if rows.weights[s] != 0 and rows.varies[s] != 0 and s != plan.spread_row and s != plan.affinity_row:
            weigh(rows.scores[s], space, found, rows.modes[s], rows.weights[s])
    if len(known.spread.soft) > 0:
        spreading.crowding(
            known.entries,
            known.spread,
            view.tallies,
            view.order,
            space.kept,
            found,
            space.logs,
            space.sums,
            space.shares,
            space.stamps,
            space.raw,
        )
        spreading.evenness(space.raw, found, plan.spread_weight, space.totals, space.table)
    if len(known.affinity.like) > 0:
        inter_pod_affinity.likings(known.entries, known.affinity, space.kept, found, space.raw)
        inter_pod_affinity.stretch(space.raw, found, plan.affinity_weight, space.totals, space.table)


@score.interpreted
def score_at(view: View, known: Class, plan: Plan, space: Space, found: int) -> None:
    """The same with whole arrays."""
    rows, kept = known.rows, space.kept[:found]
    for s in np.flatnonzero(rows.weights * rows.varies):
        if s not in (plan.spread_row, plan.affinity_row):
            space.totals[:found] += rows.weights[s] * normalised(rows.scores[s, kept], int(rows.modes[s]))
    if len(known.spread.soft):
        spreading.crowding_at(
            known.entries,
            known.spread,
            view.tallies,
            view.order,
            space.kept,
            found,
            space.logs,
            space.sums,
            space.shares,
            space.stamps,
            space.raw,
        )
        spreading.evenness_at(space.raw, found, plan.spread_weight, space.totals, space.table)
    if len(known.affinity.like):
        inter_pod_affinity.likings_at(known.entries, known.affinity, space.kept, found, space.raw)
        inter_pod_affinity.stretch_at(space.raw, found, plan.affinity_weight, space.totals, space.table)


def normalised(raw: Ints, mode: int) -> Ints:
    """Raw scores of the feasible nodes as 0..100."""
    highest = int(raw.max()) if mode and len(raw) else 0
    if mode == HIGHEST_IS_100 and highest:
        return 100 * raw // highest
    if mode == LOWEST_IS_100:
        return 100 - 100 * raw // max(highest, 1)
    return raw


@kernels.inner
def line_up(rows: RowArrays, space: Space, start: int) -> int:
    """How many nodes are feasible; `space.kept` has their positions from `start` on, `space.raw` the place of each position."""
    size, found = len(rows.total), 0
    at = start % size
    for _ in range(size):
        if rows.total[at] >= 0:
            space.kept[found] = at
            space.raw[at] = found
            found += 1
        at = at + 1 if at + 1 < size else 0
    return found


@kernels.inner
def best_of_all(rows: RowArrays, space: Space, found: int, ties: int) -> int:
    """The winning position when every feasible node is weighed; they are lined up in `space`.

    Only blocks that can hold the winner are read. Of equal totals the first in pre-order of the heap is asked for.
    """
    highest = -1
    for block in range(len(rows.best)):
        highest = max(highest, rows.best[block])
    index, steps = 0, 0
    while ties == selection.V1_36 and index < found and steps < 2 * BLOCK:
        if rows.total[space.kept[index]] == highest:
            return int(space.kept[index])
        index = selection.following(index, found)
        steps += 1
    best = -1
    for block in range(len(rows.best)):
        if rows.best[block] == highest:
            for position in range(block * BLOCK, min(block * BLOCK + BLOCK, len(rows.total))):
                if rows.total[position] == highest:
                    place = space.raw[position]
                    if best < 0 or (place < best if ties == selection.FIRST else earlier(place, best)):
                        best = place
    return int(space.kept[best])


@kernels.inner
def earlier(one: int, other: int) -> bool:
    """Whether an index comes before another one in pre-order of a heap."""
    a, b = one + 1, other + 1
    bits_a, bits_b = 0, 0
    while a >> bits_a > 0:
        bits_a += 1
    while b >> bits_b > 0:
        bits_b += 1
    if bits_a <= bits_b:
        lifted = b >> (bits_b - bits_a)
        return a <= lifted
    return (a >> (bits_a - bits_b)) < b


@kernels.inner
def settle(view: View, known: Class, plan: Plan, space: Space, start: int, enough: int) -> tuple[int, int, int]:
    """(position of the chosen node or -1, how many feasible nodes were kept, how many were refused on the way)."""
    found, refused = look(known, space, start, enough)
    if found == 0:
        return -1, 0, refused
    if found == 1:
        return space.kept[0], 1, refused
    score(view, known, plan, space, found)
    return space.kept[selection.pick(space.totals, found, plan.ties, space.chance)], found, refused


@kernels.inner
def put(view: View, pod: PodArrays, slot: int, sign: int) -> None:
    """Count a pod of a class on a node, or take it off (`sign` -1)."""
    nodes = view.nodes
    for r in range(len(pod.requests)):
        nodes.requested[slot, r] += sign * pod.requests[r]
    nodes.occupied[slot, 0] += sign * pod.occupies[0]
    nodes.occupied[slot, 1] += sign * pod.occupies[1]
    nodes.pods[slot] += sign
    for i in range(len(pod.ports)):
        nodes.ports[slot, pod.ports[i]] += sign
    for i in range(len(pod.rows)):
        view.tallies[pod.rows[i], slot] += sign


@kernels.kernel
def run(
    view: View, known: Class, plan: Plan, space: Space, changed: Ints, start: int, enough: int, targets: Ints, share: bool, place: bool,
    all_slots: Ints, chosen: Ints, kept: Ints, refused: Ints,
) -> tuple[int, int]:  # fmt: skip
    """(how many pods found a node, where the next search begins): the next pods of one class, until one fits nowhere.

    `targets` has one number per pod: the position of the only node that it may go to, or -1. `chosen`, `kept` and `refused` are
    filled with a slot and two counts per pod: the feasible nodes that were kept, and those refused on the way. With `place` each pod
    is counted on its node before the next. Without `share` every node is looked at afresh for every pod.
    """
    refresh(view, known, plan, changed)
    size = len(known.rows.fails)
    lined = known.rows.flags[FLAT] != 0 and enough >= size and len(space.held) == 0 and plan.ties != selection.RANDOM and share
    feasible = line_up(known.rows, space, start) if lined and size > 0 else 0
    for i in range(len(targets)):
        if not share:
            refresh(view, known, plan, all_slots)
        if targets[i] >= 0:
            good = known.rows.total[targets[i]] >= 0 and (len(space.held) == 0 or space.held[targets[i]] == 0)
            position, found, bad = (targets[i], 1, 0) if good else (-1, 0, 1)
        elif lined and feasible > 1:
            position, found, bad = best_of_all(known.rows, space, feasible, plan.ties), feasible, size - feasible
        else:
            position, found, bad = settle(view, known, plan, space, start, enough)
        kept[i], refused[i] = found, bad
        if position < 0:
            return i, start
        start = (start + found + bad) % size
        slot = view.order[position]
        chosen[i] = slot
        if not place:
            continue
        put(view, known.pod, slot, 1)
        redo(view, known, plan, slot, position)
        judging.judge(known.rows, known.entries, known.spread, known.affinity, known.judged)
        if lined and (known.rows.flags[COUNTS] or known.rows.total[position] < 0):
            feasible = line_up(known.rows, space, start)
    return len(targets), start
