"""The static picture: well-formed, without script, and whatever a cluster says stays text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from k8s_notebook.display import graph_svg, graph_text, words
from k8s_notebook.graph import build, layout
from tests.builders import node, pod
from tests.unit.graph.test_layout import application, cluster

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "]]>&amp;", "\x1b[31mred\x1b[0m", "a\u202eb", "x\x00y"]


def draw(graph) -> str:
    return graph_svg.svg(layout.layout(graph), words.sentence(graph), ["embedded", "namespace default"])


def test_it_is_well_formed_and_loads_nothing() -> None:
    text = draw(cluster(application("web", 3), application("big", 20, failing=3)))
    ET.fromstring(text)
    assert not re.search(r"<script|href=\"http|url\(http|@import|foreignObject", text)


@pytest.mark.parametrize("said", HOSTILE)
def test_what_a_cluster_says_stays_text(said: str) -> None:
    one = pod("web").stored()
    state = {
        "name": "c",
        "ready": False,
        "restartCount": 0,
        "image": said,
        "imageID": "",
        "state": {"waiting": {"reason": said, "message": said}},
    }
    one = {**one, "spec": {**one["spec"], "nodeName": "n"}, "status": {"phase": "Pending", "containerStatuses": [state]}}
    graph = build.build([one, node("n").stored()], 0.0)
    svg = draw(graph)
    root = ET.fromstring(svg)
    assert not [e for e in root.iter() if e.tag.endswith(("script", "img"))]
    parts = graph_svg.parts(layout.layout(graph))
    assert not any("<script" in str(p["svg"]) or "<img" in str(p["svg"]) for p in parts)
    for text in (svg, graph_text.text(graph)):
        assert not re.search("[\x00\x1b\u202e]", text)


@pytest.mark.parametrize(
    ("graph", "sentence"),
    [
        pytest.param(build.build([], 0.0), "Nothing is here yet.", id="empty"),
        pytest.param(
            cluster(application("web", 3)), "node-1, node-2 and node-3 are not ready, 3 pods were on them.", id="nodes down"
        ),
        pytest.param(
            build.build(application("web", 3), 0.0, ("Node",)),
            "All is well: 1 workload, 3 pods on 1 node. You may not list: Node.",
            id="well",
        ),
        pytest.param(
            build.build(application("web", 4, failing=1), 0.0, ("Node",)),
            "web-5d8f-00000 is not running: CrashLoopBackOff. You may not list: Node.",
            id="one fails",
        ),
        pytest.param(
            build.build(application("web", 4, failing=2), 0.0, ("Node",)),
            "2 of 4 pods are not running: CrashLoopBackOff. You may not list: Node.",
            id="two fail",
        ),
    ],
)
def test_the_sentence_names_the_problem(graph, sentence: str) -> None:
    assert words.sentence(graph) == sentence


def test_the_text_twin_names_everything() -> None:
    text = graph_text.text(cluster(application("web", 2)))
    assert "Deployment/default/web" in text
    assert "Node/node-1" in text


def test_it_can_be_read_without_its_style_sheet() -> None:
    text = re.sub(r"<style>.*?</style>", "", draw(cluster(application("web", 3), application("big", 20, failing=3))))
    root = ET.fromstring(text)
    lines = [e for e in root.iter() if "line" in e.get("class", "").split()]
    assert lines
    assert {e.get("fill") for e in lines} == {"none"}
    assert not [e for e in root.iter() if "var(" in e.get("fill", "") + e.get("stroke", "")]
