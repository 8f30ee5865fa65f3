"""What views look at: the initial state, batches, outages, refusals, and when a feed ends."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator

import pytest

from k8s_notebook.objects import Obj, errors
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.widgets import live
from tests.builders import node, pod
from tests.unit.widgets.fake import Cluster, names, until

RESOURCES = ("nodes", "pods")
A, B, C = (pod(n).stored() for n in "abc")
NODE = node("n1").stored()


class Listener:
    """Counts what it is told; remembers what it saw and in which thread."""

    def __init__(self, look: live.Look) -> None:
        self.look = look
        self.seen: list[list[str]] = []
        self.threads: set[str] = set()
        look.listen(self.changed)

    def changed(self) -> None:
        self.seen.append(names(self.look.feed.objects()))
        self.threads.add(threading.current_thread().name)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def feed(cluster: Cluster) -> Iterator[live.Feed]:
    found = live.Feed(cluster, RESOURCES, "default", Virtual(1000))
    yield found
    found.close()


def begin(cluster: Cluster, feed: live.Feed) -> Listener:
    """A listener of a feed that has its initial state: pods a and b on a node."""
    listener = Listener(feed.look())
    cluster["nodes"].initial(NODE)
    cluster["pods"].initial(A, B)
    assert feed.wait()
    until(lambda: listener.seen)
    return listener


def test_only_what_is_in_a_namespace_is_watched_there(cluster: Cluster, feed: live.Feed) -> None:
    assert (cluster["pods"].namespace, cluster["nodes"].namespace) == ("default", "")


def test_it_waits_for_every_resource(cluster: Cluster, feed: live.Feed) -> None:
    listener = Listener(feed.look())
    cluster["pods"].initial(B, A)
    until(lambda: feed.objects())
    assert not feed.wait(0)
    assert listener.seen == []
    cluster["nodes"].initial(NODE)
    assert feed.wait()
    assert names(feed.objects()) == ["n1", "a", "b"]
    until(lambda: listener.seen)


Change = Callable[[Cluster], None]
CHANGES: dict[str, tuple[Change, list[str]]] = {
    "one more": (lambda c: c["pods"].change(C), ["n1", "a", "b", "c"]),
    "one gone": (lambda c: c["pods"].delete(A), ["n1", "b"]),
    "gone and never seen": (lambda c: c["pods"].delete(C), ["n1", "a", "b"]),
    "another kind": (lambda c: c["nodes"].delete(NODE), ["a", "b"]),
    "an initial state again": (lambda c: c["pods"].initial(C), ["n1", "a", "b", "c"]),
    "it fell behind and begins anew": (lambda c: fell_behind(c), ["n1", "b", "c"]),
}


def fell_behind(cluster: Cluster) -> None:
    first = cluster["pods"]
    first.end(errors.Expired("too old"))
    until(lambda: cluster["pods"] is not first)
    assert first.closed
    cluster["pods"].initial(C, B)


@pytest.mark.parametrize(("change", "found"), CHANGES.values(), ids=CHANGES)
def test_it_follows(cluster: Cluster, feed: live.Feed, change: Change, found: list[str]) -> None:
    listener = begin(cluster, feed)
    change(cluster)
    until(lambda: listener.seen[-1] == found and len(listener.seen) > 1)
    assert names(feed.objects()) == found
    assert listener.threads == {"k8s-notebook-views"}


def test_what_comes_together_is_told_once(cluster: Cluster, feed: live.Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BATCH", 0.3)
    listener = begin(cluster, feed)
    for n in range(50):
        cluster["pods"].change(pod(f"p{n:02}").stored())
    until(lambda: len(listener.seen[-1]) == 53)
    assert len(listener.seen) < 25


def test_the_old_objects_are_shown_while_a_watch_begins_anew(cluster: Cluster, feed: live.Feed) -> None:
    _listener = begin(cluster, feed)
    first = cluster["pods"]
    first.end(errors.Expired("too old"))
    until(lambda: cluster["pods"] is not first)
    assert names(feed.objects()) == ["n1", "a", "b"]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        pytest.param(errors.Forbidden("pods is forbidden"), "pods is forbidden", id="forbidden"),
        pytest.param(errors.NotFound("no such resource"), "no such resource", id="not served"),
        pytest.param(ValueError("bad line"), "bad line", id="not understood"),
    ],
)
def test_one_kind_that_is_refused_does_not_hide_the_others(
    cluster: Cluster, feed: live.Feed, error: Exception, sentence: str
) -> None:
    cluster["pods"].end(error)
    cluster["nodes"].initial(NODE)
    assert feed.wait()
    assert (names(feed.objects()), feed.unseen(), feed.stale_since) == (["n1"], {"pods": sentence}, None)
    until(lambda: cluster["pods"].closed)


def test_an_outage_is_told_when_it_begins_and_when_it_ends(cluster: Cluster) -> None:
    clock = Virtual(1000)
    feed = live.Feed(cluster, RESOURCES, "default", clock)
    listener = begin(cluster, feed)
    cluster["pods"].say("connection refused")
    until(lambda: feed.stale_since == 1000 and len(listener.seen) == 2)
    clock.advance(1060)
    cluster["nodes"].say("connection refused")
    cluster["pods"].say("")
    cluster["pods"].change(C)
    until(lambda: len(listener.seen) == 3)
    assert feed.stale_since == 1000  # the nodes are still not heard
    cluster["nodes"].say("")
    until(lambda: feed.stale_since is None and len(listener.seen) == 4)
    assert names(feed.objects()) == ["n1", "a", "b", "c"]
    feed.close()


def test_a_connection_that_was_closed_is_an_outage_for_good(cluster: Cluster, feed: live.Feed) -> None:
    listener = begin(cluster, feed)
    for resource in RESOURCES:
        cluster[resource].end(errors.Unreachable("the connection is closed."))
    until(lambda: feed.stale_since == 1000)
    assert (names(feed.objects()), feed.unseen()) == (["n1", "a", "b"], {})
    until(lambda: len(listener.seen) >= 2)


def test_a_view_that_fails_does_not_stop_the_others(cluster: Cluster, feed: live.Feed, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def changed(self) -> None:
            raise ZeroDivisionError("oh")

    broken, look = Broken(), feed.look()
    look.listen(broken.changed)
    listener = begin(cluster, feed)
    cluster["pods"].change(C)
    until(lambda: len(listener.seen) >= 2)
    assert "a view failed" in caplog.text


def test_close_ends_the_watches_and_the_wait(cluster: Cluster, feed: live.Feed) -> None:
    feed.close()
    assert cluster.open == 0
    assert not feed.wait()
    feed.close()


def test_all_who_ask_the_same_share_one_feed(cluster: Cluster) -> None:
    first, second = live.follow(cluster, RESOURCES, "default"), live.follow(cluster, list(RESOURCES), "default")
    other = live.follow(cluster, RESOURCES, "shop")
    elsewhere = live.follow(Cluster(), RESOURCES, "default")
    assert first.feed is second.feed
    assert len({first.feed, other.feed, elsewhere.feed}) == 3
    assert len(cluster.watches["pods"]) == 2
    for look in (first, second, other, elsewhere):
        look.close()


def close(looks: list[live.Look]) -> None:
    looks.pop().close()


def drop(looks: list[live.Look]) -> None:
    looks.pop()
    gc.collect()


@pytest.mark.parametrize("leave", [close, drop])
def test_a_feed_lives_as_long_as_somebody_looks(cluster: Cluster, leave: Callable[[list[live.Look]], None]) -> None:
    looks = [live.follow(cluster, RESOURCES) for _ in range(2)]
    feed = looks[0].feed
    leave(looks)
    cluster["pods"].change(A)
    until(lambda: feed.objects())
    assert (feed.closed, cluster.open) == (False, 2)
    leave(looks)
    until(lambda: feed.closed and cluster.open == 0)
    again = live.follow(cluster, RESOURCES)
    assert again.feed is not feed
    again.close()


def test_a_listener_that_has_gone_is_told_no_more(cluster: Cluster, feed: live.Feed) -> None:
    listener = begin(cluster, feed)
    look, seen = listener.look, listener.seen
    before = len(seen)
    del listener
    gc.collect()
    cluster["pods"].change(C)
    until(lambda: len(feed.objects()) == 4)
    assert len(seen) == before
    look.close()


def test_objects_are_the_clusters_own(cluster: Cluster, feed: live.Feed) -> None:
    _listener = begin(cluster, feed)
    found: list[Obj] = feed.objects()
    assert found[1] is A
