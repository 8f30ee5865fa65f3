"""What the verbs return: values that show themselves as kubectl prints and as a table, and that a program can use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from k8s_notebook.display import escaping, frame, html, rows, text
from k8s_notebook.display.rows import Sheet
from k8s_notebook.objects import Obj
from k8s_notebook.session import sorting

if TYPE_CHECKING:
    import pandas as pd

MOST_LINES = 1000
"""Lines of text that a notebook keeps beside the table; `str(result)` has them all."""


@dataclass(frozen=True, repr=False)
class Result:
    """What a command said. `text` is kubectl's standard output, `problems` its standard error, `ok` its exit status."""

    text: str = ""
    items: tuple[Obj, ...] = ()
    """The objects it is about, Secrets masked."""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader should know: a fallback, a warning of the server."""
    ok: bool = True
    label: str = "output"

    @property
    def names(self) -> list[str]:
        """The names of the objects."""
        return [i["metadata"]["name"] for i in self.items]

    @property
    def yaml(self) -> str:
        """The objects as YAML, as `kubectl get -o yaml` prints them."""
        from k8s_notebook.session import output

        return output.as_yaml(self.items)

    @property
    def df(self) -> pd.DataFrame:
        """The objects as a pandas table: kind, namespace, name."""
        return frame.of_objects(self.items)

    def __iter__(self) -> Iterator[Obj]:
        """The objects, one after the other."""
        return iter(self.items)

    def __str__(self) -> str:
        """What kubectl prints, harmless."""
        return escaping.text("\n".join(p for p in (*self.notes, self.text.rstrip("\n"), *self.problems) if p))

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, str]:
        """Text as kubectl prints it, and HTML."""
        return {"text/plain": _cut(str(self)), "text/html": self._html()}

    def _html(self) -> str:
        return html.pre(_cut(str(self)), label=self.label)


@dataclass(frozen=True, repr=False)
class Said(Result):
    """A result whose text was printed while it came: a notebook shows nothing more."""

    def _ipython_display_(self) -> None:
        """Nothing is left to be shown."""


@dataclass(frozen=True, repr=False)
class Tables(Result):
    """Rows that the server printed, one sheet per kind."""

    sheets: tuple[Sheet, ...] = field(default=())
    wide: bool = False
    namespaces: bool = False
    show_labels: bool = False
    cluster: str = ""
    scope: str = ""

    @property
    def df(self) -> pd.DataFrame:
        """kubectl's columns under lower-case names, wide ones included; `namespace` for what has one; one row per object."""
        return frame.of_sheets(self.sheets)

    def sorted(self, by: str, *, reverse: bool = False) -> Tables:
        """The same tables sorted by a column ("restarts", "age") or a field (".metadata.name")."""
        ordered = tuple(sorting.by(s, by, reverse=reverse) for s in self.sheets)
        shown = tables(ordered, empty=self.text, wide=self.wide, namespaces=self.namespaces, show_labels=self.show_labels)
        return replace(self, text=shown.text, sheets=ordered, items=tuple(r.object for s in ordered for r in s.rows))

    @property
    def names(self) -> list[str]:
        """The names in the rows, in order."""
        return [r.name for s in self.sheets for r in s.rows]

    def _html(self) -> str:
        meta = [self.cluster, self.scope]
        parts = [
            html.table(
                s, meta=meta, wide=self.wide, namespaces=self.namespaces and s.kind.namespaced, show_labels=self.show_labels
            )
            for s in self.sheets
            if s.rows
        ]
        said = [*self.notes, *self.problems, *([] if parts else [self.text])]
        notes = "".join(f'<p class="meta">{html.esc(s)}</p>' for s in said if s)
        return html.figure("".join(parts) + notes, label=self.label)


def tables(
    sheets: tuple[Sheet, ...], *, empty: str, wide: bool = False, namespaces: bool = False, show_labels: bool = False, **more: Any
) -> Tables:
    """Sheets with the text that kubectl prints for them; `empty` is said when there is no row at all."""
    filled = [s for s in sheets if s.rows]
    several = len(sheets) > 1
    parts = [
        text.columns(
            text.lines(s, wide=wide, namespaces=namespaces and s.kind.namespaced, show_labels=show_labels, prefix=several)
        )
        for s in filled
    ]
    return Tables("\n\n".join(parts) or empty, sheets=sheets, wide=wide, namespaces=namespaces, show_labels=show_labels, **more)


def _cut(said: str) -> str:
    lines = said.split("\n")
    if len(lines) <= MOST_LINES:
        return said
    return "\n".join([*lines[:MOST_LINES], f"… {len(lines) - MOST_LINES:,} more lines: print(…) shows them all"])


__all__ = ["Result", "Sheet", "Tables", "rows", "tables"]
