"""What selects pods, in hashable form: queries over placed pods, affinity terms, spread constraints.

As the types AffinityTerm in kube-scheduler/framework and topologySpreadConstraint in plugins/podtopologyspread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from k8s_notebook.objects import Obj, selectors
from k8s_notebook.objects.selectors import LabelSelector

if TYPE_CHECKING:
    from k8s_notebook.scheduler.surroundings import Surroundings

Labels = Mapping[str, str]


class Clause(NamedTuple):
    """Pods of some namespaces (None: of all) whose labels a selector matches."""

    namespaces: frozenset[str] | None
    selector: LabelSelector

    def matches(self, namespace: str, labels: Labels) -> bool:
        """Whether a pod of that namespace with these labels is meant."""
        return (self.namespaces is None or namespace in self.namespaces) and self.selector.matches(labels)


class Query(NamedTuple):
    """Placed pods that match all the clauses; `alive` leaves out those that are being deleted."""

    clauses: tuple[Clause, ...]
    alive: bool = False

    def matches(self, namespace: str, labels: Labels) -> bool:
        """Whether such a pod is meant."""
        return all(clause.matches(namespace, labels) for clause in self.clauses)

    @property
    def keys(self) -> Iterator[str]:
        """The label keys that matter to it."""
        return (requirement.key for clause in self.clauses for requirement in clause.selector.requirements)


class Term(NamedTuple):
    """One affinity term, as its owner states it. `kind`: "affinity" or "anti"; `weight`: 0 for a required one."""

    kind: str
    weight: int
    key: str
    """The topology key."""
    namespaces: frozenset[str]
    namespace_selector: LabelSelector
    selector: LabelSelector

    def meets(self, namespace: str, namespace_labels: Labels, labels: Labels) -> bool:
        """Whether a pod matches, seen from the term of another pod that is placed already."""
        there = namespace in self.namespaces or self.namespace_selector.matches(namespace_labels)
        return there and self.selector.matches(labels)

    def clause(self, beside: Surroundings) -> Clause:
        """The pods that it means, seen from its own pod which is being placed.

        A namespace selector is replaced by the names that it selects. One that also accepts a namespace without labels accepts
        every namespace (1.36 does so).
        """
        if self.namespace_selector.matches({}):
            return Clause(None, self.selector)
        if self.namespace_selector.nothing:
            return Clause(self.namespaces, self.selector)
        selected = (n for n in beside.list("namespaces") if self.namespace_selector.matches(n["metadata"].get("labels") or {}))
        return Clause(self.namespaces | {n["metadata"]["name"] for n in selected}, self.selector)


class Constraint(NamedTuple):
    """One topology spread constraint with its selector in full."""

    key: str
    skew: int
    hard: bool
    selector: LabelSelector
    least_domains: int
    honours_affinity: bool
    honours_taints: bool


def affinity_terms(spec: Obj, namespace: str) -> tuple[Term, ...]:
    """All terms of a pod's `podAffinity` and `podAntiAffinity`."""
    affinity = spec.get("affinity") or {}
    return tuple(
        term
        for kind, stanza in (("affinity", affinity.get("podAffinity")), ("anti", affinity.get("podAntiAffinity")))
        if stanza
        for term in _terms(kind, stanza, namespace)
    )


def _terms(kind: str, stanza: Obj, namespace: str) -> Iterator[Term]:
    for term in stanza.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
        yield _term(kind, 0, term, namespace)
    for weighted in stanza.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
        yield _term(kind, int(weighted["weight"]), weighted["podAffinityTerm"], namespace)


def _term(kind: str, weight: int, term: Obj, namespace: str) -> Term:
    listed, among = term.get("namespaces") or (), term.get("namespaceSelector")
    namespaces = frozenset(listed) if listed or among is not None else frozenset((namespace,))
    selector = selectors.from_spec(term.get("labelSelector"))
    return Term(kind, weight, term.get("topologyKey") or "", namespaces, selectors.from_spec(among), selector)


def constraints(stated: Iterable[Obj], labels: Labels) -> tuple[Constraint, ...]:
    """The spread constraints of a pod with these labels."""
    return tuple(_constraint(each, labels) for each in stated)


def _constraint(stated: Obj, labels: Labels) -> Constraint:
    selector = selectors.from_spec(stated.get("labelSelector"))
    same = {key: labels[key] for key in stated.get("matchLabelKeys") or () if key in labels}
    if same and not selector.nothing:
        selector = LabelSelector((*selectors.from_map(same).requirements, *selector.requirements))
    least = stated.get("minDomains")
    return Constraint(
        stated["topologyKey"], int(stated["maxSkew"]), stated.get("whenUnsatisfiable") != "ScheduleAnyway", selector,
        1 if least is None else int(least), (stated.get("nodeAffinityPolicy") or "Honor") == "Honor",
        (stated.get("nodeTaintsPolicy") or "Ignore") == "Honor",
    )  # fmt: skip
