"""How many placed pods match a query, or own an affinity term, on each node.

Pods that no query can tell apart are one `Identity`: a namespace, the labels that some selector reads, the affinity terms, and
whether the pod is being deleted. So a pod is matched against queries once per identity, and placing it is a few additions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from k8s_notebook.scheduler.terms import Query, Term

if TYPE_CHECKING:
    from k8s_notebook.scheduler.terms import Labels

Ints = npt.NDArray[np.int64]
MOST_ROWS = 4096


class Identity:
    """Pods that are alike to every query.

    `rows` are the tallies to which such a pod adds one; `matches` those to which it would add were it not being deleted.
    """

    __slots__ = ("alive", "labels", "matches", "namespace", "on", "rows", "terms")

    def __init__(self, namespace: str, labels: dict[str, str], terms: tuple[Term, ...], *, alive: bool) -> None:
        self.namespace = namespace
        self.labels = labels
        self.terms = terms
        self.alive = alive
        self.rows: Ints = np.zeros(0, np.int64)
        self.matches: Ints = np.zeros(0, np.int64)
        self.on: Counter[int] = Counter()
        """slot -> how many such pods are there"""


class Tallies:
    """`counts[row, slot]`, one row per query or term."""

    def __init__(self, slots: int) -> None:
        self.counts: Ints = np.zeros((8, slots), np.int64)
        self.rows: dict[Query | Term, int] = {}
        self.keys: set[str] = set()
        """The label keys that some selector reads."""
        self.terms: list[Term] = []
        """The terms of placed pods, in order of appearance."""
        self.generation = 0
        """Goes up whenever pods must be told apart anew."""
        self._identities: dict[tuple[object, ...], Identity] = {}

    @property
    def full(self) -> bool:
        """Whether so many rows were made that it is time to forget those that nobody asks for any more."""
        return len(self.rows) > MOST_ROWS

    def reads(self, keys: Iterable[str]) -> bool:
        """Note that selectors read these label keys; whether one of them is new, so that everything must be counted anew."""
        new = set(keys) - self.keys
        self.keys |= new
        return bool(new)

    def restart(self) -> None:
        """Forget all rows and identities; whoever holds some must ask anew, and every pod be added anew."""
        self.generation += 1
        self.rows.clear()
        self.terms.clear()
        self._identities.clear()
        self.counts[:] = 0

    def read(self, labels: Labels) -> dict[str, str]:
        """The labels that matter."""
        if not self.keys or not labels:
            return {}
        return {key: labels[key] for key in sorted(self.keys & labels.keys())}

    def identity(self, namespace: str, labels: dict[str, str], terms: tuple[Term, ...], *, alive: bool) -> Identity:
        """The identity of pods with these (read) labels."""
        key = (namespace, tuple(labels.items()), terms, alive)
        found = self._identities.get(key)
        if found is None:
            found = self._identities[key] = Identity(namespace, labels, terms, alive=alive)
            self._assign(found)
        return found

    def row(self, wanted: Query) -> int:
        """The row of a query, whose keys must be noted before."""
        found = self.rows.get(wanted)
        if found is None:
            found = self._new(wanted)
            for identity in self._identities.values():
                if wanted.matches(identity.namespace, identity.labels):
                    identity.matches = np.append(identity.matches, found)
                    if identity.alive or not wanted.alive:
                        self._join(identity, found)
        return found

    def add(self, identity: Identity, slot: int, amount: int) -> None:
        """Count pods on a node (`amount` < 0: no longer)."""
        identity.on[slot] += amount
        if not identity.on[slot]:
            del identity.on[slot]
        for row in identity.rows:
            self.counts[row, slot] += amount

    def grow(self) -> None:
        """Twice as many slots."""
        self.counts = np.hstack((self.counts, np.zeros_like(self.counts)))

    def _new(self, wanted: Query | Term) -> int:
        found = self.rows[wanted] = len(self.rows)
        if found == len(self.counts):
            self.counts = np.vstack((self.counts, np.zeros_like(self.counts)))
        return found

    def _join(self, identity: Identity, row: int) -> None:
        identity.rows = np.append(identity.rows, row)
        for slot, pods in identity.on.items():
            self.counts[row, slot] += pods

    def _assign(self, identity: Identity) -> None:
        """Find the rows of a new identity."""
        asked = [
            (q, row) for q, row in self.rows.items() if isinstance(q, Query) and q.matches(identity.namespace, identity.labels)
        ]
        own = [self._term(term) for term in identity.terms]
        identity.matches = np.array([row for _, row in asked] + own, np.int64)
        identity.rows = np.array([row for q, row in asked if identity.alive or not q.alive] + own, np.int64)

    def _term(self, term: Term) -> int:
        found = self.rows.get(term)
        if found is None:
            found = self._new(term)
            self.terms.append(term)
        return found
