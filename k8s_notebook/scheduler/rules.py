"""The rules of one pod class about other pods: its spread constraints and affinity terms, and the terms of the others.

Objects in, entries (scheduler/counting.py) and their numbers out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.objects.selectors import LabelSelector
from k8s_notebook.scheduler import counting, terms
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.counting import Bools, Entries, Entry
from k8s_notebook.scheduler.labels import Column
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plugins import node_affinity, pod_topology_spread, taint_toleration
from k8s_notebook.scheduler.plugins.inter_pod_affinity import Affinity
from k8s_notebook.scheduler.plugins.pod_topology_spread import HOSTNAME, Spread
from k8s_notebook.scheduler.terms import Clause, Constraint, Query, Term

if TYPE_CHECKING:
    from k8s_notebook.scheduler.pods import PodClass
    from k8s_notebook.scheduler.profiles import Profile

_NO_INTS: Ints = np.zeros(0, np.int64)
NO_SPREAD = Spread(*(_NO_INTS,) * 8, 0)
NO_AFFINITY = Affinity(_NO_INTS, 0, _NO_INTS, _NO_INTS, _NO_INTS)


@kernels.record
class Judged(NamedTuple):
    """What was last found of the domains."""

    bad: Ints
    """[entry, domain]: whether its pods refuse the nodes of a domain"""
    least: Ints
    """[hard constraint]: the fewest pods of a domain"""
    open: Ints
    """[0]: whether the pod may be the first of its kind anywhere"""


NOT_JUDGED = Judged(np.zeros((0, 1), np.int64), _NO_INTS, np.zeros(1, np.int64))


@dataclass(slots=True)
class Rules:
    """The entries of a pod class, and which of them mean what."""

    entries: Entries = counting.NONE
    spread: Spread = NO_SPREAD
    affinity: Affinity = NO_AFFINITY
    empty: tuple[tuple[int, int], ...] = ()
    """(entry, row of tallies) where an empty selector counts nobody, but notes who leaves and comes (1.36 does so)."""
    made: list[Entry] = field(default_factory=list)
    judged: Judged = NOT_JUDGED


def build(pod: PodClass, default: LabelSelector | None, cluster: Cluster, profile: Profile) -> Rules:
    """The rules of a class; `default` selects the pods of its Service or controller.

    Label keys that were not read before are noted first, which may make the class itself stale: look at
    `cluster.tallies.generation` afterwards.
    """
    stated = _constraints(pod, default, profile)
    cluster.note_keys(r.key for c in stated for r in c.selector.requirements)
    builder = _Builder(pod, cluster, profile)
    if profile.uses("PodTopologySpread") or _scores(profile, "PodTopologySpread"):
        builder.spread(stated)
    builder.affinity()
    return builder.rules()


def interested(pod: PodClass, cluster: Cluster, term: Term) -> bool:
    """Whether a term of another pod is about this class."""
    namespace = cluster.beside.get("namespaces", "", pod.namespace)
    labels = ((namespace or {}).get("metadata") or {}).get("labels") or {}
    return term.meets(pod.namespace, labels, pod.labels)


def _constraints(pod: PodClass, default: LabelSelector | None, profile: Profile) -> tuple[Constraint, ...]:
    own = pod.spec.get("topologySpreadConstraints")
    if own:
        return terms.constraints(own, pod.labels)
    if default is None:
        return ()
    listed = profile.args.default_constraints
    stated = terms.constraints(pod_topology_spread.SYSTEM_DEFAULTS if listed is None else listed, pod.labels)
    return tuple(constraint._replace(selector=default) for constraint in stated)


def _scores(profile: Profile, plugin: str) -> bool:
    return any(p.name == plugin for p in profile.scores)


class _Builder:
    """Collects entries."""

    def __init__(self, pod: PodClass, cluster: Cluster, profile: Profile) -> None:
        self._pod, self._cluster, self._profile = pod, cluster, profile
        self._order = cluster.order
        self._made: list[Entry] = []
        self._empty: list[tuple[int, int]] = []
        self._least: list[int] = []
        self._spread, self._affinity = NO_SPREAD, NO_AFFINITY

    def rules(self) -> Rules:
        """What was collected."""
        arrays = counting.entries(self._made, len(self._order))
        few = (int((arrays.members[e, 1:] > 0).sum()) < c for e, c in zip(self._spread.hard, self._least, strict=True))
        hard = len(self._spread.hard)
        judged = Judged(np.zeros(arrays.counts.shape, np.int64), np.zeros(hard, np.int64), np.zeros(1, np.int64))
        return Rules(arrays, self._spread._replace(few=_ints(few)), self._affinity, tuple(self._empty), self._made, judged)

    def spread(self, stated: tuple[Constraint, ...]) -> None:
        """Add the entries of the spread constraints."""
        hard = [c for c in stated if c.hard and self._profile.uses("PodTopologySpread")]
        soft = [c for c in stated if not c.hard and _scores(self._profile, "PodTopologySpread")]
        self._least = [c.least_domains for c in hard]
        all_keys = bool(self._pod.spec.get("topologySpreadConstraints")) or self._profile.args.default_constraints is not None
        hard_entries = self._spread_entries(hard, all_keys=True)
        soft_entries = self._spread_entries(soft, all_keys=all_keys)
        self._spread = Spread(
            _ints(hard_entries), _ints(c.skew for c in hard), _ints(c.selector.matches(self._pod.labels) for c in hard), _NO_INTS,
            _ints(soft_entries), _ints(c.skew for c in soft), _ints(self._own_row(c) for c in soft),
            _ints(self._blank(c, all_keys) for c in soft), int(all_keys),
        )  # fmt: skip

    def affinity(self) -> None:
        """Add the entries of the class's terms, and of the terms of other pods about it."""
        pod = self._pod
        filters, scores = self._profile.uses("InterPodAffinity"), _scores(self._profile, "InterPodAffinity")
        if not filters and not scores:
            return
        clauses = [(term, term.clause(self._cluster.beside)) for term in pod.terms]
        need = [(t, c) for t, c in clauses if t.kind == "affinity" and not t.weight] if filters else []
        avoid = [(t, c) for t, c in clauses if t.kind == "anti" and not t.weight] if filters else []
        others = [t for t in self._cluster.tallies.terms if interested(pod, self._cluster, t)]
        against = _by_key((t, t, 1) for t in others if t.kind == "anti" and not t.weight) if filters else []
        liked = _by_key(self._preferences(clauses, others)) if scores else []
        together = Query(tuple(clause for _, clause in need))
        first = all(clause.matches(pod.namespace, pod.labels) for _, clause in need)
        self._affinity = Affinity(
            _ints(self._near(t.key, [(together, 1)]) for t, _ in need), int(first),
            _ints(self._near(t.key, [(Query((c,)), 1)]) for t, c in avoid),
            _ints(self._near(key, found) for key, found in against), _ints(self._near(key, found) for key, found in liked),
        )  # fmt: skip

    def _preferences(self, clauses: list[tuple[Term, Clause]], others: list[Term]) -> Iterator[tuple[Term, Query | Term, int]]:
        """(term, what counts, weight) for everything that makes nodes more or less liked."""
        args = self._profile.args
        own = [(t, c) for t, c in clauses if t.weight]
        for term, clause in own:
            yield term, Query((clause,)), term.weight if term.kind == "affinity" else -term.weight
        if args.ignore_preferred_terms_of_existing_pods and not own:
            return
        for term in others:
            if term.weight:
                yield term, term, term.weight if term.kind == "affinity" else -term.weight
            elif term.kind == "affinity" and args.hard_pod_affinity_weight:
                yield term, term, args.hard_pod_affinity_weight

    def _near(self, key: str, counted: Iterable[tuple[Query | Term, int]]) -> int:
        column = self._cluster.labels.column(key)
        rows = [(self._cluster.tallies.rows[c] if isinstance(c, Term) else self._row(c), weight) for c, weight in counted]
        return self._entry(rows, column, np.ones(len(self._order), np.bool_))

    def _row(self, query: Query) -> int:
        self._cluster.note_keys(query.keys)
        return self._cluster.tallies.row(query)

    def _entry(self, rows: list[tuple[int, int]], column: Column, eligible: Bools) -> int:
        self._made.append(Entry(tuple(rows), column.ids[self._order], eligible, len(column.values)))
        return len(self._made) - 1

    def _spread_entries(self, stated: list[Constraint], *, all_keys: bool) -> list[int]:
        columns = [self._cluster.labels.column(c.key) for c in stated]
        labelled = np.ones(len(self._order), np.bool_)
        for column in columns if all_keys else ():
            labelled &= column.ids[self._order] != 0
        found = []
        for constraint, column in zip(stated, columns, strict=True):
            row = self._row(self._query(constraint))
            rows = [] if constraint.selector.empty else [(row, 1)]
            found.append(self._entry(rows, column, labelled & self._included(constraint)))
            if constraint.selector.empty:
                self._empty.append((found[-1], row))
        return found

    def _included(self, constraint: Constraint) -> Bools:
        """Which nodes' pods a constraint counts."""
        included = np.ones(len(self._order), np.bool_)
        if constraint.honours_affinity:
            refused = node_affinity.mismatches(self._pod, self._cluster, self._order)
            included &= True if refused is None else ~refused
        if constraint.honours_taints:
            refused = taint_toleration.fails(self._pod, self._cluster, self._order)
            included &= True if refused is None else ~refused
        return included

    def _query(self, constraint: Constraint) -> Query:
        return Query((Clause(frozenset((self._pod.namespace,)), constraint.selector),), alive=True)

    def _own_row(self, constraint: Constraint) -> int:
        if constraint.key != HOSTNAME:
            return pod_topology_spread.BY_DOMAIN
        return pod_topology_spread.NOBODYS if constraint.selector.empty else self._row(self._query(constraint))

    def _blank(self, constraint: Constraint, all_keys: bool) -> int:
        return -1 if all_keys else self._cluster.labels.column(constraint.key).number("")


def _by_key(found: Iterable[tuple[Term, Query | Term, int]]) -> list[tuple[str, list[tuple[Query | Term, int]]]]:
    """By topology key, in order of appearance."""
    groups: dict[str, list[tuple[Query | Term, int]]] = {}
    for term, counted, weight in found:
        groups.setdefault(term.key, []).append((counted, weight))
    return list(groups.items())


def _ints(numbers: Iterable[int]) -> Ints:
    return np.array(list(numbers), np.int64)
