"""InterPodAffinity: pods that want to be near each other, or apart."""

from __future__ import annotations

from tests.oracles.kube_scheduler import labels
from tests.oracles.kube_scheduler.cluster import Verdict
from tests.oracles.kube_scheduler.nodes_alone import PREFERRED, REQUIRED
from tests.oracles.kube_scheduler.plugin import Plugin, name_of, namespace_of

Counts = dict[tuple[str, str], int]
"""(topology key, value) -> how many"""


def terms_of(pod: dict, stanza: str, strength: str) -> list[dict]:
    """The terms of podAffinity or podAntiAffinity; preferred ones with a weight."""
    return ((pod["spec"].get("affinity") or {}).get(stanza) or {}).get(strength) or []


class InterPodAffinity(Plugin):
    """Three tables over (topology key, value): pods that keep this one away, pods it wants, pods it avoids."""

    name = "InterPodAffinity"

    def begin(self) -> str:
        self.wanted = [self._unrolled(t) for t in terms_of(self.pod, "podAffinity", REQUIRED)]
        self.avoided = [self._unrolled(t) for t in terms_of(self.pod, "podAntiAffinity", REQUIRED)]
        self.keeping_away: Counts = {}
        self.near: Counts = {}
        self.bothering: Counts = {}
        for node in self.cluster.nodes:
            for other in self.cluster.on(node):
                self.moved(other, node, 1)
        self.skips = not self.keeping_away and not self.wanted and not self.avoided
        return ""

    def copied(self) -> InterPodAffinity:
        twin = InterPodAffinity(self.cluster, self.pod, self.args)
        twin.wanted, twin.avoided, twin.skips = self.wanted, self.avoided, self.skips
        twin.keeping_away, twin.near, twin.bothering = dict(self.keeping_away), dict(self.near), dict(self.bothering)
        return twin

    def moved(self, other: dict, node: dict, by: int) -> None:
        for term in terms_of(other, "podAntiAffinity", REQUIRED):
            if self._names_me(other, term):
                change(self.keeping_away, node, term["topologyKey"], by)
        if self.wanted and all(matches(term, other) for term in self.wanted):
            for term in self.wanted:
                change(self.near, node, term["topologyKey"], by)
        for term in self.avoided:
            if matches(term, other):
                change(self.bothering, node, term["topologyKey"], by)

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        if not self._is_near_enough(node):
            return self.no("node(s) didn't match pod affinity rules", final=True)
        here = labels.labels_of(node)
        for term in self.avoided:
            key = term["topologyKey"]
            if key in here and self.bothering.get((key, here[key]), 0) > 0:
                return self.no("node(s) didn't match pod anti-affinity rules")
        if any(self.keeping_away.get(pair, 0) > 0 for pair in here.items()):
            return self.no("node(s) didn't satisfy existing pods anti-affinity rules")
        return None

    def _is_near_enough(self, node: dict) -> bool:
        here = labels.labels_of(node)
        if any(term["topologyKey"] not in here for term in self.wanted):
            return False
        if all(self.near.get((t["topologyKey"], here[t["topologyKey"]]), 0) > 0 for t in self.wanted):
            return True
        # The first pod of a group that wants to be together: nobody is there yet, and it would match itself.
        return not self.near and all(matches(term, self.pod) for term in self.wanted)

    def _unrolled(self, term: dict) -> dict:
        """A term of this pod with the namespaces that its namespaceSelector finds."""
        selector = term.get("namespaceSelector")
        names = list(term.get("namespaces") or [])
        if not names and selector is None:
            names = [namespace_of(self.pod)]
        if selector is not None and labels.requirements(selector):
            names += [name_of(n) for n in self.cluster.kind("Namespace") if labels.selects(selector, labels.labels_of(n))]
        return {**term, "namespaces": names}

    def _names_me(self, owner: dict, term: dict) -> bool:
        """Whether another pod's term is about this pod."""
        selector = term.get("namespaceSelector")
        names = list(term.get("namespaces") or [])
        if not names and selector is None:
            names = [namespace_of(owner)]
        mine = self.cluster.get("Namespace", namespace_of(self.pod))
        known = labels.labels_of(mine) if mine else {}
        if namespace_of(self.pod) not in names and not labels.selects(selector, known):
            return False
        return labels.selects(term.get("labelSelector"), labels.labels_of(self.pod))

    # ------------------------------------------------------------ score

    def raw_scores(self, feasible: list[dict]) -> dict[str, int] | None:
        liked = terms_of(self.pod, "podAffinity", PREFERRED)
        disliked = terms_of(self.pod, "podAntiAffinity", PREFERRED)
        if self.args.get("ignorePreferredTermsOfExistingPods") and not liked and not disliked:
            return None
        self.points: Counts = {}
        for node in self.cluster.nodes:
            for other in self.cluster.on(node):
                self._weigh_mine(liked, other, node, 1)
                self._weigh_mine(disliked, other, node, -1)
                self._weigh_theirs(other, node)
        if not self.points:
            return None
        found = {}
        for node in feasible:
            found[name_of(node)] = sum(self.points.get(pair, 0) for pair in labels.labels_of(node).items())
        return found

    def _weigh_mine(self, terms: list[dict], other: dict, node: dict, sign: int) -> None:
        """Count the preferences of this pod, if the other pod meets them."""
        for weighted in terms:
            term = self._unrolled(weighted["podAffinityTerm"])
            if matches(term, other):
                self._give(node, term["topologyKey"], sign * weighted["weight"])

    def _weigh_theirs(self, other: dict, node: dict) -> None:
        """The other pod's wishes, if this pod meets them."""
        hard = self.args.get("hardPodAffinityWeight")
        hard = 1 if hard is None else hard
        for term in terms_of(other, "podAffinity", REQUIRED) if hard > 0 else []:
            if self._names_me(other, term):
                self._give(node, term["topologyKey"], hard)
        for stanza, sign in (("podAffinity", 1), ("podAntiAffinity", -1)):
            for weighted in terms_of(other, stanza, PREFERRED):
                term = weighted["podAffinityTerm"]
                if self._names_me(other, term):
                    self._give(node, term["topologyKey"], sign * weighted["weight"])

    def _give(self, node: dict, key: str, points: int) -> None:
        if key in labels.labels_of(node):
            pair = (key, labels.labels_of(node)[key])
            self.points[pair] = self.points.get(pair, 0) + points

    def normalised(self, raw: dict[str, int]) -> dict[str, int]:
        least, most = min(raw.values()), max(raw.values())
        if most == least:
            return dict.fromkeys(raw, 0)
        return {name: int(100.0 * (float(score - least) / float(most - least))) for name, score in raw.items()}


def matches(term: dict, other: dict) -> bool:
    """Whether another pod meets a term of this pod whose namespaces are unrolled.

    A namespaceSelector that would accept a namespace without labels accepts every namespace: a quirk of kube-scheduler.
    """
    if namespace_of(other) not in term["namespaces"] and not labels.selects(term.get("namespaceSelector"), {}):
        return False
    return labels.selects(term.get("labelSelector"), labels.labels_of(other))


def change(counts: Counts, node: dict, key: str, by: int) -> None:
    """Count up or down at the node's value of a key; what comes to zero is forgotten."""
    if key in labels.labels_of(node):
        pair = (key, labels.labels_of(node)[key])
        counts[pair] = counts.get(pair, 0) + by
        if counts[pair] == 0:
            del counts[pair]
