"""Which nodes other pods refuse a pod class: found once, and then only where a count crossed its limit.

A pod that is placed changes the counts of its node's domains by one. That seldom changes what a rule says of a domain, so the nodes
of a domain are looked at again only when it does.
"""

from __future__ import annotations

import numpy as np

from k8s_notebook import kernels
from k8s_notebook.scheduler import counting
from k8s_notebook.scheduler.counting import Entries
from k8s_notebook.scheduler.node_table import Ints
from k8s_notebook.scheduler.plugins import inter_pod_affinity as near
from k8s_notebook.scheduler.plugins import pod_topology_spread as spreading
from k8s_notebook.scheduler.plugins.inter_pod_affinity import Affinity
from k8s_notebook.scheduler.plugins.pod_topology_spread import Spread
from k8s_notebook.scheduler.rows import BEST, BLOCK, COUNTS, JUDGE_ALL, RowArrays
from k8s_notebook.scheduler.rules import Judged

UNEVEN, FULL, EMPTY = 0, 1, 2
"""What makes a domain bad: too many pods for a spread constraint, any pod at all, none."""


@kernels.inner
def sum_up(rows: RowArrays, position: int) -> None:
    """Write the total of a node, and the best of its block."""
    total = rows.base[position] if rows.fails[position] == 0 and rows.apart[position] == 0 else -1
    before = rows.total[position]
    rows.total[position] = total
    if rows.flags[BEST] == 0:
        return
    block = position // BLOCK
    if total >= rows.best[block]:
        rows.best[block] = total
    elif before == rows.best[block]:
        rows.best[block] = highest(rows, block)


@kernels.inner
def highest(rows: RowArrays, block: int) -> int:
    """The highest total of a block."""
    best = -1
    for position in range(block * BLOCK, min(block * BLOCK + BLOCK, len(rows.total))):
        best = max(best, rows.total[position])
    return best


@kernels.inner
def look_again(
    rows: RowArrays, entries: Entries, spread: Spread, affinity: Affinity, judged: Judged, line: Ints, many: int
) -> None:
    """Judge the nodes at the positions `line[:many]`, and find the best of all blocks."""
    for i in range(many):
        position = line[i]
        code = spreading.refuses(entries, spread, judged.least, position)
        if code == 0:
            code = near.refuses(entries, affinity, position)
        rows.apart[position] = code
        if many == 1:
            sum_up(rows, position)
        else:
            rows.total[position] = rows.base[position] if code == 0 and rows.fails[position] == 0 else -1
    if many > 1 and rows.flags[BEST] != 0:
        for block in range(len(rows.best)):
            rows.best[block] = highest(rows, block)


@kernels.inner
def check(
    rows: RowArrays, entries: Entries, spread: Spread, affinity: Affinity, judged: Judged, e: int, rule: int, h: int, domain: int,
) -> None:  # fmt: skip
    """See whether a rule says something else of a domain than it did, and judge the nodes of the domain if so."""
    pods = entries.counts[e, domain]
    bad = pods > 0
    if rule == UNEVEN:
        bad = pods + spread.itself[h] - judged.least[h] > spread.skew[h]
    elif rule == EMPTY:
        bad = pods <= 0
    if bad != (judged.bad[e, domain] != 0):
        judged.bad[e, domain] = 1 if bad else 0
        begin, end = entries.begin[e, domain], entries.begin[e, domain + 1]
        look_again(rows, entries, spread, affinity, judged, entries.line[e, begin:end], end - begin)


@kernels.inner
def check_touched(
    rows: RowArrays, entries: Entries, spread: Spread, affinity: Affinity, judged: Judged, which: Ints, rule: int
) -> None:
    """The same for all domains whose count changed, of the entries of one kind."""
    for i in range(len(which)):
        e = which[i]
        if entries.touched[e] == counting.SEVERAL or (rule == UNEVEN and entries.touched[e] != counting.NONE_CHANGED):
            for domain in range(1, entries.domains[e]):
                check(rows, entries, spread, affinity, judged, e, rule, i, domain)
        elif entries.touched[e] > 0:
            check(rows, entries, spread, affinity, judged, e, rule, i, entries.touched[e])


@kernels.inner
def judge(rows: RowArrays, entries: Entries, spread: Spread, affinity: Affinity, judged: Judged) -> None:
    """Bring `rows.apart` and the totals up to date with the counts."""
    if rows.flags[COUNTS] == 0:
        return
    if len(spread.hard) > 0:
        spreading.lowest(entries, spread, judged.least)
    anywhere = 0
    for i in range(len(affinity.need)):
        anywhere += entries.total[affinity.need[i]]
    first = 1 if len(affinity.need) > 0 and anywhere == 0 and affinity.first else 0
    check_touched(rows, entries, spread, affinity, judged, spread.hard, UNEVEN)
    check_touched(rows, entries, spread, affinity, judged, affinity.need, EMPTY)
    check_touched(rows, entries, spread, affinity, judged, affinity.avoid, FULL)
    check_touched(rows, entries, spread, affinity, judged, affinity.avoided, FULL)
    for e in range(len(entries.touched)):
        entries.touched[e] = counting.NONE_CHANGED
    if rows.flags[JUDGE_ALL] != 0 or first != judged.open[0]:
        judged.open[0] = first
        rows.flags[JUDGE_ALL] = 0
        look_again(rows, entries, spread, affinity, judged, entries.line[0], len(rows.total))


@judge.interpreted
def judge_at(rows: RowArrays, entries: Entries, spread: Spread, affinity: Affinity, judged: Judged) -> None:
    """The same with whole arrays: every node is judged."""
    everywhere = np.arange(len(rows.total))
    if rows.flags[COUNTS]:
        spreading.lowest_at(entries, spread, judged.least)
        spread_codes = spreading.refuses_at(entries, spread, judged.least, everywhere)
        rows.apart[:] = np.where(spread_codes != 0, spread_codes, near.refuses_at(entries, affinity, everywhere))
        entries.touched[:] = counting.SEVERAL
        rows.flags[JUDGE_ALL] = 1
    rows.total[:] = np.where((rows.fails == 0) & (rows.apart == 0), rows.base, -1)
    for block in range(len(rows.best)):
        rows.best[block] = rows.total[block * BLOCK : (block + 1) * BLOCK].max()
