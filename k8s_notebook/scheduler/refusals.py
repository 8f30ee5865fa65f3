"""The compiled half of a failure: which plugin refuses which node first, and how often each reason is given."""

from __future__ import annotations

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plan import Plan
from k8s_notebook.scheduler.plugins import inter_pod_affinity as near
from k8s_notebook.scheduler.plugins import pod_topology_spread as spreading
from k8s_notebook.scheduler.search import Class, View

CODES, CROWDED, RESOURCES = 64, 72, 73
"""Where `counts` has the reasons of plugins that count pods (by code), too many pods, and the resources (by column)."""
UNKNOWN = -1
TEXTS = {**spreading.TEXTS, **near.TEXTS}
"""The reasons of plugins that count pods, by code."""


@kernels.kernel
def sort_out(view: View, known: Class, plan: Plan, first: Ints, final: Ints, counts: Ints) -> None:
    """Fill `first` [position] with the bit of the first plugin that refuses a node, and `counts` with how often that is so.

    `final` [position] becomes 1 where no other pod's leaving would help, 0 where it could, UNKNOWN where a plugin must be asked.
    `counts` has the bits first, then the reasons.
    """
    fails, apart = known.rows.fails, known.rows.apart
    for position in range(len(fails)):
        bits, code = fails[position], apart[position]
        if code != 0:
            bits |= 1 << (plan.spread_bit if code <= spreading.TOO_UNEVEN else plan.affinity_bit)
        bit = 0
        while bits >> bit & 1 == 0:
            bit += 1
        first[position] = bit
        counts[bit] += 1
        if bit == plan.fit_bit:
            final[position] = shortage(view, known, view.order[position], counts)
        elif bit == plan.ports_bit:
            final[position] = 0
        elif bit == plan.spread_bit or bit == plan.affinity_bit:
            counts[CODES + code] += 1
            final[position] = 1 if code == spreading.NO_LABEL or code == near.NOT_NEAR else 0
        else:
            final[position] = UNKNOWN


@kernels.inner
def shortage(view: View, known: Class, slot: int, counts: Ints) -> int:
    """1 if the pod could never fit on the node, else 0; `counts` gets what is short."""
    nodes, checked = view.nodes, known.pod.checked
    never = 0
    if nodes.pods[slot] + 1 > nodes.room[slot]:
        counts[CROWDED] += 1
    for r in range(len(checked)):
        if checked[r] > 0 and checked[r] > nodes.allocatable[slot, r] - nodes.requested[slot, r]:
            counts[RESOURCES + r] += 1
            if checked[r] > nodes.allocatable[slot, r]:
                never = 1
    return never


def lowest_bit(bits: Ints) -> Ints:
    """The position of the lowest bit that is set."""
    positions: Ints = np.frexp((bits & -bits).astype(np.float64))[1].astype(np.int64) - 1
    return positions


@sort_out.interpreted
def sort_out_at(view: View, known: Class, plan: Plan, first: Ints, final: Ints, counts: Ints) -> None:
    """The same with whole arrays."""
    apart = known.rows.apart
    bit_of_code = np.where(apart <= spreading.TOO_UNEVEN, plan.spread_bit, plan.affinity_bit)
    bits = known.rows.fails | np.where(apart != 0, 1 << np.maximum(bit_of_code, 0), 0)
    first[:] = lowest_bit(bits)
    counts[:CODES] += np.bincount(first, minlength=CODES)
    final[:] = np.where(first == plan.ports_bit, 0, UNKNOWN)
    for bit in (plan.spread_bit, plan.affinity_bit):
        at = np.flatnonzero(first == bit)
        counts[CODES : CODES + 8] += np.bincount(apart[at], minlength=8)
        final[at] = (apart[at] == spreading.NO_LABEL) | (apart[at] == near.NOT_NEAR)
    at = np.flatnonzero(first == plan.fit_bit)
    slots, nodes, checked = view.order[at], view.nodes, known.pod.checked
    counts[CROWDED] += int((nodes.pods[slots] + 1 > nodes.room[slots]).sum())
    final[at] = 0
    for r in np.flatnonzero(checked):
        short = checked[r] > nodes.allocatable[slots, r] - nodes.requested[slots, r]
        counts[RESOURCES + r] += int(short.sum())
        final[at[short & (checked[r] > nodes.allocatable[slots, r])]] = 1
