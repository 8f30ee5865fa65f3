"""Counts of pods by topology domain, for one pod class: what spreading and affinity between pods are decided by.

An entry is a topology key, the weighted rows of tallies that count, and the nodes whose pods count. What a node contributed last is
remembered (`seen`), so only nodes whose pods changed are looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from k8s_notebook import kernels
from k8s_notebook.scheduler.node_table import Ints

Bools = npt.NDArray[np.bool_]

NONE_CHANGED, SEVERAL = -1, -2


@kernels.record
class Entries(NamedTuple):
    """One row per entry. Domains are numbered from 1; 0 stands for nodes without the label. Positions are those of the order."""

    start: Ints
    """[entry + 1]: where the rows of an entry begin"""
    row: Ints
    """[any]: rows of tallies"""
    weight: Ints
    """[any]: what a pod of that row counts"""
    domain: Ints
    """[entry, position]"""
    eligible: Bools
    """[entry, position]: whether the pods of that node count"""
    seen: Ints
    """[entry, position]: what the node contributed when it was last looked at"""
    counts: Ints
    """[entry, domain]"""
    total: Ints
    """[entry]: the sum over the domains but 0"""
    members: Ints
    """[entry, domain]: how many nodes count there"""
    domains: Ints
    """[entry]: one more than the highest number of a domain"""
    line: Ints
    """[entry, any]: the positions, by domain"""
    begin: Ints
    """[entry, domain + 1]: where the positions of a domain begin in `line`"""
    touched: Ints
    """[entry]: the domain whose count changed since nodes were last judged; NONE_CHANGED, or SEVERAL"""


class Entry(NamedTuple):
    """What an entry is made of."""

    rows: tuple[tuple[int, int], ...]
    """(row of tallies, weight)"""
    domain: Ints
    """[position]"""
    eligible: Bools
    """[position]"""
    domains: int


def entries(made: Sequence[Entry], positions: int) -> Entries:
    """The arrays of some entries, nothing counted yet."""
    width = max((entry.domains for entry in made), default=1)
    line, begin = np.zeros((len(made), positions), np.int64), np.zeros((len(made), width + 1), np.int64)
    for e, entry in enumerate(made):
        line[e] = np.argsort(entry.domain, kind="stable")
        begin[e] = np.searchsorted(entry.domain[line[e]], np.arange(width + 1))
    members = np.zeros((len(made), width), np.int64)
    for e, entry in enumerate(made):
        np.add.at(members[e], entry.domain[entry.eligible], 1)
    return Entries(
        np.cumsum([0, *(len(entry.rows) for entry in made)], dtype=np.int64),
        np.array([row for entry in made for row, _ in entry.rows], np.int64),
        np.array([weight for entry in made for _, weight in entry.rows], np.int64),
        np.array([entry.domain for entry in made], np.int64).reshape(len(made), positions),
        np.array([entry.eligible for entry in made], np.bool_).reshape(len(made), positions),
        np.zeros((len(made), positions), np.int64), np.zeros((len(made), width), np.int64), np.zeros(len(made), np.int64), members,
        np.array([entry.domains for entry in made], np.int64), line, begin, np.full(len(made), SEVERAL, np.int64),
    )  # fmt: skip


NONE = entries((), 0)


@kernels.inner
def recount(entries: Entries, tallies: Ints, position: int, slot: int) -> None:
    """Note what the pods of one node count today."""
    for e in range(len(entries.total)):
        if not entries.eligible[e, position]:
            continue
        now = 0
        for i in range(entries.start[e], entries.start[e + 1]):
            now += entries.weight[i] * tallies[entries.row[i], slot]
        change = now - entries.seen[e, position]
        if change != 0:
            domain = entries.domain[e, position]
            entries.seen[e, position] = now
            entries.counts[e, domain] += change
            entries.touched[e] = domain if entries.touched[e] in (NONE_CHANGED, domain) else SEVERAL
            if domain != 0:
                entries.total[e] += change


@recount.vectorised
def recount_at(entries: Entries, tallies: Ints, position: Ints, slot: Ints) -> None:
    """The same for arrays of nodes, each named once."""
    for e in range(len(entries.total)):
        part = slice(entries.start[e], entries.start[e + 1])
        now = entries.weight[part] @ tallies[entries.row[part]][:, slot]
        change = np.where(entries.eligible[e, position], now - entries.seen[e, position], 0)
        entries.seen[e, position] += change
        np.add.at(entries.counts[e], entries.domain[e, position], change)
        entries.total[e] = entries.counts[e, 1:].sum()
        entries.touched[e] = SEVERAL
