"""The journal on disk: recovery, compaction, layouts, and a process that is killed."""

from __future__ import annotations

import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError, Expired
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.store import journal as journals
from k8s_notebook.store import revisions
from k8s_notebook.store.journal import Journal, JournalError
from k8s_notebook.store.revisions import Store


def config(name: str, value: str = "") -> Obj:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"k": value}}


def opened(path: pathlib.Path, window: int = 50_000, in_memory: int = 1 << 20) -> Store:
    """A store on a file."""
    return Store(Virtual(), Journal(path), window=window, in_memory=in_memory)


def values(store: Store) -> dict[str, str]:
    """name -> value of all ConfigMaps."""
    return {e.obj["metadata"]["name"]: e.obj["data"]["k"] for e in store.entries("configmaps")}


def test_a_store_is_the_same_after_a_restart(tmp_path: pathlib.Path) -> None:
    before = opened(tmp_path / "journal.db")
    for name, value in (("a", "1"), ("b", "1"), ("a", "2")):
        before.put("configmaps", config(name, value))
    before.delete("configmaps", "default", "b")
    before.close()
    after = opened(tmp_path / "journal.db")
    assert (values(after), after.revision) == ({"a": "2"}, 4)
    assert after.put("configmaps", config("c")).revision == 5
    after.close()


def test_what_was_not_committed_is_not_there(tmp_path: pathlib.Path) -> None:
    store = opened(tmp_path / "journal.db")
    store.put("configmaps", config("a"))
    store.commit()
    store.put("configmaps", config("b"))
    again = opened(tmp_path / "journal.db")
    assert values(again) == {"a": ""}


def test_watches_reach_back_across_a_restart(tmp_path: pathlib.Path) -> None:
    store = opened(tmp_path / "journal.db")
    for value in "abc":
        store.put("configmaps", config("x", value))
    store.delete("configmaps", "default", "x")
    store.close()
    store = opened(tmp_path / "journal.db")
    events = store.watch("configmaps", since=1).take()
    seen = [(e.type, e.object["data"]["k"], e.revision) for e in events]
    assert seen == [("MODIFIED", "b", 2), ("MODIFIED", "c", 3), ("DELETED", "c", 4)]
    only_b = store.watch("configmaps", since=1, matches=lambda o: o["data"]["k"] == "b").take()
    assert [e.type for e in only_b] == ["ADDED", "DELETED"]
    assert [e.obj["data"]["k"] for e in store.at("configmaps", 2)] == ["b"]
    store.close()


def test_history_beyond_memory_is_read_from_the_journal(tmp_path: pathlib.Path) -> None:
    store = opened(tmp_path / "journal.db", in_memory=500)
    for number in range(20):
        store.put("configmaps", config("x", str(number)))
        store.commit()
    assert [e.revision for e in store.watch("configmaps", since=2).take()] == list(range(3, 21))
    store.close()


def test_superseded_rows_beyond_the_window_are_given_up(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "SWEEP", 10)
    path = tmp_path / "journal.db"
    store = opened(path, window=20, in_memory=100)
    store.put("configmaps", config("first", "kept"))
    store.put("configmaps", config("gone"))
    store.delete("configmaps", "default", "gone")
    for number in range(100):
        store.put("configmaps", config("x", str(number)))
        store.commit()
    with pytest.raises(Expired, match="too old resource version: 5 "):
        store.watch("configmaps", since=5)
    assert store.floor > 50
    store.close()
    rows = sqlite3.connect(path).execute("SELECT count(*) FROM log").fetchone()[0]
    assert rows < 45
    again = opened(path)
    assert values(again) == {"first": "kept", "x": "99"}
    assert again.revision == 103
    again.close()


def test_a_later_layout_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.db"
    Journal(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(JournalError, match=r"written by a later version of k8s-notebook \(layout 99"):
        Journal(path)


def test_an_earlier_layout_is_migrated(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.db"
    store = opened(path)
    store.put("configmaps", config("a"))
    store.close()
    later = (*journals._MIGRATIONS, ("CREATE TABLE more (x INTEGER)",))
    monkeypatch.setattr(journals, "_MIGRATIONS", later)
    monkeypatch.setattr(journals, "SCHEMA", 2)
    assert values(opened(path)) == {"a": ""}
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (2,)


def test_a_file_that_is_no_journal_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"this is a text, and long enough to be taken for a database" * 50)
    with pytest.raises(JournalError, match="cannot be read: file is not a database; put a copy of it back"):
        Journal(tmp_path / "journal.db")


def test_a_failed_transaction_leaves_nothing(tmp_path: pathlib.Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    row = journals.Row(1, "configmaps", "default", "a", "ADDED", 0, b"{}")
    with pytest.raises(JournalError):
        journal.append([row, row])
    assert list(journal.recover()) == []
    journal.append([row])
    assert [r.name for r in journal.recover()] == ["a"]


_WRITER = """
    import sys
    from k8s_notebook.sim.clock import Virtual
    from k8s_notebook.store.journal import Journal
    from k8s_notebook.store.revisions import Store

    store = Store(Virtual(), Journal(sys.argv[1]))
    for number in range(1_000_000):
        for name in ("left", "right"):
            meta = {"name": name, "namespace": "default"}
            store.put("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"k": str(number)}})
        store.commit()
        print(number, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no kill -9")
def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.db"
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(_WRITER), str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout as said:
        acknowledged = [int(said.readline()) for _ in range(50)][-1]
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    store = opened(path)
    found = values(store)
    assert found["left"] == found["right"]
    assert int(found["left"]) >= acknowledged
    assert store.revision == 2 * (int(found["left"]) + 1)
    store.close()


def test_sqlite_on_a_full_disk_undoes_the_turn_and_goes_on_when_there_is_room(tmp_path: pathlib.Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    store = Store(Virtual(), journal)
    store.put("configmaps", config("a", "1"))
    store.commit()
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    told: list[ApiError | None] = []
    store.put("configmaps", config("a", "2" * 100_000))
    store.put("configmaps", config("b"))
    store.on_commit(told.append)
    store.commit()
    sentence = "the store could not be written: database or disk is full; free some space and try again"
    assert [str(error) for error in told] == [sentence]
    assert values(store) == {"a": "1"}
    journal._db.execute("PRAGMA max_page_count = 1000000")
    store.put("configmaps", config("a", "3"))
    store.close()
    assert values(opened(tmp_path / "journal.db")) == {"a": "3"}
