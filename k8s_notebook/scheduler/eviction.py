"""The compiled half of preemption: what a node would be without some of its pods (as in plugins/defaultpreemption of 1.36)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from k8s_notebook import kernels
from k8s_notebook.scheduler.crowd import Shapes, There
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plan import Plan
from k8s_notebook.scheduler.plugins import inter_pod_affinity as near
from k8s_notebook.scheduler.plugins import pod_topology_spread as spreading
from k8s_notebook.scheduler.search import Class, View

FITS, NO_VICTIMS, CANDIDATE = 0, -2, -3
"""What came of a node; a positive number is what refuses the pod there: 1 + the plugin's bit + 64 times the code of its reason."""


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


@kernels.record
class Search(NamedTuple):
    """How nodes are tried, and what came of it."""

    positions: Ints
    """[candidate]: the nodes to be tried, in order"""
    nominee_slots: Ints
    """[any]: where room is being made for pods that come first, by slot"""
    nominee_shapes: Ints
    allowed: Ints
    """[budget]: how many disruptions each admits"""
    outcome: Ints
    """[candidate]; these and what follows may be longer, and are filled for the nodes that were tried"""
    victims: Ints
    """[any]: places on the node that was tried last, the most important victim first; -1 fills up"""
    violations: Ints
    """[candidate]: how many victims' budgets are exceeded"""
    highest: Ints
    """[candidate]: the priority of the most important victim"""
    priorities: Ints
    """[candidate]: the sum of all priorities, each with 2**31 added"""
    many: Ints
    """[candidate]: how many victims"""
    since: npt.NDArray[np.float64]
    """[candidate]: when the first of the most important victims was started"""
    left: Ints
    """[candidate, resource + 1]: what is requested, and how many pods there are, when the pod was refused last"""


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
    """FITS, or what refuses the pod on the node as it is without those who are gone."""
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


@kernels.inner
def welcome(
    view: View, known: Class, plan: Plan, shapes: Shapes, shift: Shift, search: Search, gone: Gone, position: int, candidate: int,
) -> int:  # fmt: skip
    """FITS, or what refuses the pod: with the pods for which room is being made there, and without them.

    `search.left` tells what was requested when it was refused, if it is a `candidate` (not -1).
    """
    slot = view.order[position]
    if view.nodes.nominated[slot] > 0:
        came = 0
        transfer(gone.paths, shift.kept)
        for i in range(len(search.nominee_slots)):
            if search.nominee_slots[i] == slot:
                leave(known, shapes, shift, gone, position, search.nominee_shapes[i], -1)
                came += 1
        if came > 0:
            said = refused(view, known, plan, gone, position)
            if candidate >= 0:
                leftover(view, search, gone, slot, candidate)
            for i in range(len(search.nominee_slots)):
                if search.nominee_slots[i] == slot:
                    leave(known, shapes, shift, gone, position, search.nominee_shapes[i], 1)
            transfer(shift.kept, gone.paths)
            if said != FITS:
                return said
    if candidate >= 0:
        leftover(view, search, gone, slot, candidate)
    return refused(view, known, plan, gone, position)


@kernels.inner
def leftover(view: View, search: Search, gone: Gone, slot: int, candidate: int) -> None:
    """Note what is requested on a node without those who are gone."""
    for r in range(len(gone.requests)):
        search.left[candidate, r] = view.nodes.requested[slot, r] - gone.requests[r]
    search.left[candidate, len(gone.requests)] = view.nodes.pods[slot] - gone.pods[0]


@kernels.inner
def comes_first(priority: int, started: float, other_priority: int, other_started: float) -> bool:
    """Whether a pod is more important: its priority is higher, or it started earlier. Of two that did not start each does (1.36)."""
    if priority != other_priority:
        return priority > other_priority
    return started < other_started or (started == np.inf and other_started == np.inf)


@kernels.inner
def rank(there: There, slot: int, priority: int, line: Ints) -> int:
    """How many pods on a node are less important than `priority`; `line` has their places, the most important first."""
    found = 0
    for i in range(there.many[slot]):
        if there.priority[slot, i] < priority:
            line[found] = i
            found += 1
    for i in range(1, found):
        j = i
        while j > 0:
            a, b = line[j], line[j - 1]
            if not comes_first(there.priority[slot, a], there.started[slot, a], there.priority[slot, b], there.started[slot, b]):
                break
            line[j], line[j - 1] = b, a
            j -= 1
    return found


@kernels.inner
def spare(
    view: View, known: Class, plan: Plan, there: There, shapes: Shapes, shift: Shift, search: Search, gone: Gone, candidate: int,
    priority: int, line: Ints, budgets: Ints, over: Ints,
) -> int:  # fmt: skip
    """CANDIDATE if evicting pods of lower priority makes room on a node, with as few victims as possible; else why not."""
    position = search.positions[candidate]
    slot = view.order[position]
    found = rank(there, slot, priority, line)
    if found == 0:
        return NO_VICTIMS
    only_room = len(known.entries.total) == 0 and len(known.pod.conflicts) == 0 and len(search.allowed) == 0 and plan.fit_bit >= 0
    if only_room and view.nodes.nominated[slot] == 0:
        return make_room(view, known, plan, there, shapes, search, gone, candidate, line, found, over)
    clear(gone, shift)
    for i in range(there.many[slot]):
        if there.priority[slot, i] < priority:
            leave(known, shapes, shift, gone, position, there.shape[slot, i], 1)
    said = welcome(view, known, plan, shapes, shift, search, gone, position, candidate)
    if said != FITS:
        return said
    violate(there, shapes, search, slot, line, found, budgets, over)
    victims = 0
    for turn in range(2):
        for i in range(found):
            if over[i] == 1 - turn:
                shape = there.shape[slot, line[i]]
                leave(known, shapes, shift, gone, position, shape, -1)
                if welcome(view, known, plan, shapes, shift, search, gone, position, -1) != FITS:
                    leave(known, shapes, shift, gone, position, shape, 1)
                    search.violations[candidate] += 1 - turn
                    over[i] = 2
                    victims += 1
    note_victims(there, search, candidate, slot, line, found, over)
    return CANDIDATE if victims > 0 else NO_VICTIMS


@kernels.inner
def make_room(
    view: View, known: Class, plan: Plan, there: There, shapes: Shapes, search: Search, gone: Gone, candidate: int, line: Ints,
    found: int, over: Ints,
) -> int:  # fmt: skip
    """What `spare` finds when nothing but room matters."""
    position = search.positions[candidate]
    slot, rows, checked = view.order[position], known.rows, known.pod.checked
    fixed = rows.fixed[position] | rows.moved[position]
    for r in range(len(checked)):
        gone.requests[r] = 0
    for i in range(found):
        over[i] = 0
        for r in range(len(checked)):
            gone.requests[r] += shapes.requests[there.shape[slot, line[i]], r]
    gone.pods[0] = found
    leftover(view, search, gone, slot, candidate)
    if fixed != 0 or not roomy(view, known, gone, slot):
        return refused(view, known, plan, gone, position)
    victims = 0
    for i in range(found):
        shape = there.shape[slot, line[i]]
        for r in range(len(checked)):
            gone.requests[r] -= shapes.requests[shape, r]
        gone.pods[0] -= 1
        if not roomy(view, known, gone, slot):
            for r in range(len(checked)):
                gone.requests[r] += shapes.requests[shape, r]
            gone.pods[0] += 1
            over[i] = 2
            victims += 1
    note_victims(there, search, candidate, slot, line, found, over)
    return CANDIDATE if victims > 0 else NO_VICTIMS


@kernels.inner
def roomy(view: View, known: Class, gone: Gone, slot: int) -> bool:
    """Whether the pod has room on a node without those who are gone."""
    nodes, checked = view.nodes, known.pod.checked
    if nodes.pods[slot] - gone.pods[0] + 1 > nodes.room[slot]:
        return False
    for r in range(len(checked)):
        if checked[r] > 0 and checked[r] > nodes.allocatable[slot, r] - nodes.requested[slot, r] + gone.requests[r]:
            return False
    return True


@kernels.inner
def note_victims(there: There, search: Search, candidate: int, slot: int, line: Ints, found: int, over: Ints) -> None:
    """Note who would go, and what it would cost (`over` is 2 for a victim)."""
    at = 0
    for i in range(found):
        if over[i] == 2:
            place = line[i]
            search.victims[at] = place
            priority = there.priority[slot, place]
            search.priorities[candidate] += priority + 2147483648
            if at == 0:
                search.highest[candidate] = priority
                search.since[candidate] = there.started[slot, place]
            elif priority == search.highest[candidate]:
                search.since[candidate] = min(search.since[candidate], there.started[slot, place])
            at += 1
    search.many[candidate] = at
    for i in range(at, len(search.victims)):
        search.victims[i] = -1


@kernels.inner
def violate(there: There, shapes: Shapes, search: Search, slot: int, line: Ints, found: int, budgets: Ints, over: Ints) -> None:
    """Fill `over` with 1 for the pods whose eviction would exceed a budget, the more important ones first, else 0."""
    for b in range(len(budgets)):
        budgets[b] = search.allowed[b]
    for i in range(found):
        over[i] = 0
        shape = there.shape[slot, line[i]]
        for b in range(shapes.budgets.shape[1]):
            budget = shapes.budgets[shape, b]
            if budget >= 0:
                budgets[budget] -= 1
                if budgets[budget] < 0:
                    over[i] = 1


@kernels.kernel
def try_nodes(
    view: View, known: Class, plan: Plan, there: There, shapes: Shapes, shift: Shift, search: Search, gone: Gone, priority: int,
    enough: int,
) -> int:  # fmt: skip
    """How many nodes were tried, one after the other, until there were `enough` candidates of which one violates no budget."""
    fewest(known, shift.base)
    widest = there.shape.shape[1]
    line, over = np.zeros(widest, np.int64), np.zeros(widest, np.int64)
    budgets = np.zeros(len(search.allowed), np.int64)
    good, bad = 0, 0
    for i in range(len(search.positions)):
        search.violations[i] = search.priorities[i] = search.many[i] = 0
        search.outcome[i] = spare(view, known, plan, there, shapes, shift, search, gone, i, priority, line, budgets, over)
        if search.outcome[i] == CANDIDATE:
            if search.violations[i] == 0:
                good += 1
            else:
                bad += 1
            if good > 0 and min(good, enough) + min(bad, enough) >= enough:
                return i + 1
    return len(search.positions)


@kernels.kernel
def hold(view: View, known: Class, plan: Plan, shapes: Shapes, shift: Shift, search: Search, gone: Gone, held: Ints) -> None:
    """Fill `held` [position] with what refuses the pod where others for whom room is being made come first, else 0."""
    fewest(known, shift.base)
    last = -1
    for i in range(len(search.nominee_slots)):
        slot = search.nominee_slots[i]
        position = view.positions[slot]
        if slot != last and position >= 0:
            clear(gone, shift)
            held[position] = welcome(view, known, plan, shapes, shift, search, gone, position, -1)
        last = slot
