"""Deployments: roll a pod template out over ReplicaSets (as in pkg/controller/deployment: deployment_controller.go)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8s_notebook.controllers import conditions, ownership, pods, progress, revisions, rollout_steps
from k8s_notebook.controllers.rollout_steps import DEPLOYMENTS, REPLICASETS
from k8s_notebook.machinery.actions import Action, Create, Emit, Update, Write
from k8s_notebook.machinery.cache import Name, View, name_of
from k8s_notebook.machinery.reconcile import Watch
from k8s_notebook.objects import Obj, selectors
from k8s_notebook.objects.errors import AlreadyExists, ApiError


class Deployments:
    """Rolls out new pod templates, keeps the number of pods, and tells how far it is."""

    name = "deployment-controller"

    def watches(self) -> Sequence[Watch]:
        """Deployments, ReplicaSets, and the end of pods, for which Recreate waits."""
        return (
            Watch(DEPLOYMENTS, lambda view, old, new: (name_of(new or old or {}),)),
            Watch(REPLICASETS, lambda view, old, new: ownership.keys_of_owners(view, old, new, "Deployment", _matching)),
            Watch("pods", _waiting_for_pod),
        )

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """One step of the rollout, then the status."""
        deployment = view.get(DEPLOYMENTS, *key)
        if deployment is None:
            return []
        if not (deployment["spec"].get("selector") or {}):
            return _selects_all(deployment)
        selector = selectors.from_spec(deployment["spec"]["selector"])
        owned = view.by(REPLICASETS, "controller", deployment["metadata"]["uid"])
        sets, actions = ownership.claim(deployment, owned, view.by(REPLICASETS, "orphan", key[0]), selector, REPLICASETS)
        new, olds = revisions.split(deployment, sets)
        sync = rollout_steps.Sync(view, deployment, now, new, olds, actions)
        status = rollout_steps.step(sync)
        return rollout_steps.written(sync, deployment, status)

    def refused(self, view: View, key: Name, action: Write, error: ApiError, now: float) -> list[Action]:
        """A name that is taken: another name next time. Anything else about a new set: condition and event."""
        deployment = view.get(DEPLOYMENTS, *key)
        if deployment is None or not isinstance(action, Create):
            return []
        if any(c.get("reason") == "NamespaceTerminating" for c in error.details.get("causes") or ()):
            return []
        status = deployment.get("status") or {}
        if isinstance(error, AlreadyExists):
            return _collided(view, deployment, status, action.obj)
        name = action.obj["metadata"]["name"]
        message = f'Failed to create new replica set "{name}": {error}'
        said: list[Action] = [Emit(deployment, progress.CREATE_ERROR, message, "Warning")]
        if progress.has_deadline(deployment):
            failed = progress.condition(progress.PROGRESSING, "False", progress.CREATE_ERROR, message, now)
            found = conditions.with_condition(status.get("conditions") or (), failed)
            if found != status.get("conditions"):
                said.append(Update({**deployment, "status": {**status, "conditions": found}}, DEPLOYMENTS, "status"))
        return said


def _collided(view: View, deployment: Obj, status: Obj, wanted: Obj) -> list[Action]:
    there = view.get(REPLICASETS, *name_of(wanted))
    owner = ownership.controller_of(there) if there else None
    ours = owner is not None and owner["uid"] == deployment["metadata"]["uid"]
    if there is None or (ours and revisions.same_template(wanted["spec"]["template"], there["spec"]["template"])):
        return []
    status = {**status, "collisionCount": status.get("collisionCount", 0) + 1}
    return [Update({**deployment, "status": status}, DEPLOYMENTS, "status")]


def _selects_all(deployment: Obj) -> list[Action]:
    said = "This deployment is selecting all pods. A non-empty selector is required."
    actions: list[Action] = [Emit(deployment, "SelectingAll", said, "Warning")]
    generation, status = deployment["metadata"].get("generation", 0), deployment.get("status") or {}
    if status.get("observedGeneration", 0) < generation:
        status = {**status, "observedGeneration": generation}
        actions.append(Update({**deployment, "status": status}, DEPLOYMENTS, "status"))
    return actions


def _matching(view: View, replicaset: Obj) -> Iterable[Name]:
    labels = replicaset["metadata"].get("labels")
    if labels:
        for deployment in view.all(DEPLOYMENTS, replicaset["metadata"]["namespace"]):
            if selectors.from_spec(deployment["spec"].get("selector")).matches(labels):
                yield name_of(deployment)


def _waiting_for_pod(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    """The Deployment with strategy Recreate whose pod is gone or has finished."""
    if old is None or (new is not None and (pods.phase(new) not in pods.FINISHED or pods.phase(old) in pods.FINISHED)):
        return
    for key in ownership.owner_key(old, "ReplicaSet"):
        replicaset = view.get(REPLICASETS, *key)
        for above in ownership.owner_key(replicaset, "Deployment") if replicaset else ():
            deployment = view.get(DEPLOYMENTS, *above)
            if deployment and (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
                yield above
