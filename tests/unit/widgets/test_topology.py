"""The graph as a view: what the front end receives, what it says back, and what remains without a kernel."""

from __future__ import annotations

import json
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import ipywidgets
import pytest

from k8s_notebook.objects import Obj, errors
from k8s_notebook.sim import clock
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.widgets import live
from k8s_notebook.widgets.topology import Topology
from tests.builders import deployment, node, pod
from tests.unit.display import hostile
from tests.unit.widgets.fake import Cluster, until

NOW = 1000.0
DEPLOYMENT = deployment("web").replicas(2).stored()
NODE = node("node-1").stored()


def running(name: str, *, ready: bool = True) -> Obj:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}, {"type": "PodScheduled", "status": "True"}]
    status = {"phase": "Running", "conditions": conditions}
    return {**pod(name).set("spec.nodeName", "node-1").stored(), "status": status}


PODS = [running("web-1"), running("web-2", ready=False)]


def shown(*objects: Obj, **how: Any) -> Topology:
    """A view of objects that stand still."""
    return Topology(lambda: (objects, frozenset()), ["embedded demo"], wall=Virtual(NOW), **how)


@pytest.fixture(autouse=True)
def close_all() -> Iterator[None]:
    yield
    ipywidgets.Widget.close_all()


SCENES: dict[str, tuple[Obj, ...]] = {
    "nothing": (),
    "a node": (NODE,),
    "pods on a node": (NODE, *PODS),
    "a workload": (NODE, DEPLOYMENT, *PODS),
    "many pods": (NODE, *(running(f"p{n:03}") for n in range(150))),
}


@pytest.mark.parametrize("objects", SCENES.values(), ids=SCENES)
def test_the_picture_is_json_and_its_parts_are_svg(objects: tuple[Obj, ...]) -> None:
    view = shown(*objects)
    picture = json.loads(json.dumps(view.picture, allow_nan=False))
    assert {"width", "height", "sentence", "meta", "style", "arrows", "legend", "parts"} <= picture.keys()
    assert picture["meta"][0] == "embedded demo"
    ids = [p["id"] for p in picture["parts"]]
    assert len(ids) == len(set(ids))
    for part in picture["parts"]:
        assert part["layer"] in {"ground", "line", "object"}
        ElementTree.fromstring(f"<svg>{part['svg']}</svg>")
    ends = {p[end] for p in picture["parts"] if p["layer"] == "line" for end in ("source", "target")}
    keys = {p.get("key", p["id"]) for p in picture["parts"]} | set(ids)
    assert {e for e in ends if "/" in e} <= keys | {str(k) for k in view.nx}


def test_the_same_objects_give_the_same_picture() -> None:
    assert shown(NODE, *PODS).picture == shown(*reversed(PODS), NODE).picture


def test_a_view_of_what_stands_still_has_no_state() -> None:
    view = shown(NODE)
    assert (view.view, view.state, view.selection, view.details) == ("topology", "", [], [])


SELECTIONS: dict[str, tuple[list[str], list[str]]] = {
    "nothing": ([], []),
    "one": (["Pod/default/web-1"], ["Pod"]),
    "of no namespace": (["Node/node-1"], ["Node"]),
    "two, in their order": (["Node/node-1", "Pod/default/web-2"], ["Node", "Pod"]),
    "one that is not there": (["Pod/default/ghost"], []),
    "no name at all": (["<script>"], []),
}


@pytest.mark.parametrize(("selection", "kinds"), SELECTIONS.values(), ids=SELECTIONS)
def test_a_selection_shows_the_facts(selection: list[str], kinds: list[str]) -> None:
    view = shown(NODE, DEPLOYMENT, *PODS)
    view.selection = selection
    assert [label for label, _ in view.details if label in {"Pod", "Node"}] == kinds
    json.dumps(view.details)
    view.selection = []
    assert view.details == []


def test_the_facts_say_how_an_object_is() -> None:
    view = shown(NODE, *PODS)
    view.selection = ["Pod/default/web-2"]
    facts = dict(view.details)
    assert facts["Pod"] == "default/web-2"
    assert (facts["status"], facts["because"], facts["age"]) == ("Running", "not ready", "16m")
    assert "Node node-1" in facts.values()


def test_what_remains_without_a_kernel() -> None:
    view = shown(NODE, *PODS)
    data, _ = view._repr_mimebundle_()
    assert {"text/plain", "image/svg+xml", "application/vnd.jupyter.widget-view+json"} <= data.keys()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    assert ElementTree.fromstring(data["image/svg+xml"]).tag.endswith("svg")
    assert data["text/plain"] == repr(view)
    assert "Pod/default/web-1" in data["text/plain"]
    for loads in ("http://evil", "<script", "@import", "url(http"):
        assert loads not in data["image/svg+xml"]


def test_to_svg_writes_a_file(tmp_path: pathlib.Path) -> None:
    view = shown(NODE, *PODS)
    path = tmp_path / "graph.svg"
    view.to_svg(path)
    assert path.read_text(encoding="utf-8") == view.to_svg()


@pytest.mark.parametrize("text", hostile.CORPUS)
def test_hostile_names_are_harmless_everywhere(text: str) -> None:
    odd = {**running(text), "status": {"phase": "Failed", "reason": text, "message": text}}
    odd["metadata"] = {**odd["metadata"], "namespace": text, "labels": {"app": text}}
    there = {**node(text).stored(), "status": {"conditions": [{"type": "Ready", "status": "False", "message": text}]}}
    view = Topology(lambda: ([odd, there], frozenset()), [text], wall=Virtual(NOW))
    view.selection = [str(k) for k in view.nx]
    for part in view.picture["parts"]:
        hostile.check_html(part["svg"])
        hostile.check_text(part.get("label", ""))
        ElementTree.fromstring(f"<svg>{part['svg']}</svg>")
    for said in (*view.picture["meta"], view.picture["sentence"], *(f for _, f in view.details), repr(view)):
        hostile.check_text(said)
    hostile.check_html(view.to_svg() or "")


class Following:
    """A view that follows a cluster."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.clock = Virtual(NOW)
        self.feed = live.Feed(self.cluster, ("nodes", "pods"), "default", self.clock)
        look = self.feed.look()
        self.cluster["nodes"].initial(NODE)
        self.cluster["pods"].initial(*PODS)
        assert self.feed.wait()
        self.view = Topology(lambda: (look.feed.objects(), frozenset()), ["embedded demo"], look, self.clock)

    @property
    def names(self) -> set[str]:
        return {k.name for k in self.view.nx}


@pytest.fixture
def following() -> Iterator[Following]:
    found = Following()
    yield found
    found.view.close()


def in_picture(view: Topology, text: str) -> bool:
    return any(text in p["svg"] for p in view.picture["parts"])


def test_it_follows_a_change(following: Following) -> None:
    view = following.view
    assert view.state == "live"
    following.cluster["pods"].change(running("web-3"))
    until(lambda: in_picture(view, "web-3"))
    following.cluster["pods"].delete(running("web-3"))
    until(lambda: not in_picture(view, "web-3"))
    assert following.names == {"node-1", "web-1", "web-2"}


def test_the_details_follow_too(following: Following) -> None:
    view = following.view
    view.selection = ["Pod/default/web-2"]
    assert dict(view.details)["because"] == "not ready"
    following.cluster["pods"].change(running("web-2"))
    until(lambda: "because" not in dict(view.details))
    following.cluster["pods"].delete(running("web-2"))
    until(lambda: view.details == [])
    assert view.selection == ["Pod/default/web-2"]


Loss = Callable[[Following], None]
LOSSES: dict[str, Loss] = {
    "one watch": lambda f: f.cluster["pods"].say("connection refused"),
    "all watches": lambda f: [f.cluster[r].say("connection refused") for r in ("pods", "nodes")] and None,
    "the connection was closed": lambda f: f.cluster["pods"].end(errors.Unreachable("closed")),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_it_says_since_when_it_is_stale(following: Following, lose: Loss) -> None:
    following.clock.advance(NOW + 65)
    lose(following)
    until(lambda: following.view.state.startswith("stale"))
    assert following.view.state == f"stale since {clock.time_of_day(NOW + 65)}"
    assert in_picture(following.view, "web-1")


def test_it_is_live_again_when_the_cluster_is_back(following: Following) -> None:
    pods = following.cluster["pods"]
    pods.say("connection refused")
    until(lambda: following.view.state.startswith("stale"))
    pods.say("")
    until(lambda: following.view.state == "live")


def test_a_view_begun_in_an_outage_says_so() -> None:
    cluster = Cluster()
    look = live.Feed(cluster, ("pods",), "default", Virtual(NOW)).look()
    cluster["pods"].say("connection refused")
    until(lambda: look.feed.stale_since)
    view = Topology(lambda: (look.feed.objects(), frozenset()), (), look, Virtual(NOW))
    assert view.state.startswith("stale since")
    view.close()


def test_close_ends_threads_and_watches(following: Following) -> None:
    following.view.close()
    until(lambda: following.cluster.open == 0)
    until(lambda: not any(t.name == "k8s-notebook-views" for t in threading.enumerate()))
    assert following.view.comm is None
    following.view.close()


def test_one_view_closes_and_the_other_goes_on() -> None:
    cluster = Cluster()
    looks = [live.follow(cluster, ("pods",)) for _ in range(2)]
    cluster["pods"].initial(*PODS)
    first, second = (Topology(lambda k=k: (k.feed.objects(), frozenset()), (), k, Virtual(NOW)) for k in looks)
    first.close()
    cluster["pods"].change(running("web-3"))
    until(lambda: in_picture(second, "web-3"))
    assert not in_picture(first, "web-3")
    second.close()
    until(lambda: cluster.open == 0)
