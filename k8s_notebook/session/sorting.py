"""Rows in another order: by a field, as kubectl's `--sort-by` does, or by a printed column."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from k8s_notebook.display import durations
from k8s_notebook.display.rows import Row, Sheet
from k8s_notebook.objects import quantity
from k8s_notebook.session import jsonpath
from k8s_notebook.session.problems import UsageError

_COUNT = re.compile(r"(\d+)(?: \(.*\))?")
_DIGITS = re.compile(r"(\d+)")


def by(sheet: Sheet, what: str, *, reverse: bool = False) -> Sheet:
    """The sheet with its rows sorted by a JSONPath (`.metadata.name`) or a column ("restarts"); equal ones stay in order.

    Numbers, quantities and ages are compared as such, everything else as text in which numbers count as numbers. Rows without
    the value come first. UsageError, in kubectl's words, if no row has it.
    """
    values = _values(sheet, what)
    if sheet.rows and all(v is None for v in values):
        raise UsageError(f'error: couldn\'t find any field with path "{what}" in the list of objects')
    keys = _keys(values)
    order = sorted(range(len(values)), key=lambda i: (values[i] is not None, keys[i]), reverse=reverse)
    return sheet.with_rows(sheet.rows[i] for i in order)


def _values(sheet: Sheet, what: str) -> list[Any]:
    column = sheet.index(what)
    if column is not None:
        return [r.cells[column] for r in sheet.rows]
    path = what.strip().removeprefix("{").removesuffix("}")
    return [_at(row, path if path.startswith((".", "[")) else f".{path}") for row in sheet.rows]


def _at(row: Row, path: str) -> Any:
    found = jsonpath.find(path, row.object)
    return found[0] if found else None


def _keys(values: Sequence[Any]) -> list[Any]:
    """One comparable key per value: numbers where every value is one, else text."""
    for reading in _READINGS:
        try:
            return [0 if v is None else reading(v) for v in values]
        except ValueError:
            continue
    return [_natural("" if v is None else str(v)) for v in values]


def _number(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    found = _COUNT.fullmatch(str(value))
    if found is None:
        raise ValueError(value)
    return int(found[1])


def _age(value: Any) -> int:
    found = durations.seconds(str(value))
    if found is None:
        raise ValueError(value)
    return found


def _natural(text: str) -> list[tuple[int, int | str]]:
    """Pieces in which `node-2` comes before `node-10`."""
    return [(0, int(p)) if p.isdecimal() else (1, p) for p in _DIGITS.split(text) if p]


_READINGS: tuple[Callable[[Any], Any], ...] = (_number, _age, lambda v: quantity.parse(str(v)))
