"""Lines with elastic columns, as Go's tabwriter lays them out for `kubectl describe`; and the pieces that all kinds share."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from k8s_notebook.display import escaping
from k8s_notebook.objects import Obj
from k8s_notebook.objects.masking import LAST_APPLIED
from k8s_notebook.sim import clock

LONGEST = 140
"""Characters of an annotation that are shown on one line."""


class Page:
    """Lines under construction; a tab ends a cell."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, level: int, *cells: Any) -> None:
        """One line at a level of indentation; the first cell of several is a key."""
        safe = [escaping.line(c) for c in cells]
        self._lines.append("  " * level + "\t".join(safe))

    def pair(self, level: int, key: str, value: Any) -> None:
        """`Key:  value`; no value is `<none>`."""
        self.add(level, f"{key}:", "<none>" if value is None or value == "" else value)

    def several(self, level: int, key: str, values: Iterable[Any]) -> None:
        """`Key:  first`, the other values below it."""
        found = list(values) or ["<none>"]
        for i, value in enumerate(found):
            self.add(level, f"{key}:" if i == 0 else "", value)

    def mapping(self, level: int, key: str, values: Mapping[str, Any] | None, separator: str = "=") -> None:
        """`Key:  a=b`, one line per pair, by name."""
        self.several(level, key, [f"{k}{separator}{v}" for k, v in sorted((values or {}).items())])

    def table(
        self,
        level: int,
        head: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        ruled: bool = True,
        padded: int = 0,
        shortest: int = 0,
    ) -> None:
        """A small table, with dashes under its head; the first `padded` cells of a row end in a space, as kubectl writes them."""
        self.add(level, *head)
        if ruled:
            self.add(level, *("-" * max(len(n), shortest if n else 0) for n in head))
        for row in rows:
            self.add(level, *(f"{escaping.line(c)} " if i < padded else c for i, c in enumerate(row)))

    def raw(self, text: str) -> None:
        """Lines as they are."""
        self._lines += [escaping.text(line).replace("\t", "    ") for line in text.split("\n")]

    def __str__(self) -> str:
        """The lines with aligned columns."""
        return aligned(self._lines)


def aligned(lines: Iterable[str], padding: int = 2) -> str:
    r"""Lines whose tab-ended cells are aligned over consecutive lines that have them.

    >>> aligned(["a:\tx", "long:\ty", "z"])
    'a:     x\nlong:  y\nz'
    """
    cells = [line.split("\t") for line in lines]
    _align(cells, 0, len(cells), 0, padding)
    return "\n".join("".join(c) for c in cells)


def _align(cells: list[list[str]], start: int, end: int, column: int, padding: int) -> None:
    i = start
    while i < end:
        if len(cells[i]) - 1 <= column:
            i += 1
            continue
        j = i
        while j < end and len(cells[j]) - 1 > column:
            j += 1
        width = max(len(c[column]) for c in cells[i:j]) + padding
        for line in cells[i:j]:
            line[column] = line[column].ljust(width)
        _align(cells, i, j, column + 1, padding)
        i = j


def when(stamp: str | None) -> str:
    """A time as describe prints it: `Sat, 21 Nov 2026 01:02:03 +0000`."""
    if not stamp:
        return "<unset>"
    try:
        moment = datetime.datetime.fromtimestamp(clock.seconds(stamp), datetime.UTC)
    except ValueError:
        return stamp
    return moment.strftime("%a, %d %b %Y %H:%M:%S %z")


def head(page: Page, obj: Obj, *, namespace: bool = True) -> None:
    """Name, namespace, labels, annotations."""
    metadata = obj["metadata"]
    page.pair(0, "Name", metadata["name"])
    if namespace:
        page.pair(0, "Namespace", metadata.get("namespace"))
    page.mapping(0, "Labels", metadata.get("labels"))
    notes(page, metadata)


def notes(page: Page, metadata: Obj) -> None:
    """The annotations, without the copy of what was applied."""
    found = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED}
    lines = []
    for key, value in sorted(found.items()):
        text = str(value)
        if len(key) + len(text) + 2 <= LONGEST and "\n" not in text:
            lines.append(f"{key}: {text}")
        else:
            parts = text.strip().split("\n")
            lines += [f"{key}:", *(f"  {p if len(p) <= LONGEST - 2 else p[: LONGEST - 2] + '...'}" for p in parts)]
    page.several(0, "Annotations", lines)


def selector(found: Mapping[str, Any] | None) -> str:
    """A label selector in one line."""
    if not found:
        return "<none>"
    if "matchLabels" not in found and "matchExpressions" not in found:
        return ",".join(f"{k}={v}" for k, v in sorted(found.items()))
    parts = [f"{k}={v}" for k, v in sorted((found.get("matchLabels") or {}).items())]
    for term in found.get("matchExpressions") or ():
        values = f" ({','.join(sorted(term.get('values') or ()))})" if term.get("values") else ""
        parts.append(f"{term['key']} {str(term['operator']).lower()}{values}")
    return ",".join(parts)
