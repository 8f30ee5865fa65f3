"""One decision after the other: which node a pod goes to (as in pkg/scheduler/schedule_one.go of 1.36, with parallelism 1)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.machinery.actions import Action
from k8s_notebook.objects.selectors import LabelSelector
from k8s_notebook.scheduler import columns as in_columns
from k8s_notebook.scheduler import failures, mistakes, owners, plan, preemption, profiles, refusals, search, selection
from k8s_notebook.scheduler.arrays import Cluster, Incoming, Ints
from k8s_notebook.scheduler.columns import Columns
from k8s_notebook.scheduler.plugins import pod_topology_spread
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.profiles import Profile
from k8s_notebook.scheduler.rows import Rows
from k8s_notebook.scheduler.search import Class, Space, View

MOST_ROWS = 64
"""How many pod classes keep their rows."""
NO_NODES = "no nodes available to schedule pods"
_NO_INTS: Ints = np.zeros(0, np.int64)
_ANYWHERE: Ints = np.full(1, -1, np.int64)


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome for one pod. `message` is kube-scheduler's sentence when `node` is empty.

    `nominated` is then the node where evicting the pods `victims` (uids, the most important first) makes room, or "".
    """

    node: str
    nodes: int
    feasible: int
    evaluated: int
    message: str = ""
    rejectors: frozenset[str] = frozenset()
    nominated: str = ""
    victims: tuple[str, ...] = ()
    writes: tuple[Action, ...] = ()
    """What is written so that the pod may fit later: devices that a claim does not need any more are given back."""
    clears: bool = False
    """Whether room that is being made for the pod somewhere is of no use any more."""


class Cycle:
    """Decides for one pod after the other. The caller counts each pod on its node before it asks for the next.

    With `share=False` nothing is remembered from one decision to the next (the decisions are the same).
    """

    def __init__(self, cluster: Cluster, profile: Profile = profiles.DEFAULT, *, share: bool = True) -> None:
        self.cluster = cluster
        self.profile = profile
        self.start = 0
        """Where the next search begins."""
        self._share = share
        listed = profile.args.default_constraints or ()
        self._spreads_all = any(c.get("whenUnsatisfiable") != "ScheduleAnyway" for c in listed)
        """Whether a constraint holds for pods that state none; pods that name their node are not alike to it."""
        self._plan = plan.plan(profile, cluster)
        self._defaults = owners.Defaults(cluster.beside)
        self._rows: OrderedDict[tuple[PodClass, LabelSelector | None], Rows] = OrderedDict()
        self._chance = np.array([profile.seed % 2147483646 + 1], np.int64)
        self._space = Space(*(_NO_INTS,) * 3, np.zeros(0), np.zeros(0), _NO_INTS, _NO_INTS, np.zeros(0), self._chance, _NO_INTS)
        self._one_each = (np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64))
        self._evictions = preemption.Evictions(cluster, profile)

    def decide(self, pod: Incoming) -> Decision:
        """The decision for a pod; it moves the place where the next search begins."""
        total = len(self.cluster)
        if total == 0:
            return Decision("", 0, 0, 0, NO_NODES, clears=True)
        rows, known, space, changed = self._prepare(pod)
        if rows.rejected:
            search.refresh.run(self._view(), known, self._plan, changed)
            return self._fail(pod, rows, known, space, 0)
        named = self._named(pod)
        if named is not None or pod.nominated:
            search.refresh.run(self._view(), known, self._plan, changed)
            nominated = self._on_nominated(pod, known, space)
            if nominated is not None:
                return nominated
            changed = _NO_INTS
        if named is not None:
            return self._among(pod, named, rows, known, space)
        if rows.failure is not None and not len(changed) and not len(space.held):
            return self._fail(pod, rows, known, space, total)
        position, found, refused = self._decide(known, space, changed)
        self._complain(rows, space, found)
        if position < 0:
            decision = self._fail(pod, rows, known, space, refused)
            self.start = (self.start + refused) % total
            return decision
        self.start = (self.start + found + refused) % total
        return Decision(self.cluster.names[rows.order[position]], total, found, found + refused)

    def decide_all(self, pods: Sequence[Incoming]) -> list[Decision]:
        """One decision for each, in order; every pod that found a node is counted there before the next is looked at.

        Runs of pods of one class are decided without Python in between. A pod that found none is left; nobody is evicted for it.
        """
        decisions: list[Decision] = []
        end = 0
        while len(decisions) < len(pods):
            at = len(decisions)
            if end <= at:
                end = self._alike(pods, at)
            if end - at < 2 or not self._in_a_row():
                decisions.append(self._one(pods[at]))
                continue
            decisions += self._run(pods[at:end] if at or end < len(pods) else pods)
            while len(decisions) < end:
                decisions.append(self._one(pods[len(decisions)]))
                if decisions[-1].node:
                    break
        return decisions

    def columns(self, pod: Incoming) -> Columns:
        """All that a decision for this pod would rest on now; it changes nothing."""
        rows, known, space, changed = self._prepare(pod)
        search.refresh.run(self._view(), known, self._plan, changed)
        named = self._named(pod)
        at = np.roll(np.arange(len(rows.order)), -(self.start % len(rows.order))) if len(rows.order) else rows.order
        if named is not None:
            inside = np.isin(rows.order, [self.cluster.slots[name] for name in named if name in self.cluster.slots])
            at = np.flatnonzero(inside)
        return in_columns.of(pod, rows, known, self._view(), space, self._plan, at, self.cluster, self.profile)

    def rows(self, pod: Incoming) -> Rows:
        """The rows of a pod's class, as they were when they were last used."""
        return self._prepare(pod)[0]

    # ------------------------------------------------------------ one decision

    def _prepare(self, pod: Incoming) -> tuple[Rows, Class, Space, Ints]:
        """The rows of a pod's class, all but its compiled part up to date, and the slots whose compiled part is not."""
        while True:
            generation = self.cluster.tallies.generation
            rows = self._rows_of(pod)
            changed = rows.stale()
            if rows.pod_class.generation == generation == self.cluster.tallies.generation:
                break
        made = rows.rules
        known = Class(rows.pod, rows.arrays, made.entries, made.spread, made.affinity, made.judged)
        return rows, known, self._room(rows, known, pod, changed), changed

    def _rows_of(self, pod: Incoming) -> Rows:
        wanted = pod.pod_class
        if pod.named is not None and self._spreads_all:
            wanted = self.cluster.pod_class(pod.pod)
        elif wanted.generation != self.cluster.tallies.generation:
            wanted = self.cluster.incoming(pod.pod).pod_class
        key = (wanted, self._defaults.selector(pod.pod))
        found = self._rows.get(key)
        if found is None or not self._share:
            found = self._rows[key] = Rows(wanted, key[1], self.cluster, self.profile)
            if len(self._rows) > MOST_ROWS:
                self._rows.popitem(last=False)
        else:
            self._rows.move_to_end(key)
        return found

    def _view(self) -> View:
        cluster = self.cluster
        return View(cluster.arrays, cluster.tallies.counts, cluster.order, cluster.positions)

    def _room(self, rows: Rows, known: Class, pod: Incoming, changed: Ints) -> Space:
        """Scratch space that is large enough, and what pods that wait for room mean to this one."""
        nodes, domains = len(known.rows.fails), known.entries.counts.shape[1]
        space = self._space
        if len(space.kept) < nodes or len(space.stamps) < domains + 2:
            size = max(nodes, len(space.kept), 16)
            kept, totals, raw = (np.zeros(size, np.int64) for _ in range(3))
            wide = max(domains + 2, len(space.stamps) // 2)
            space = self._space = Space(
                kept, totals, raw, np.zeros(size), np.zeros(2 * wide), np.zeros(2 * wide, np.int64), np.zeros(size + 1, np.int64),
                pod_topology_spread.logarithms(2 * size + 3), self._chance, _NO_INTS,
            )  # fmt: skip
        if not self.cluster.nominated:
            return space
        search.refresh.run(self._view(), known, self._plan, changed)
        return space._replace(held=self._evictions.held(pod, rows, known, self._view(), self._plan))

    def _decide(self, known: Class, space: Space, changed: Ints) -> tuple[int, int, int]:
        enough = self.profile.enough(len(known.rows.fails))
        if kernels.ready():
            chosen, kept, refused = self._one_each
            found, _ = search.run.run(
                self._view(),
                known,
                self._plan,
                space,
                changed,
                self.start,
                enough,
                _ANYWHERE,
                True,
                False,
                _NO_INTS,
                *self._one_each,
            )
            position = int(self.cluster.positions[chosen[0]]) if found else -1
            return position, int(kept[0]), int(refused[0])
        search.refresh.run(self._view(), known, self._plan, changed)
        many, bad = search.look.run(known, space, self.start, enough)
        if many < 2:
            return int(space.kept[0]) if many else -1, many, bad
        return self._pick(known, space, many), many, bad

    def _named(self, pod: Incoming) -> frozenset[str] | None:
        return pod.named if pod.named is not None and self.profile.uses("NodeAffinity") else None

    def _fits(self, known: Class, space: Space, positions: Ints) -> Ints:
        """Those of the positions that no plugin refuses."""
        good = known.rows.total[positions] >= 0
        return positions[good & (space.held[positions] == 0)] if len(space.held) else positions[good]

    def _nominated_position(self, pod: Incoming) -> Ints:
        """Where the node is on which room was made for the pod; it is looked at first."""
        slot = self.cluster.slots.get(pod.nominated)
        return _NO_INTS if slot is None else self.cluster.positions[[slot]]

    def _on_nominated(self, pod: Incoming, known: Class, space: Space) -> Decision | None:
        """The decision for a pod that fits on the node where room was made for it."""
        if len(self._fits(known, space, self._nominated_position(pod))):
            return Decision(pod.nominated, len(self.cluster), 1, 1)
        return None

    def _among(self, pod: Incoming, named: frozenset[str], rows: Rows, known: Class, space: Space) -> Decision:
        """The decision for a pod that names its nodes."""
        total = len(self.cluster)
        slots = [self.cluster.slots[name] for name in named if name in self.cluster.slots]
        positions = np.sort(self.cluster.positions[slots]) if slots else _NO_INTS
        turned = np.roll(positions, -(self.start % len(positions))) if len(positions) else positions
        good = self._fits(known, space, turned)
        enough = self.profile.enough(len(positions))
        looked_at = len(turned) if len(good) <= enough else int(np.flatnonzero(turned == good[enough])[0])
        good = good[:enough]
        refused = looked_at - len(good)
        if not len(good):
            outside = np.setdiff1d(self._nominated_position(pod), positions)
            refused += len(outside)
            decision = self._fail(pod, rows, known, space, refused, np.union1d(positions, outside))
            self.start = (self.start + refused) % total
            return decision
        position = int(good[0])
        if len(good) > 1:
            space.kept[: len(good)] = good
            space.totals[: len(good)] = known.rows.total[good]
            position = self._pick(known, space, len(good))
        looked_at += len(np.setdiff1d(self._nominated_position(pod), positions))
        self.start = (self.start + looked_at) % total
        return Decision(self.cluster.names[rows.order[position]], total, len(good), looked_at)

    def _pick(self, known: Class, space: Space, found: int) -> int:
        search.score.run(self._view(), known, self._plan, space, found)
        return int(space.kept[selection.pick.run(space.totals, found, self._plan.ties, space.chance)])

    def _fail(self, pod: Incoming, rows: Rows, known: Class, space: Space, refused: int, among: Ints | None = None) -> Decision:
        """The failure of a pod for which no node was found, and what evicting others would do."""
        if among is None and not len(space.held) and not rows.rejected:
            failure = failures.everywhere(pod, rows, known, self._view(), self._plan, self.cluster, self.profile)
        else:
            positions = np.arange(len(rows.order)) if among is None else among
            failure = failures.describe(pod, rows, positions, space.held, self.cluster, self.profile)
        total = len(self.cluster)
        if not self.profile.preempts or (rows.rejected and self.profile.claims):
            return Decision("", total, 0, refused, failure.message(""), failure.rejectors, writes=failure.writes)
        outcome = rows.outcomes.get((pod.priority, pod.preempts)) if not self.cluster.nominated and among is None else None
        if outcome is None:
            outcome = self._evictions.find(pod, rows, known, self._view(), self._plan, failure.movable)
            if not self.cluster.nominated and not outcome.node and rows.failure is failure:
                rows.outcomes[pod.priority, pod.preempts] = outcome
        return Decision(
            "", total, 0, refused, failure.message(outcome.message, found=bool(outcome.node)), failure.rejectors,
            outcome.node, outcome.victims, failure.writes, outcome.clears,
        )  # fmt: skip

    def _complain(self, rows: Rows, space: Space, found: int) -> None:
        if rows.in_python and (said := rows.trouble(space.kept, found)):
            raise mistakes.PolicyError(said)

    # ------------------------------------------------------------ many decisions

    def _one(self, pod: Incoming) -> Decision:
        """The decision for one pod, which is counted on its node."""
        decision = self.decide(pod)
        if decision.node:
            self.cluster.place(pod.uid, pod.on(decision.node))
        return decision

    def _in_a_row(self) -> bool:
        """Whether compiled code may decide for several pods without Python in between."""
        return kernels.ready() and not self.cluster.nominated and not self.cluster.images.behind()

    def _alike(self, pods: Sequence[Incoming], first: int) -> int:
        """Where the pods end that are of one class with the one at `first`."""
        wanted, end = pods[first], first + 1
        named = self._named(wanted) is not None
        while end < len(pods) and self._like(pods[end], wanted, named=named):
            end += 1
        return end

    def _like(self, pod: Incoming, wanted: Incoming, *, named: bool) -> bool:
        if pod.pod_class is not wanted.pod_class or pod.nominated or wanted.nominated:
            return False
        if named:
            return pod.named is not None and len(pod.named) == 1 and next(iter(pod.named)) in self.cluster.slots
        return pod.named is None and pod.pod["metadata"].get("ownerReferences") == wanted.pod["metadata"].get("ownerReferences")

    def _run(self, pods: Sequence[Incoming]) -> list[Decision]:
        """Decisions for pods of one class, until one finds no node."""
        rows, known, space, changed = self._prepare(pods[0])
        if rows.in_python or rows.rejected:
            search.refresh.run(self._view(), known, self._plan, changed)
            return [self._one(pod) for pod in pods]
        rows.refresh_identity()
        known = known._replace(pod=rows.pod)
        cluster = self.cluster
        targets = np.full(len(pods), -1, np.int64)
        if self._named(pods[0]) is not None:
            targets = np.array([cluster.positions[cluster.slots[next(iter(p.named or ()))]] for p in pods], np.int64)
        chosen, kept, refused = (np.zeros(len(pods), np.int64) for _ in range(3))
        placed, self.start = search.run.run(
            self._view(), known, self._plan, space, changed, self.start, self.profile.enough(len(rows.order)), targets,
            self._share, True, rows.order, chosen, kept, refused,
        )  # fmt: skip
        total = len(cluster)
        for pod, slot in zip(pods[:placed], chosen, strict=False):
            cluster.adopt(pod.uid, pod.on(cluster.names[slot]))
        rows.caught_up()
        return [
            Decision(cluster.names[s], total, k, k + r)
            for s, k, r in zip(chosen[:placed].tolist(), kept.tolist(), refused.tolist(), strict=False)
        ]


def _smallest() -> tuple[Cycle, Rows, Class, Space, Ints]:
    """A cycle on the smallest cluster that has everything, about to decide."""
    cluster = Cluster()
    labels = {"kubernetes.io/hostname": "a"}
    status = {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "10"}}
    cluster.set_node({"metadata": {"name": "a", "labels": labels}, "spec": {}, "status": status})
    pod = cluster.incoming({"metadata": {"name": "p", "uid": "p", "namespace": "n"}, "spec": {"containers": []}})
    cycle = Cycle(cluster)
    return (cycle, *cycle._prepare(pod))


@kernels.exercise
def _exercise_search() -> None:
    """Compile (or load) the kernels that find a node, or say why there is none, for the types that `Cycle` uses."""
    cycle, rows, known, space, changed = _smallest()
    view, made = cycle._view(), cycle._plan
    search.refresh.dispatcher(view, known, made, changed)
    results = tuple(np.zeros(1, np.int64) for _ in range(3))
    search.run.dispatcher(view, known, made, space, changed, 0, 1, _ANYWHERE, True, False, rows.order, *results)
    known.rows.fails[0] = 1
    reasons = np.zeros(refusals.RESOURCES + len(cycle.cluster.resources), np.int64)
    refusals.sort_out.dispatcher(view, known, made, *results[:2], reasons)


@kernels.exercise
def _exercise_evictions() -> None:
    """The same for the kernels of preemption."""
    cycle, rows, known, _, _ = _smallest()
    cycle._evictions.exercise(rows, known, cycle._view(), cycle._plan)
