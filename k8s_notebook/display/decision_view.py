"""What a picture of a decision shows: which nodes, which columns, which groups. Numbers become words here, not in the drawing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k8s_notebook.display import escaping
from k8s_notebook.scheduler import amounts, sentences
from k8s_notebook.sim import clock

if TYPE_CHECKING:
    from k8s_notebook.scheduler.explain import Explanation

MOST_ROWS = 20
BINS = 10


@dataclass(frozen=True, slots=True)
class Column:
    """One score plugin. `counts`: how many scored nodes have a normalised score of 0-9, 10-19, …, 90-100."""

    name: str
    weight: int
    flat: bool
    """Whether all scored nodes are equal: it decided nothing."""
    sway: int
    """By how much its weighted scores differ at most."""
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One scored node: (normalised, weighted) per column."""

    node: str
    cells: tuple[tuple[int, int], ...]
    total: int
    behind: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes that were refused for the same reason."""

    plugin: str
    reason: str
    nodes: tuple[str, ...]
    """The first of them, in order."""
    count: int
    note: str = ""
    """What exactly: the taints of the first node."""

    @property
    def label(self) -> str:
        """The node, or how many."""
        return self.nodes[0] if self.count == 1 else f"{self.count:,} nodes"


@dataclass(frozen=True, slots=True)
class Stop:
    """One refused node: what each filter said (True: passed), who stopped it, and what is missing."""

    node: str
    verdicts: tuple[bool, ...]
    stop: int
    reason: str
    missing: str
    share: float
    """How much of what is asked for is free, 0 to 1; -1 if it is not about an amount."""


def columns(found: Explanation) -> tuple[list[Column], list[str]]:
    """The score plugins that gave points, and the names of those that gave none on any node."""
    rests_on = found.evidence
    at = rests_on.scored
    shown, silent = [], []
    for s, name in enumerate(rests_on.scores):
        each = rests_on.normalised[s][at]
        if not len(each) or not each.any():
            silent.append(name)
            continue
        low, high = int(each.min()), int(each.max())
        counts = tuple(int(((each.clip(0, 99) // BINS) == b).sum()) for b in range(BINS))
        shown.append(Column(name, rests_on.weights[s], low == high, (high - low) * rests_on.weights[s], counts))
    return shown, silent


def heat(found: Explanation, shown: list[Column], most: int = MOST_ROWS) -> list[HeatRow]:
    """The best scored nodes, the chosen one first."""
    rests_on = found.evidence
    scored, total, weighted = rests_on.scored.tolist(), rests_on.total, rests_on.weighted
    numbers = [rests_on.scores.index(c.name) for c in shown]
    rows = [row for row in found.order[: most + 1] if scored[row]][:most]
    best = int(total[rows[0]]) if rows else 0
    return [
        HeatRow(
            rests_on.nodes[row], tuple((int(rests_on.normalised[s, row]), int(weighted[s, row])) for s in numbers),
            int(total[row]), int(total[row]) - best, row == rests_on.chosen,
        )
        for row in rows
    ]  # fmt: skip


def totals(found: Explanation) -> tuple[int, int, tuple[int, ...]]:
    """(lowest, highest, histogram) of the totals of all scored nodes."""
    values = found.evidence.total[found.evidence.scored]
    if not len(values):
        return 0, 0, ()
    low, high = int(values.min()), int(values.max())
    bins = ((values - low) * 2 * BINS // max(high - low + 1, 1)).clip(0, 2 * BINS - 1)
    return low, high, tuple(int((bins == b).sum()) for b in range(2 * BINS))


def lead(found: Explanation) -> int:
    """By how much the chosen node is ahead of the next."""
    rests_on = found.evidence
    total = rests_on.total
    others = [int(total[row]) for row in found.order[:2] if row != rests_on.chosen and rests_on.scored[row]]
    return int(total[rests_on.chosen]) - others[0] if others and rests_on.chosen >= 0 else 0


def groups(found: Explanation) -> list[Group]:
    """The refused nodes by the reason of the first filter, the largest group first."""
    nodes = found.evidence.nodes
    return [
        Group(p, r, tuple(nodes[row] for row in rows[:6]), len(rows), found.notes.get(nodes[rows[0]], ""))
        for p, r, rows in found.refusals()
    ]


def stops(found: Explanation, most: int = MOST_ROWS) -> list[Stop]:
    """The refused nodes that come closest: the fewest filters against them, then the most room."""
    rests_on = found.evidence
    against = rests_on.fails.sum(axis=1).tolist()
    near = {node: n for n, node in enumerate(found.room)}
    stopped = rests_on.stopped.tolist()
    rows = sorted(
        (row for row in range(len(rests_on)) if stopped[row] >= 0),
        key=lambda row: (against[row], near.get(rests_on.nodes[row], len(near)), row),
    )
    return [_stop(found, row, stopped[row]) for row in rows[:most]]


def _stop(found: Explanation, row: int, stop: int) -> Stop:
    rests_on = found.evidence
    node = rests_on.nodes[row]
    reason = ", ".join(r.removeprefix("node(s) ") for r in rests_on.reasons(row))
    short = found.room.get(node, {})
    share = min((max(free, 0) / asked for name, (_, asked, free) in short.items() if asked), default=-1.0)
    note = found.notes.get(node, "")
    missing = ", ".join(
        f"{amounts.text(name, max(free, 0))} of {amounts.text(name, asked)} {name}" for name, (_, asked, free) in short.items()
    )
    verdicts = tuple(not fails for fails in rests_on.fails[row].tolist())
    return Stop(node, verdicts, stop, reason, f"{missing} free" if missing else note, share)


def meta(found: Explanation, cluster: str) -> list[str]:
    """The facts under the sentence: cluster, pod, what it is, how many nodes."""
    rests_on = found.evidence
    scored = int(rests_on.scored.sum())
    refused = len(rests_on) - found.feasible
    counts = f"{len(rests_on):,} node{'' if len(rests_on) == 1 else 's'}, {refused:,} refused"
    when = (
        f" at {clock.timestamp(found.at).replace('T', ' ').removesuffix('Z')} UTC"
        if found.at is not None
        else " now, without the pod itself"
    )
    return [
        m
        for m in (
            cluster,
            f"{found.namespace}/{found.name}",
            found.kind + when,
            f"{counts}, {scored:,} scored" if found.feasible > 1 else counts,
        )
        if m
    ]


def helps(found: Explanation) -> Iterator[tuple[str, str, str]]:
    """(change, where the pod would then fit, detail) of everything that was found to help."""
    for change in found.changes:
        yield change.text, f"{change.fits:,} nodes" if change.fits > 1 else change.node, change.detail


def title(found: Explanation) -> str:
    """The sentence on top of a picture or table."""
    return f"{sentences.headline(found)}.{f' Today {found.today}.' if found.today else ''}"


def prefix(names: Iterable[str], most: int = 20) -> str:
    """What all names begin with, up to a separator; "" unless one of them is longer than `most` characters."""
    listed = list(names)
    if len(listed) < 2 or max(map(len, listed)) <= most:
        return ""
    first, last = min(listed), max(listed)
    same = first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]
    return same[: max(same.rfind(c) for c in "-._") + 1]


def short(name: str, common: str) -> str:
    """The name without what all begin with."""
    return f"…{name[len(common) :]}" if common and name.startswith(common) else name


def harmless(value: Any) -> str:
    """Text for a page."""
    return escaping.html_text(escaping.line(value))
