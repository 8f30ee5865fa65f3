"""Node labels as columns of numbers: one column per label key that some selector asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

ABSENT = 0
"""The number of "the node does not have this label"."""


class Column:
    """One label key: `ids[slot]` is the number of the value there, `values[number]` the value."""

    def __init__(self, slots: int) -> None:
        self.ids: npt.NDArray[np.int64] = np.zeros(slots, np.int64)
        self.values: list[str | None] = [None]
        self._number: dict[str, int] = {}

    def put(self, slot: int, value: str | None) -> None:
        """Note the value of one node (None: it has none)."""
        self.ids[slot] = ABSENT if value is None else self._intern(value)

    def number(self, value: str) -> int:
        """The number of a value, or -1 if no node ever had it."""
        return self._number.get(value, -1)

    def grow(self) -> None:
        """Twice as many slots."""
        self.ids = np.concatenate((self.ids, np.zeros_like(self.ids)))

    def _intern(self, value: str) -> int:
        found = self._number.get(value)
        if found is None:
            found = self._number[value] = len(self.values)
            self.values.append(value)
        return found


class Labels:
    """The labels of all nodes. A column is made when its key is first asked for and kept up to date from then on."""

    def __init__(self, slots: int) -> None:
        self._labels: list[dict[str, Any]] = [{}] * slots
        self._columns: dict[str, Column] = {}

    def column(self, key: str) -> Column:
        """The column of a label key."""
        found = self._columns.get(key)
        if found is None:
            found = self._columns[key] = Column(len(self._labels))
            for slot, labels in enumerate(self._labels):
                found.put(slot, labels.get(key))
        return found

    def put(self, slot: int, labels: dict[str, Any]) -> None:
        """Note the labels of one node."""
        self._labels[slot] = labels
        for key, column in self._columns.items():
            column.put(slot, labels.get(key))

    def grow(self) -> None:
        """Twice as many slots."""
        self._labels += [{}] * len(self._labels)
        for column in self._columns.values():
            column.grow()
