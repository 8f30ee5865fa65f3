"""PodTopologySpread: pods that a selector counts are spread evenly over zones, nodes, or any other label.

As in plugins/podtopologyspread of 1.36. `hard` constraints (DoNotSchedule) refuse nodes, `soft` ones (ScheduleAnyway) score them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler.counting import Entries
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plugins import plugin

if TYPE_CHECKING:
    pass

HOSTNAME = "kubernetes.io/hostname"
SYSTEM_DEFAULTS: tuple[dict[str, Any], ...] = (
    {"topologyKey": HOSTNAME, "maxSkew": 3, "whenUnsatisfiable": "ScheduleAnyway"},
    {"topologyKey": "topology.kubernetes.io/zone", "maxSkew": 5, "whenUnsatisfiable": "ScheduleAnyway"},
)
"""The constraints of a pod that states none and belongs to a Service or a controller."""
NO_LABEL, TOO_UNEVEN = 1, 2
TEXTS = {
    NO_LABEL: "node(s) didn't match pod topology spread constraints (missing required label)",
    TOO_UNEVEN: "node(s) didn't match pod topology spread constraints",
}
NOBODYS, BY_DOMAIN = -1, -2
NOBODY = 2**31 - 1
"""The fewest pods of no domain at all."""


@kernels.record
class Spread(NamedTuple):
    """The constraints of a pod class, by number of their entry."""

    hard: Ints
    """[hard constraint]: its entry"""
    skew: Ints
    """[hard constraint]: maxSkew"""
    itself: Ints
    """[hard constraint]: 1 if the pod counts itself"""
    few: Ints
    """[hard constraint]: 1 if there are fewer domains than minDomains"""
    soft: Ints
    """[soft constraint]: its entry"""
    soft_skew: Ints
    """[soft constraint]"""
    soft_row: Ints
    """[soft constraint]: the row of tallies that counts the pods of the node itself; NOBODYS counts none; or BY_DOMAIN"""
    soft_blank: Ints
    """[soft constraint]: the domain of the empty label value, which nodes without the label share; -1 if they do not"""
    all_keys: int
    """Whether nodes without one of the soft constraints' labels are left out."""


@kernels.inner
def lowest(entries: Entries, spread: Spread, found: Ints) -> None:
    """Fill `found` with the fewest pods that any domain of each hard constraint has."""
    for h in range(len(spread.hard)):
        e = spread.hard[h]
        least = NOBODY
        for domain in range(1, entries.domains[e]):
            if entries.members[e, domain] > 0:
                least = min(least, entries.counts[e, domain])
        found[h] = 0 if spread.few[h] else least


@lowest.interpreted
def lowest_at(entries: Entries, spread: Spread, found: Ints) -> None:
    """The same with whole arrays."""
    for h, e in enumerate(spread.hard):
        there = entries.counts[e, 1:][entries.members[e, 1:] > 0]
        found[h] = 0 if spread.few[h] or not len(there) else there.min()
        if not len(there) and not spread.few[h]:
            found[h] = NOBODY


@kernels.inner
def refuses(entries: Entries, spread: Spread, least: Ints, position: int) -> int:
    """0 if the node fits, else NO_LABEL or TOO_UNEVEN. `least` is what `lowest` found."""
    for h in range(len(spread.hard)):
        e = spread.hard[h]
        domain = entries.domain[e, position]
        if domain == 0:
            return NO_LABEL
        if entries.counts[e, domain] + spread.itself[h] - least[h] > spread.skew[h]:
            return TOO_UNEVEN
    return 0


@refuses.vectorised
def refuses_at(entries: Entries, spread: Spread, least: Ints, position: Ints) -> Ints:
    """The same for an array of positions."""
    found = np.zeros(len(position), np.int64)
    for h, e in enumerate(spread.hard):
        domain = entries.domain[e, position]
        uneven = entries.counts[e, domain] + spread.itself[h] - least[h] > spread.skew[h]
        here = np.where(domain == 0, NO_LABEL, np.where(uneven, TOO_UNEVEN, 0))
        found = np.where(found == 0, here, found)
    return found


@kernels.inner
def crowding(
    entries: Entries, spread: Spread, tallies: Ints, order: Ints, kept: Ints, found: int, logs: Any, sums: Any, shares: Any,
    stamps: Ints, raw: Ints,
) -> None:  # fmt: skip
    """Fill `raw` for the positions in `kept[:found]`: how crowded the domains of a node are; -1 if a label is missing.

    A constraint with many domains weighs more: ln(domains + 2). `logs` holds these; `sums`, `shares` and `stamps` are scratch space.
    """
    left_out = 0
    for i in range(found):
        raw[i] = 0
        sums[i] = 0.0
    if spread.all_keys:
        for s in range(len(spread.soft)):
            domains = entries.domain[spread.soft[s]]
            for i in range(found):
                if domains[kept[i]] == 0:
                    raw[i] = -1
        for i in range(found):
            left_out -= raw[i]
    for s in range(len(spread.soft)):
        e, own_row = spread.soft[s], spread.soft_row[s]
        domains, constant = entries.domain[e], float(spread.soft_skew[s] - 1)
        if own_row == BY_DOMAIN:
            size = different(domains, kept, found, raw, spread.soft_blank[s], stamps)
            by_domain(entries, e, spread.soft_blank[s], logs[size + 2], constant, shares)
            for i in range(found):
                sums[i] += shares[domains[kept[i]]]
            continue
        weight = logs[found - left_out + 2]
        for i in range(found):
            if domains[kept[i]] != 0:
                pods = tallies[own_row, order[kept[i]]] if own_row >= 0 else 0
                sums[i] += float(pods) * weight + constant
    for i in range(found):
        if raw[i] >= 0:
            whole = int(sums[i])
            raw[i] = whole + 1 if sums[i] - float(whole) >= 0.5 else whole


@kernels.inner
def different(domains: Ints, kept: Ints, found: int, raw: Ints, blank: int, stamps: Ints) -> int:
    """How many domains the nodes have that are scored; the domain `blank` is that of nodes without the label."""
    size = 0
    stamps[0] += 1
    stamp = stamps[0]
    for i in range(found):
        domain = domains[kept[i]]
        if stamps[domain + 1] != stamp and raw[i] >= 0:
            stamps[domain + 1] = stamp
            size += 1
    if blank > 0 and stamps[blank + 1] == stamp and stamps[1] == stamp:
        size -= 1
    return size


@kernels.inner
def by_domain(entries: Entries, e: int, blank: int, weight: float, constant: float, shares: Any) -> None:
    """Fill `shares` with what a constraint adds to the nodes of each domain."""
    shares[0] = 0.0
    for domain in range(1, entries.domains[e]):
        pods = entries.counts[e, domain]
        if domain == blank:
            pods += entries.counts[e, 0]
        shares[domain] = float(pods) * weight + constant


@crowding.interpreted
def crowding_at(
    entries: Entries, spread: Spread, tallies: Ints, order: Ints, kept: Ints, found: int, logs: Any, sums: Any, shares: Any,
    stamps: Ints, raw: Ints,
) -> None:  # fmt: skip
    """The same with whole arrays."""
    at = kept[:found]
    domains = entries.domain[spread.soft][:, at]
    scored = (domains > 0).all(axis=0) if spread.all_keys else np.ones(found, np.bool_)
    total = np.zeros(found)
    for s, e in enumerate(spread.soft):
        domain, blank = domains[s], spread.soft_blank[s]
        if spread.soft_row[s] == BY_DOMAIN:
            size = len(np.unique(np.where(domain == blank, 0, domain)[scored]))
            pods = entries.counts[e, domain] + np.where(domain == blank, entries.counts[e, 0], 0)
        else:
            size = int(scored.sum())
            pods = tallies[spread.soft_row[s], order[at]] if spread.soft_row[s] >= 0 else np.zeros(found, np.int64)
        total += np.where(domain > 0, pods * logs[size + 2] + float(spread.soft_skew[s] - 1), 0.0)
    whole = total.astype(np.int64)
    raw[:found] = np.where(scored, whole + (total - whole >= 0.5), -1)


@kernels.inner
def evenness(raw: Ints, found: int, weight: int, totals: Ints, table: Ints) -> None:
    """Add the weighted scores to `totals`: 100 for the least crowded; 0 for nodes without the labels. `table` is scratch space."""
    highest, least = 0, NOBODY * NOBODY
    for i in range(found):
        if raw[i] >= 0:
            highest = max(highest, raw[i])
            least = min(least, raw[i])
    if highest > 0 and highest - least < found:
        for value in range(least, highest + 1):
            table[value - least] = weight * (100 * (highest + least - value) // highest)
        for i in range(found):
            if raw[i] >= 0:
                totals[i] += table[raw[i] - least]
        return
    for i in range(found):
        if raw[i] >= 0:
            totals[i] += weight * (100 * (highest + least - raw[i]) // highest) if highest > 0 else weight * 100


@evenness.interpreted
def evenness_at(raw: Ints, found: int, weight: int, totals: Ints, table: Ints) -> None:
    """The same with whole arrays."""
    totals[:found] += weight * normalised(raw[:found])


def normalised(raw: Ints) -> Ints:
    """Raw scores as 0 to 100."""
    scored = raw >= 0
    if not scored.any():
        return np.zeros(len(raw), np.int64)
    highest, least = int(raw[scored].max()), int(raw[scored].min())
    each = 100 * (highest + least - raw) // highest if highest else np.full(len(raw), 100)
    return np.where(scored, each, 0)


def logarithms(size: int) -> Any:
    """ln(0), ln(1), … ln(size - 1) as Go's math.Log on amd64 computes them (the FreeBSD algorithm); the first two are 0."""
    numbers = np.arange(size, dtype=np.float64)
    fraction, exponent = np.frexp(np.maximum(numbers, 1.0))
    low = fraction < np.sqrt(0.5)
    f = np.where(low, 2.0 * fraction, fraction) - 1.0
    k = np.where(low, exponent - 1, exponent).astype(np.float64)
    s = f / (2.0 + f)
    s2 = s * s
    s4 = s2 * s2
    odd = s2 * (
        6.666666666666735130e-01
        + s4 * (2.857142874366239149e-01 + s4 * (1.818357216161805012e-01 + s4 * 1.479819860511658591e-01))
    )
    even = s4 * (3.999999999940941908e-01 + s4 * (2.222219843214978396e-01 + s4 * 1.531383769920937332e-01))
    r = odd + even
    half = 0.5 * f * f
    return k * 6.93147180369123816490e-01 - ((half - (s * (half + r) + k * 1.90821492927058770002e-10)) - f)


PLUGIN = plugin.Plugin(
    "PodTopologySpread",
    weight=2,
    moves_filter=True,
    moves_score=plugin.always,
)
