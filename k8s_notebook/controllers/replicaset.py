"""ReplicaSets and ReplicationControllers: keep a number of pods (as in pkg/controller/replicaset: replica_set.go)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8s_notebook.controllers import conditions, ownership, pods, ranking
from k8s_notebook.machinery.actions import Action, Create, Delete, Emit, RequeueAfter, Update, Write
from k8s_notebook.machinery.cache import Name, View, name_of
from k8s_notebook.machinery.reconcile import Watch
from k8s_notebook.objects import Obj, selectors
from k8s_notebook.objects.errors import ApiError, NotFound
from k8s_notebook.sim.clock import timestamp

BURST = 500
"""Pods created or deleted in one reconcile."""
PACE = 100e-6
"""Seconds between two looks, per replica: a set of 5,000 is looked at every half second while its pods change."""


class ReplicaSets:
    """Keeps `spec.replicas` pods of a template; with `legacy`, for ReplicationControllers."""

    def __init__(self, *, legacy: bool = False) -> None:
        self.name = "replication-controller" if legacy else "replicaset-controller"
        self.kind = "ReplicationController" if legacy else "ReplicaSet"
        self.resource = "replicationcontrollers" if legacy else "replicasets.apps"
        self.legacy = legacy

    def watches(self) -> Sequence[Watch]:
        """The sets, and pods."""
        return (Watch(self.resource, _itself), Watch("pods", self._keys_of_pod))

    def pace(self, view: View, key: Name) -> float:
        """A pause that grows with the number of pods: counting them all after each change would be quadratic.

        There is none while pods are missing or too many: then each look creates or deletes some.
        """
        found = view.get(self.resource, *key)
        replicas: int = (found.get("status") or {}).get("replicas", 0) if found else 0
        if found is None or replicas <= 100 or replicas != found["spec"].get("replicas", 1):
            return 0.0
        return PACE * replicas

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """Creations or deletions of pods, at most 500, then the status."""
        owner = view.get(self.resource, *key)
        if owner is None:
            return []
        selector = self._selector(owner)
        active, terminating = pods.unfinished(view.by("pods", "controller", owner["metadata"]["uid"]))
        orphans = [p for p in view.by("pods", "orphan", key[0]) if pods.active(p)]
        mine, actions = ownership.claim(owner, active, orphans, selector, "pods")
        if "deletionTimestamp" not in owner["metadata"]:
            actions += self._resize(view, owner, mine, now)
        leaving = sum(1 for p in terminating if selector.matches(p["metadata"].get("labels")))
        counts, soon = self._counts(owner, mine, leaving, now)
        kept = conditions.without((owner.get("status") or {}).get("conditions") or (), "ReplicaFailure")
        actions += self._status(owner, counts, kept)
        return [*actions, RequeueAfter(soon)] if soon else actions

    def done(self, view: View, key: Name, action: Write, answer: Obj, now: float) -> list[Action]:
        """The event about a pod that was created."""
        owner = view.get(self.resource, *key)
        if owner is None or not isinstance(action, Create):
            return []
        return [Emit(owner, "SuccessfulCreate", f"Created pod: {answer['metadata']['name']}")]

    def refused(self, view: View, key: Name, action: Write, error: ApiError, now: float) -> list[Action]:
        """The event about a pod that could not be created or deleted, and the condition ReplicaFailure."""
        owner = view.get(self.resource, *key)
        if owner is None or not isinstance(action, Create | Delete) or _namespace_ends(error):
            return []
        creating = isinstance(action, Create)
        if not creating and isinstance(error, NotFound):
            return []
        reason, verb = ("FailedCreate", "creating") if creating else ("FailedDelete", "deleting")
        message = str(error) if creating else f"unable to delete pods: {error}"
        emit = Emit(owner, reason, f"Error {verb}: {error}", "Warning")
        if conditions.of(owner, "ReplicaFailure") is not None:
            return [emit]
        failure = {"type": "ReplicaFailure", "status": "True", "lastTransitionTime": timestamp(now)}
        failure |= {"reason": reason, "message": message}
        active, terminating = pods.unfinished(view.by("pods", "controller", owner["metadata"]["uid"]))
        counts, _ = self._counts(owner, active, len(terminating), now)
        return [emit, *self._status(owner, counts, [*((owner.get("status") or {}).get("conditions") or ()), failure])]

    def _selector(self, owner: Obj) -> selectors.LabelSelector:
        wanted = owner["spec"].get("selector")
        return selectors.from_map(wanted) if self.legacy else selectors.from_spec(wanted)

    def _resize(self, view: View, owner: Obj, mine: Sequence[Obj], now: float) -> list[Action]:
        """The creations or deletions that bring the number of pods to what is wanted."""
        missing = owner["spec"].get("replicas", 1) - len(mine)
        if missing > 0:
            pod = pods.from_template(owner, owner["spec"]["template"], ownership.reference_to(owner))
            return [Create(pod, "pods", owner["metadata"]["namespace"])] * min(missing, BURST)
        actions: list[Action] = []
        if missing < 0:
            for pod in ranking.first_to_go(mine, self._related(view, owner, mine), min(-missing, BURST), now):
                namespace, name = name_of(pod)
                actions.append(Delete("pods", name, namespace, uid=pod["metadata"]["uid"]))
                actions.append(Emit(owner, "SuccessfulDelete", f"Deleted pod: {name}"))
        return actions

    def _related(self, view: View, owner: Obj, mine: Sequence[Obj]) -> list[Obj]:
        """The pods of all sets that have the same controller."""
        above = ownership.controller_of(owner)
        if above is None:
            return list(mine)
        siblings = view.by(self.resource, "controller", above["uid"])
        return [pod for s in siblings for pod in view.by("pods", "controller", s["metadata"]["uid"])]

    def _counts(self, owner: Obj, mine: Sequence[Obj], leaving: int, now: float) -> tuple[Obj, float | None]:
        """(the numbers of the status, the seconds until the next pod becomes available)."""
        min_ready = owner["spec"].get("minReadySeconds", 0)
        wanted = ((owner["spec"]["template"].get("metadata") or {}).get("labels")) or {}
        ready = [c for c in map(pods.ready_condition, mine) if c is not None]
        waits = [pods.wait(c, min_ready, now) for c in ready] if min_ready else []
        numbers = {
            "fullyLabeledReplicas": _with_labels(mine, wanted),
            "readyReplicas": len(ready),
            "availableReplicas": waits.count(0.0) if min_ready else len(ready),
        }
        counts: Obj = {"replicas": len(mine), **{k: n for k, n in numbers.items() if n}}
        if not self.legacy:
            counts["terminatingReplicas"] = leaving
        return counts, min((w for w in waits if w), default=None)

    def _status(self, owner: Obj, counts: Obj, kept: list[Obj]) -> list[Action]:
        """The update of the status, if it changes."""
        status: Obj = {**({"conditions": kept} if kept else {}), **counts}
        status["observedGeneration"] = owner["metadata"].get("generation", 0)
        if status == owner.get("status"):
            return []
        return [Update({**owner, "status": status}, self.resource, "status")]

    def _keys_of_pod(self, view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
        if old is not None and new is not None and pods.same_for_counting(old, new):
            return ()
        return ownership.keys_of_owners(view, old, new, self.kind, self._matching)

    def _matching(self, view: View, pod: Obj) -> Iterable[Name]:
        labels = pod["metadata"].get("labels")
        if labels:
            for owner in view.all(self.resource, pod["metadata"]["namespace"]):
                if self._selector(owner).matches(labels):
                    yield name_of(owner)


def _itself(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    obj = new or old
    return (name_of(obj),) if obj is not None else ()


def _namespace_ends(error: ApiError) -> bool:
    """Whether it was refused because the namespace is being deleted: then nothing can be done or said."""
    return any(c.get("reason") == "NamespaceTerminating" for c in error.details.get("causes") or ())


def _with_labels(found: Sequence[Obj], wanted: Obj) -> int:
    """How many have all the wanted labels. Pods of one template mostly share one dict of labels: it is looked at once."""
    known: dict[int, bool] = {}
    count = 0
    for obj in found:
        labels = obj["metadata"].get("labels") or {}
        fits = known.get(id(labels))
        if fits is None:
            fits = known[id(labels)] = wanted.items() <= labels.items()
        count += fits
    return count
