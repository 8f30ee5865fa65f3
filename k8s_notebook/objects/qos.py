"""The quality-of-service class of a pod. As in pkg/apis/core/v1/helper/qos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from k8s_notebook.objects import Obj, quantity

GUARANTEED: Final = "Guaranteed"
BURSTABLE: Final = "Burstable"
BEST_EFFORT: Final = "BestEffort"
_COUNTED: Final = ("cpu", "memory")


def _resources(spec: Obj) -> Iterator[Obj]:
    """The resources that count: the pod's own if it has any, else those of every container."""
    own = spec.get("resources") or {}
    if own.get("requests") or own.get("limits"):
        yield own
        return
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or ():
            yield container.get("resources") or {}


def _summed(amounts: Iterable[Obj]) -> dict[str, int]:
    """Per resource the sum in thousandths, without what is zero."""
    sums: dict[str, int] = {}
    for amount in amounts:
        for name in _COUNTED:
            if name in amount and (milli := quantity.milli(amount[name])) > 0:
                sums[name] = sums.get(name, 0) + milli
    return sums


def qos_class(pod: Obj) -> str:
    """`Guaranteed`, `Burstable` or `BestEffort`.

    >>> qos_class({"spec": {"containers": [{"resources": {"requests": {"cpu": "1"}}}]}})
    'Burstable'
    """
    resources = list(_resources(pod.get("spec") or {}))
    if not any(resources):
        return BEST_EFFORT
    requests = _summed(r.get("requests") or {} for r in resources)
    limits = _summed(r.get("limits") or {} for r in resources)
    if not requests and not limits:
        return BEST_EFFORT
    limited = all(len(_summed([r.get("limits") or {}])) == len(_COUNTED) for r in resources)
    return GUARANTEED if limited and requests == limits else BURSTABLE
