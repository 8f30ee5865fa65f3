"""ReplicaSets: creating, deleting, adopting, counting."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.controllers.replicaset import BURST, ReplicaSets
from k8s_notebook.machinery.actions import Action, Create, Delete, Emit, Patch, RequeueAfter, Update
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import Forbidden
from tests import builders as b
from tests.fakes import FakeView

KEY = ("default", "web-1")


def look(*objects: Obj, now: float = 100.0) -> list[Action]:
    return ReplicaSets().reconcile(FakeView(*objects), KEY, now)


def member(owner: Obj, name: str) -> Any:
    return b.pod(name).labels(app="web-1").owned_by(owner)


def status_of(actions: list[Action]) -> Obj:
    (update,) = (a for a in actions if isinstance(a, Update))
    found: Obj = update.obj["status"]
    return found


def test_missing_pods_are_created_from_the_template() -> None:
    owner = b.replicaset("web-1").replicas(2).set("spec.template.metadata.annotations", {"a": "b"}).stored()
    actions = look(owner)
    creates = [a for a in actions if isinstance(a, Create)]
    assert len(creates) == 2
    pod = creates[0].obj
    assert pod["metadata"]["generateName"] == "web-1-"
    assert pod["metadata"]["labels"] == {"app": "web-1"}
    assert pod["metadata"]["annotations"] == {"a": "b"}
    assert pod["spec"] == owner["spec"]["template"]["spec"]
    (reference,) = pod["metadata"]["ownerReferences"]
    assert reference == {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "web-1",
        "uid": "uid-web-1",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    assert status_of(actions) == {"replicas": 0, "terminatingReplicas": 0, "observedGeneration": 1}


def test_at_most_500_at_a_time() -> None:
    assert len([a for a in look(b.replicaset("web-1").replicas(2000).stored()) if isinstance(a, Create)]) == BURST


def test_the_event_names_the_pod_that_came_out() -> None:
    owner = b.replicaset("web-1").stored()
    create = Create(b.pod("x").obj(), "pods")
    (emit,) = ReplicaSets().done(FakeView(owner), KEY, create, b.pod("web-1-abcde").stored(), 0.0)
    assert isinstance(emit, Emit)
    assert (emit.reason, emit.message) == ("SuccessfulCreate", "Created pod: web-1-abcde")


def test_surplus_pods_are_deleted_with_an_event() -> None:
    owner = b.replicaset("web-1").replicas(1).stored()
    pods = [member(owner, "a").on("n").ready().stored(), member(owner, "b").phase("Pending").stored()]
    delete, emit, _ = look(owner, *pods)
    assert isinstance(delete, Delete)
    assert (delete.name, delete.uid) == ("b", "uid-b")
    assert isinstance(emit, Emit)
    assert (emit.reason, emit.message) == ("SuccessfulDelete", "Deleted pod: b")


def test_counts() -> None:
    owner = b.replicaset("web-1").replicas(5).set("spec.minReadySeconds", 30).stored()
    actions = look(
        owner,
        member(owner, "a").ready(at=0).stored(),
        member(owner, "b").ready(at=90).stored(),
        member(owner, "c").label("extra", "x").phase("Pending").stored(),
        member(owner, "d").deleted().ready().stored(),
        member(owner, "e").phase("Failed").stored(),
        b.pod("stranger").labels(app="other").stored(),
        now=100.0,
    )
    assert status_of(actions) == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "terminatingReplicas": 1,
        "observedGeneration": 1,
    }
    assert actions[-1] == RequeueAfter(20.0)


def test_nothing_to_do_is_nothing_done() -> None:
    owner = b.replicaset("web-1").replicas(1)
    owner.status(replicas=1, fullyLabeledReplicas=1, terminatingReplicas=0, observedGeneration=1)
    assert look(owner.stored(), member(owner.stored(), "a").stored()) == []


def test_orphans_are_adopted_and_strangers_released() -> None:
    owner = b.replicaset("web-1").replicas(1).stored()
    orphan = b.pod("orphan").labels(app="web-1").phase("Running").stored()
    relabelled = b.pod("relabelled").labels(app="debug").owned_by(owner).phase("Running").stored()
    release, adopt = (a for a in look(owner, orphan, relabelled) if isinstance(a, Patch))
    assert release.name == "relabelled"
    assert release.body["metadata"]["ownerReferences"] == [{"$patch": "delete", "uid": "uid-web-1"}]
    assert adopt.name == "orphan"
    assert adopt.body["metadata"]["ownerReferences"][0]["controller"]


def test_a_set_that_is_being_deleted_does_nothing_but_count() -> None:
    owner = b.replicaset("web-1").replicas(3).deleted().finalizer("x").stored()
    orphan = b.pod("orphan").labels(app="web-1").phase("Running").stored()
    (update,) = look(owner, orphan)
    assert isinstance(update, Update)
    assert update.obj["status"]["replicas"] == 0


def test_a_refused_creation_is_told() -> None:
    owner = b.replicaset("web-1").replicas(1).stored()
    create = Create(b.pod("x").obj(), "pods")
    error = Forbidden('pods "web-1-abcde" is forbidden: exceeded quota')
    emit, update = ReplicaSets().refused(FakeView(owner), KEY, create, error, 50.0)
    assert isinstance(emit, Emit)
    assert isinstance(update, Update)
    assert (emit.reason, emit.type) == ("FailedCreate", "Warning")
    assert emit.message == 'Error creating: pods "web-1-abcde" is forbidden: exceeded quota'
    (condition,) = update.obj["status"]["conditions"]
    assert condition == {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": "1970-01-01T00:00:50Z",
        "reason": "FailedCreate",
        "message": 'pods "web-1-abcde" is forbidden: exceeded quota',
    }
    again = ReplicaSets().refused(FakeView(update.obj), KEY, create, error, 60.0)
    assert [type(a) for a in again] == [Emit]


def test_the_failure_is_taken_back() -> None:
    owner = b.replicaset("web-1").replicas(0).condition("ReplicaFailure", reason="FailedCreate").stored()
    assert "conditions" not in status_of(look(owner))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("nothing", []),
        ("bound", []),
        ("ready", [KEY]),
        ("deleted", [KEY]),
        ("gone", [KEY]),
        ("relabelled", [KEY]),
    ],
)
def test_which_changes_of_a_pod_matter(change: str, expected: list[tuple[str, str]]) -> None:
    owner = b.replicaset("web-1").stored()
    old = member(owner, "a").phase("Running")
    new = {
        "nothing": lambda: old.stored(),
        "bound": lambda: member(owner, "a").phase("Running").on("n").stored(),
        "ready": lambda: member(owner, "a").ready().stored(),
        "deleted": lambda: member(owner, "a").phase("Running").deleted().stored(),
        "gone": lambda: None,
        "relabelled": lambda: b.pod("a").labels(app="x").owned_by(owner).phase("Running").stored(),
    }[change]()
    (keys,) = (w.keys for w in ReplicaSets().watches() if w.resource == "pods")
    assert list(keys(FakeView(owner), old.stored(), new)) == expected


def test_orphans_wake_those_who_could_adopt_them() -> None:
    (keys,) = (w.keys for w in ReplicaSets().watches() if w.resource == "pods")
    view = FakeView(b.replicaset("web-1").stored(), b.replicaset("other").stored())
    assert list(keys(view, None, b.pod("a").labels(app="web-1").stored())) == [KEY]


def test_large_sets_are_looked_at_less_often() -> None:
    large = b.replicaset("web-1").replicas(5000).status(replicas=5000).stored()
    small = b.replicaset("web-1").replicas(10).status(replicas=10).stored()
    growing = b.replicaset("web-1").replicas(5000).status(replicas=4500).stored()
    assert ReplicaSets().pace(FakeView(large), KEY) == pytest.approx(0.5)
    assert ReplicaSets().pace(FakeView(small), KEY) == 0.0
    assert ReplicaSets().pace(FakeView(growing), KEY) == 0.0


def test_replication_controllers_are_the_same_with_a_plain_selector() -> None:
    owner = b.anything("v1", "ReplicationController", "web-1").set("spec.replicas", 1).set("spec.selector", {"app": "web-1"})
    owner.set("spec.template", {"metadata": {"labels": {"app": "web-1"}}, "spec": {"containers": []}})
    create, update = ReplicaSets(legacy=True).reconcile(FakeView(owner.stored()), KEY, 0.0)
    assert isinstance(create, Create)
    assert isinstance(update, Update)
    assert create.obj["metadata"]["ownerReferences"][0]["kind"] == "ReplicationController"
    assert update.obj["status"] == {"replicas": 0, "observedGeneration": 1}
