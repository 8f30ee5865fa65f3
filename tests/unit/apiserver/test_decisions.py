"""The resource `decisions`: served from what is offered, read-only, permissioned like any other."""

from __future__ import annotations

import pytest

from k8s_notebook.apiserver import routing
from k8s_notebook.cluster import simulation
from k8s_notebook.cluster.simulation import Simulation
from k8s_notebook.machinery.actions import Apply, Create, Delete, Get, List, Patch, Request, Update
from k8s_notebook.machinery.decisions import RESOURCE
from k8s_notebook.objects import Obj, errors, kinds
from tests.unit.apiserver.world import meta, pod, put, refused

OBJ: Obj = {"apiVersion": "k8s-notebook.io/v1alpha1", "kind": "Decision", "metadata": meta("web")}


@pytest.fixture(scope="module")
def cluster() -> Simulation:
    found = simulation.whole(2)
    found.run(5)
    put(
        found,
        pod("web"),
        pod("big", spec={"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "99"}}}]}),
    )
    found.run(5)
    return found


def test_a_list_has_summaries(cluster: Simulation) -> None:
    items = cluster.do(List(RESOURCE, "default"))["items"]
    assert [i["metadata"]["name"] for i in items] == ["big", "web"]
    assert "Insufficient cpu" in items[0]["status"]["message"]
    assert items[1]["status"]["node"] in {"node-1", "node-2"}
    assert not any("columns" in i["status"] for i in items)
    assert cluster.do(List(RESOURCE, "kube-system"))["items"] == []
    assert [i["metadata"]["name"] for i in cluster.do(List(RESOURCE, fields="metadata.name=web"))["items"]] == ["web"]


def test_pages(cluster: Simulation) -> None:
    first = cluster.do(List(RESOURCE, limit=1))
    second = cluster.do(List(RESOURCE, limit=1, continue_=first["metadata"]["continue"]))
    assert [p["items"][0]["metadata"]["name"] for p in (first, second)] == ["big", "web"]


def test_one_has_its_columns(cluster: Simulation) -> None:
    found = cluster.do(Get(RESOURCE, "web", "default"))
    assert found["spec"]["schedulerName"] == "default-scheduler"
    assert found["status"]["columns"]["nodes"]["shape"] == [2]


def test_it_is_printed(cluster: Simulation) -> None:
    table = cluster.do(List(RESOURCE, "default", table=True))
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Node", "Feasible", "Evaluated", "Age", "Message"]
    assert table["rows"][0]["cells"][:4] == ["big", "<none>", 0, 2]


@pytest.mark.parametrize("request_", [
    Create(OBJ), Update(OBJ), Patch(RESOURCE, "web", "default", {}), Apply(OBJ, "me"), Delete(RESOURCE, "web", "default"),
], ids=lambda r: type(r).__name__)  # fmt: skip
def test_writes_are_refused(cluster: Simulation, request_: Request) -> None:
    assert isinstance(refused(cluster, request_), errors.MethodNotAllowed)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writes_are_refused_over_the_wire(method: str) -> None:
    with pytest.raises(errors.MethodNotAllowed):
        routing.route(
            method,
            f"/apis/k8s-notebook.io/v1alpha1/namespaces/default/decisions{'' if method == 'POST' else '/web'}",
            {},
            kinds.EMBEDDED,
        )


def test_unknown_ones_are_not_found(cluster: Simulation) -> None:
    said = refused(cluster, Get(RESOURCE, "nope", "default"))
    assert str(said) == 'decisions.k8s-notebook.io "nope" not found'


def test_without_a_scheduler_there_are_none() -> None:
    bare = Simulation()
    assert bare.do(List(RESOURCE))["items"] == []
    assert isinstance(refused(bare, Get(RESOURCE, "web", "default")), errors.NotFound)


def test_a_request_is_reviewed_like_any_other() -> None:
    found = routing.route("GET", "/apis/k8s-notebook.io/v1alpha1/namespaces/team/decisions/web", {}, kinds.EMBEDDED)
    assert isinstance(found, routing.Route)
    assert (found.verb, found.namespace, found.kind.group, found.kind.plural) == ("get", "team", "k8s-notebook.io", "decisions")
