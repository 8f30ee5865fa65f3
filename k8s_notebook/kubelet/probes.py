"""What the probes of a simulated container say, and when: they succeed at the first try unless an annotation lets them fail.

The annotations `k8s-notebook.io/readiness`, `…/liveness`, `…/startup` hold `fail` (every container that has the probe) or names
of containers, separated by commas. As in pkg/kubelet/prober: until a startup probe has succeeded the other two do not run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from k8s_notebook.objects import Obj

PREFIX = "k8s-notebook.io/"
_FIELDS = {"readiness": "readinessProbe", "liveness": "livenessProbe", "startup": "startupProbe"}


def fails(annotations: Mapping[str, str] | None, kind: str, container: Obj) -> bool:
    """Whether the container's probe of that kind ("readiness", "liveness", "startup") fails now."""
    said = annotations.get(PREFIX + kind) if annotations else None
    if not said or _FIELDS[kind] not in container:
        return False
    return said == "fail" or container["name"] in [name.strip() for name in said.split(",")]


def first_success(probe: Obj | None, since: float) -> float:
    """When a probe that runs from `since` on has succeeded often enough; at once if there is none."""
    if not probe:
        return since
    again = (probe.get("successThreshold") or 1) - 1
    return since + (probe.get("initialDelaySeconds") or 0) + again * (probe.get("periodSeconds") or 10)


def last_failure(probe: Obj, since: float) -> float:
    """When a probe that fails from `since` on has failed often enough to act."""
    times = (probe.get("failureThreshold") or 3) - 1
    return since + (probe.get("initialDelaySeconds") or 0) + times * (probe.get("periodSeconds") or 10)


def attempts(probe: Obj, started: float, after: float, until: float) -> int:
    """How many times the probe ran in (after, until], for a container that started at `started`."""
    first = started + (probe.get("initialDelaySeconds") or 0)
    period = probe.get("periodSeconds") or 10
    return max(0, _count(first, period, until) - _count(first, period, after))


def next_attempt(probe: Obj, started: float, now: float) -> float:
    """When the probe runs next, after `now`."""
    first = started + (probe.get("initialDelaySeconds") or 0)
    return first + _count(first, probe.get("periodSeconds") or 10, now) * (probe.get("periodSeconds") or 10)


def _count(first: float, period: float, until: float) -> int:
    return 0 if until < first else math.floor((until - first) / period + 1e-9) + 1


def complaint(kind: str, probe: Obj, address: str) -> str:
    """The message of the Unhealthy event: `Readiness probe failed: HTTP probe failed with statuscode: 500`."""
    return f"{kind.capitalize()} probe failed: {_reason(probe, address)}"


def _reason(probe: Obj, address: str) -> str:
    if "httpGet" in probe:
        return "HTTP probe failed with statuscode: 500"
    if "tcpSocket" in probe:
        return f"dial tcp {address}:{probe['tcpSocket'].get('port')}: connect: connection refused"
    if "grpc" in probe:
        return 'service unhealthy (responded with "NOT_SERVING")'
    return ""
