"""Local views: indexes, the initial state, what a new watch makes up for, listeners."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from k8s_notebook.machinery.cache import RETRY, Cache, Informers, name_of
from k8s_notebook.objects import Obj, errors
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.sim.loop import Loop
from tests.unit.machinery.fake import Played


def pod(name: str, namespace: str = "default", *, node: str = "", owner: str = "", controller: bool = True) -> Obj:
    metadata: Obj = {"name": name, "namespace": namespace, "uid": f"uid-{name}"}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner, **({"controller": True} if controller else {})}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"nodeName": node} if node else {}}


def names(objects: list[Obj]) -> list[str]:
    return [o["metadata"]["name"] for o in objects]


OBJECTS = (
    pod("c", "shop", node="n1", owner="rs"),
    pod("b", "shop", node="n2", owner="rs"),
    pod("a", "shop", node="n1"),
    pod("d", "test", owner="rs", controller=False),
)
FILED: dict[str, tuple[str, str, list[str]]] = {
    "uid": ("uid", "uid-b", ["b"]),
    "controller": ("controller", "rs", ["b", "c"]),
    "owner": ("owner", "rs", ["b", "c", "d"]),
    "node": ("node", "n1", ["a", "c"]),
    "orphan": ("orphan", "shop", ["a"]),
    "orphan: an owner that is no controller": ("orphan", "test", ["d"]),
    "nothing there": ("node", "n9", []),
}


@pytest.mark.parametrize("early", [True, False], ids=["asked before", "asked after"])
@pytest.mark.parametrize(("index", "value", "found"), FILED.values(), ids=FILED)
def test_indexes(index: str, value: str, found: list[str], early: bool) -> None:
    cache = Cache("pods")
    if early:
        assert cache.by(index, value) == []
    for obj in OBJECTS:
        cache.change(name_of(obj), obj)
    assert names(cache.by(index, value)) == found
    for obj in OBJECTS:
        cache.change(name_of(obj), None)
    assert (cache.by(index, value), len(cache), cache.all("shop")) == ([], 0, [])


def test_an_index_follows_a_change() -> None:
    cache = Cache("pods")
    cache.change(("default", "a"), pod("a", node="n1"))
    assert names(cache.by("node", "n1")) == ["a"]
    cache.change(("default", "a"), pod("a", node="n2"))
    assert (cache.by("node", "n1"), names(cache.by("node", "n2"))) == ([], ["a"])
    again = pod("a", node="n2", owner="rs")
    cache.change(("default", "a"), again)
    assert cache.by("node", "n2") == [again]


def test_reading_is_ordered_by_namespace_and_name() -> None:
    cache = Cache("pods")
    for obj in OBJECTS:
        cache.change(name_of(obj), obj)
    assert names(cache.all()) == ["a", "b", "c", "d"]
    assert names(cache.all("shop")) == ["a", "b", "c"]
    assert list(cache.names()) == [("shop", "a"), ("shop", "b"), ("shop", "c"), ("test", "d")]
    assert cache.get("shop", "d") is None


class World:
    """Informers over a cluster that the test plays; `heard` are the changes that a listener of pods heard."""

    def __init__(self) -> None:
        self.loop = Loop(Virtual())
        self.api = Played()
        self.informers = Informers(self.api, self.loop)
        self.heard: list[tuple[str, str]] = []
        self.informers.listen("pods", self.listener)

    def listener(self, old: Obj | None, new: Obj | None) -> None:
        kind = "new" if old is None else "gone" if new is None else "changed"
        self.heard.append((kind, (new or old or {})["metadata"]["name"]))

    def initial(self, revision: int, *objects: Obj) -> None:
        """Tell a whole initial state."""
        for obj in objects:
            self.api.told("pods").tell("ADDED", obj, revision)
        self.api.told("pods").bookmark(revision, initial=True)
        self.run()

    def run(self, seconds: float = 0) -> None:
        self.loop.run(self.loop.now() + seconds)


def test_it_is_synced_once_the_initial_state_is_complete() -> None:
    world = World()
    world.api.told("pods").tell("ADDED", pod("a"), 3)
    world.run()
    assert not world.informers.synced()
    assert names(world.informers.all("pods")) == ["a"]
    world.api.told("pods").bookmark(7, initial=True)
    world.run()
    assert world.informers.synced()
    assert world.informers.revision("pods") == 7
    assert world.informers.status() == {"pods": {"objects": 1, "revision": 7}}


Change = Callable[[World], None]
CHANGES: dict[str, tuple[Change, list[tuple[str, str]], int]] = {
    "added": (lambda w: w.api.told("pods").tell("ADDED", pod("b"), 8), [("new", "b")], 8),
    "changed": (lambda w: w.api.told("pods").tell("MODIFIED", pod("a", node="n1"), 9), [("changed", "a")], 9),
    "deleted": (lambda w: w.api.told("pods").tell("DELETED", pod("a"), 10), [("gone", "a")], 10),
    "deleted, and never seen": (lambda w: w.api.told("pods").tell("DELETED", pod("z"), 10), [], 10),
    "a bookmark": (lambda w: w.api.told("pods").bookmark(11), [], 11),
}


@pytest.mark.parametrize(("change", "heard", "revision"), CHANGES.values(), ids=CHANGES)
def test_listeners_hear_changes(change: Change, heard: list[tuple[str, str]], revision: int) -> None:
    world = World()
    world.initial(5, pod("a"))
    world.heard.clear()
    change(world)
    assert world.heard == []  # only on a turn of the loop
    world.run()
    assert world.heard == heard
    assert world.informers.revision("pods") == revision


def test_a_late_listener_hears_what_is_there_in_order() -> None:
    world = World()
    world.initial(5, pod("b"), pod("a"))
    heard: list[str] = []
    world.informers.listen("pods", lambda old, new: heard.append(name_of(new or {})[1]))
    assert heard == ["a", "b"]


def test_drained_is_told_once_a_batch_when_everything_is_in() -> None:
    world, seen = World(), []
    world.informers.on_drained(lambda resource: seen.append((resource, names(world.informers.all("pods")))))
    world.initial(5, pod("a"), pod("b"))
    assert seen == [("pods", ["a", "b"])]


def test_one_watch_per_resource() -> None:
    world = World()
    for _ in range(3):
        world.informers.all("pods")
        world.informers.listen("pods", world.listener)
    assert len(world.api.watches["pods"]) == 1
    assert ("pods" in world.informers, "nodes" in world.informers) == (True, False)


def test_lost_history_is_listed_again_and_made_up_for() -> None:
    world = World()
    world.initial(5, pod("a"), pod("b"), pod("c"))
    world.heard.clear()
    first = world.api.told("pods")
    first.tell("MODIFIED", pod("a", node="n1"), 6)
    first.end(errors.Expired("too old"))
    first.end(errors.Expired("too old"))  # said twice: one new watch is enough
    world.run()
    assert world.heard == [("changed", "a")]
    assert first.closed
    assert world.informers.synced()
    world.run(RETRY)
    assert len(world.api.watches["pods"]) == 2
    world.initial(20, pod("a", node="n2"), pod("d"), pod("c"))
    assert world.heard == [("changed", "a"), ("changed", "a"), ("new", "d"), ("changed", "c"), ("gone", "b")]
    assert names(world.informers.all("pods")) == ["a", "c", "d"]
    first.tell("ADDED", pod("ghost"), 30)
    world.run()
    assert names(world.informers.all("pods")) == ["a", "c", "d"]


def test_a_watch_that_cannot_be_begun_again_is_tried_until_it_can() -> None:
    world = World()
    world.initial(5, pod("a"))
    world.api.refuse_watch = lambda resource: errors.ServiceUnavailable("starting")
    world.api.told("pods").end(errors.Expired("too old"))
    world.run(3 * RETRY)
    assert len(world.api.watches["pods"]) == 1
    world.api.refuse_watch = lambda resource: None
    world.run(RETRY)
    assert len(world.api.watches["pods"]) == 2


def test_a_resource_that_cannot_be_watched_says_so_and_holds_nothing_up() -> None:
    world = World()
    world.initial(5)
    world.api.refuse_watch = lambda resource: errors.NotFound("the server could not find the requested resource")
    for _ in range(2):
        with pytest.raises(errors.NotFound):
            world.informers.all("nodes")
    assert world.informers.synced()


def test_close_ends_all_watches_and_begins_none_again() -> None:
    world = World()
    world.initial(5, pod("a"))
    world.api.told("pods").end(errors.Expired("too old"))
    world.run()
    world.informers.close()
    world.run(5 * RETRY)
    assert len(world.api.watches["pods"]) == 1
    assert world.api.told("pods").closed
