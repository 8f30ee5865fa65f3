"""The garbage collector."""

from __future__ import annotations

import pytest

from k8s_notebook.controllers.garbage import FOREGROUND, ORPHAN, GarbageCollector
from k8s_notebook.machinery.actions import Action, Delete, Emit, Patch
from k8s_notebook.machinery.cache import Name
from k8s_notebook.objects import Obj, kinds
from tests import builders as b
from tests.fakes import FakeView

DEPLOYMENT = b.deployment("web").stored()
REPLICASET = b.replicaset("web-1").owned_by(DEPLOYMENT).stored()
POD = b.pod("web-1-x").owned_by(REPLICASET).stored()


def look(key: Name, *objects: Obj) -> list[Action]:
    return GarbageCollector(kinds.EMBEDDED).reconcile(FakeView(*objects), key, 0.0)


def dying(name: str, finalizer: str) -> Obj:
    return b.replicaset(name).finalizer(finalizer).deleted(grace=0).stored()


OF_POD = ("pods", "default/web-1-x")
OF_SET = ("replicasets.apps", "default/web-1")


def test_what_has_its_owner_stays() -> None:
    assert look(OF_POD, POD, REPLICASET) == []
    assert look(OF_POD, b.pod("web-1-x").stored()) == []


@pytest.mark.parametrize("owner", [None, b.replicaset("web-1").uid("another").stored()])
def test_what_lost_its_owner_goes(owner: Obj | None) -> None:
    (delete,) = look(OF_POD, POD, *([owner] if owner else []))
    assert isinstance(delete, Delete)
    assert (delete.name, delete.uid, delete.propagation) == ("web-1-x", "uid-web-1-x", "Background")


def test_one_owner_left_is_enough_but_the_lost_one_is_forgotten() -> None:
    pod = b.pod("web-1-x").owned_by(REPLICASET).owned_by(b.replicaset("gone").stored(), controller=False).stored()
    (patch,) = look(OF_POD, pod, REPLICASET)
    assert isinstance(patch, Patch)
    assert [r["name"] for r in patch.body["metadata"]["ownerReferences"]] == ["web-1"]
    assert patch.body["metadata"]["resourceVersion"] == "1"


def test_an_owner_of_an_unknown_kind_is_not_judged() -> None:
    stranger = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t", "uid": "u"}}
    assert look(OF_POD, b.pod("web-1-x").owned_by(stranger).stored()) == []


def test_an_owner_in_another_namespace_is_none_and_is_complained_about() -> None:
    elsewhere = b.replicaset("web-1").namespace("other").stored()
    emit, delete = look(OF_POD, POD, elsewhere)
    assert isinstance(delete, Delete)
    assert isinstance(emit, Emit)
    assert emit.reason == "OwnerRefInvalidNamespace"
    assert emit.message == (
        'ownerRef [apps/v1/ReplicaSet, namespace: default, name: web-1, uid: uid-web-1] does not exist in namespace "default"'
    )


def test_what_is_being_deleted_is_left_alone() -> None:
    assert look(OF_POD, b.pod("web-1-x").owned_by(REPLICASET).deleted().stored()) == []


def test_foreground_dependents_first() -> None:
    owner = dying("web-1", FOREGROUND)
    pod = b.pod("web-1-x").owned_by(owner).stored()
    free = b.configmap("free").owned_by(owner, controller=False, block=False).stored()
    assert {a.name for a in look(OF_SET, owner, pod, free) if isinstance(a, Delete)} == {"web-1-x", "free"}
    going = b.pod("web-1-x").owned_by(owner).deleted().stored()
    assert look(OF_SET, owner, going) == []
    (patch,) = look(OF_SET, owner, free)
    assert isinstance(patch, Patch)
    assert patch.body["metadata"]["finalizers"] is None


def test_foreground_goes_down_the_tree() -> None:
    top = b.deployment("web").finalizer(FOREGROUND).deleted(grace=0).stored()
    middle = b.replicaset("web-1").owned_by(top).stored()
    leaf = b.pod("web-1-x").owned_by(middle).stored()
    (delete,) = look(("deployments.apps", "default/web"), top, middle, leaf)
    assert isinstance(delete, Delete)
    assert (delete.name, delete.propagation) == ("web-1", "Foreground")


def test_orphans_forget_their_owner() -> None:
    owner = dying("web-1", ORPHAN)
    pod = b.pod("web-1-x").owned_by(owner).stored()
    freed, released = look(OF_SET, owner, pod)
    assert isinstance(freed, Patch)
    assert isinstance(released, Patch)
    assert (freed.name, freed.body["metadata"]["ownerReferences"]) == ("web-1-x", None)
    assert (released.name, released.body["metadata"]["finalizers"]) == ("web-1", None)


class Changes:
    """A collector that is told about changes, as the loop would."""

    def __init__(self) -> None:
        self.view = FakeView()
        self._watches = {w.resource: w.keys for w in GarbageCollector(kinds.EMBEDDED).watches()}

    def __call__(self, resource: str, old: Obj | None, new: Obj | None) -> list[Name]:
        if new is not None:
            self.view.put(new)
        elif old is not None:
            self.view.remove(resource, old["metadata"].get("namespace", ""), old["metadata"]["name"])
        return list(self._watches[resource](self.view, old, new))


def test_which_changes_concern_whom() -> None:
    told = Changes()
    assert told("replicasets.apps", None, b.replicaset("web-1").stored()) == []
    assert told("pods", None, POD) == []
    assert told("pods", POD, b.pod("web-1-x").owned_by(REPLICASET).phase("Running").stored()) == []
    assert told("replicasets.apps", b.replicaset("web-1").stored(), None) == [OF_POD]
    assert told("pods", None, b.pod("late").owned_by(REPLICASET).stored()) == [("pods", "default/late")]
    assert told("pods", POD, None) == []


def test_the_last_dependent_wakes_its_waiting_owner() -> None:
    told = Changes()
    told("replicasets.apps", None, b.replicaset("web-1").stored())
    told("pods", None, POD)
    assert told("replicasets.apps", b.replicaset("web-1").stored(), dying("web-1", FOREGROUND)) == [OF_SET]
    assert told("pods", POD, None) == [OF_SET]


def test_events_are_none_of_its_business() -> None:
    watched = {w.resource for w in GarbageCollector(kinds.EMBEDDED).watches()}
    assert {"pods", "nodes", "configmaps"} <= watched
    assert not {"events", "events.events.k8s.io", "bindings"} & watched
