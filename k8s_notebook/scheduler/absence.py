"""What a node would be without some of its pods, or with some more, to a pod class (compiled).

As the copies of NodeInfo and CycleState that kube-scheduler 1.36 makes for preemption and for nominated pods.
"""

from __future__ import annotations

from typing import NamedTuple

from k8s_notebook import kernels
from k8s_notebook.scheduler.crowd import Shapes
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plan import Plan
from k8s_notebook.scheduler.plugins import inter_pod_affinity as near
from k8s_notebook.scheduler.plugins import pod_topology_spread as spreading
from k8s_notebook.scheduler.search import Class, View

FITS = 0
"""What `refused` says of a node that takes the pod."""


@kernels.record
class Gone(NamedTuple):
    """What left one node (negative: what came)."""

    requests: Ints
    """[resource]"""
    ports: Ints
    """[port]"""
    entry: Ints
    """[entry]"""
    pods: Ints
    """[1]"""
    paths: Ints
    """[hard constraint, 4]: the two domains with the fewest pods: (domain, pods, domain, pods)"""


@kernels.record
class Shift(NamedTuple):
    """What pods are to the entries of a class."""

    weight: Ints
    """[entry, row of tallies]"""
    base: Ints
    """[hard constraint, 4]: `Gone.paths` before anybody left"""
    kept: Ints
    """[hard constraint, 4]: scratch space"""


@kernels.inner
def note(paths: Ints, h: int, domain: int, pods: int) -> None:
    """Note how many pods a domain has now, among the two with the fewest; others are forgotten, as in 1.36."""
    if paths[h, 0] == domain or paths[h, 2] == domain:
        paths[h, 1 if paths[h, 0] == domain else 3] = pods
        if paths[h, 1] > paths[h, 3]:
            first, count = paths[h, 0], paths[h, 1]
            paths[h, 0], paths[h, 1] = paths[h, 2], paths[h, 3]
            paths[h, 2], paths[h, 3] = first, count
    elif pods < paths[h, 1]:
        paths[h, 2], paths[h, 3] = paths[h, 0], paths[h, 1]
        paths[h, 0], paths[h, 1] = domain, pods
    elif pods < paths[h, 3]:
        paths[h, 2], paths[h, 3] = domain, pods


@kernels.inner
def fewest(known: Class, base: Ints) -> None:
    """Fill `base` with the two domains of each hard constraint that have the fewest pods."""
    for h in range(len(known.spread.hard)):
        e = known.spread.hard[h]
        base[h, 0], base[h, 1], base[h, 2], base[h, 3] = -1, spreading.NOBODY, -1, spreading.NOBODY
        for domain in range(1, known.entries.domains[e]):
            if known.entries.members[e, domain] > 0:
                note(base, h, domain, known.entries.counts[e, domain])


@kernels.inner
def leave(known: Class, shapes: Shapes, shift: Shift, gone: Gone, position: int, shape: int, sign: int) -> None:
    """Take a pod of a shape off the node (`sign` -1: put it there)."""
    for r in range(len(gone.requests)):
        gone.requests[r] += sign * shapes.requests[shape, r]
    for p in range(len(gone.ports)):
        gone.ports[p] += sign * shapes.ports[shape, p]
    gone.pods[0] += sign
    entries, spread = known.entries, known.spread
    for e in range(len(entries.total)):
        if entries.eligible[e, position]:
            amount = 0
            for i in range(shapes.rows.shape[1]):
                if shapes.rows[shape, i] >= 0:
                    amount += shift.weight[e, shapes.rows[shape, i]]
            gone.entry[e] += sign * amount
            if amount != 0:
                for h in range(len(spread.hard)):
                    if spread.hard[h] == e:
                        domain = entries.domain[e, position]
                        note(gone.paths, h, domain, entries.counts[e, domain] - gone.entry[e])


@kernels.inner
def refused(view: View, known: Class, plan: Plan, gone: Gone, position: int) -> int:
    """FITS, or what refuses the pod on the node as it is without those who are gone: 1 + the plugin's bit + 64 times its reason's code."""
    nodes, pod, rows = view.nodes, known.pod, known.rows
    slot = view.order[position]
    fixed = rows.fixed[position] | rows.moved[position]
    for bit in range(64):
        if fixed >> bit & 1:
            return 1 + bit
        if bit == plan.ports_bit:
            for i in range(len(pod.conflicts)):
                if nodes.ports[slot, pod.conflicts[i]] - gone.ports[pod.conflicts[i]] > 0:
                    return 1 + bit
        elif bit == plan.fit_bit:
            if nodes.pods[slot] - gone.pods[0] + 1 > nodes.room[slot]:
                return 1 + bit
            for r in range(len(pod.checked)):
                free = nodes.allocatable[slot, r] - nodes.requested[slot, r] + gone.requests[r]
                if pod.checked[r] > 0 and pod.checked[r] > free:
                    return 1 + bit
        elif bit == plan.spread_bit:
            code = uneven(known, gone, position)
            if code != 0:
                return 1 + bit + 64 * code
        elif bit == plan.affinity_bit:
            code = apart(known, gone, position)
            if code != 0:
                return 1 + bit + 64 * code
        if (
            bit > plan.affinity_bit
            and bit > plan.spread_bit
            and bit > plan.fit_bit
            and bit > plan.ports_bit
            and fixed >> bit == 0
        ):
            return FITS
    return FITS


@kernels.inner
def uneven(known: Class, gone: Gone, position: int) -> int:
    """What PodTopologySpread says without those who are gone."""
    entries, spread = known.entries, known.spread
    for h in range(len(spread.hard)):
        e = spread.hard[h]
        domain = entries.domain[e, position]
        if domain == 0:
            return spreading.NO_LABEL
        least = 0 if spread.few[h] else gone.paths[h, 1]
        if entries.counts[e, domain] - gone.entry[e] + spread.itself[h] - least > spread.skew[h]:
            return spreading.TOO_UNEVEN
    return 0


@kernels.inner
def apart(known: Class, gone: Gone, position: int) -> int:
    """What InterPodAffinity says without those who are gone. Where it has no say to begin with, nobody who comes changes that (1.36)."""
    entries, affinity = known.entries, known.affinity
    against = 0
    for i in range(len(affinity.avoided)):
        against += entries.total[affinity.avoided[i]]
    if len(affinity.need) == 0 and len(affinity.avoid) == 0 and against == 0:
        return 0
    met = True
    anywhere = 0
    for i in range(len(affinity.need)):
        e = affinity.need[i]
        domain = entries.domain[e, position]
        if domain == 0:
            return near.NOT_NEAR
        anywhere += entries.total[e] - gone.entry[e]
        if entries.counts[e, domain] - gone.entry[e] <= 0:
            met = False
    if not met and not (anywhere == 0 and affinity.first):
        return near.NOT_NEAR
    for i in range(len(affinity.avoid)):
        e = affinity.avoid[i]
        domain = entries.domain[e, position]
        if domain != 0 and entries.counts[e, domain] - gone.entry[e] > 0:
            return near.TOO_NEAR
    for i in range(len(affinity.avoided)):
        e = affinity.avoided[i]
        domain = entries.domain[e, position]
        if domain != 0 and entries.counts[e, domain] - gone.entry[e] > 0:
            return near.UNWELCOME
    return 0


@kernels.inner
def transfer(source: Ints, target: Ints) -> None:
    """Copy one table of paths to another."""
    for h in range(len(source)):
        for i in range(4):
            target[h, i] = source[h, i]


@kernels.inner
def clear(gone: Gone, shift: Shift) -> None:
    """Nobody is gone."""
    for r in range(len(gone.requests)):
        gone.requests[r] = 0
    for p in range(len(gone.ports)):
        gone.ports[p] = 0
    for e in range(len(gone.entry)):
        gone.entry[e] = 0
    gone.pods[0] = 0
    transfer(shift.base, gone.paths)
