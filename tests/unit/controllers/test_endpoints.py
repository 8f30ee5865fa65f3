"""Endpoints, the older form."""

from __future__ import annotations

from k8s_notebook.controllers.endpoints import Endpoints
from k8s_notebook.machinery.actions import Action, Create, Delete, Update
from k8s_notebook.objects import Obj
from tests import builders as b
from tests.fakes import FakeView

KEY = ("default", "web")
TARGET = {"kind": "Pod", "name": "a", "namespace": "default", "uid": "uid-a"}


def service() -> b.ServiceBuilder:
    return b.service("web").selects(app="web").port(80, 8080, name="http").set("spec.clusterIP", "10.96.0.9")


def backend(name: str, ip: str = "10.244.0.1") -> b.PodBuilder:
    return b.pod(name).labels(app="web").on("node-1").ready(ip=ip)


def look(*objects: Obj) -> list[Action]:
    return Endpoints().reconcile(FakeView(*objects), KEY, 0.0)


def made(*objects: Obj) -> Obj:
    (create,) = look(*objects)
    assert isinstance(create, Create)
    return create.obj


def test_ready_and_not_ready_addresses() -> None:
    unready = backend("b", "10.244.0.10").condition("Ready", "False")
    found = made(service().stored(), backend("a").stored(), unready.stored(), backend("c", "10.244.0.9").deleted().stored())
    assert found["metadata"]["labels"] == {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}
    (subset,) = found["subsets"]
    assert subset["addresses"] == [{"ip": "10.244.0.1", "targetRef": TARGET, "nodeName": "node-1"}]
    assert [a["ip"] for a in subset["notReadyAddresses"]] == ["10.244.0.10"]
    assert subset["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]


def test_addresses_are_in_numerical_order() -> None:
    (subset,) = made(service().stored(), backend("a", "10.244.0.10").stored(), backend("b", "10.244.0.9").stored())["subsets"]
    assert [a["ip"] for a in subset["addresses"]] == ["10.244.0.9", "10.244.0.10"]


def test_more_than_1000_are_cut_ready_ones_preferred() -> None:
    ready = [backend(f"a{i:04}", f"10.1.{i // 256}.{i % 256}").stored() for i in range(700)]
    waiting = [backend(f"b{i:04}", f"10.2.{i // 256}.{i % 256}").condition("Ready", "False").stored() for i in range(700)]
    found = made(service().stored(), *ready, *waiting)
    assert found["metadata"]["annotations"]["endpoints.kubernetes.io/over-capacity"] == "truncated"
    (subset,) = found["subsets"]
    assert (len(subset["addresses"]), len(subset["notReadyAddresses"])) == (700, 300)


def test_nothing_to_do_is_nothing_done() -> None:
    found = made(service().stored(), backend("a").stored())
    assert look(service().stored(), backend("a").stored(), found) == []


def test_a_pod_that_goes_is_taken_out() -> None:
    found = made(service().stored(), backend("a").stored())
    (update,) = look(service().stored(), found)
    assert isinstance(update, Update)
    assert not update.obj["subsets"]


def test_endpoints_of_a_lost_service_go_if_they_are_ours() -> None:
    ours = made(service().stored())
    (delete,) = look(ours)
    assert isinstance(delete, Delete)
    assert look({**ours, "metadata": {**ours["metadata"], "labels": {}}}) == []
