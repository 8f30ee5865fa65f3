"""PodDisruptionBudgets: how many pods may be disturbed now (as in pkg/controller/disruption)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8s_notebook.controllers import conditions, ownership, pods, rollout
from k8s_notebook.machinery.actions import Action, Emit, RequeueAfter, Update
from k8s_notebook.machinery.cache import Name, View, name_of
from k8s_notebook.machinery.reconcile import Watch
from k8s_notebook.objects import Obj, selectors
from k8s_notebook.sim.clock import seconds, timestamp

BUDGETS = "poddisruptionbudgets.policy"
PATIENCE = 120.0
"""Seconds in which an evicted pod must begin to go; after that it counts as healthy again."""
ALLOWED = "DisruptionAllowed"
_SCALES = {
    "Deployment": "deployments.apps",
    "ReplicaSet": "replicasets.apps",
    "StatefulSet": "statefulsets.apps",
    "ReplicationController": "replicationcontrollers",
}


class _Unknown(Exception):
    """The number of expected pods cannot be told; the message says why."""


class Disruptions:
    """Keeps the status of every PodDisruptionBudget."""

    name = "disruption-controller"

    def watches(self) -> Sequence[Watch]:
        """Budgets and pods; the owners of pods are only read."""
        silent = (Watch(r, lambda view, old, new: ()) for r in _SCALES.values())
        return (Watch(BUDGETS, _itself), Watch("pods", _keys_of_pod), *silent)

    def pace(self, view: View, key: Name) -> float:
        """A pause that grows with the number of pods."""
        budget = view.get(BUDGETS, *key)
        count = (budget.get("status") or {}).get("expectedPods", 0) if budget else 0
        return count * 40e-6 if count > 100 else 0.0

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """The new status, and the events about budgets that cannot work."""
        budget = view.get(BUDGETS, *key)
        if budget is None:
            return []
        selector = selectors.from_spec(budget["spec"].get("selector"))
        covered = [p for p in view.all("pods", key[0]) if selector.matches(p["metadata"].get("labels"))]
        actions: list[Action] = [] if covered else [Emit(budget, "NoPods", "No matching pods found")]
        try:
            expected, desired, unmanaged = _expected(view, budget, covered)
        except _Unknown as error:
            said = f"Failed to calculate the number of expected pods: {error}"
            actions.append(Emit(budget, "CalculateExpectedPodCountFailed", said, "Warning"))
            return actions + _failed(budget, str(error), now)
        if unmanaged:
            actions.append(Emit(budget, "UnmanagedPods", _unmanaged(budget), "Warning"))
        disrupted, late = _disrupted(budget, covered, now)
        actions += late
        healthy = sum(
            1
            for p in covered
            if "deletionTimestamp" not in p["metadata"] and p["metadata"]["name"] not in disrupted and pods.ready(p)
        )
        numbers = {
            "disruptionsAllowed": max(0, healthy - desired) if expected > 0 else 0,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
        }
        actions += _status(budget, numbers, disrupted, now)
        ends = [seconds(t) + PATIENCE - now for t in disrupted.values()]
        return [*actions, RequeueAfter(max(0.0, min(ends)) + 0.001)] if ends else actions


def _itself(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    return (name_of(new),) if new is not None else ()


def _keys_of_pod(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    if old is not None and new is not None and pods.same_for_counting(old, new):
        return ()
    found = [o["metadata"] for o in (old, new) if o is not None]
    budgets = view.all(BUDGETS, found[0]["namespace"])
    chosen = ((b, selectors.from_spec(b["spec"].get("selector"))) for b in budgets)
    return [name_of(b) for b, selector in chosen if any(selector.matches(m.get("labels")) for m in found)]


def _expected(view: View, budget: Obj, covered: Sequence[Obj]) -> tuple[int, int, bool]:
    """(expected pods, pods that must stay healthy, whether some pods have no controller)."""
    most, least = budget["spec"].get("maxUnavailable"), budget["spec"].get("minAvailable")
    if most is None and isinstance(least, int):
        return len(covered), least, False
    if most is None and least is None:
        return 0, 0, False
    expected, unmanaged = _scale(view, covered)
    if most is not None:
        return expected, max(0, expected - rollout.scaled(most, expected, up=True)), unmanaged
    return expected, rollout.scaled(least, expected, up=True), unmanaged


def _scale(view: View, covered: Sequence[Obj]) -> tuple[int, bool]:
    """(how many pods the controllers of these pods want together, whether some have none)."""
    wanted: dict[str, int] = {}
    seen: set[str] = set()
    unmanaged = False
    for pod in covered:
        reference = ownership.controller_of(pod)
        if reference is None:
            unmanaged = True
        elif reference["uid"] not in seen:
            seen.add(reference["uid"])
            top = _top(view, pod, reference)
            if top is None:
                raise _Unknown(f'found no controllers for pod "{pod["metadata"]["name"]}"')
            wanted[top["metadata"]["uid"]] = top["spec"].get("replicas", 1)
    return sum(wanted.values()), unmanaged


def _top(view: View, pod: Obj, reference: Obj) -> Obj | None:
    """The owner that says how many pods there should be: above a ReplicaSet, its Deployment."""
    resource = _SCALES.get(reference["kind"])
    owner = view.get(resource, pod["metadata"]["namespace"], reference["name"]) if resource else None
    if owner is None or owner["metadata"]["uid"] != reference["uid"]:
        return None
    above = ownership.controller_of(owner)
    return owner if above is None else _top(view, owner, above)


def _unmanaged(budget: Obj) -> str:
    labels = (budget["spec"].get("selector") or {}).get("matchLabels") or {}
    shown = "".join(f"{k}: {v}," for k, v in sorted(labels.items()))
    selector = f"&LabelSelector{{MatchLabels:map[string]string{{{shown}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}"
    return (
        f"Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a result, the status "
        "of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set "
        '".spec.minAvailable" field of the PDB to an integer value.'
    )


def _disrupted(budget: Obj, covered: Sequence[Obj], now: float) -> tuple[dict[str, str], list[Action]]:
    """(pods that were evicted and are still to go, the events about those that should have gone)."""
    noted = (budget.get("status") or {}).get("disruptedPods") or {}
    namespace = budget["metadata"]["namespace"]
    left: dict[str, str] = {}
    late: list[Action] = []
    for pod in covered:
        name = pod["metadata"]["name"]
        if name not in noted or "deletionTimestamp" in pod["metadata"]:
            continue
        if seconds(noted[name]) + PATIENCE < now:
            said = f"Pod was expected by PDB {namespace}/{namespace} to be deleted but it wasn't"
            late.append(Emit(pod, "NotDeleted", said, "Warning"))
        else:
            left[name] = noted[name]
    return left, late


def _condition(budget: Obj, status: str, reason: str, message: str, generation: int, now: float) -> list[Obj]:
    """The conditions with DisruptionAllowed."""
    found = (budget.get("status") or {}).get("conditions") or []
    old = conditions.find(found, ALLOWED)
    since = old["lastTransitionTime"] if old is not None and old["status"] == status else timestamp(now)
    new = {"type": ALLOWED, "status": status, "observedGeneration": generation, "lastTransitionTime": since}
    new |= {"reason": reason, "message": message}
    return [new if c is old else c for c in found] if old is not None else [*found, new]


def _status(budget: Obj, numbers: dict[str, int], disrupted: dict[str, str], now: float) -> list[Action]:
    generation = budget["metadata"].get("generation", 0)
    enough = numbers["disruptionsAllowed"] > 0
    words = ("True", "SufficientPods") if enough else ("False", "InsufficientPods")
    status: Obj = {"observedGeneration": generation, **({"disruptedPods": disrupted} if disrupted else {}), **numbers}
    status["conditions"] = _condition(budget, *words, "", generation, now)
    return [] if status == budget.get("status") else [Update({**budget, "status": status}, BUDGETS, "status")]


def _failed(budget: Obj, message: str, now: float) -> list[Action]:
    """Nothing may be disturbed while the numbers are not known."""
    old = budget.get("status") or {}
    told = _condition(budget, "False", "SyncFailed", message, old.get("observedGeneration", 0), now)
    status = {"currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0, **old, "disruptionsAllowed": 0, "conditions": told}
    return [] if status == old else [Update({**budget, "status": status}, BUDGETS, "status")]
