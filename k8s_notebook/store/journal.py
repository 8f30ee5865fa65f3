"""The journal on disk: one append-only table in SQLite; recovering is reading it from the start.

It survives `kill -9` at any moment. With `synchronous="NORMAL"` the last transactions may be lost when the machine loses power,
with `"FULL"` they are not.
"""

from __future__ import annotations

import pathlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

SCHEMA = 1
"""The layout of the tables; a file of a later one is refused, one of an earlier one is migrated."""

CHECKPOINT_PAGES = 32768
"""Pages of write-ahead log after which SQLite folds it back (128 MB): folding waits for the disk."""

_LAYOUT_1 = (
    "CREATE TABLE log (revision INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, "
    "type TEXT NOT NULL, previous INTEGER NOT NULL, value BLOB NOT NULL)",
    "CREATE TABLE marks (name TEXT PRIMARY KEY, revision INTEGER NOT NULL)",
    "INSERT INTO marks VALUES ('floor', 0)",
)
_MIGRATIONS: tuple[tuple[str, ...], ...] = (_LAYOUT_1,)
"""The statements that lead from layout n to layout n + 1."""


class JournalError(Exception):
    """The journal cannot be opened or written; the message says why and what to do."""


class Row(NamedTuple):
    """One write. `previous` is the revision that it superseded, or 0."""

    revision: int
    resource: str
    namespace: str
    name: str
    type: str
    previous: int
    value: bytes


class Journal:
    """The journal in the file `path` (":memory:" for none)."""

    def __init__(self, path: pathlib.Path | str, *, synchronous: Literal["NORMAL", "FULL"] = "NORMAL") -> None:
        self.path = str(path)
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self._prepare(synchronous)
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    @property
    def floor(self) -> int:
        """The revision before which history was given up."""
        found = self._db.execute("SELECT revision FROM marks WHERE name = 'floor'").fetchone()
        return int(found[0])

    def recover(self) -> Iterator[Row]:
        """All rows that are kept, by revision; JournalError if the file is damaged."""
        try:
            yield from map(Row._make, self._db.execute("SELECT * FROM log ORDER BY revision"))
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def since(self, resource: str, revision: int) -> list[Row]:
        """The rows of a resource after `revision`, in order."""
        found = self._db.execute("SELECT * FROM log WHERE revision > ? AND resource = ? ORDER BY revision", (revision, resource))
        return [Row._make(r) for r in found]

    def value(self, revision: int) -> bytes | None:
        """The JSON that was written at `revision`, or None."""
        found = self._db.execute("SELECT value FROM log WHERE revision = ?", (revision,)).fetchone()
        return bytes(found[0]) if found else None

    def append(self, rows: Sequence[Row], superseded: Iterable[int] = (), floor: int | None = None) -> None:
        """Write rows and give up superseded ones in one transaction; raises JournalError and leaves nothing half done."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            if floor is not None:
                self._db.executemany("DELETE FROM log WHERE revision = ?", ((r,) for r in superseded))
                self._db.execute("UPDATE marks SET revision = ? WHERE name = 'floor'", (floor,))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise JournalError(str(error)) from error

    def close(self) -> None:
        """Fold the write-ahead log back and let go of the file."""
        self._db.close()

    def _unreadable(self, error: sqlite3.Error) -> JournalError:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return JournalError(
                f"the journal {self.path} cannot be read: {error}; put a copy of it back, or recreate the cluster with --fresh"
            )
        return JournalError(
            f"the journal {self.path} cannot be opened: {error}; the disk is full, or the folder cannot be written"
        )

    def _roll_back(self) -> None:
        # After some errors SQLite has ended the transaction itself.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _prepare(self, synchronous: str) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(f"PRAGMA synchronous = {'FULL' if synchronous == 'FULL' else 'NORMAL'}")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA:
            self._db.close()
            raise JournalError(
                f"the journal {self.path} was written by a later version of k8s-notebook (layout {version}, this one reads up to "
                f"{SCHEMA}): upgrade k8s-notebook, or start the cluster under another name"
            )
        for layout in range(version, SCHEMA):
            self._migrate(layout)

    def _migrate(self, layout: int) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for statement in _MIGRATIONS[layout]:
            self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version = {layout + 1}")
        self._db.execute("COMMIT")
