"""DefaultPreemption: which pods of lower priority make room for a pod that fits nowhere (as in plugins/defaultpreemption of 1.36)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import conditions, eviction, messages, refusals, slow_eviction
from k8s_notebook.scheduler.absence import Gone, Shift
from k8s_notebook.scheduler.arrays import Cluster, Incoming
from k8s_notebook.scheduler.crowd import Crowd
from k8s_notebook.scheduler.eviction import Search
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plan import Plan
from k8s_notebook.scheduler.plugins import node_resources_fit
from k8s_notebook.scheduler.profiles import Profile
from k8s_notebook.scheduler.rows import Rows

if TYPE_CHECKING:
    from k8s_notebook.scheduler.search import Class, View

NOT_HELPFUL = "Preemption is not helpful for scheduling"
NEVER = "not eligible due to preemptionPolicy=Never."
TERMINATING = "not eligible due to a terminating pod on the nominated node."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What preemption comes to: a node and the pods to be evicted there (uids, the most important first), or why not."""

    node: str = ""
    victims: tuple[str, ...] = ()
    message: str = ""
    clears: bool = False
    """Whether room that is being made for the pod somewhere is of no use any more."""


class Evictions:
    """Finds victims in one cluster under one profile."""

    def __init__(self, cluster: Cluster, profile: Profile) -> None:
        self._cluster = cluster
        self._profile = profile
        self._crowd = Crowd(cluster)
        self._size = (-1, -1, -1)
        self._results: tuple[Any, ...] = ()

    def held(self, pod: Incoming, rows: Rows, known: Class, view: View, plan: Plan) -> Ints:
        """[position]: not 0 where a pod would be in the way of others for whom room is being made; empty if it is nowhere."""
        self._crowd.update()
        slots, shapes = self._crowd.nominees(pod)
        held = np.zeros(len(known.rows.fails) if len(slots) else 0, np.int64)
        if len(slots):
            search = self._search(np.zeros(0, np.int64), slots, shapes)
            eviction.hold.run(view, known, plan, self._crowd.shapes, self._shift(rows), search, self._gone(known), held)
        return held

    def find(self, pod: Incoming, rows: Rows, known: Class, view: View, plan: Plan, movable: Ints) -> Outcome:
        """The outcome for a pod; `movable` are the positions of the nodes that other pods could leave for it."""
        if not pod.preempts:
            return Outcome(message=NEVER)
        if self._waits(pod, view, movable):
            return Outcome(message=TERMINATING)
        total = len(self._cluster)
        reasons: Counter[str] = Counter({NOT_HELPFUL: total - len(movable)})
        if not len(movable):
            return Outcome(message=messages.sentence(total, messages.histogram(reasons)), clears=True)
        if rows.in_python:
            enough = self._enough(len(movable))
            by_trying = slow_eviction.try_nodes(pod, rows, known, view, plan, self._cluster, self._crowd, movable, enough)
            if by_trying.candidates:
                return self._best(by_trying.candidates, enough)
            reasons.update(by_trying.reasons)
            return Outcome(message=messages.sentence(total, messages.histogram(reasons)), clears=True)
        self._crowd.update()
        nominees = self._crowd.nominees(pod)
        search = self._search(movable, *nominees)
        shift, gone, crowd = self._shift(rows), self._gone(known), self._crowd
        given = (view, known, plan, crowd.there, crowd.shapes, shift)
        tried = eviction.try_nodes.run(*given, search, gone, pod.priority, self._enough(len(movable)))
        good = np.flatnonzero(search.outcome[:tried] == eviction.CANDIDATE)
        if len(good):
            winner = self._cheapest(good, search)
            node = self._cluster.names[view.order[movable[winner]]]
            again = search._replace(positions=movable[winner : winner + 1])
            eviction.try_nodes.run(*given, again, gone, pod.priority, 1)
            uids = list(self._cluster.pods_on(node))
            return Outcome(node, tuple(uids[place] for place in again.victims.tolist() if place >= 0))
        for text, count in self._refusals(rows, view, search):
            reasons[text] += count
        return Outcome(message=messages.sentence(total, messages.histogram(reasons)), clears=True)

    def _cheapest(self, found: Ints, search: Search) -> int:
        """The candidate that hurts least, of the first ones with and without violations; of equal ones the first."""
        enough, violates = self._enough(len(search.positions)), search.violations[found] > 0
        if violates.any():
            found = np.sort(np.concatenate((found[~violates][:enough], found[violates][:enough])))
        for cost in (search.violations, search.highest, search.priorities, search.many):
            each = cost[found]
            found = found[each == each.min()]
        return int(found[np.argmax(search.since[found])])

    def exercise(self, rows: Rows, known: Class, view: View, plan: Plan) -> None:
        """Compile (or load) the kernels for the types that are used here."""
        self._crowd.update()
        nobody = np.zeros(0, np.int64)
        search, gone, crowd = self._search(np.zeros(1, np.int64), nobody, nobody), self._gone(known), self._crowd
        eviction.try_nodes.dispatcher(view, known, plan, crowd.there, crowd.shapes, self._shift(rows), search, gone, 0, 1)
        eviction.hold.dispatcher(view, known, plan, crowd.shapes, self._shift(rows), search, gone, np.zeros(1, np.int64))

    def _enough(self, nodes: int) -> int:
        args = self._profile.args
        return min(nodes, max(args.min_candidates, nodes * args.min_candidates_percentage // 100))

    def _waits(self, pod: Incoming, view: View, movable: Ints) -> bool:
        """Whether a pod's victims are on their way out already."""
        slot = self._cluster.slots.get(pod.nominated) if pod.nominated else None
        if slot is None or view.positions[slot] not in movable:
            return False
        there = self._cluster.pods_on(pod.nominated).values()
        return any(p.terminating and p.priority < pod.priority and _preempted(p.pod) for p in there)

    def _search(self, positions: Ints, nominee_slots: Ints, nominee_shapes: Ints) -> Search:
        size = (len(self._cluster.names), self._crowd.there.shape.shape[1], len(self._cluster.resources))
        if size != self._size:
            self._size, (nodes, widest, resources) = size, size
            outcome, violations, highest, priorities, many = (np.zeros(nodes, np.int64) for _ in range(5))
            left = np.zeros((nodes, resources + 1), np.int64)
            self._results = (outcome, np.zeros(widest, np.int64), violations, highest, priorities, many, np.zeros(nodes), left)
        allowed = np.array([budget.allowed for budget in self._crowd.budgets], np.int64)
        return Search(positions, nominee_slots, nominee_shapes, allowed, *self._results)

    def _shift(self, rows: Rows) -> Shift:
        """What a pod of each row of tallies is to each entry."""
        entries = rows.rules.entries
        weight = np.zeros((len(entries.total), len(self._cluster.tallies.counts)), np.int64)
        for e in range(len(weight)):
            part = slice(entries.start[e], entries.start[e + 1])
            np.add.at(weight[e], entries.row[part], entries.weight[part])
        for e, row in rows.rules.empty:
            weight[e, row] = 1
        hard = len(rows.rules.spread.hard)
        return Shift(weight, np.zeros((hard, 4), np.int64), np.zeros((hard, 4), np.int64))

    def _gone(self, known: Class) -> Gone:
        return Gone(
            np.zeros(len(self._cluster.resources), np.int64), np.zeros(self._cluster.arrays.ports.shape[1], np.int64),
            np.zeros(len(known.entries.total), np.int64), np.zeros(1, np.int64), np.zeros((len(known.spread.hard), 4), np.int64),
        )  # fmt: skip

    def _best(self, candidates: list[slow_eviction.Candidate], enough: int) -> Outcome:
        """The same for candidates that were found by trying."""
        good, bad = ([c for c in candidates if bool(c.violations) == violates] for violates in (False, True))
        candidates = good[:enough] + bad[:enough]
        keys = [candidate.cost(self._cluster) for candidate in candidates]
        least = min(keys)
        tied = [c for c, key in zip(candidates, keys, strict=True) if key == least]
        return Outcome(tied[0].node, tied[0].victims)

    def _refusals(self, rows: Rows, view: View, search: Search) -> Iterator[tuple[str, int]]:
        """(reason, how many nodes give it) without all the pods that could be evicted."""
        outcomes = search.outcome[: len(search.positions)]
        yield slow_eviction.NO_VICTIMS, int((outcomes == eviction.NO_VICTIMS).sum())
        for outcome in np.unique(outcomes[outcomes > 0]):
            which = np.flatnonzero(outcomes == outcome)
            bit, code = (outcome - 1) % 64, (outcome - 1) // 64
            plugin = self._profile.filters[bit]
            if code:
                yield refusals.TEXTS[int(code)], len(which)
            elif plugin.name == node_resources_fit.PLUGIN.name:
                slots = view.order[search.positions[which]]
                nodes = view.nodes._replace(
                    allocatable=view.nodes.allocatable[slots], requested=search.left[which, :-1], pods=search.left[which, -1],
                    room=view.nodes.room[slots],
                )  # fmt: skip
                found = node_resources_fit.shortages(
                    rows.pod.checked, list(self._cluster.resources), nodes, np.arange(len(which))
                )
                yield from zip(found.texts, found.given.sum(axis=0).tolist(), strict=True)
            else:
                said = rows.reasons(plugin, search.positions[which])
                yield from zip(said.texts, said.given.sum(axis=0).tolist(), strict=True)


def _preempted(pod: Obj) -> bool:
    """Whether a pod is being deleted because kube-scheduler evicted it."""
    stated = (pod.get("status") or {}).get("conditions") or ()
    found: Obj = next((c for c in stated if c.get("type") == "DisruptionTarget"), {})
    return found.get("status") == "True" and found.get("reason") == conditions.BY_SCHEDULER
