"""Namespaces: what they have from the start, and how they end."""

from __future__ import annotations

import pytest

from k8s_notebook.controllers.namespace_defaults import CA_CONFIGMAP, DESCRIPTION, RootCertificates, ServiceAccounts
from k8s_notebook.controllers.namespaces import Namespaces, contents
from k8s_notebook.machinery.actions import Action, Create, Delete, RequeueAfter, Update
from k8s_notebook.objects import Obj, kinds
from tests import builders as b
from tests.fakes import FakeView

KEY = ("", "shop")


def leaving() -> b.ClusterBuilder:
    return b.namespace("shop").deleted().status(phase="Terminating")


def look(*objects: Obj) -> list[Action]:
    return Namespaces(kinds.EMBEDDED).reconcile(FakeView(*objects), KEY, 60.0)


def conditions(actions: list[Action]) -> dict[str, tuple[str, str, str]]:
    (update,) = (a for a in actions if isinstance(a, Update))
    assert update.subresource == "status"
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in update.obj["status"]["conditions"]}


def test_a_namespace_in_use_is_left_alone() -> None:
    assert look(b.namespace("shop").stored(), b.pod("a").namespace("shop").stored()) == []


def test_pods_go_first() -> None:
    actions = look(leaving().stored(), b.pod("a").namespace("shop").stored(), b.configmap("c").namespace("shop").stored())
    assert [(a.resource, a.name, a.propagation) for a in actions if isinstance(a, Delete)] == [("pods", "a", "Background")]
    assert conditions(actions)["NamespaceContentRemaining"][:2] == ("False", "ContentRemoved")
    assert actions[-1] == RequeueAfter(15.0)


def test_then_everything_else_goes() -> None:
    actions = look(
        leaving().stored(),
        b.configmap("c").namespace("shop").stored(),
        b.deployment("d").namespace("shop").stored(),
        b.configmap("elsewhere").stored(),
        b.anything("events.k8s.io/v1", "Event", "e").namespace("shop").stored(),
    )
    assert {(a.resource, a.name) for a in actions if isinstance(a, Delete)} == {("configmaps", "c"), ("deployments.apps", "d")}


def test_what_is_held_by_finalizers_is_named() -> None:
    held = b.configmap("c").namespace("shop").finalizer("example.com/hold").deleted()
    actions = look(leaving().stored(), held.stored())
    assert not [a for a in actions if isinstance(a, Delete)]
    assert conditions(actions) == {
        "NamespaceDeletionDiscoveryFailure": ("False", "ResourcesDiscovered", "All resources successfully discovered"),
        "NamespaceDeletionGroupVersionParsingFailure": (
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        "NamespaceDeletionContentFailure": (
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        "NamespaceContentRemaining": (
            "True",
            "SomeResourcesRemain",
            "Some resources are remaining: configmaps. has 1 resource instances",
        ),
        "NamespaceFinalizersRemaining": (
            "True",
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
        ),
    }


def test_an_empty_namespace_is_let_go() -> None:
    (noted,) = look(leaving().stored())
    assert isinstance(noted, Update)
    (finalize,) = look(noted.obj)
    assert isinstance(finalize, Update)
    assert (finalize.subresource, finalize.obj["spec"]["finalizers"]) == ("finalize", [])
    assert look(finalize.obj) == []


def test_other_finalizers_of_the_namespace_stay() -> None:
    (noted,) = look(leaving().set("spec.finalizers", ["kubernetes", "example.com/mine"]).stored())
    assert isinstance(noted, Update)
    (finalize,) = look(noted.obj)
    assert isinstance(finalize, Update)
    assert finalize.obj["spec"]["finalizers"] == ["example.com/mine"]


def test_an_object_that_goes_wakes_a_namespace_that_is_ending() -> None:
    watches = {w.resource: w.keys for w in Namespaces(kinds.EMBEDDED).watches()}
    pod = b.pod("a").namespace("shop").stored()
    assert list(watches["pods"](FakeView(leaving().stored()), pod, None)) == [KEY]
    assert list(watches["pods"](FakeView(b.namespace("shop").stored()), pod, None)) == []
    assert list(watches["pods"](FakeView(leaving().stored()), None, pod)) == []


def test_contents_names_events_once() -> None:
    found = contents(kinds.EMBEDDED)
    assert "events" in found
    assert "events.events.k8s.io" not in found
    assert "nodes" not in found


def test_every_namespace_has_a_service_account() -> None:
    (create,) = ServiceAccounts().reconcile(FakeView(b.namespace("shop").stored()), KEY, 0.0)
    assert isinstance(create, Create)
    assert create.obj["metadata"] == {"name": "default", "namespace": "shop"}
    view = FakeView(b.namespace("shop").stored(), b.anything("v1", "ServiceAccount", "default").namespace("shop").stored())
    assert ServiceAccounts().reconcile(view, KEY, 0.0) == []


def test_every_namespace_knows_the_authority() -> None:
    controller = RootCertificates("PEM")
    (create,) = controller.reconcile(FakeView(b.namespace("shop").stored()), KEY, 0.0)
    assert isinstance(create, Create)
    assert create.obj["data"] == {"ca.crt": "PEM"}
    assert create.obj["metadata"]["annotations"][DESCRIPTION].startswith("Contains a CA bundle")
    damaged = b.configmap(CA_CONFIGMAP).namespace("shop").data(**{"ca.crt": "other"}).stored()
    (update,) = controller.reconcile(FakeView(b.namespace("shop").stored(), damaged), KEY, 0.0)
    assert isinstance(update, Update)
    assert update.obj["data"] == {"ca.crt": "PEM"}
    assert controller.reconcile(FakeView(b.namespace("shop").stored(), update.obj), KEY, 0.0) == []


@pytest.mark.parametrize("controller", [ServiceAccounts(), RootCertificates("PEM")])
def test_nothing_is_made_in_a_namespace_that_ends(controller: ServiceAccounts | RootCertificates) -> None:
    assert controller.reconcile(FakeView(leaving().stored()), KEY, 0.0) == []
