"""InterPodAffinity: pods want to be near some pods and far from others (as in plugins/interpodaffinity of 1.36)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.counting import Bools, Entries
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plugins import plugin

if TYPE_CHECKING:
    pass

NOT_NEAR, TOO_NEAR, UNWELCOME = 3, 4, 5
TEXTS = {
    NOT_NEAR: "node(s) didn't match pod affinity rules",
    TOO_NEAR: "node(s) didn't match pod anti-affinity rules",
    UNWELCOME: "node(s) didn't satisfy existing pods anti-affinity rules",
}


@kernels.record
class Affinity(NamedTuple):
    """The terms of a pod class and of the pods that are placed, by number of their entry."""

    need: Ints
    """Required affinity: the pods that match all terms, once for each term's key"""
    first: int
    """Whether the pod matches its own required affinity, and so may be the first of its kind."""
    avoid: Ints
    """Required anti-affinity of the pod"""
    avoided: Ints
    """Required anti-affinity of other pods against it"""
    like: Ints
    """Everything preferred, in both directions"""


@kernels.inner
def refuses(entries: Entries, affinity: Affinity, position: int) -> int:
    """0 if the node fits, else NOT_NEAR, TOO_NEAR or UNWELCOME."""
    near = True
    anywhere = 0
    for i in range(len(affinity.need)):
        e = affinity.need[i]
        domain = entries.domain[e, position]
        if domain == 0:
            return NOT_NEAR
        anywhere += entries.total[e]
        if entries.counts[e, domain] <= 0:
            near = False
    if not near and not (anywhere == 0 and affinity.first):
        return NOT_NEAR
    for i in range(len(affinity.avoid)):
        domain = entries.domain[affinity.avoid[i], position]
        if domain != 0 and entries.counts[affinity.avoid[i], domain] > 0:
            return TOO_NEAR
    for i in range(len(affinity.avoided)):
        domain = entries.domain[affinity.avoided[i], position]
        if domain != 0 and entries.counts[affinity.avoided[i], domain] > 0:
            return UNWELCOME
    return 0


@refuses.vectorised
def refuses_at(entries: Entries, affinity: Affinity, position: Ints) -> Ints:
    """The same for an array of positions."""
    unlabelled, near = np.zeros(len(position), np.bool_), np.ones(len(position), np.bool_)
    for e in affinity.need:
        domain = entries.domain[e, position]
        unlabelled |= domain == 0
        near &= entries.counts[e, domain] > 0
    if affinity.first and not entries.total[affinity.need].any():
        near[:] = True
    code = np.where(_any(entries, affinity.avoided, position), UNWELCOME, 0)
    code = np.where(_any(entries, affinity.avoid, position), TOO_NEAR, code)
    return np.where(unlabelled | ~near, NOT_NEAR, code)


def _any(entries: Entries, which: Ints, position: Ints) -> Bools:
    found = np.zeros(len(position), np.bool_)
    for e in which:
        domain = entries.domain[e, position]
        found |= (domain != 0) & (entries.counts[e, domain] > 0)
    return found


@kernels.inner
def likings(entries: Entries, affinity: Affinity, kept: Ints, found: int, raw: Ints) -> None:
    """Fill `raw` for the positions in `kept[:found]`: the weights of everything preferred, added up."""
    for i in range(found):
        raw[i] = 0
    for j in range(len(affinity.like)):
        e = affinity.like[j]
        for i in range(found):
            domain = entries.domain[e, kept[i]]
            if domain != 0:
                raw[i] += entries.counts[e, domain]


@likings.interpreted
def likings_at(entries: Entries, affinity: Affinity, kept: Ints, found: int, raw: Ints) -> None:
    """The same with whole arrays."""
    raw[:found] = 0
    for e in affinity.like:
        domain = entries.domain[e, kept[:found]]
        raw[:found] += np.where(domain != 0, entries.counts[e, domain], 0)


@kernels.inner
def stretch(raw: Ints, found: int, weight: int, totals: Ints, table: Ints) -> None:
    """Add the weighted scores to `totals`: 0 for the least liked, 100 for the most. `table` is scratch space."""
    least, most = raw[0], raw[0]
    for i in range(found):
        least = min(least, raw[i])
        most = max(most, raw[i])
    if most == least:
        return
    if most - least < found:
        for value in range(most - least + 1):
            table[value] = weight * int(100.0 * (float(value) / float(most - least)))
        for i in range(found):
            totals[i] += table[raw[i] - least]
        return
    for i in range(found):
        totals[i] += weight * int(100.0 * (float(raw[i] - least) / float(most - least)))


@stretch.interpreted
def stretch_at(raw: Ints, found: int, weight: int, totals: Ints, table: Ints) -> None:
    """The same with whole arrays."""
    totals[:found] += weight * normalised(raw[:found])


def normalised(raw: Ints) -> Ints:
    """Raw scores as 0 to 100."""
    least, most = int(raw.min()), int(raw.max())
    if most == least:
        return np.zeros(len(raw), np.int64)
    found: Ints = (100.0 * ((raw - least) / float(most - least))).astype(np.int64)
    return found


PLUGIN = plugin.Plugin(
    "InterPodAffinity",
    weight=2,
    moves_filter=True,
    moves_score=plugin.always,
)
