"""The graph of a cluster: which relations are found, and what the nodes know."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_notebook.graph import build
from k8s_notebook.graph.relations import Key
from k8s_notebook.objects import Obj
from tests.builders import anything, configmap, deployment, node, pod, replicaset, secret, service

NOW = 1000.0


def edges(graph: nx.MultiDiGraph) -> set[tuple[str, str, str]]:
    return {(str(s), r, str(t)) for s, t, r in graph.edges(data="relation")}


def env(kind: str, name: str) -> Obj:
    field = {"ConfigMap": "configMapKeyRef", "Secret": "secretKeyRef"}[kind]
    return {"name": "X", "valueFrom": {field: {"name": name, "key": "k"}}}


def using(name: str, **spec: object) -> Obj:
    built = pod(name).stored()
    container = {**built["spec"]["containers"][0], **{k: v for k, v in spec.items() if k in {"env", "envFrom"}}}
    rest = {k: v for k, v in spec.items() if k not in {"env", "envFrom"}}
    return {**built, "spec": {**built["spec"], **rest, "containers": [container]}}


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        pytest.param([using("p", nodeName="n1")], {("Pod/default/p", "runs-on", "Node/n1")}, id="runs-on"),
        pytest.param([using("p", env=[env("Secret", "s")])], {("Pod/default/p", "env", "Secret/default/s")}, id="env secret"),
        pytest.param(
            [using("p", envFrom=[{"configMapRef": {"name": "c"}}])],
            {("Pod/default/p", "env", "ConfigMap/default/c")},
            id="envFrom",
        ),
        pytest.param(
            [using("p", volumes=[{"name": "v", "secret": {"secretName": "s"}}])],
            {("Pod/default/p", "mounts", "Secret/default/s")},
            id="mounts",
        ),
        pytest.param(
            [using("p", volumes=[{"name": "kube-api-access-x", "projected": {"sources": [{"configMap": {"name": "ca"}}]}}])],
            set(),
            id="the injected volume says nothing",
        ),
        pytest.param([using("p", serviceAccountName="default")], set(), id="the default account says nothing"),
        pytest.param(
            [using("p", serviceAccountName="robot")], {("Pod/default/p", "uses", "ServiceAccount/default/robot")}, id="account"
        ),
    ],
)
def test_what_a_pod_declares(objects: list[Obj], expected: set[tuple[str, str, str]]) -> None:
    assert edges(build.build(objects, NOW)) == expected


def test_owners_point_at_what_they_own() -> None:
    web = deployment("web").stored()
    old = replicaset("web-1").owned_by(web).stored()
    one = pod("web-1-a").owned_by(old).stored()
    found = edges(build.build([one, old, web], NOW))
    assert found == {
        ("Deployment/default/web", "owner", "ReplicaSet/default/web-1"),
        ("ReplicaSet/default/web-1", "owner", "Pod/default/web-1-a"),
    }


def test_a_service_selects_and_its_slices_route() -> None:
    front = {**service("web").stored(), "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    ready, other = pod("a").labels(app="web").stored(), pod("b").labels(app="db").stored()
    endpoints = [{"targetRef": {"kind": "Pod", "name": "a"}, "conditions": {"ready": True}},
                 {"targetRef": {"kind": "Pod", "name": "b"}, "conditions": {"ready": False}}]  # fmt: skip
    slice_ = anything("discovery.k8s.io/v1", "EndpointSlice", "web-x").label("kubernetes.io/service-name", "web").stored()
    graph = build.build([front, ready, other, {**slice_, "endpoints": endpoints}], NOW)
    assert edges(graph) == {
        ("Service/default/web", "selects", "Pod/default/a"),
        ("Service/default/web", "routes", "Pod/default/a"),
    }
    routed = next(d for _, _, d in graph.edges(data=True) if d["relation"] == "routes")
    assert (routed["known"], routed["via"]) == ("observed", "EndpointSlice/web-x")


@pytest.mark.parametrize(
    ("unseen", "missing", "status"),
    [pytest.param((), True, "bad", id="nobody made it"), pytest.param(("Secret",), False, "ok", id="it may not be listed")],
)
def test_a_reference_to_what_is_not_there(unseen: tuple[str, ...], missing: bool, status: str) -> None:
    graph = build.build([using("p", env=[env("Secret", "s")])], NOW, unseen)
    data = graph.nodes[Key("Secret", "default", "s")]
    assert (data["missing"], data["status"]) == (missing, status)


def test_an_owner_of_a_kind_that_is_not_looked_at_is_not_called_missing() -> None:
    owner = anything("example.com/v1", "Database", "db").stored()
    graph = build.build([pod("db-0").owned_by(owner).stored()], NOW)
    assert not graph.nodes[Key("Database", "default", "db")]["missing"]


def test_values_of_secrets_are_not_in_the_graph() -> None:
    graph = build.build([{**secret("s").stored(), "data": {"password": "aHVudGVyMg=="}}], NOW)
    assert "aHVudGVyMg" not in repr(dict(graph.nodes(data=True)))


def test_what_every_namespace_has_is_left_out() -> None:
    assert list(build.build([configmap("kube-root-ca.crt").stored()], NOW)) == []


NAMES = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.tuples(NAMES, NAMES), max_size=6), st.randoms())
def test_the_order_of_the_objects_changes_nothing(uses: list[tuple[str, str]], chance) -> None:
    objects = [using(f"{p}-{i}", env=[env("ConfigMap", c)], nodeName=c) for i, (p, c) in enumerate(uses)]
    objects += [configmap(n).stored() for n in "ab"] + [node("a").stored()]
    shuffled = list(objects)
    chance.shuffle(shuffled)
    first, second = build.build(objects, NOW), build.build(shuffled, NOW)
    assert list(first.nodes(data=True)) == list(second.nodes(data=True))
    assert list(first.edges(keys=True, data=True)) == list(second.edges(keys=True, data=True))
