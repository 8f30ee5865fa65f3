"""Rows in another order: by a field as kubectl does, or by a column."""

from __future__ import annotations

import pytest

from k8s_notebook.display.rows import Column, Row, Sheet
from k8s_notebook.objects import kinds
from k8s_notebook.session import sorting
from k8s_notebook.session.problems import UsageError


def sheet(*cells: tuple[str, object]) -> Sheet:
    """A sheet of names and one more column; the objects have the value at .status.value."""
    columns = (Column("Name"), Column("Value"))
    rows = (Row((name, value), {"metadata": {"name": name}, "status": {"value": value}}) for name, value in cells)
    return Sheet(kinds.of("pods"), columns, tuple(rows))


@pytest.mark.parametrize("what", ["value", "VALUE", ".status.value", "{.status.value}", "status.value"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([3, 10, 2], [2, 3, 10], id="numbers"),
        pytest.param(["10 (5m ago)", "9", "0"], ["0", "9", "10 (5m ago)"], id="restarts"),
        pytest.param(["3h", "90s", "2d4h"], ["90s", "3h", "2d4h"], id="ages"),
        pytest.param(["1Gi", "900Mi", "2"], ["2", "900Mi", "1Gi"], id="quantities"),
        pytest.param(["node-10", "node-2", "b"], ["b", "node-2", "node-10"], id="text with numbers"),
        pytest.param([True, False], [False, True], id="flags"),
        pytest.param([2, None, 1], [None, 1, 2], id="rows without it first"),
    ],
)
def test_order(what: str, values: list[object], expected: list[object]) -> None:
    found = sorting.by(sheet(*((f"p{i}", v) for i, v in enumerate(values))), what)
    assert [r.cells[1] for r in found.rows] == expected


def test_equal_rows_stay_in_order_and_reverse_turns_round() -> None:
    found = sheet(("a", 1), ("b", 1), ("c", 0))
    assert [r.name for r in sorting.by(found, "value").rows] == ["c", "a", "b"]
    assert [r.name for r in sorting.by(found, "value", reverse=True).rows] == ["a", "b", "c"]


def test_a_field_that_no_row_has_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="couldn't find any field with path"):
        sorting.by(sheet(("a", 1)), ".spec.nothing")
