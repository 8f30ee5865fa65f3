"""DynamicResources: ResourceClaims have devices that the node can use, or get some there (as in plugins/dynamicresources).

As with volumes, deciding and acting are apart: once a node is chosen, `prebind` says what to write; then
`cluster.beside.assume(actions)` keeps other pods from taking the same devices, and `cluster.beside.forget(actions)` lets them go.
Not decided here, and said so: extended resources that a DeviceClass stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from k8s_notebook.machinery.actions import Action, Patch, Update
from k8s_notebook.objects import Obj, quantity
from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.claims import allocation, names, pools, search, selectors, shares, wishes
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.surroundings import Surroundings
from k8s_notebook.sim import clock

NOT_HERE = "resourceclaim not available on the node"
NOT_ENOUGH = "cannot allocate all claims"
NOTHING_TO_FREE = "no new claims to deallocate"
STILL = "still not schedulable"
FREED = "deallocation of ResourceClaim completed"
TIMED_OUT = "device binding timeout: context deadline exceeded"
"""What to say when `prebound` was not true in time."""
FINALIZER = "resource.kubernetes.io/delete-protection"
READS = (names.CLAIMS, wishes.CLASSES, pools.SLICES)


class Outcome(NamedTuple):
    """What became of a pod's claims on one node."""

    results: search.Results | None
    """the devices of each claim that has none yet; None if the node will not do"""
    reason: str


class Task(NamedTuple):
    """The claims of a pod."""

    claims: list[Obj]
    wants: list[wishes.Want]
    """of those that have no devices yet"""


def rejects(pod: PodClass, cluster: Cluster) -> str:
    """Why the pod cannot be placed whatever the nodes are like, or ""."""
    found = names.of_class(pod, cluster.beside)
    if found.trouble:
        return found.trouble
    try:
        _task(found.claims, cluster.beside)
    except selectors.Broken as trouble:
        return str(trouble)
    return _extended(pod, cluster)


def waits(pod: Obj, beside: Surroundings) -> str:
    """Why a pod is not even put into the queue: a claim that is missing or on its way out; "" for most pods (as PreEnqueue)."""
    return names.of_pod(pod, beside).trouble


def fails(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools | None:
    """Which slots cannot use the devices of the pod's claims, or do not have enough."""
    claims = names.of_class(pod, cluster.beside).claims
    if not claims:
        return None
    return np.array([outcome.results is None for outcome in _outcomes(claims, cluster, at)], np.bool_)


def reasons(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Reasons:
    """What is wrong with the claims on each slot."""
    said = [o.reason for o in _outcomes(names.of_class(pod, cluster.beside).claims, cluster, at)]
    texts = list(dict.fromkeys(said))
    given = np.array([[reason == text for text in texts] for reason in said], np.bool_).reshape(len(at), len(texts))
    return plugin.Reasons(texts, given, np.ones(len(at), np.bool_))


def score(pod: PodClass, cluster: Cluster, at: Ints) -> Ints | None:
    """How good the alternatives are that the claims have or would get on each slot; None if nothing is to be chosen."""
    claims = names.of_class(pod, cluster.beside).claims
    requests = [r for c in claims for r in (c["spec"].get("devices") or {}).get("requests") or ()]
    if all(_allocated(claim) for claim in claims) or not any(request.get("firstAvailable") for request in requests):
        return None
    outcomes = _outcomes(claims, cluster, at)
    return np.array([_score(claims, o, cluster.names[slot], cluster) for o, slot in zip(outcomes, at, strict=True)], np.int64)


def prebind(pod: Obj, node: str, cluster: Cluster, now: float | None = None) -> list[Action]:
    """What to write before a pod is bound: the devices of its claims, and that it uses them.

    `now`, in seconds, becomes the time of the allocation. The writes of one claim must be made in their order.
    """
    claims = names.of_pod(pod, cluster.beside).claims
    outcome = next(iter(_outcomes(claims, cluster, np.array([cluster.slots[node]], np.int64))), Outcome([], ""))
    made = _made(claims, outcome, node, cluster)
    actions: list[Action] = []
    for claim in claims:
        if not any(r.get("uid") == pod["metadata"].get("uid") for r in (claim.get("status") or {}).get("reservedFor") or ()):
            actions += _reserve(claim, made.get(claim["metadata"]["name"]), pod["metadata"], now)
    return actions


def prebound(pod: Obj, node: str, cluster: Cluster, actions: Sequence[Action]) -> bool | str:
    """Whether the pod's devices are ready; a sentence if one of them failed. Most devices are ready at once."""
    for claim in names.of_pod(pod, cluster.beside).claims:
        found = allocation.ready(claim)
        if found is not True:
            return found
    return True


def unreserve(pod: Obj, cluster: Cluster) -> list[Action]:
    """What to write if the pod could not be bound after all: its claims are not used by it."""
    uid = pod["metadata"].get("uid")
    return [
        _status(claim, {"reservedFor": [{"$patch": "delete", "uid": uid}]})
        for claim in names.of_pod(pod, cluster.beside).claims
        if _allocated(claim) and any(r.get("uid") == uid for r in claim["status"].get("reservedFor") or ())
    ]


def afterwards(pod: Obj, cluster: Cluster, at: Ints) -> tuple[str, list[Action]]:
    """What it says once no node was found, and what it writes: devices are taken from a claim that nobody uses (as PostFilter).

    `at`: the slots that this plugin was asked about, those that an earlier one refused left out.
    """
    claims = names.of_pod(pod, cluster.beside).claims
    if not claims:
        return NOTHING_TO_FREE, []
    outcomes = zip(_outcomes(claims, cluster, at), at, strict=True)
    elsewhere = [int(slot) for outcome, slot in outcomes if outcome.reason == NOT_HERE]
    for claim in claims:
        reserved = (claim.get("status") or {}).get("reservedFor") or ()
        idle = not reserved or [r.get("uid") for r in reserved] == [pod["metadata"].get("uid")]
        if idle and any(not _available(claim, slot, cluster) for slot in elsewhere):
            emptied = {k: v for k, v in claim["status"].items() if k not in ("allocation", "reservedFor", "devices")}
            return FREED, [Update({**claim, "status": emptied}, names.CLAIMS, "status")]
    return STILL, []


def _task(claims: list[Obj], beside: Surroundings) -> Task:
    """The claims of a pod and what is missing; Broken if that cannot be decided for any node."""
    wants = []
    for claim in claims:
        name = f"{claim['metadata'].get('namespace') or ''}/{claim['metadata']['name']}"
        stored = beside.stored(names.CLAIMS, claim["metadata"].get("namespace") or "", claim["metadata"]["name"]) or claim
        if _allocated(claim):
            if not _allocated(stored):
                raise selectors.Broken(f"resource claim {name} is in the process of being allocated")
        else:
            wants.append(wishes.read(claim, beside))
    return Task(claims, wants)


def _outcomes(claims: list[Obj], cluster: Cluster, at: Ints) -> list[Outcome]:
    """What becomes of claims on each slot. What is found is kept until something changes."""
    if not claims:
        return []
    beside = cluster.beside
    key = (tuple(id(claim) for claim in claims), *(beside.version(resource) for resource in READS), cluster.version)
    kept = _KEPT.get(beside)
    if kept is None or kept.key != key:
        try:
            task = _task(claims, beside)
        except selectors.Broken as trouble:
            return [Outcome(None, str(trouble))] * len(at)
        kept = _KEPT[beside] = Kept(key, task, _taken(beside), {}, {})
    return [_outcome(int(slot), cluster, kept) for slot in at]


class Kept(NamedTuple):
    """What was found out about the claims of one pod."""

    key: tuple[object, ...]
    task: Task
    taken: search.Taken
    outcomes: dict[int, Outcome]
    selectable: search.Selectable


_KEPT: WeakKeyDictionary[Surroundings, Kept] = WeakKeyDictionary()


def _outcome(slot: int, cluster: Cluster, kept: Kept) -> Outcome:
    found = kept.outcomes.get(slot)
    if found is None:
        found = kept.outcomes[slot] = _decide(slot, cluster, kept)
    return found


def _decide(slot: int, cluster: Cluster, kept: Kept) -> Outcome:
    results: search.Results | None = []
    if kept.task.wants:
        try:
            results = search.Search(kept.task.wants, slot, cluster, kept.taken, kept.selectable).run()
        except selectors.Broken as trouble:
            return Outcome(None, str(trouble))
    if results is None:
        return Outcome(None, NOT_ENOUGH)
    here = all(_available(claim, slot, cluster) for claim in kept.task.claims)
    return Outcome(results, "") if here else Outcome(None, NOT_HERE)


def _taken(beside: Surroundings) -> search.Taken:
    """The devices that claims have, and the shares of devices."""
    results = [
        r for c in beside.list(names.CLAIMS) if _allocated(c) for r in c["status"]["allocation"]["devices"].get("results") or ()
    ]
    mine: set[pools.DeviceId] = set()
    parts: dict[pools.DeviceId, shares.Amounts] = {}
    for result in results:
        device = (result["driver"], result["pool"], result["device"])
        if result.get("adminAccess"):
            continue
        if result.get("shareID") is None:
            mine.add(device)
        elif result.get("consumedCapacity") is not None:
            kept = parts.setdefault(device, {})
            for name, text in result["consumedCapacity"].items():
                kept[name] = kept.get(name, 0) + quantity.parse(text)
    return search.Taken(frozenset(mine), parts)


def _allocated(claim: Obj) -> bool:
    return (claim.get("status") or {}).get("allocation") is not None


def _available(claim: Obj, slot: int, cluster: Cluster) -> bool:
    """Whether a node can use what a claim has; so it can if it has nothing yet."""
    if not _allocated(claim):
        return True
    selector = claim["status"]["allocation"].get("nodeSelector")
    return (selector is None or pools.selects(selector, slot, cluster)) and not isinstance(allocation.ready(claim), str)


def _made(claims: list[Obj], outcome: Outcome, node: str, cluster: Cluster) -> dict[str, Obj]:
    """name -> the new allocation of a claim."""
    results = outcome.results or []
    wants = [wishes.read(claim, cluster.beside) for claim in claims if not _allocated(claim)] if results else []
    return {w.claim["metadata"]["name"]: allocation.made(w, r, node) for w, r in zip(wants, results, strict=False)}


def _score(claims: list[Obj], outcome: Outcome, node: str, cluster: Cluster) -> int:
    if outcome.results is None:
        return 0
    made = _made(claims, outcome, node, cluster)
    found = ((c, c["status"]["allocation"] if _allocated(c) else made[c["metadata"]["name"]]) for c in claims)
    return sum(allocation.score(claim, given) for claim, given in found)


def _reserve(claim: Obj, made: Obj | None, pod: Obj, now: float | None) -> list[Action]:
    """Write the devices of a claim, if they are new, and its user (as bindClaim)."""
    metadata, status = claim["metadata"], claim.get("status") or {}
    actions: list[Action] = []
    if made is not None and FINALIZER not in (metadata.get("finalizers") or ()):
        finalizers = [*(metadata.get("finalizers") or ()), FINALIZER]
        actions.append(Update({**claim, "metadata": {**metadata, "finalizers": finalizers}}, names.CLAIMS))
    given = made if made is not None else status.get("allocation") or {}
    user = {"resource": "pods", "name": pod["name"], "uid": pod.get("uid")}
    written: Obj = {"reservedFor": [*(status.get("reservedFor") or ()), user]}
    if now is not None and "allocationTimestamp" not in given:
        written["allocation"] = {**given, "allocationTimestamp": clock.timestamp(now)}
    elif made is not None:
        written["allocation"] = given
    return [*actions, _status(claim, written)]


def _status(claim: Obj, written: Obj) -> Patch:
    metadata = claim["metadata"]
    body = {"metadata": {"uid": metadata.get("uid")}, "status": written}
    return Patch(names.CLAIMS, metadata["name"], metadata.get("namespace") or "", body, "strategic", "status")


def _extended(pod: PodClass, cluster: Cluster) -> str:
    """The sentence about an extended resource that no node has but a DeviceClass stands for, or ""."""
    asked = {name for name, amount in pod.requests.exact.items() if "/" in name and amount}
    for found in cluster.beside.list(wishes.CLASSES) if asked else ():
        stated = {found["spec"].get("extendedResourceName"), f"deviceclass.resource.kubernetes.io/{found['metadata']['name']}"}
        for name in sorted(asked & stated):
            column = cluster.resources.get(name)
            if column is None or not cluster.arrays.allocatable[cluster.order, column].any():
                return f"extended resource {name} stands for devices of class {found['metadata']['name']}: not supported here"
    return ""


PLUGIN = plugin.Plugin(
    "DynamicResources",
    weight=2,
    fails=fails,
    rejects=rejects,
    reasons=reasons,
    score=score,
    reads=READS,
    mode=plugin.HIGHEST_IS_100,
)
