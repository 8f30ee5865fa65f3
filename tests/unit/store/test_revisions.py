"""The versioned map: revisions, commits, failures, history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError, Expired, InternalError
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.store.journal import Journal, JournalError
from k8s_notebook.store.revisions import Store
from k8s_notebook.store.watches import Subscription


def config(name: str, value: str = "", namespace: str = "default") -> Obj:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": {"k": value}}


def shown(subscription: Subscription) -> list[tuple[str, str, int]]:
    """(type, name, revision) of what can be taken."""
    return [(e.type, e.object["metadata"].get("name", ""), e.revision) for e in subscription.take()]


def store(**options: Any) -> Store:
    """A store in memory; the test commits."""
    return Store(Virtual(), **options)


def test_each_write_gets_the_next_revision_and_carries_it() -> None:
    s = store()
    first, second = s.put("configmaps", config("a")), s.put("configmaps", config("b"))
    assert (first.revision, second.revision, s.revision) == (1, 2, 2)
    assert second.obj["metadata"]["resourceVersion"] == "2"
    assert b'"resourceVersion":"2"' in second.encoded
    gone = s.delete("configmaps", "default", "a")
    assert (gone.revision, gone.obj["metadata"]["resourceVersion"]) == (3, "3")
    assert s.get("configmaps", "default", "a") is None


def test_entries_come_by_namespace_and_name() -> None:
    s = store()
    for namespace, name in (("b", "x"), ("a", "z"), ("a", "y"), ("a-b", "q")):
        s.put("configmaps", config(name, namespace=namespace))
    assert [(e.obj["metadata"]["namespace"], e.obj["metadata"]["name"]) for e in s.entries("configmaps")] == [
        ("a", "y"), ("a", "z"), ("a-b", "q"), ("b", "x"),
    ]  # fmt: skip
    assert [e.obj["metadata"]["name"] for e in s.entries("configmaps", "a")] == ["y", "z"]
    assert (s.count("configmaps"), s.count("configmaps", "a"), s.count("pods")) == (4, 2, 0)
    assert list(s.resources()) == ["configmaps"]


def test_watchers_see_writes_after_the_commit_and_in_order() -> None:
    s = store()
    subscription = s.watch("configmaps")
    assert shown(subscription) == [("BOOKMARK", "", 0)]
    s.put("configmaps", config("a"))
    s.put("configmaps", config("a", "2"))
    s.delete("configmaps", "default", "a")
    assert shown(subscription) == []
    s.commit()
    assert shown(subscription) == [("ADDED", "a", 1), ("MODIFIED", "a", 2), ("DELETED", "a", 3)]


def test_a_watch_that_starts_while_writes_wait_shows_each_object_once() -> None:
    s = store()
    s.put("configmaps", config("a"))
    subscription = s.watch("configmaps")
    s.commit()
    assert shown(subscription) == [("ADDED", "a", 1), ("BOOKMARK", "", 1)]


def test_all_watchers_share_one_event() -> None:
    s = store()
    one, two = s.watch("configmaps", since=0), s.watch("configmaps", since=0)
    s.put("configmaps", config("a"))
    s.commit()
    assert one.take()[0] is two.take()[0]


@pytest.mark.parametrize(
    ("name", "before", "after", "expected"),
    [
        ("stays in", "web", "web", ["MODIFIED"]),
        ("comes in", "db", "web", ["ADDED"]),
        ("goes out", "web", "db", ["DELETED"]),
        ("stays out", "db", "db", []),
    ],
)
@pytest.mark.parametrize("replayed", [False, True], ids=["live", "replayed"])
def test_selectors_turn_changes_into_transitions(name: str, before: str, after: str, expected: list[str], replayed: bool) -> None:
    s = store()

    def matches(obj: Obj) -> bool:
        return bool(obj["data"]["k"] == "web")

    s.put("configmaps", config("a", before))
    s.commit()
    live = s.watch("configmaps", since=1, matches=matches)
    s.put("configmaps", config("a", after))
    s.commit()
    subscription = s.watch("configmaps", since=1, matches=matches) if replayed else live
    events = subscription.take()
    assert [e.type for e in events] == expected, name
    for event in events:
        assert event.object["metadata"]["resourceVersion"] == "2"
        if event.type == "DELETED":
            assert event.object["data"] == {"k": "web"}


def test_a_namespace_is_all_that_a_watcher_of_it_sees() -> None:
    s = store()
    s.put("configmaps", config("a", namespace="one"))
    s.commit()
    subscription = s.watch("configmaps", namespace="two")
    s.put("configmaps", config("b", namespace="two"))
    s.put("configmaps", config("c", namespace="one"))
    s.commit()
    assert shown(subscription) == [("BOOKMARK", "", 1), ("ADDED", "b", 2)]


def test_history_is_replayed_and_ends_at_the_window() -> None:
    s = store(window=3)
    for value in "abcde":
        s.put("configmaps", config("a", value))
        s.commit()
    assert shown(s.watch("configmaps", since=3)) == [("MODIFIED", "a", 4), ("MODIFIED", "a", 5)]
    with pytest.raises(Expired, match=r"too old resource version: 1 \(2\)"):
        s.watch("configmaps", since=1)


def test_a_watch_from_the_future_waits_for_it() -> None:
    s = store()
    subscription = s.watch("configmaps", since=2)
    for name in "abc":
        s.put("configmaps", config(name))
    s.commit()
    assert shown(subscription) == [("ADDED", "c", 3)]


def test_a_slow_watcher_is_told_to_list_again() -> None:
    s = store()
    subscription = s.watch("configmaps", since=0, limit=2)
    for name in "abc":
        s.put("configmaps", config(name))
    s.commit()
    assert subscription.ended
    assert [e[1] for e in shown(subscription)] == ["a", "b"]
    with pytest.raises(Expired):
        subscription.take()
    assert s.watchers == 0


def test_a_watcher_is_woken_once_until_it_takes() -> None:
    s = store()
    subscription = s.watch("configmaps", since=0)
    woken: list[int] = []
    subscription.on_ready(lambda: woken.append(s.revision))
    for name in "abc":
        s.put("configmaps", config(name))
        s.commit()
    assert woken == [1]
    assert len(subscription.take()) == 3
    s.put("configmaps", config("d"))
    s.commit()
    assert woken == [1, 4]


def test_bookmarks_come_on_request_and_say_what_was_committed() -> None:
    s = store()
    subscription = s.watch("configmaps", since=0, about=("v1", "ConfigMap"))
    s.put("pods", config("other"))
    s.commit()
    s.put("pods", config("later"))
    subscription.progress()
    (bookmark,) = subscription.take()
    assert (bookmark.type, bookmark.revision, bookmark.initial) == ("BOOKMARK", 1, False)
    assert (bookmark.object["kind"], bookmark.object["metadata"]["resourceVersion"]) == ("ConfigMap", "1")


def test_a_closed_watch_gets_nothing() -> None:
    s = store()
    subscription = s.watch("configmaps", since=0)
    subscription.close()
    s.put("configmaps", config("a"))
    s.commit()
    assert subscription.take() == []
    assert subscription.ended


def test_old_states_can_be_listed() -> None:
    s = store()
    s.put("configmaps", config("a", "1"))
    s.put("configmaps", config("b", "1"))
    s.commit()
    s.put("configmaps", config("a", "2"))
    s.delete("configmaps", "default", "b")
    s.put("configmaps", config("c", "1"))
    assert [(e.obj["metadata"]["name"], e.obj["data"]["k"]) for e in s.at("configmaps", 2)] == [("a", "1"), ("b", "1")]
    s.commit()
    assert [(e.obj["metadata"]["name"], e.obj["data"]["k"]) for e in s.at("configmaps", 3)] == [("a", "2"), ("b", "1")]
    assert [e.obj["metadata"]["name"] for e in s.at("configmaps", 5)] == ["a", "c"]


def test_writes_during_deliveries_belong_to_the_next_commit() -> None:
    s = store()
    planned: list[Callable[[], None]] = []
    s.on_dirty = lambda: planned.append(s.commit)
    subscription = s.watch("configmaps", since=0)
    subscription.on_ready(lambda: s.put("configmaps", config("b")) and None)
    s.put("configmaps", config("a"))
    planned.pop()()
    assert shown(subscription) == [("ADDED", "a", 1)]
    assert s.dirty
    assert len(planned) == 1
    planned.pop()()
    assert shown(subscription) == [("ADDED", "b", 2)]


def test_those_who_wait_are_told_once_it_is_durable() -> None:
    s = store()
    told: list[ApiError | None] = []
    s.on_commit(told.append)
    assert told == [None]
    s.put("configmaps", config("a"))
    s.on_commit(told.append)
    assert told == [None]
    s.commit()
    assert told == [None, None]


class Full(Journal):
    """A journal on a disk that is full while `full` is true."""

    full = False

    def append(self, *arguments: Any) -> None:
        """Write, or fail as SQLite does."""
        if self.full:
            raise JournalError("database or disk is full")
        super().append(*arguments)


def test_a_full_disk_undoes_the_whole_turn() -> None:
    journal = Full(":memory:")
    s = store(journal=journal)
    s.put("configmaps", config("a", "1"))
    s.put("configmaps", config("b", "1"))
    s.commit()
    heads: list[tuple[int | None, int | None]] = []
    s.listen("configmaps", lambda old, new: heads.append((old and old.revision, new and new.revision)))
    heads.clear()
    subscription = s.watch("configmaps", since=2)
    told: list[ApiError | None] = []
    journal.full = True
    s.put("configmaps", config("a", "2"))
    s.delete("configmaps", "default", "b")
    s.put("configmaps", config("c", "1"))
    s.on_commit(told.append)
    s.commit()
    (error,) = told
    assert isinstance(error, InternalError)
    assert error.message == "the store could not be written: database or disk is full; free some space and try again"
    assert [(e.obj["metadata"]["name"], e.obj["data"]["k"]) for e in s.entries("configmaps")] == [("a", "1"), ("b", "1")]
    assert heads == [(1, 3), (2, None), (None, 5), (5, None), (None, 2), (3, 1)]
    with pytest.raises(Expired, match="could not be written"):
        subscription.take()
    journal.full = False
    again = s.watch("configmaps", since=s.revision)
    assert s.put("configmaps", config("d")).revision == 6
    s.commit()
    assert shown(again) == [("ADDED", "d", 6)]


def test_superseded_versions_keep_no_dicts() -> None:
    s = store()
    old = s.put("configmaps", config("a", "1"))
    event = s.put("events", config("e", "1"))
    s.commit()
    s.put("configmaps", config("a", "2"))
    s.commit()
    assert old._obj is None
    assert event._obj is None
    assert event.obj["data"] == {"k": "1"}
