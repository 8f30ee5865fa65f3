"""The arithmetic of a rollout: how many pods may be too many or missing, and who grows or shrinks.

As in pkg/controller/deployment: rolling.go, sync.go, util/deployment_util.go. Everything here is numbers about ReplicaSets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from k8s_notebook.objects import Obj

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


def scaled(amount: int | str | None, of: int, *, up: bool) -> int:
    """A number, or a percentage of `of` rounded up or down.

    >>> scaled("25%", 10, up=True), scaled("25%", 10, up=False), scaled(3, 10, up=True)
    (3, 2, 3)
    """
    if amount is None or isinstance(amount, int):
        return amount or 0
    part = int(amount.rstrip("%")) * of
    return -(-part // 100) if up else part // 100


def limits(deployment: Obj) -> tuple[int, int]:
    """(how many pods more than wanted, how many fewer available ones) a rollout may have."""
    spec = deployment["spec"]
    strategy = spec.get("strategy") or {}
    wanted = spec.get("replicas", 1)
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return 0, 0
    rolling = strategy.get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge"), wanted, up=True)
    unavailable = scaled(rolling.get("maxUnavailable"), wanted, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, wanted)


def size(replicaset: Obj) -> int:
    """How many pods it is told to have."""
    found: int = replicaset["spec"].get("replicas", 1)
    return found


def counted(replicaset: Obj, field: str) -> int:
    """A number of its status, 0 if it is not there."""
    found: int = (replicaset.get("status") or {}).get(field, 0)
    return found


def total(sets: Iterable[Obj]) -> int:
    """How many pods they are told to have together."""
    return sum(map(size, sets))


def by_age(sets: Iterable[Obj]) -> list[Obj]:
    """Oldest first, then by name."""
    return sorted(sets, key=lambda s: (s["metadata"]["creationTimestamp"], s["metadata"]["name"]))


def growth(deployment: Obj, current: int, everyone: int) -> int:
    """The size that the new set may have now: `current` is its size, `everyone` that of all sets together."""
    wanted: int = deployment["spec"].get("replicas", 1)
    if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        return wanted
    room = wanted + limits(deployment)[0] - everyone
    return current + min(room, wanted - current) if room > 0 else current


def shrinkage(deployment: Obj, new: Obj, olds: Sequence[Obj]) -> dict[str, int]:
    """name -> size of the old sets that give up pods now: unhealthy ones first, then as availability allows."""
    floor = deployment["spec"].get("replicas", 1) - limits(deployment)[1]
    sizes = {s["metadata"]["name"]: size(s) for s in by_age(olds) if size(s)}
    available = {s["metadata"]["name"]: counted(s, "availableReplicas") for s in olds}
    before = dict(sizes)
    most = total([*olds, new]) - floor - (size(new) - counted(new, "availableReplicas"))
    if most <= 0:
        return {}
    for name, count in sizes.items():
        taken = min(most, count - available[name])
        if most <= 0:
            break
        sizes[name] -= taken
        most -= taken
    room = sum(counted(s, "availableReplicas") for s in [*olds, new]) - floor
    for name, count in sizes.items():
        if room <= 0:
            break
        taken = min(count, room)
        sizes[name] -= taken
        room -= taken
    return {name: count for name, count in sizes.items() if count != before[name]}


def proportions(deployment: Obj, active: Sequence[Obj]) -> dict[str, int]:
    """name -> size when a Deployment is scaled in the middle of a rollout: each set keeps its share."""
    wanted = deployment["spec"].get("replicas", 1)
    allowed = wanted + limits(deployment)[0] if wanted else 0
    add = allowed - total(active)
    ordered = by_age(active)
    if add > 0:
        ordered.reverse()
    ordered.sort(key=size, reverse=True)
    sizes: dict[str, int] = {}
    added = 0
    for one in ordered:
        share = _share(deployment, one, wanted, allowed) if size(one) and add != added else 0
        share = min(share, add - added) if add > 0 else max(share, add - added)
        share = share if add else 0
        sizes[one["metadata"]["name"]] = size(one) + share
        added += share
    if ordered and add:
        largest = ordered[0]["metadata"]["name"]
        sizes[largest] = max(0, sizes[largest] + add - added)
    return sizes


def _share(deployment: Obj, one: Obj, wanted: int, allowed: int) -> int:
    """How many pods a set gains (or, negative, gives up) so that it keeps its part of the whole."""
    if wanted == 0:
        return -size(one)
    before = annotated(one, MAXIMUM) or (deployment.get("status") or {}).get("replicas", 0)
    if not before:
        return 0
    exact = size(one) * allowed / before
    return math.floor(exact + 0.5) - size(one)


def annotated(replicaset: Obj, key: str) -> int | None:
    """The number in an annotation; None if it is missing or no 32-bit count."""
    text = annotations_of(replicaset).get(key, "")
    number = int(text) if text.isascii() and text.isdigit() else -1
    return number if 0 <= number < 1 << 31 else None


def annotations_of(obj: Obj) -> Mapping[str, str]:
    """The annotations, {} if there are none."""
    return obj["metadata"].get("annotations") or {}
