"""The compiled half of preemption: whose eviction would make room for a pod (as in plugins/defaultpreemption of 1.36)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from k8s_notebook import kernels
from k8s_notebook.scheduler import absence
from k8s_notebook.scheduler.absence import FITS, Gone, Shift
from k8s_notebook.scheduler.crowd import Shapes, There
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plan import Plan
from k8s_notebook.scheduler.search import Class, View

NO_VICTIMS, CANDIDATE = -2, -3
"""What came of a node, if it is not what refuses the pod there (as `absence.refused` says)."""


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
def welcome(
    view: View, known: Class, plan: Plan, shapes: Shapes, shift: Shift, search: Search, gone: Gone, position: int, candidate: int,
) -> int:  # fmt: skip
    """FITS, or what refuses the pod: with the pods for which room is being made there, and without them.

    `search.left` tells what was requested when it was refused, if it is a `candidate` (not -1).
    """
    slot = view.order[position]
    if view.nodes.nominated[slot] > 0:
        came = 0
        absence.transfer(gone.paths, shift.kept)
        for i in range(len(search.nominee_slots)):
            if search.nominee_slots[i] == slot:
                absence.leave(known, shapes, shift, gone, position, search.nominee_shapes[i], -1)
                came += 1
        if came > 0:
            said = absence.refused(view, known, plan, gone, position)
            if candidate >= 0:
                leftover(view, search, gone, slot, candidate)
            for i in range(len(search.nominee_slots)):
                if search.nominee_slots[i] == slot:
                    absence.leave(known, shapes, shift, gone, position, search.nominee_shapes[i], 1)
            absence.transfer(shift.kept, gone.paths)
            if said != FITS:
                return said
    if candidate >= 0:
        leftover(view, search, gone, slot, candidate)
    return absence.refused(view, known, plan, gone, position)


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
    absence.clear(gone, shift)
    for i in range(there.many[slot]):
        if there.priority[slot, i] < priority:
            absence.leave(known, shapes, shift, gone, position, there.shape[slot, i], 1)
    said = welcome(view, known, plan, shapes, shift, search, gone, position, candidate)
    if said != FITS:
        return said
    violate(there, shapes, search, slot, line, found, budgets, over)
    victims = 0
    for turn in range(2):
        for i in range(found):
            if over[i] == 1 - turn:
                shape = there.shape[slot, line[i]]
                absence.leave(known, shapes, shift, gone, position, shape, -1)
                if welcome(view, known, plan, shapes, shift, search, gone, position, -1) != FITS:
                    absence.leave(known, shapes, shift, gone, position, shape, 1)
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
        return absence.refused(view, known, plan, gone, position)
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
    absence.fewest(known, shift.base)
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
    absence.fewest(known, shift.base)
    last = -1
    for i in range(len(search.nominee_slots)):
        slot = search.nominee_slots[i]
        position = view.positions[slot]
        if slot != last and position >= 0:
            absence.clear(gone, shift)
            held[position] = welcome(view, known, plan, shapes, shift, search, gone, position, -1)
        last = slot
