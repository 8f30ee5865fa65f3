"""Pictures of decisions: well-formed, without script, readable without style sheet; hostile text stays text; large clusters are cut."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from k8s_notebook.display import decision_svg, decision_text, decision_view
from k8s_notebook.scheduler import explain
from k8s_notebook.scheduler.changes import Change
from k8s_notebook.scheduler.explain import Explanation
from tests.builders import NodeBuilder, PodBuilder, node, pod
from tests.unit.display import hostile

Q = pod("q").requests(cpu="2", memory="4Gi").on("a")


def explained(wanted: PodBuilder, nodes: list[NodeBuilder], running: list[PodBuilder] | None = None) -> Explanation:
    return explain.explain(wanted.stored(), [n.stored() for n in nodes], [p.stored() for p in running or ()])


def many(wanted: PodBuilder, count: int = 300) -> Explanation:
    nodes = [node(f"pool-of-many-nodes-{i:04}") for i in range(count)]
    return explained(wanted, [n.taint("x", "NoSchedule") if i % 3 == 0 else n for i, n in enumerate(nodes)])


CASES = {
    "bound": lambda: explained(pod().requests(cpu="1").on("b"), [node("a"), node("b"), node("c").taint("x", "NoSchedule")], [Q]),
    "only one": lambda: explained(pod().requests(cpu="3"), [node("a"), node("b")], [Q]),
    "pending": lambda: explained(pod().requests(cpu="9"), [node("a"), node("b").taint("x", "NoSchedule")], [Q]),
    "gated": lambda: explained(pod().set("spec.schedulingGates", [{"name": "g"}]), [node("a")]),
    "no nodes": lambda: explained(pod(), []),
    "many": lambda: many(pod()),
    "many, none fits": lambda: many(pod().requests(cpu="9")),
    "recorded": lambda: replace(explained(pod(), [node("a"), node("b")]), kind="recorded", at=60.0, today="it would be b"),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_well_formed_and_loads_nothing(case: str) -> None:
    drawn = decision_svg.svg(CASES[case](), "embedded x")
    root = ET.fromstring(drawn)
    assert root.find("{*}title") is not None
    assert root.find("{*}desc") is not None
    assert root.get("role") == "img"
    assert not re.search(r"<script|href=|url\(|@import|foreignObject|\bon\w+=", drawn)


@pytest.mark.parametrize("case", CASES)
def test_it_can_be_read_without_its_style_sheet(case: str) -> None:
    root = ET.fromstring(re.sub(r"<style>.*?</style>", "", decision_svg.svg(CASES[case]())))
    for element in root.iter():
        assert "var(" not in element.get("fill", "") + element.get("stroke", "")
        if element.tag.endswith("text"):
            assert element.get("fill")
            assert float(element.get("font-size", "12")) >= 11


@pytest.mark.parametrize("case", CASES)
def test_nothing_lies_outside(case: str) -> None:
    root = ET.fromstring(decision_svg.svg(CASES[case]()))
    _, _, width, height = (float(n) for n in root.get("viewBox", "").split())
    for element in root.iter():
        if element.get("x") is not None:
            assert 0 <= float(element.get("x", "0")) <= width, element.attrib
            assert 0 <= float(element.get("y", "0")) <= height, element.attrib


@pytest.mark.parametrize("said", hostile.CORPUS)
def test_what_a_cluster_says_stays_text(said: str) -> None:
    found = explained(pod().requests(cpu="9"), [node("a"), node("b").taint("x", "NoSchedule")])
    texts = tuple(said for _ in found.evidence.texts)
    bad = replace(
        found, name=said, namespace=said, message=said, notes={"b": said}, changes=(Change(said, said, 1, said, said),),
        evidence=replace(found.evidence, nodes=[said, "b"], texts=texts, filters=tuple(said for _ in found.evidence.filters)),
    )  # fmt: skip
    fits = explained(pod(), [node("a"), node("b")])
    placed = replace(
        fits,
        name=said,
        node=said,
        evidence=replace(fits.evidence, nodes=[said, "b"], scores=tuple(said for _ in fits.evidence.scores)),
    )
    for each in (bad, placed):
        for drawn in (decision_svg.svg(each, said), decision_text.page(each, said, said)):
            hostile.check_html(drawn)
        ET.fromstring(decision_svg.svg(each, said))
        hostile.check_text(decision_text.plain(each, said))


def test_a_large_cluster_is_cut_and_says_so() -> None:
    for case in ("many", "many, none fits"):
        found = CASES[case]()
        drawn = decision_svg.svg(found)
        assert re.search(r"[Ss]howing (20|10) of 300 nodes", drawn)
        assert len(drawn) < 100_000
        assert len(decision_text.plain(found)) < 5000


def test_the_chosen_node_comes_first_and_the_refused_are_grouped() -> None:
    found = CASES["bound"]()
    shown, silent = decision_view.columns(found)
    rows = decision_view.heat(found, shown)
    assert rows[0].chosen
    assert rows[0].node == found.node
    assert [r.behind for r in rows] == sorted((r.behind for r in rows), reverse=True)
    assert [(g.plugin, g.count, g.note) for g in decision_view.groups(found)] == [("TaintToleration", 1, "x:NoSchedule")]
    assert "ImageLocality" in silent


def test_pending_nodes_show_what_is_missing() -> None:
    found = CASES["pending"]()
    near, far = decision_view.stops(found)
    assert (near.node, near.missing) == ("a", "2 of 9 cpu free")
    assert 0 < near.share < 1
    assert (far.node, far.missing, far.share) == ("b", "x:NoSchedule", -1.0)
    assert found.message in decision_text.plain(found)


@pytest.mark.parametrize(("names", "expected"), [
    (["node-1", "node-2"], ""), (["a-very-long-pool-name-x1", "a-very-long-pool-name-y1"], "a-very-long-pool-name-"), (["x" * 30], ""),
    (["quite-different-names-here", "nothing-in-common-at-all"], ""),
])  # fmt: skip
def test_what_names_have_in_common(names: list[str], expected: str) -> None:
    assert decision_view.prefix(names) == expected


def test_tables() -> None:
    pytest.importorskip("pandas")
    found = CASES["bound"]()
    long, wide, ranking = decision_text.long(found), decision_text.wide(found), decision_text.ranking(found)
    assert list(long.columns) == [
        "node",
        "plugin",
        "passed",
        "reason",
        "raw",
        "normalised",
        "weight",
        "weighted",
        "rank",
        "total",
    ]
    assert list(wide.index) == list(ranking["node"]) == list(dict.fromkeys(long["node"]))
    assert ranking["total"].tolist()[:2] == wide.xs("weighted", axis=1, level=1).sum(axis=1).tolist()[:2]
    row = long[(long["node"] == "c") & (long["plugin"] == "TaintToleration")].iloc[0]
    assert (row["passed"], row["reason"]) == (False, "node(s) had untolerated taint(s)")
    best = long[(long["node"] == found.node) & (long["plugin"] == "TaintToleration")].iloc[0]
    assert (best["raw"], best["normalised"], best["weight"], best["weighted"], best["rank"]) == (0, 100, 3, 300, 1)
    assert long[long["plugin"] == "ImageLocality"]["passed"].isna().all()
    assert ranking["stopped_by"].tolist() == ["", "", "TaintToleration"]
    assert ranking["reasons"].tolist()[2] == ["node(s) had untolerated taint(s)"]
    assert wide["TaintToleration"].loc["c", "passed"] is False or not wide["TaintToleration"].loc["c", "passed"]
