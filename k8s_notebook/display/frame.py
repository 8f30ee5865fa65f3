"""Rows as pandas tables, made when somebody asks for one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from k8s_notebook.display import escaping
from k8s_notebook.display.rows import Row, Sheet
from k8s_notebook.objects import Obj

if TYPE_CHECKING:
    import pandas as pd

_COUNT = re.compile(r"(\d+)(?: \(.*\))?")
_EMPTY = frozenset({"<none>", "<unset>", "<unknown>"})


def of_sheets(sheets: Sequence[Sheet]) -> pd.DataFrame:
    """One row per object: `name`, `namespace` (for kinds that have one), then kubectl's other columns, wide ones too.

    Several kinds share a table with a first column `kind`. Numbers are numbers (`restarts` too); what kubectl prints as
    `<none>` is None.
    """
    import pandas as pd

    frames = []
    for sheet in sheets:
        records = [_record(sheet, row) for row in sheet.rows]
        columns = list(dict.fromkeys(["name", *(["namespace"] if sheet.kind.namespaced else []), *_names(sheet)]))
        frame = pd.DataFrame(records, columns=columns)
        if len(sheets) > 1:
            frame.insert(0, "kind", sheet.kind.kind)
        frames.append(frame)
    filled = [f for f in frames if len(f)] or frames[:1]
    return pd.concat(filled, ignore_index=True) if len(filled) > 1 else (filled[0] if filled else pd.DataFrame())


def of_objects(items: Sequence[Obj]) -> pd.DataFrame:
    """One row per object: kind, namespace, name."""
    import pandas as pd

    records = [
        (i.get("kind", ""), i["metadata"].get("namespace", ""), i["metadata"].get("name", "")) for i in items if "metadata" in i
    ]
    return pd.DataFrame(records, columns=["kind", "namespace", "name"])


def _names(sheet: Sheet) -> list[str]:
    return [escaping.line(c.name).lower() for c in sheet.columns]


def _record(sheet: Sheet, row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"name": row.name}
    if sheet.kind.namespaced:
        found["namespace"] = row.namespace
    for column, value in zip(sheet.columns, row.cells, strict=False):
        found[escaping.line(column.name).lower()] = _cell(column.name, value)
    return found


def _cell(column: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    counted = _COUNT.fullmatch(value) if column == "Restarts" else None
    if counted:
        return int(counted[1])
    return None if value in _EMPTY else escaping.line(value)
