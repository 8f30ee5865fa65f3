"""A decision as one SVG: nodes x plugins as a heat map, or the filters that stopped a pending pod. No script, light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_notebook.display import decision_view as view
from k8s_notebook.display import svg_text as t
from k8s_notebook.display.decision_view import Column, Group, HeatRow, Stop

if TYPE_CHECKING:
    from k8s_notebook.scheduler.explain import Explanation

WIDTH = 960
LEFT, RIGHT = 16, WIDTH - 16
ROW = 30


def svg(found: Explanation, cluster: str = "") -> str:
    """The SVG document; the same explanation gives the same picture."""
    title = view.title(found)
    head, y = t.heading(title, view.meta(found, cluster), LEFT, RIGHT - LEFT)
    placed = bool(found.node) and not (found.gates and not found.bound_to)
    body, y = _placed(found, y + 20) if placed else _pending(found, y + 20)
    return t.document(WIDTH, y + 16, title, _description(found), head + body)


def _description(found: Explanation) -> str:
    """The picture in words, for those who do not see it."""
    shown, _ = view.columns(found)
    rows = [f"{row.node}: {row.total} points" for row in view.heat(found, shown, 3)]
    refused = [f"{g.label} refused by {g.plugin}: {g.reason}" for g in view.groups(found)[:6]]
    helped = [f"it would fit if: {text}" for text, _, _ in view.helps(found)]
    return ". ".join([*rows, *refused, *helped[:3]]) + "."


# ------------------------------------------------------------ a pod that has a node


def _placed(found: Explanation, y: float) -> tuple[str, float]:
    shown, silent = view.columns(found)
    rows = view.heat(found, shown)
    common = view.prefix(row.node for row in rows)
    parts: list[str] = []
    if shown:
        edges = _edges(shown)
        parts.append(_heads(shown, edges, common, y))
        y += 36
        for row in rows:
            parts.append(_heat_row(row, shown, edges, common, y))
            y += ROW
        scored = int(found.evidence.scored.sum())
        if scored > len(rows):
            parts.append(_distribution(found, shown, edges, scored - len(rows), y))
            y += 44
    else:
        parts.append(_unscored(found, y))
        y += ROW
    parts_more, y = _refused(found, y)
    parts += parts_more
    if shown:
        parts.append(_sway(found, shown, _edges(shown), y))
        y += 26
    notes, y = _notes(shown, silent, len(rows), found, y + 16)
    return "".join(parts) + notes, y


def _unscored(found: Explanation, y: float) -> str:
    """The chosen node, where nothing had to be weighed."""
    middle = y + ROW / 2 + 4.5
    said = "chosen: the only node that fits" if found.feasible <= 1 else "chosen: the first node that fits"
    name = t.text(LEFT + 24, middle, t.cut(found.node, 150, 13), "n a b", hint=found.node)
    return (
        t.line(LEFT, y - 0.5, RIGHT, "r2") + t.node(LEFT, y + ROW / 2 - 8, chosen=True) + name + t.text(222, middle, said, "n a")
    )


def _edges(shown: list[Column]) -> list[tuple[float, float]]:
    """The left and right edge of each column."""
    first, last = 196.0, RIGHT - 112.0
    wanted = [max(t.width(_short(c.name), 11) + 20, 84.0) for c in shown]
    scale = min((last - first) / sum(wanted), 1.6)
    found, x = [], first
    for width in wanted:
        found.append((x, x + width * scale))
        x += width * scale
    return found


def _short(plugin: str) -> str:
    return "BalancedAllocation" if plugin == "NodeResourcesBalancedAllocation" else plugin


def _total_x(edges: list[tuple[float, float]]) -> float:
    return min(edges[-1][1] + 62, RIGHT - 52)


def _heads(shown: list[Column], edges: list[tuple[float, float]], common: str, y: float) -> str:
    parts = [
        t.text(LEFT, y + 26, t.cut(f"Node {common}…" if common else "Node", 170, 11), "s d", hint=common),
        t.text(_total_x(edges), y + 26, "Total", "s d e"),
    ]
    for column, (x0, x1) in zip(shown, edges, strict=True):
        parts.append(t.text(x1 - 8, y + 10, t.cut(_short(column.name), x1 - x0 - 4, 11), "s d e", hint=column.name))
        parts.append(t.text(x1 - 8, y + 26, f"× {column.weight}", "s w e"))
    return "".join(parts) + t.line(LEFT, y + 33.5, RIGHT, "r2")


def _heat_row(row: HeatRow, shown: list[Column], edges: list[tuple[float, float]], common: str, y: float) -> str:
    middle = y + ROW / 2 + 4.5
    look = "n a b" if row.chosen else "n"
    parts = [
        t.node(LEFT, y + ROW / 2 - 8, chosen=row.chosen),
        t.text(LEFT + 24, middle, t.cut(view.short(row.node, common), 150, 13), look, hint=row.node),
    ]
    for column, (x0, x1), (each, weighted) in zip(shown, edges, row.cells, strict=True):
        parts.append(t.heat(x0, y, x1 - x0, ROW, each / 100, flat=column.flat))
        said = f"{column.name} on {row.node}: {each} of 100, times {column.weight} makes {weighted}"
        parts.append(t.text(x0 + 8, middle - 0.5, str(each), "s d" if column.flat else "s h7"))
        parts.append(t.text(x1 - 8, middle, str(weighted), "n d e" if column.flat else "n m e", hint=said))
    x = _total_x(edges)
    parts.append(t.text(x, middle, str(row.total), "n b e"))
    said = "chosen" if row.chosen else "same" if row.behind == 0 else f"−{-row.behind}" if row.behind < 0 else f"+{row.behind}"
    parts.append(t.text(RIGHT, middle - 0.5, said, "s a b e" if row.chosen else "s d e"))
    return f'<g role="row">{"".join(parts)}</g>'


def _distribution(found: Explanation, shown: list[Column], edges: list[tuple[float, float]], more: int, y: float) -> str:
    """How all scored nodes are spread over the scores of each column, and where the chosen one stands."""
    rests_on = found.evidence
    scored, row = int(rests_on.scored.sum()), rests_on.chosen
    parts = [t.text(LEFT, y + 18, f"and {more:,} more", "n d"), t.text(LEFT, y + 34, f"scores of all {scored:,}", "s d")]
    for column, (x0, x1) in zip(shown, edges, strict=True):
        at = int(rests_on.normalised[rests_on.scores.index(column.name), row]) / 100 if row >= 0 else -1
        hint = f"{column.name}: normalised scores of all nodes, the chosen one has {at * 100:.0f}"
        parts.append(t.histogram(x0 + 8, y + 8, x1 - x0 - 16, 28, column.counts, "0", "100", hint, at))
    low, high, counts = view.totals(found)
    x, total = edges[-1][1], int(rests_on.total[row])
    at = (total - low) / max(high - low, 1) if row >= 0 else -1
    hint = f"totals of all nodes, the chosen one has {total}"
    parts.append(t.histogram(x + 12, y + 8, RIGHT - x - 12, 28, counts, f"{low}", f"{high}", hint, at))
    return "".join(parts) + t.line(LEFT, y + 43.5, RIGHT, "r")


def _refused(found: Explanation, y: float) -> tuple[list[str], float]:
    parts = []
    total = len(found.evidence)
    unscored = int((found.evidence.feasible & ~found.evidence.scored).sum()) if found.feasible > 1 else 0
    if unscored:
        parts.append(
            t.node(LEFT, y + ROW / 2 - 8)
            + t.text(LEFT + 24, y + ROW / 2 + 4.5, f"{unscored:,} node{'' if unscored == 1 else 's'}", "n d")
        )
        parts.append(t.text(204, y + ROW / 2 + 4.5, "not looked at: enough nodes had been found before", "n d"))
        y += ROW
    listed = view.groups(found)
    for group in listed[:8]:
        parts.append(_group(group, total, y))
        y += ROW
    if len(listed) > 8:
        parts.append(t.text(LEFT + 24, y + 18, f"and {len(listed) - 8} more reasons", "n d"))
        y += ROW
    return parts, y


def _group(group: Group, total: int, y: float) -> str:
    middle, x = y + ROW / 2 + 4.5, 222.0
    names = ", ".join(group.nodes[:3]) + (f" and {group.count - 3:,} more" if group.count > 3 else "")
    tail = group.note if group.count == 1 else names
    parts = [
        t.node(LEFT, y + ROW / 2 - 8), t.text(LEFT + 24, middle, t.cut(group.label, 150, 13), "n d", hint=names),
        t.cross(204, y + ROW / 2 - 6),
        t.runs(x, middle, [(f"{group.plugin}: {group.reason}", ""), (f"   {tail}" if tail else "", "d")], 13, RIGHT - x - (80 if group.count > 1 else 0)),
    ]  # fmt: skip
    if group.count > 1:
        said = f"{group.count:,} of {total:,} nodes"
        parts.append(t.share(RIGHT - 60, y + ROW / 2 - 3, 60, 6, group.count / max(total, 1), said))
    return "".join(parts)


def _sway(found: Explanation, shown: list[Column], edges: list[tuple[float, float]], y: float) -> str:
    parts = [t.line(LEFT, y + 0.5, RIGHT, "r2"), t.text(LEFT, y + 18, "Can change the order", "s d")]
    for column, (_, x1) in zip(shown, edges, strict=True):
        parts.append(
            t.text(x1 - 8, y + 18, "same for all" if column.flat else f"up to {column.sway}", "s d e" if column.flat else "s e")
        )
    ahead = view.lead(found)
    return "".join(parts) + t.text(RIGHT, y + 18, f"lead {ahead}" if ahead else "a tie", "s e")


def _notes(shown: list[Column], silent: list[str], rows: int, found: Explanation, y: float) -> tuple[str, float]:
    """How to read it; and where that ends."""
    if not shown:
        return "", y - 8
    said = ["Shade = normalised score 0 to 100; small = normalised, large = weighted."]
    if int(found.evidence.scored.sum()) > rows:
        said[0] = f"Showing {rows:,} of {len(found.evidence):,} nodes. {said[0]} The blue mark is the chosen node."
    if silent:
        said.append(f"0 on every node: {', '.join(silent)}.")
    drawn = "".join(t.text(LEFT, y + 16 * n, t.cut(line, RIGHT - LEFT, 11), "s d", hint=line) for n, line in enumerate(said))
    return drawn, y + 16 * (len(said) - 1)


# ------------------------------------------------------------ a pod that has none

STRIP, BLAMED, REASON, MISSING = 186, 312, 470, 694


def _pending(found: Explanation, y: float) -> tuple[str, float]:
    listed, parts = view.groups(found), []
    many = len(found.evidence) > view.MOST_ROWS
    rows = view.stops(found, 10 if many else view.MOST_ROWS)
    common = view.prefix(row.node for row in rows)
    if listed:
        missing = "What is missing" if any(row.missing for row in rows) else ""
        parts.append(_pending_heads(y, "Share of all nodes" if many else missing))
        y += 26
    for group in listed if many else ():
        parts.append(_pending_group(group, found, y))
        y += ROW
    if many and rows:
        said = f"Closest{f', {common}…' if common else ''}: showing {len(rows)} of {len(found.evidence):,} nodes"
        parts.append(t.text(LEFT, y + 26, said, "s d") + t.text(MISSING, y + 26, "What is missing", "s d"))
        parts.append(t.line(LEFT, y + 33.5, RIGHT, "r2"))
        y += 34
    for row in rows:
        parts.append(_stop(row, found, common, y))
        y += ROW
    helped, y = _helps(found, y + 10)
    said, y = t.paragraph(found.message, LEFT, y + 22, RIGHT - LEFT)
    return "".join(parts) + helped + said, y


def _pending_heads(y: float, last: str) -> str:
    heads = ((LEFT, "Node"), (STRIP, "Filters"), (BLAMED, "Stopped by"), (REASON, "Reason"), (MISSING, last))
    return "".join(t.text(x, y + 16, said, "s d") for x, said in heads) + t.line(LEFT, y + 23.5, RIGHT, "r2")


def _strip(verdicts: tuple[bool, ...], stop: int, names: tuple[str, ...], y: float) -> str:
    """One mark per filter, in order: passed, stopped here, or not asked any more (hollow red: it would refuse too)."""
    step = min(8.0, 120 / max(len(verdicts), 1))
    marks = []
    for i, passed in enumerate(verdicts):
        look = "p" if i < stop else "f" if i == stop else "o" if not passed else "q"
        said = {"p": "passed", "f": "stopped here", "o": "would refuse too", "q": "not asked"}[look]
        marks.append(t.mark(STRIP + i * step, y + ROW / 2, step - 2, look, f"{names[i]}: {said}"))
    label = f"{stop} filter{'' if stop == 1 else 's'} passed, then {names[stop]} failed"
    return f'<g role="img" aria-label="{view.harmless(label)}">{"".join(marks)}</g>'


def _stop(row: Stop, found: Explanation, common: str, y: float) -> str:
    middle, names = y + ROW / 2 + 4.5, found.evidence.filters
    parts = [
        t.node(LEFT, y + ROW / 2 - 8), t.text(LEFT + 24, middle, t.cut(view.short(row.node, common), 138, 13), "n", hint=row.node),
        _strip(row.verdicts, row.stop, names, y),
        t.text(BLAMED, middle, t.cut(names[row.stop], REASON - BLAMED - 10, 13), "n", hint=names[row.stop]),
    ]  # fmt: skip
    if row.share >= 0:
        parts.append(t.text(REASON, middle, t.cut(row.reason, MISSING - REASON - 10, 13), "n", hint=row.reason))
        parts.append(t.gauge(MISSING, y + ROW / 2, 90, row.share))
        parts.append(t.text(MISSING + 100, middle - 0.5, t.cut(row.missing, RIGHT - MISSING - 100, 11), "s d", hint=row.missing))
    elif row.missing:
        parts.append(t.text(REASON, middle, t.cut(row.reason, MISSING - REASON - 10, 13), "n", hint=row.reason))
        parts.append(t.text(MISSING, middle, t.cut(row.missing, RIGHT - MISSING, 13), "n d", hint=row.missing))
    else:
        parts.append(t.text(REASON, middle, t.cut(row.reason, RIGHT - REASON, 13), "n", hint=row.reason))
    return "".join(parts) + t.line(LEFT, y + ROW - 0.5, RIGHT, "r")


def _pending_group(group: Group, found: Explanation, y: float) -> str:
    middle, names, total = y + ROW / 2 + 4.5, found.evidence.filters, len(found.evidence)
    stop = names.index(group.plugin)
    said = group.reason.removeprefix("node(s) ")
    verdicts = tuple(i != stop for i in range(len(names)))
    count = f"{group.count:,} of {total:,} nodes"
    parts = [
        t.node(LEFT, y + ROW / 2 - 8), t.text(LEFT + 24, middle, group.label, "n b", hint=", ".join(group.nodes)),
        _strip(verdicts, stop, names, y), t.text(BLAMED, middle, t.cut(group.plugin, REASON - BLAMED - 10, 13), "n", hint=group.plugin),
        t.text(REASON, middle, t.cut(said, MISSING - REASON - 10, 13), "n", hint=said),
        t.share(MISSING, y + ROW / 2 - 3, 120, 6, group.count / total, count),
        t.text(MISSING + 130, middle - 0.5, f"{100 * group.count / total:.3g} % of all", "s d"),
    ]  # fmt: skip
    return "".join(parts) + t.line(LEFT, y + ROW - 0.5, RIGHT, "r")


def _helps(found: Explanation, y: float) -> tuple[str, float]:
    listed = list(view.helps(found))
    if not listed:
        return "", y
    parts = [t.text(LEFT, y + 18, "Would fit if you" if found.at is None else "Fits today if you", "n b")]
    for text, where, detail in listed:
        tail = [(f"   → {where}", "d")] if where else []
        tail += [(f"   {detail}", "d")] if detail else []
        parts.append(t.runs(150, y + 18, [(text, "a"), *tail], 13, RIGHT - 150))
        y += 22
    return "".join(parts), y + 4
