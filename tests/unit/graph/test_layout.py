"""Where things stand: the same state gives the same picture, nothing overlaps, no problem is hidden."""

from __future__ import annotations

import itertools

import networkx as nx
import pytest

from k8s_notebook.graph import build, layout
from k8s_notebook.graph.picture import Picture, cut
from k8s_notebook.objects import Obj
from tests.builders import configmap, deployment, node, pod, replicaset, service

NOW = 1000.0


def application(name: str, pods: int, *, failing: int = 0, on: str = "node-1") -> list[Obj]:
    """A Deployment with a Service, one revision and so many pods, the first ones failing."""
    top = deployment(name).replicas(pods).stored()
    top = {**top, "status": {"readyReplicas": pods - failing}}
    revision = replicaset(f"{name}-5d8f").owned_by(top).stored()
    revision = {**revision, "spec": {**revision["spec"], "replicas": pods}, "status": {"readyReplicas": pods - failing}}
    made: list[Obj] = [top, revision, {**service(name).stored(), "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}]
    for i in range(pods):
        one = pod(f"{name}-5d8f-{i:05d}").labels(app=name).owned_by(revision).condition("Ready").stored()
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}} if i < failing else {"running": {}}
        state = {"name": "c", "ready": i >= failing, "restartCount": 0, "image": "x", "imageID": "", "state": waiting}
        status = {**one["status"], "phase": "Running", "containerStatuses": [state]}
        made.append({**one, "spec": {**one["spec"], "nodeName": on}, "status": status})
    return made


def cluster(*applications: list[Obj], nodes: int = 3) -> nx.MultiDiGraph:
    machines = [node(f"node-{i + 1}").stored() for i in range(nodes)]
    return build.build([*itertools.chain(*applications), *machines], NOW)


def shown(picture: Picture) -> list[str]:
    return [str(i.key) for i in picture.items] + [str(k) for c in picture.cells for k in c.keys]


@pytest.mark.parametrize("pods", [1, 3, 10, 11, 40])
def test_every_pod_is_shown(pods: int) -> None:
    picture = layout.layout(cluster(application("web", pods)))
    assert sum(name.startswith("Pod/") for name in shown(picture)) == pods


@pytest.mark.parametrize(
    "applications",
    [
        pytest.param([application("web", 3)], id="one"),
        pytest.param([application(f"app-{i}", 2) for i in range(12)], id="many: dense"),
        pytest.param([application("big", 30), application("small", 1)], id="folded"),
    ],
)
def test_no_two_items_overlap(applications: list[list[Obj]]) -> None:
    items = layout.layout(cluster(*applications)).items
    for one, other in itertools.combinations(items, 2):
        apart = abs(one.y - other.y) >= 24 or one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart, f"{one.id} and {other.id}"


def test_the_same_state_gives_the_same_picture() -> None:
    objects = [*application("web", 3), *application("db", 2), configmap("c").stored()]
    assert layout.layout(build.build(objects, NOW)) == layout.layout(build.build(objects[::-1], NOW))


def test_applications_with_problems_come_first_and_none_is_left_out() -> None:
    many = [application(f"app-{i:03d}", 1, failing=int(i == 77)) for i in range(80)]
    picture = layout.layout(cluster(*many))
    assert picture.left_out == 20
    assert "Deployment/default/app-077" in shown(picture)
    first = min((i for i in picture.items if i.key.kind == "Deployment"), key=lambda i: i.y)
    assert first.key.name == "app-077"


def test_in_a_folded_group_the_failing_pods_come_first() -> None:
    grid = layout.layout(cluster(application("web", 20, failing=2))).cells[0]
    assert grid.levels[:3] == ("bad", "bad", "ok")
    assert grid.caption == "20 pods: 18 ready, 2 failing"


def test_everything_lies_inside_the_picture() -> None:
    picture = layout.layout(cluster(application("web", 5), nodes=20))
    assert all(i.x >= 0 and i.x + i.width <= picture.width and 0 <= i.y <= picture.height for i in picture.items)


def test_lines_join_what_is_shown() -> None:
    picture = layout.layout(cluster(application("web", 3), application("big", 20)))
    names = {i.id for i in picture.items} | {c.id for c in picture.cells}
    for line in picture.lines:
        assert str(line.source) in names
        assert (line.target.name if line.target.kind == "Pods" else str(line.target)) in names


def test_an_empty_cluster_has_a_picture() -> None:
    assert layout.layout(build.build([], NOW)).items == []


@pytest.mark.parametrize(
    ("text", "width", "expected"), [("abc", 100, "abc"), ("abcdefghij", 36, "abcd…"), ("ab-cdefgh", 30, "ab…")]
)
def test_cut(text: str, width: float, expected: str) -> None:
    assert cut(text, width) == expected
