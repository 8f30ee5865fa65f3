"""Rows and texts as HTML: one figure that needs no script, a real table, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from k8s_notebook.display import durations, escaping, glyphs, health, palette, text
from k8s_notebook.display.health import Health
from k8s_notebook.display.rows import Row, Sheet

MOST_ROWS = 500
"""Rows of one table; the others are counted, and problems come first."""

PROSE = 40
"""Characters from which the words of a cell may be broken into lines."""

_RESTARTS = re.compile(r"(\d+) \((.+)\)")
_NUMBERS = frozenset({"integer", "number"})
_RIGHT = frozenset({"ready", "restarts", "age", "up-to-date", "available", "desired", "current", "data", "last seen", "count"})


def esc(value: Any) -> str:
    """Text as a page shows it."""
    return escaping.html_text(value)


def prose(said: str) -> bool:
    """Whether a cell holds so many words that they may be broken into lines."""
    return len(said) > PROSE and " " in said


def figure(body: str, *, label: str = "") -> str:
    """A figure with the style sheet in it."""
    return f'<style>{palette.table_css()}</style><figure class="kn" aria-label="{esc(label)}">{body}</figure>'


def pre(said: str, *, label: str = "output") -> str:
    """A text as kubectl would print it, in the code font."""
    return figure(f"<pre>{esc(said)}</pre>", label=label)


def head(sentence: str, meta: Sequence[str]) -> str:
    """The sentence on top and the line of facts below it; the first fact is the strong one."""
    facts = [f"<b>{esc(m)}</b>" if i == 0 else esc(m) for i, m in enumerate(m for m in meta if m)]
    line = "".join(f"<span>{f}</span>" for f in facts)
    return f"<h1>{esc(sentence)}</h1>" + (f'<p class="meta">{line}</p>' if line else "")


def sentence(sheet: Sheet, states: Sequence[Health]) -> str:
    """What the table says: "3 of 24 pods need a look."."""
    count = len(sheet.rows)
    noun = sheet.kind.singular if count == 1 else sheet.kind.plural
    bad = sum(1 for s in states if s.level in health.PROBLEMS)
    if bad:
        what = "needs" if bad == 1 else "need"
        return f"{bad} of {count} {sheet.kind.plural} {what} a look." if count > 1 else f"The {noun} needs a look."
    moving = sum(1 for s in states if s.level in {"wait", "away"})
    if moving:
        what = "is" if moving == 1 else "are"
        return f"{moving} of {count} {sheet.kind.plural} {what} on the way." if count > 1 else f"The {noun} is on the way."
    if count and all(s.level == "ok" for s in states):
        return f"All {count} {noun} are well." if count > 1 else f"The {noun} is well."
    return f"{count} {noun}."


def table(
    sheet: Sheet, *, meta: Sequence[str] = (), wide: bool = False, namespaces: bool = False, show_labels: bool = False
) -> str:
    """One table with its sentence, problems first; without style sheet or figure around it."""
    states = [health.of(sheet, r) for r in sheet.rows]
    order = sorted(range(len(states)), key=lambda i: (_rank(states[i]), i))
    glyph = any(s.level for s in states)
    moved = order != sorted(order)
    facts = [*meta, "problems first" if moved else "", _partial(sheet, order, states)]
    columns = [i for i in sheet.shown(wide=wide) if not (sheet.columns[i].wide and _nothing(sheet, i))]
    rows = [_row(sheet, sheet.rows[i], states[i], columns, glyph, namespaces, show_labels) for i in order[:MOST_ROWS]]
    heads = _heads(sheet, columns, glyph, namespaces, show_labels)
    return (
        head(sentence(sheet, states), facts)
        + f'<table class="get" data-kn-table="{esc(sheet.kind.resource)}"><thead><tr>{heads}</tr></thead>'
        + f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _nothing(sheet: Sheet, i: int) -> bool:
    """Whether a column has nothing to say about any row."""
    return all(text.cell(r.cells[i]) in {"", "<none>"} for r in sheet.rows if i < len(r.cells))


def _rank(state: Health) -> int:
    level = state.level if state.level in health.PROBLEMS | {"wait", "away"} else "ok"
    return health.ORDER.index(level)


def _partial(sheet: Sheet, order: Sequence[int], states: Sequence[Health]) -> str:
    count = len(sheet.rows)
    if count <= MOST_ROWS:
        return ""
    problems = [i for i in order if states[i].level in health.PROBLEMS]
    said = f"{MOST_ROWS:,} of {count:,} shown"
    return f"{said}, all {len(problems)} problems included" if 0 < len(problems) <= MOST_ROWS else said


def _title(name: str) -> str:
    return name if name != name.upper() or len(name) <= 3 else name.capitalize()


def _numeric(sheet: Sheet, i: int) -> bool:
    return sheet.columns[i].type in _NUMBERS or sheet.columns[i].name.lower() in _RIGHT


def _heads(sheet: Sheet, columns: Iterable[int], glyph: bool, namespaces: bool, show_labels: bool) -> str:
    found = ['<th class="st"><span class="sr">Health</span></th>'] if glyph else []
    found += ['<th scope="col" data-col="namespace">Namespace</th>'] if namespaces else []
    for i in columns:
        name = sheet.columns[i].name
        attributes = f' scope="col" data-col="{esc(name.lower())}"' + (' class="num"' if _numeric(sheet, i) else "")
        span = ' colspan="2"' if name == "Restarts" else ""
        found.append(f"<th{attributes}{span}>{esc(_title(name))}</th>")
    return "".join(found) + ('<th scope="col" data-col="labels">Labels</th>' if show_labels else "")


def _row(sheet: Sheet, row: Row, state: Health, columns: Sequence[int], glyph: bool, namespaces: bool, show_labels: bool) -> str:
    cells = [f'<td class="st">{glyphs.svg(state.level)}</td>'] if glyph else []
    cells += [f"<td>{esc(row.namespace)}</td>"] if namespaces else []
    cells += [_cell(sheet, i, row, state) for i in columns]
    cells += [f'<td class="dim">{esc(text.labels(row))}</td>'] if show_labels else []
    name = f' class="row-{state.level}"' if state.level else ""
    data = f' data-name="{esc(row.name)}" data-namespace="{esc(row.namespace)}"'
    return f"<tr{name}{data}>{''.join(cells)}</tr>" + _reason(state, len(columns) + namespaces + show_labels, glyph)


def _reason(state: Health, columns: int, glyph: bool) -> str:
    if not state.reason or state.level in {"ok", "done"}:
        return ""
    said = esc(escaping.line(state.reason))
    return f'<tr class="reason">{"<td></td>" if glyph else ""}<td colspan="{columns + 1}">{said}</td></tr>'


def _cell(sheet: Sheet, i: int, row: Row, state: Health) -> str:
    column = sheet.columns[i]
    value = row.cells[i] if i < len(row.cells) else None
    said = text.cell(value)
    if column.format == "name" or column.name == "Name":
        return f'<th scope="row" data-v="{esc(said)}">{_name(said, row)}</th>'
    if column.name == "Restarts":
        return _restarts(said)
    number = _numeric(sheet, i)
    kinds = ["num"] if number else []
    if column.name == "Status" and state.level in {"bad", "stuck", "wait", "away", "unknown"}:
        kinds.append(state.level)
    elif said in {"<none>", "<unset>", "0"}:
        kinds.append("dim")
    if prose(said):
        kinds.append("prose")
    aged = durations.seconds(said) if column.name in {"Age", "Last Seen", "First Seen", "Duration"} else None
    sort = f' data-v="{aged if aged is not None else esc(said)}"'
    return f'<td class="{" ".join(kinds)}"{sort}>{esc(said)}</td>' if kinds else f"<td{sort}>{esc(said)}</td>"


def _restarts(said: str) -> str:
    found = _RESTARTS.fullmatch(said)
    count, ago = (found[1], found[2]) if found else (said, "")
    shown = f'<span class="dim">{esc(count)}</span>' if count == "0" else esc(count)
    return f'<td class="num" data-v="{esc(count)}">{shown}</td><td class="dim ago">{esc(ago)}</td>'


def _name(said: str, row: Row) -> str:
    """The name, with the generated part in second ink."""
    metadata = row.object.get("metadata") or {}
    made = str(metadata.get("generateName") or "")
    revision = str((metadata.get("labels") or {}).get("pod-template-hash") or "")
    start = len(made) - 1 if made and said.startswith(made) else len(said)
    if revision and said[:start].endswith(f"-{revision}"):
        start -= len(revision) + 1
    return esc(said[:start]) + (f'<span class="dim">{esc(said[start:])}</span>' if said[start:] else "")
