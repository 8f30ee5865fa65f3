"""One look at a Deployment: what was found, the step that is taken, what is to be written.

As in pkg/controller/deployment: rolling.go, recreate.go, sync.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from k8s_notebook.controllers import conditions, pods, progress, revisions, rollout
from k8s_notebook.machinery.actions import Action, Create, Delete, Emit, RequeueAfter, Update
from k8s_notebook.machinery.cache import View
from k8s_notebook.objects import Obj

DEPLOYMENTS, REPLICASETS = "deployments.apps", "replicasets.apps"


@dataclass
class Sync:
    """One look at a Deployment: what was found, and what is to be written, each object at most once."""

    view: View
    deployment: Obj
    now: float
    new: Obj | None
    olds: list[Obj]
    actions: list[Action] = field(default_factory=list)
    changed: dict[str, Obj] = field(default_factory=dict)
    events: dict[str, Emit] = field(default_factory=dict)

    @property
    def sets(self) -> list[Obj]:
        """All ReplicaSets, the new one last."""
        return [*self.olds, *([self.new] if self.new else [])]

    @property
    def wanted(self) -> int:
        """How many pods the Deployment is to have."""
        found: int = self.deployment["spec"].get("replicas", 1)
        return found

    def resize(self, replicaset: Obj, size: int, *, annotate: bool = False) -> bool:
        """Whether the size of a set changes; with `annotate` the counts in its annotations are renewed in any case."""
        before, name = rollout.size(replicaset), replicaset["metadata"]["name"]
        if before == size and not annotate:
            return False
        counts = revisions.counts(self.deployment)
        if before == size and counts.items() <= rollout.annotations_of(replicaset).items():
            return False
        self.change(replicaset, {"replicas": size}, counts)
        if before != size:
            way = "up" if size > before else "down"
            message = f"Scaled {way} replica set {name} from {before} to {size}"
            self.events[name] = Emit(self.deployment, "ScalingReplicaSet", message)
        return before != size

    def change(self, replicaset: Obj, spec: Obj, annotations: dict[str, str]) -> None:
        """Plan a change of a set."""
        name = replicaset["metadata"]["name"]
        one = self.changed.get(name, replicaset)
        metadata = {**one["metadata"], "annotations": {**rollout.annotations_of(one), **annotations}}
        self.changed[name] = {**one, "metadata": metadata, "spec": {**one["spec"], **spec}}

    def recondition(self, condition: Obj) -> None:
        """Put a condition into the Deployment's status, as it will be written."""
        status = self.deployment.get("status") or {}
        found = conditions.with_condition(status.get("conditions") or (), condition)
        self.deployment = {**self.deployment, "status": {**status, "conditions": found}}

    def revise(self, revision: str) -> None:
        """Note the revision on the Deployment."""
        metadata = self.deployment["metadata"]
        annotations = {**rollout.annotations_of(self.deployment), revisions.REVISION: revision}
        self.deployment = {**self.deployment, "metadata": {**metadata, "annotations": annotations}}


def step(sync: Sync) -> Obj:
    """The status after at most one kind of step was planned."""
    if "deletionTimestamp" in sync.deployment["metadata"]:
        _keep_revision(sync)
        return progress.calculated(sync.deployment, sync.sets, sync.new, sync.now)
    _note_pause(sync)
    _keep_revision(sync)
    paused = sync.deployment["spec"].get("paused", False)
    if paused or _scaled(sync):
        _scale(sync)
        if paused:
            _clean_up(sync)
        return progress.calculated(sync.deployment, sync.sets, sync.new, sync.now)
    if (sync.deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        _recreate(sync)
    else:
        _roll(sync)
    status = progress.calculated(sync.deployment, sync.sets, sync.new, sync.now)
    return progress.judged(sync.deployment, status, sync.sets, sync.new, sync.now)


def _note_pause(sync: Sync) -> None:
    """Progress is unknown while a Deployment is paused, and judged anew when it goes on."""
    current = conditions.of(sync.deployment, progress.PROGRESSING)
    reason = current["reason"] if current else ""
    if not progress.has_deadline(sync.deployment) or reason == progress.TIMED_OUT:
        return
    paused, noted = sync.deployment["spec"].get("paused", False), reason == progress.PAUSED
    if paused and not noted:
        words = (progress.PAUSED, "Deployment is paused")
    elif noted and not paused:
        words = (progress.RESUMED, "Deployment is resumed")
    else:
        return
    sync.recondition(progress.condition(progress.PROGRESSING, "Unknown", *words, sync.now))


def _keep_revision(sync: Sync) -> None:
    """The annotations of the new set and the revision of the Deployment."""
    new, deployment = sync.new, sync.deployment
    if new is None:
        return
    annotations = revisions.synced_annotations(deployment, new, sync.olds)
    ready = deployment["spec"].get("minReadySeconds", 0)
    spec = {} if ready == new["spec"].get("minReadySeconds", 0) else {"minReadySeconds": ready}
    if spec or annotations != rollout.annotations_of(new):
        sync.change(new, spec, annotations)
    if revisions.REVISION in annotations:
        sync.revise(annotations[revisions.REVISION])
    if progress.has_deadline(deployment) and conditions.of(deployment, progress.PROGRESSING) is None:
        message = f'Found new replica set "{new["metadata"]["name"]}"'
        sync.recondition(progress.condition(progress.PROGRESSING, "True", progress.FOUND, message, sync.now))


def _scaled(sync: Sync) -> bool:
    """Whether spec.replicas changed since the active sets were sized."""
    noted = (rollout.annotated(s, rollout.DESIRED) for s in sync.sets if rollout.size(s))
    return any(n is not None and n != sync.wanted for n in noted)


def _scale(sync: Sync) -> None:
    """Bring the sets to a new number of pods without moving the rollout on."""
    active = [s for s in sync.sets if rollout.size(s)]
    if len(active) <= 1:
        one = active[0] if active else sync.new or (sync.olds[-1] if sync.olds else None)
        if one is not None:
            sync.resize(one, sync.wanted)
    elif sync.new is not None and _saturated(sync, sync.new):
        for old in sync.olds:
            if rollout.size(old):
                sync.resize(old, 0)
    elif (sync.deployment["spec"].get("strategy") or {}).get("type") != "Recreate":
        sizes = rollout.proportions(sync.deployment, active)
        for one in active:
            sync.resize(one, sizes[one["metadata"]["name"]], annotate=True)


def _saturated(sync: Sync, new: Obj) -> bool:
    """Whether the new set has all the pods that are wanted, and all are available."""
    counts = (rollout.size(new), rollout.annotated(new, rollout.DESIRED), rollout.counted(new, "availableReplicas"))
    return all(n == sync.wanted for n in counts)


def _roll(sync: Sync) -> None:
    """First grow the new set; only if it stays as it is, shrink old ones."""
    new = sync.new or _create(sync)
    size = rollout.size(new)
    target = min(sync.wanted, rollout.growth(sync.deployment, size, rollout.total(sync.sets)))
    if size != sync.wanted and sync.resize(new, target):
        return
    _shrink(sync, new)
    if not sync.events and progress.complete(sync.deployment, sync.deployment.get("status") or {}):
        _clean_up(sync)


def _shrink(sync: Sync, new: Obj) -> None:
    sizes = rollout.shrinkage(sync.deployment, new, sync.olds)
    for old in sync.olds:
        if old["metadata"]["name"] in sizes:
            sync.resize(old, sizes[old["metadata"]["name"]])


def _recreate(sync: Sync) -> None:
    """Stop all old pods, wait until they are gone, then start the new ones."""
    running = [old for old in sync.olds if rollout.size(old)]
    for old in running:
        sync.resize(old, 0)
    if running or _old_pods(sync):
        return
    if sync.new is None:
        _create(sync)
        return
    sync.resize(sync.new, sync.wanted)
    if progress.complete(sync.deployment, sync.deployment.get("status") or {}):
        _clean_up(sync)


def _old_pods(sync: Sync) -> bool:
    """Whether a pod of an old set has not finished yet."""
    if any(rollout.counted(old, "replicas") for old in sync.olds):
        return True
    found = (sync.view.by("pods", "controller", old["metadata"]["uid"]) for old in sync.olds)
    return any(pods.phase(p) not in pods.FINISHED for group in found for p in group)


def _create(sync: Sync) -> Obj:
    """The new set, planned in the size that is allowed at once."""
    made = revisions.new_set(sync.deployment, sync.olds)
    name, size = made["metadata"]["name"], rollout.size(made)
    sync.actions.append(Create(made, REPLICASETS, made["metadata"]["namespace"]))
    if size:
        message = f"Scaled up replica set {name} from 0 to {size}"
        sync.actions.append(Emit(sync.deployment, "ScalingReplicaSet", message))
    sync.new = made
    sync.revise(made["metadata"]["annotations"][revisions.REVISION])
    if progress.has_deadline(sync.deployment):
        message = f'Created new replica set "{name}"'
        sync.recondition(progress.condition(progress.PROGRESSING, "True", progress.CREATED, message, sync.now))
    return made


def _clean_up(sync: Sync) -> None:
    """Delete empty old sets beyond the history limit, lowest revision first."""
    limit = sync.deployment["spec"].get("revisionHistoryLimit")
    alive = [s for s in sync.olds if "deletionTimestamp" not in s["metadata"]]
    if limit is None or len(alive) <= limit:
        return
    ordered = sorted(alive, key=lambda s: (revisions.revision(s), s["metadata"]["creationTimestamp"], s["metadata"]["name"]))
    for old in ordered[: len(alive) - limit]:
        seen = rollout.counted(old, "observedGeneration") >= old["metadata"].get("generation", 0)
        if seen and not rollout.size(old) and not rollout.counted(old, "replicas"):
            sync.actions.append(Delete(REPLICASETS, old["metadata"]["name"], old["metadata"]["namespace"]))


def written(sync: Sync, before: Obj, status: Obj) -> list[Action]:
    """All that was planned, in order: sets with their events, then the Deployment; else the next look."""
    for name, replicaset in sync.changed.items():
        sync.actions.append(Update(replicaset, REPLICASETS))
        if name in sync.events:
            sync.actions.append(sync.events[name])
    after = {**sync.deployment, "status": status}
    if after != before:
        sync.actions.append(Update(after, DEPLOYMENTS, "status"))
    elif (when := progress.check_after(after, status)) is not None:
        sync.actions.append(RequeueAfter(max(1.0, when - sync.now)))
    return sync.actions
