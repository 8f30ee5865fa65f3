"""EndpointSlices: which pods are in, how they are spread over slices."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.controllers import endpointslice
from k8s_notebook.controllers.endpointslice import EndpointSlices
from k8s_notebook.machinery.actions import Action, Create, Delete, RequeueAfter, Update
from k8s_notebook.objects import Obj
from tests import builders as b
from tests.fakes import FakeView

KEY = ("default", "web")


def service(**selector: str) -> b.ServiceBuilder:
    return b.service("web").selects(**(selector or {"app": "web"})).port(80).set("spec.clusterIP", "10.96.0.9")


def backend(name: str, ip: str = "10.244.0.1", node: str = "node-1") -> b.PodBuilder:
    return b.pod(name).labels(app="web").on(node).ready(ip=ip)


def look(*objects: Obj) -> list[Action]:
    return EndpointSlices().reconcile(FakeView(b.node("node-1").zone("zone-a").stored(), *objects), KEY, 0.0)


def made(actions: list[Action]) -> Obj:
    (create,) = actions
    assert isinstance(create, Create)
    return create.obj


def existing(name: str, owner: Obj, pods: list[Obj], **changes: Any) -> Obj:
    """A slice as the controller would have made it for these pods."""
    slice_ = dict(made(look(owner, *pods)))
    slice_["metadata"] = {**slice_["metadata"], "name": name, "uid": f"uid-{name}", "resourceVersion": "1"}
    return {**slice_, **changes}


def test_a_slice_says_all_about_a_pod() -> None:
    found = made(look(service().labels(tier="x").stored(), backend("a").stored()))
    assert found["metadata"]["generateName"] == "web-"
    assert found["metadata"]["labels"] == {
        "tier": "x",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert found["metadata"]["ownerReferences"][0]["kind"] == "Service"
    assert found["addressType"] == "IPv4"
    assert found["ports"] == [{"name": "", "port": 80, "protocol": "TCP"}]
    assert found["endpoints"] == [
        {
            "addresses": ["10.244.0.1"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "targetRef": {"kind": "Pod", "name": "a", "namespace": "default", "uid": "uid-a"},
            "nodeName": "node-1",
            "zone": "zone-a",
        }
    ]


CONDITIONS: dict[str, tuple[b.PodBuilder, bool, tuple[bool, bool, bool]]] = {
    "ready": (backend("a"), False, (True, True, False)),
    "not ready": (backend("a").condition("Ready", "False"), False, (False, False, False)),
    "terminating": (backend("a").deleted(), False, (False, True, True)),
    "published anyway": (backend("a").condition("Ready", "False"), True, (True, False, False)),
    "terminating, published anyway": (backend("a").deleted(), True, (True, True, True)),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_conditions_ready_serving_terminating(case: str) -> None:
    pod, anyway, expected = CONDITIONS[case]
    found = made(look(service().set("spec.publishNotReadyAddresses", anyway).stored(), pod.stored()))
    assert tuple(found["endpoints"][0]["conditions"].values()) == expected


@pytest.mark.parametrize(
    "pod",
    [
        b.pod("a").labels(app="web").on("node-1"),
        backend("a").phase("Succeeded"),
        backend("a").phase("Failed"),
        b.pod("a").ready(),
    ],
)
def test_who_is_not_in(pod: b.PodBuilder) -> None:
    assert made(look(service().stored(), pod.stored()))["endpoints"] == []


def test_a_service_without_pods_has_one_empty_slice_and_keeps_it() -> None:
    owner = service().stored()
    empty = existing("web-1", owner, [])
    assert (empty["endpoints"], empty["ports"]) == ([], [])
    assert look(owner, empty) == []


@pytest.mark.parametrize("odd", ["no selector", "alias"])
def test_services_that_are_not_served(odd: str) -> None:
    other = b.service("web").port(80) if odd == "no selector" else service().set("spec.type", "ExternalName")
    assert look(other.stored(), backend("a").stored()) == []


def test_named_ports_give_a_slice_for_each_number() -> None:
    owner = b.service("web").selects(app="web").port(80, "http", name="web").set("spec.clusterIP", "10.96.0.9").stored()
    pods = [backend("a").port(8080, "http"), backend("b", "10.244.0.2").port(9090, "http"), backend("c", "10.244.0.3")]
    creates = [a.obj for a in look(owner, *(p.stored() for p in pods)) if isinstance(a, Create)]
    assert [[(p["name"], p["port"]) for p in s["ports"]] for s in creates] == [
        [("web", 8080)],
        [("web", 9090)],
        [],
    ]


def test_headless_services_are_marked_and_give_hostnames() -> None:
    owner = b.service("web").selects(app="web").set("spec.clusterIP", "None").set("spec.ipFamilies", ["IPv4"]).stored()
    pod = backend("a").set("spec.hostname", "db-0").set("spec.subdomain", "web").stored()
    found = made(look(owner, pod))
    assert found["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    assert found["endpoints"][0]["hostname"] == "db-0"


def test_at_most_100_in_a_slice() -> None:
    pods = [backend(f"p{i:03}", f"10.244.1.{i % 256}").stored() for i in range(250)]
    creates = [a.obj for a in look(service().stored(), *pods) if isinstance(a, Create)]
    assert [len(s["endpoints"]) for s in creates] == [100, 100, 50]


def test_changes_are_made_in_place_and_new_pods_fill_changed_slices() -> None:
    owner = service().stored()
    pods = [backend("a").stored(), backend("b", "10.244.0.2").stored()]
    found = existing("web-1", owner, pods)
    later = [backend("b", "10.244.0.2").condition("Ready", "False").stored(), backend("c", "10.244.0.3").stored()]
    (update,) = look(owner, found, *later)
    assert isinstance(update, Update)
    assert update.obj["metadata"]["name"] == "web-1"
    assert [(e["targetRef"]["name"], e["conditions"]["ready"]) for e in update.obj["endpoints"]] == [("b", False), ("c", True)]
    assert look(owner, update.obj, *later) == []


def test_an_unchanged_slice_with_room_takes_what_is_new() -> None:
    owner = service().stored()
    first = [backend("a").stored()]
    (update,) = look(owner, existing("web-1", owner, first), *first, backend("b", "10.244.0.2").stored())
    assert isinstance(update, Update)
    assert len(update.obj["endpoints"]) == 2


def test_the_last_slice_becomes_the_empty_one() -> None:
    owner = service().stored()
    (update,) = look(owner, existing("web-1", owner, [backend("a").stored()]))
    assert isinstance(update, Update)
    assert (update.obj["metadata"]["name"], update.obj["endpoints"], update.obj["ports"]) == ("web-1", [], [])


def test_slices_too_many_are_deleted() -> None:
    owner = service().stored()
    pod = backend("a").stored()
    spare = existing("web-2", owner, [backend("z").stored()])
    (delete,) = look(owner, existing("web-1", owner, [pod]), spare, pod)
    assert isinstance(delete, Delete)
    assert delete.name == "web-2"


def test_a_pod_on_an_unknown_node_waits() -> None:
    create, again = look(service().stored(), backend("a", node="ghost").stored())
    assert isinstance(create, Create)
    assert create.obj["endpoints"] == []
    assert again == RequeueAfter(1.0)
    anyway = service().set("spec.publishNotReadyAddresses", True).stored()
    assert len(made(look(anyway, backend("a", node="ghost").stored()))["endpoints"]) == 1


def test_hints_for_traffic_that_stays_close() -> None:
    found = made(look(service().set("spec.trafficDistribution", "PreferClose").stored(), backend("a").stored()))
    assert found["endpoints"][0]["hints"] == {"forZones": [{"name": "zone-a"}]}


def test_which_pods_wake_which_services() -> None:
    view = FakeView(service().stored(), b.service("other").selects(app="other").stored())
    watches = {w.resource: w.keys for w in EndpointSlices().watches()}
    old, new = backend("a").stored(), backend("a").condition("Ready", "False").stored()
    assert list(watches["pods"](view, None, old)) == [KEY]
    assert list(watches["pods"](view, old, new)) == [KEY]
    assert list(watches["pods"](view, old, backend("a").annotation("x", "y").stored())) == []
    assert list(watches["pods"](view, old, backend("a").labels(app="other").stored())) == [("default", "other"), KEY]
    slice_ = existing("web-1", service().stored(), [])
    assert list(watches[endpointslice.SLICES](view, slice_, None)) == [KEY]


def test_many_endpoints_are_looked_at_less_often() -> None:
    owner = service().stored()
    pods = [backend(f"p{i:03}", f"10.244.1.{i % 256}").stored() for i in range(100)]
    found = existing("web-1", owner, pods)
    many = {**found, "metadata": {**found["metadata"], "name": "web-2"}}
    assert EndpointSlices().pace(FakeView(owner, found), KEY) == 0.0
    assert EndpointSlices().pace(FakeView(owner, found, many), KEY) == pytest.approx(0.02)
