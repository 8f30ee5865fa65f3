"""What kubectl prints about objects, as values: sheets of rows, built from the Tables that a server answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kind


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the server names it: "Name", "Up-to-date"; `wide` ones show with `-o wide` only."""

    name: str
    type: str = "string"
    wide: bool = False
    format: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a cell per column, and the object (or its metadata) that it is about."""

    cells: tuple[Any, ...]
    object: Obj = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The object's name, or else the first cell."""
        return str((self.object.get("metadata") or {}).get("name") or (self.cells[0] if self.cells else ""))

    @property
    def namespace(self) -> str:
        """The object's namespace, "" if it has none."""
        return str((self.object.get("metadata") or {}).get("namespace") or "")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of one kind. `at`: seconds since the epoch when the server said so."""

    kind: Kind
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    at: float = 0.0

    def shown(self, *, wide: bool = False) -> list[int]:
        """The indexes of the columns that are printed."""
        return [i for i, c in enumerate(self.columns) if wide or not c.wide]

    def index(self, column: str) -> int | None:
        """Where the column of that name is, in any case; None if there is none."""
        return next((i for i, c in enumerate(self.columns) if c.name.lower() == column.lower()), None)

    def values(self, row: Row) -> Mapping[str, Any]:
        """A row's cells by lower-case column name."""
        return {c.name.lower(): v for c, v in zip(self.columns, row.cells, strict=False)}

    def with_rows(self, rows: Iterable[Row]) -> Sheet:
        """The same columns with other rows."""
        return Sheet(self.kind, self.columns, tuple(rows), self.at)


def from_table(kind: Kind, table: Obj, at: float = 0.0) -> Sheet:
    """The sheet of a Table that a server answered."""
    columns = tuple(
        Column(c["name"], c.get("type", "string"), bool(c.get("priority")), c.get("format", ""))
        for c in table.get("columnDefinitions") or ()
    )
    rows = tuple(Row(tuple(r.get("cells") or ()), r.get("object") or {}) for r in table.get("rows") or ())
    return Sheet(kind, columns, rows, at)


def from_list(kind: Kind, items: Sequence[Obj], ages: Sequence[str], at: float = 0.0) -> Sheet:
    """Name and age alone, for a server that answers no Table."""
    rows = tuple(Row((i["metadata"]["name"], age), i) for i, age in zip(items, ages, strict=True))
    return Sheet(kind, (Column("Name", format="name"), Column("Age")), rows, at)
