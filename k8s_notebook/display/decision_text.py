"""A decision as text, as a table for people who do not see the picture, and as pandas tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8s_notebook.display import decision_svg, escaping, html, text
from k8s_notebook.display import decision_view as view

if TYPE_CHECKING:
    import pandas as pd

    from k8s_notebook.scheduler.explain import Explanation


def plain(found: Explanation, note: str = "") -> str:
    """The sentence, the best nodes with their points, the refused by reason, what would help, the scheduler's own words."""
    parts = [f"pod/{found.name}: {found.sentence}"]
    rows = _scores(found)
    if len(rows) > 1:
        shouted = [[head.upper() for head in rows[0]], *rows[1:]]
        parts.append(text.columns(shouted) + _more(found, len(rows) - 1))
    refused = [[f"{g.count:,}", g.plugin, g.reason, _names(g)] for g in view.groups(found)]
    if refused:
        parts.append(text.columns([["REFUSED", "BY", "REASON", "NODES"], *refused]))
    helped = [f"{change} -> {where}" if where else change for change, where, _ in view.helps(found)]
    if helped:
        parts.append("\n".join(["It would fit if you", *(f"  {h}" for h in helped)]))
    return escaping.text("\n\n".join(p for p in (*parts, found.message, f"({found.source})", note) if p))


def _scores(found: Explanation) -> list[list[str]]:
    shown, _ = view.columns(found)
    names = (c.name.replace("NodeResourcesBalanced", "Balanced").removeprefix("Node") for c in shown)
    heads = [["Rank", "Node", "Total", *names]]
    for rank, row in enumerate(view.heat(found, shown), 1):
        heads.append([str(rank), row.node, str(row.total), *(str(weighted) for _, weighted in row.cells)])
    return heads


def _more(found: Explanation, rows: int) -> str:
    scored = int(found.evidence.scored.sum())
    return f"\n(showing {rows} of {len(found.evidence):,} nodes, {scored:,} of them scored)" if scored > rows else ""


def _names(group: view.Group) -> str:
    return ", ".join(group.nodes[:3]) + (f" and {group.count - 3:,} more" if group.count > 3 else "")


def page(found: Explanation, cluster: str = "", note: str = "") -> str:
    """The picture, and the same as a table that can be unfolded; no script."""
    picture = decision_svg.svg(found, cluster)
    said = f'<p class="meta">{html.esc(note)}</p>' if note else ""
    twin = f'<details><summary class="dim">As a table</summary>{_table(found)}</details>'
    return html.figure(f'<div style="margin:-16px -16px 8px">{picture}</div>{said}{twin}', label=f"why pod/{found.name}")


def _table(found: Explanation) -> str:
    rows = _scores(found)
    refused = [[g.label, g.plugin, g.reason, _names(g)] for g in view.groups(found)]
    parts = [grid(rows, numbers=True)] if len(rows) > 1 else []
    if refused:
        parts.append(grid([["REFUSED", "BY", "REASON", "NODES"], *refused], numbers=False))
    return "".join(parts)


def grid(rows: list[list[str]], *, numbers: bool) -> str:
    """Rows as an HTML table, the first one as its head; with `numbers` all columns but the second are numbers."""

    def cell(tag: str, i: int, said: str) -> str:
        kind = ' class="num"' if numbers and i != 1 else ' class="prose"' if html.prose(said) else ""
        scope = ' scope="col"' if tag == "th" else ""
        return f"<{tag}{kind}{scope}>{html.esc(escaping.line(said))}</{tag}>"

    heads = "".join(cell("th", i, said.capitalize() if said.isupper() else said) for i, said in enumerate(rows[0]))
    body = "".join(f"<tr>{''.join(cell('td', i, said) for i, said in enumerate(row))}</tr>" for row in rows[1:])
    return f'<table class="get"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'


def long(found: Explanation) -> pd.DataFrame:
    """One row per node and plugin, best node first: node, plugin, passed, reason, raw, normalised, weight, weighted, rank, total.

    `passed` is None for a plugin that refuses nobody, the scores are missing where a node was not scored.
    """
    import pandas as pd

    rests_on = found.evidence
    names = list(dict.fromkeys((*rests_on.filters, *rests_on.scores)))
    rows, width = found.order, len(names)
    nodes = [rests_on.nodes[row] for row in rows]
    frame = pd.DataFrame({
        "node": [n for n in nodes for _ in names], "plugin": names * len(nodes),
        "passed": _spread(rests_on.filters, names, (~rests_on.fails[rows]).T.astype(object), len(rows)), "reason": _reasons(found, names),
    })  # fmt: skip
    scored = pd.Series(rests_on.scored[rows].repeat(width))
    for label, values in (("raw", rests_on.raw), ("normalised", rests_on.normalised), ("weighted", rests_on.weighted)):
        frame[label] = pd.Series(_spread(rests_on.scores, names, values[:, rows].astype(object), len(rows)), dtype="Int64").where(
            scored
        )
    weights = dict(zip(rests_on.scores, rests_on.weights, strict=True))
    frame.insert(6, "weight", pd.Series([weights.get(n) for n in names] * len(nodes), dtype="Int64").where(scored))
    best = ranking(found)
    frame["rank"], frame["total"] = (best[c].repeat(width).reset_index(drop=True) for c in ("rank", "total"))
    return frame


def _spread(have: tuple[str, ...], names: list[str], values: Any, nodes: int) -> list[Any]:
    """[plugin, node] values of some plugins as one list, node by node over all plugins; None where a plugin has none."""
    columns = [list(values[have.index(n)]) if n in have else [None] * nodes for n in names]
    return [value for row in zip(*columns, strict=True) for value in row]


def _reasons(found: Explanation, names: list[str]) -> list[str]:
    rests_on = found.evidence
    place = {row: n for n, row in enumerate(found.order)}
    said = [""] * (len(place) * len(names))
    for row, filter_, number in rests_on.given.tolist():
        at = place[row] * len(names) + names.index(rests_on.filters[filter_])
        said[at] = f"{said[at]}, {rests_on.texts[number]}" if said[at] else rests_on.texts[number]
    return said


def wide(found: Explanation) -> pd.DataFrame:
    """One row per node (the index), best first; columns are (plugin, number): `df["NodeResourcesFit"]["raw"]`.

    `df.xs("weighted", axis=1, level=1)` is the matrix of nodes and plugins. Numbers: passed, raw, normalised, weighted.
    """
    import pandas as pd

    rests_on, rows = found.evidence, found.order
    made: dict[tuple[str, str], Any] = {}
    scored = pd.Series(rests_on.scored[rows])
    for f, name in enumerate(rests_on.filters):
        made[name, "passed"] = ~rests_on.fails[rows, f]
    for s, name in enumerate(rests_on.scores):
        for label, values in (("raw", rests_on.raw), ("normalised", rests_on.normalised), ("weighted", rests_on.weighted)):
            made[name, label] = pd.Series(values[s, rows], dtype="Int64").where(scored).array
    frame = pd.DataFrame(made, index=pd.Index([rests_on.nodes[row] for row in rows], name="node"))
    return frame.sort_index(axis=1, level=0, sort_remaining=False)


def ranking(found: Explanation) -> pd.DataFrame:
    """One row per node, best first: rank (missing: refused), node, total (missing: not scored), feasible, stopped_by, reasons."""
    import pandas as pd

    rests_on, rows = found.evidence, found.order
    feasible = pd.Series(rests_on.feasible[rows])
    said: dict[int, list[str]] = {}
    stopped = rests_on.stopped.tolist()
    for row, filter_, number in rests_on.given.tolist():
        if filter_ == stopped[row]:
            said.setdefault(row, []).append(rests_on.texts[number])
    return pd.DataFrame({
        "rank": pd.Series(range(1, len(rows) + 1), dtype="Int64").where(feasible), "node": [rests_on.nodes[row] for row in rows],
        "total": pd.Series(rests_on.total[rows], dtype="Int64").where(pd.Series(rests_on.scored[rows])), "feasible": feasible,
        "stopped_by": [rests_on.filters[stopped[row]] if stopped[row] >= 0 else "" for row in rows],
        "reasons": [said.get(row, []) for row in rows],
    })  # fmt: skip
