"""Deployments: one look at a time."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.controllers import progress, revisions, rollout
from k8s_notebook.controllers.deployment import Deployments
from k8s_notebook.machinery.actions import Action, Create, Delete, Emit, Patch, RequeueAfter, Update
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import AlreadyExists, Forbidden
from tests import builders as b
from tests.fakes import FakeView

KEY = ("default", "web")


def look(*objects: Obj, now: float = 100.0) -> list[Action]:
    return Deployments().reconcile(FakeView(*objects), KEY, now)


def owned(deployment: Obj, image: str, size: int, *, available: int = 0, created: float = 0.0, revision: int = 1) -> Any:
    """A ReplicaSet of the Deployment for a pod template with this image."""
    template = b.deployment("web").image(image).stored()["spec"]["template"]
    name = f"web-{image}"
    labels = {**template["metadata"]["labels"], revisions.HASH_LABEL: image}
    wanted = deployment["spec"]["replicas"]
    found = b.replicaset(name).replicas(size).created(created).owned_by(deployment)
    found.set("metadata.labels", labels).set("spec.selector.matchLabels", labels)
    found.set("spec.template", {**template, "metadata": {"labels": labels}})
    found.annotation(revisions.REVISION, str(revision)).annotation(rollout.DESIRED, str(wanted))
    found.annotation(rollout.MAXIMUM, str(wanted + rollout.limits(deployment)[0]))
    found.status(replicas=size, readyReplicas=available, availableReplicas=available, observedGeneration=1)
    return found.status(terminatingReplicas=0)


def sizes(actions: list[Action]) -> dict[str, int]:
    """What ReplicaSets are resized to."""
    return {
        a.obj["metadata"]["name"]: a.obj["spec"]["replicas"]
        for a in actions
        if isinstance(a, Update) and a.resource == "replicasets.apps"
    }


def said(actions: list[Action]) -> list[str]:
    return [a.message for a in actions if isinstance(a, Emit)]


def status_of(actions: list[Action]) -> Obj:
    (update,) = (a for a in actions if isinstance(a, Update) and a.subresource == "status")
    found: Obj = update.obj["status"]
    return found


def reason(status: Obj, kind: str) -> str:
    return next((c["reason"] for c in status["conditions"] if c["type"] == kind), "")


def test_a_new_deployment_makes_its_first_set() -> None:
    deployment = b.deployment("web").replicas(3).annotation("kubernetes.io/change-cause", "first").stored()
    create, emit, update = look(deployment)
    assert isinstance(create, Create)
    assert isinstance(emit, Emit)
    assert isinstance(update, Update)
    made = create.obj
    name = made["metadata"]["name"]
    found = made["metadata"]["labels"][revisions.HASH_LABEL]
    assert name == f"web-{found}"
    assert made["spec"]["replicas"] == 3
    assert made["spec"]["selector"] == {"matchLabels": {"app": "web", revisions.HASH_LABEL: found}}
    assert made["spec"]["template"]["metadata"]["labels"] == {"app": "web", revisions.HASH_LABEL: found}
    assert made["metadata"]["annotations"] == {
        revisions.REVISION: "1",
        rollout.DESIRED: "3",
        rollout.MAXIMUM: "4",
        "kubernetes.io/change-cause": "first",
    }
    assert made["metadata"]["ownerReferences"][0]["blockOwnerDeletion"]
    assert (emit.reason, emit.message) == ("ScalingReplicaSet", f"Scaled up replica set {name} from 0 to 3")
    assert update.obj["metadata"]["annotations"][revisions.REVISION] == "1"
    status = update.obj["status"]
    assert [(c["type"], c["status"], c["reason"], c["message"]) for c in status["conditions"]] == [
        ("Progressing", "True", "NewReplicaSetCreated", f'Created new replica set "{name}"'),
        ("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
    ]
    assert status["unavailableReplicas"] == 3
    assert "replicas" not in status


def test_a_new_template_grows_a_new_set_first() -> None:
    deployment = b.deployment("web").replicas(3).image("two").stored()
    actions = look(deployment, owned(deployment, "one", 3, available=3).stored())
    (create,) = (a for a in actions if isinstance(a, Create))
    assert create.obj["spec"]["replicas"] == 1
    assert create.obj["metadata"]["annotations"][revisions.REVISION] == "2"
    assert sizes(actions) == {}


def test_old_pods_that_may_be_missing_go_at_once() -> None:
    deployment = b.deployment("web").replicas(4).image("two").stored()
    actions = look(deployment, owned(deployment, "one", 4, available=4).stored())
    assert sizes(actions) == {"web-one": 3}
    assert said(actions)[1] == "Scaled down replica set web-one from 4 to 3"


STEPS: dict[str, tuple[tuple[int, int], tuple[int, int], dict[str, int]]] = {
    "new pod not available: wait": ((3, 3), (1, 0), {}),
    "new pod available: an old one goes": ((3, 3), (1, 1), {"web-one": 2}),
    "room again: the new set grows": ((2, 2), (1, 1), {"web-two": 2}),
    "the last old one goes": ((1, 1), (3, 3), {"web-one": 0}),
    "done": ((0, 0), (3, 3), {}),
    "the new set is too large": ((0, 0), (5, 3), {"web-two": 3}),
}


@pytest.mark.parametrize("case", STEPS)
def test_steps_of_a_rollout(case: str) -> None:
    (old, old_available), (new, new_available), expected = STEPS[case]
    deployment = b.deployment("web").replicas(3).image("two").stored()
    actions = look(
        deployment,
        owned(deployment, "one", old, available=old_available).stored(),
        owned(deployment, "two", new, available=new_available, created=5, revision=2).stored(),
    )
    assert sizes(actions) == expected


def test_scaling_does_not_roll() -> None:
    before = b.deployment("web").replicas(3).image("two").stored()
    old, new = owned(before, "one", 3, available=3).stored(), owned(before, "two", 1, created=5, revision=2).stored()
    actions = look(b.deployment("web").replicas(6).image("two").stored(), old, new)
    assert sizes(actions) == {"web-one": 6, "web-two": 2}
    annotated = [a.obj["metadata"]["annotations"] for a in actions if isinstance(a, Update) and not a.subresource]
    assert {a[rollout.DESIRED] for a in annotated} == {"6"}
    assert {a[rollout.MAXIMUM] for a in annotated} == {"8"}


def test_scaling_a_single_set() -> None:
    before = b.deployment("web").replicas(3).image("one").stored()
    actions = look(b.deployment("web").replicas(5).image("one").stored(), owned(before, "one", 3, available=3).stored())
    assert sizes(actions) == {"web-one": 5}
    assert said(actions) == ["Scaled up replica set web-one from 3 to 5"]


def test_recreate_stops_everything_first() -> None:
    deployment = b.deployment("web").replicas(3).image("two").recreate().stored()
    old = owned(deployment, "one", 3, available=3)
    assert sizes(look(deployment, old.stored())) == {"web-one": 0}
    stopping = owned(deployment, "one", 0).status(replicas=0).stored()
    pod = b.pod("web-one-x").owned_by(stopping).deleted().phase("Running").stored()
    assert not [a for a in look(deployment, stopping, pod) if isinstance(a, Create)]
    (create,) = (a for a in look(deployment, stopping) if isinstance(a, Create))
    assert create.obj["spec"]["replicas"] == 3


def test_rolling_back_gives_the_old_set_a_new_revision() -> None:
    deployment = b.deployment("web").replicas(3).image("one").stored()
    actions = look(
        deployment,
        owned(deployment, "one", 0, revision=1).stored(),
        owned(deployment, "two", 3, available=3, created=5, revision=2).stored(),
    )
    (update,) = (a for a in actions if isinstance(a, Update) and a.obj["metadata"]["name"] == "web-one")
    annotations = update.obj["metadata"]["annotations"]
    assert (annotations[revisions.REVISION], annotations[revisions.HISTORY]) == ("3", "1")
    assert update.obj["spec"]["replicas"] == 1
    (status,) = (a for a in actions if isinstance(a, Update) and a.subresource == "status")
    assert status.obj["metadata"]["annotations"][revisions.REVISION] == "3"


def test_paused_deployments_scale_and_say_so() -> None:
    before = b.deployment("web").replicas(3).image("one").stored()
    paused = b.deployment("web").replicas(5).image("two").set("spec.paused", True).stored()
    actions = look(paused, owned(before, "one", 3, available=3).stored())
    assert sizes(actions) == {"web-one": 5}
    assert reason(status_of(actions), "Progressing") == "DeploymentPaused"


def complete(reason: str = progress.COMPLETE, replicas: int = 3) -> Any:
    deployment = b.deployment("web").replicas(replicas).image("one").annotation(revisions.REVISION, "1")
    deployment.status(observedGeneration=1, replicas=replicas, updatedReplicas=replicas, readyReplicas=replicas)
    deployment.status(availableReplicas=replicas, terminatingReplicas=0)
    deployment.condition("Available", reason="MinimumReplicasAvailable", lastUpdateTime="1970-01-01T00:00:00Z")
    return deployment.condition("Progressing", reason=reason, lastUpdateTime="1970-01-01T00:00:00Z")


def test_nothing_to_do_is_nothing_done() -> None:
    deployment = complete().stored()
    assert look(deployment, owned(deployment, "one", 3, available=3).stored()) == []


def test_complete_says_so() -> None:
    deployment = complete(progress.UPDATED).stored()
    status = status_of(look(deployment, owned(deployment, "one", 3, available=3).stored()))
    assert reason(status, "Progressing") == "NewReplicaSetAvailable"
    assert status["conditions"][-1]["message"] == 'ReplicaSet "web-one" has successfully progressed.'


def stuck() -> Obj:
    deployment = complete(progress.UPDATED).status(availableReplicas=2, readyReplicas=2, unavailableReplicas=1)
    found: Obj = deployment.condition("Available", "False", reason="MinimumReplicasUnavailable").stored()
    return found


def test_a_rollout_without_progress_is_looked_at_again() -> None:
    deployment = stuck()
    (again,) = look(deployment, owned(deployment, "one", 3, available=2).stored(), now=100.0)
    assert again == RequeueAfter(501.0)


def test_a_rollout_without_progress_times_out() -> None:
    deployment = stuck()
    status = status_of(look(deployment, owned(deployment, "one", 3, available=2).stored(), now=601.0))
    (condition,) = (c for c in status["conditions"] if c["type"] == "Progressing")
    assert (condition["status"], condition["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert condition["message"] == 'ReplicaSet "web-one" has timed out progressing.'


def test_without_a_deadline_progress_is_not_judged() -> None:
    deployment = b.deployment("web").replicas(1).image("one").set("spec.progressDeadlineSeconds", progress.NO_DEADLINE).stored()
    status = status_of(look(deployment, owned(deployment, "one", 1).stored()))
    assert reason(status, "Progressing") == ""


def test_the_failure_of_a_set_is_passed_on() -> None:
    deployment = b.deployment("web").replicas(1).image("one").stored()
    failed = owned(deployment, "one", 1).condition("ReplicaFailure", reason="FailedCreate", message="no").stored()
    status = status_of(look(deployment, failed))
    assert reason(status, "ReplicaFailure") == "FailedCreate"


def test_history_is_cut_at_its_limit_lowest_revision_first() -> None:
    deployment = complete().set("spec.revisionHistoryLimit", 1).stored()
    olds = [owned(deployment, f"old{n}", 0, created=n, revision=n).stored() for n in (1, 2, 3)]
    new = owned(deployment, "one", 3, available=3, created=9, revision=4).stored()
    deleted = [a.name for a in look(deployment, *olds, new) if isinstance(a, Delete)]
    assert deleted == ["web-old1", "web-old2"]


def test_a_matching_set_without_owner_is_adopted() -> None:
    deployment = b.deployment("web").replicas(3).image("one").stored()
    orphan = owned(deployment, "one", 3, available=3)
    orphan._obj["metadata"].pop("ownerReferences")
    actions = look(deployment, orphan.stored())
    (patch,) = (a for a in actions if isinstance(a, Patch))
    assert patch.name == "web-one"
    assert patch.body["metadata"]["ownerReferences"][0]["name"] == "web"
    assert not [a for a in actions if isinstance(a, Create)]


def test_refusals() -> None:
    deployment = b.deployment("web").replicas(3).stored()
    create = next(a for a in look(deployment) if isinstance(a, Create))
    controller, name = Deployments(), create.obj["metadata"]["name"]
    view = FakeView(deployment)
    emit, update = controller.refused(view, KEY, create, Forbidden("replicasets.apps is forbidden: no"), 100.0)
    assert isinstance(emit, Emit)
    assert isinstance(update, Update)
    assert emit.message == f'Failed to create new replica set "{name}": replicasets.apps is forbidden: no'
    assert (emit.reason, emit.type) == ("ReplicaSetCreateError", "Warning")
    assert reason(update.obj["status"], "Progressing") == "ReplicaSetCreateError"
    ends = Forbidden("no", details={"causes": [{"reason": "NamespaceTerminating"}]})
    assert controller.refused(view, KEY, create, ends, 100.0) == []
    view.put(b.replicaset(name).image("other").stored())
    (update,) = controller.refused(view, KEY, create, AlreadyExists("there"), 100.0)
    assert isinstance(update, Update)
    assert update.obj["status"]["collisionCount"] == 1
    view.put(update.obj)
    again = next(a for a in controller.reconcile(view, KEY, 100.0) if isinstance(a, Create))
    assert again.obj["metadata"]["name"] != name


def test_which_changes_concern_which_deployment() -> None:
    deployment = b.deployment("web").recreate().stored()
    replicaset = owned(deployment, "one", 1).stored()
    view = FakeView(deployment, replicaset)
    watches = {w.resource: w.keys for w in Deployments().watches()}
    running = b.pod("web-one-x").owned_by(replicaset).phase("Running").stored()
    finished = b.pod("web-one-x").owned_by(replicaset).phase("Failed").stored()
    assert list(watches["replicasets.apps"](view, None, replicaset)) == [KEY]
    assert list(watches["pods"](view, None, running)) == []
    assert list(watches["pods"](view, running, finished)) == [KEY]
    assert list(watches["pods"](view, running, None)) == [KEY]
