"""Rows as kubectl prints them: columns as wide as their longest cell, three spaces between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8s_notebook.display import escaping
from k8s_notebook.display.rows import Row, Sheet

PADDING = 3
NARROWEST = 6
"""The narrowest column, spaces included."""


def columns(lines: Sequence[Sequence[str]]) -> str:
    r"""The lines with aligned columns, as Go's tabwriter does for kubectl; the last column is not padded.

    >>> columns([["NAME", "AGE", "X"], ["web", "5s", "y"]])
    'NAME   AGE   X\nweb    5s    y'
    """
    widths: list[int] = []
    for line in lines:
        for i, cell in enumerate(line[:-1]):
            widths.extend([0] * (i + 1 - len(widths)))
            widths[i] = max(widths[i], len(cell) + PADDING, NARROWEST)
    return "\n".join("".join(c.ljust(widths[i]) for i, c in enumerate(line[:-1])) + line[-1] for line in lines if line)


def cell(value: Any) -> str:
    """A cell as text: nothing is empty, truth is spelt as Go does."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return escaping.line(value)


def labels(row: Row) -> str:
    """The labels of a row's object: `app=web,tier=front`, or `<none>`."""
    found = (row.object.get("metadata") or {}).get("labels") or {}
    return ",".join(f"{escaping.line(k)}={escaping.line(v)}" for k, v in sorted(found.items())) or "<none>"


def lines(
    sheet: Sheet, *, wide: bool = False, namespaces: bool = False, show_labels: bool = False, prefix: bool = False
) -> list[list[str]]:
    """Head and rows as lists of cells. `prefix` puts the kind before the name, as kubectl does with several kinds."""
    shown = sheet.shown(wide=wide)
    head = [*(["NAMESPACE"] if namespaces else []), *(escaping.line(sheet.columns[i].name).upper() for i in shown)]
    if show_labels:
        head.append("LABELS")
    found = [head]
    for row in sheet.rows:
        cells = [cell(row.cells[i]) if i < len(row.cells) else "" for i in shown]
        if prefix and cells and sheet.columns[shown[0]].name == "Name":
            cells[0] = f"{qualified(sheet)}/{cells[0]}"
        found.append([*([escaping.line(row.namespace)] if namespaces else []), *cells, *([labels(row)] if show_labels else [])])
    return found


def qualified(sheet: Sheet) -> str:
    """The kind as `-o name` spells it: "pod", "deployment.apps"."""
    return f"{sheet.kind.singular}.{sheet.kind.group}" if sheet.kind.group else sheet.kind.singular
