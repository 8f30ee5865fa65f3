"""Kinds that are served in two versions and stored in one: events, and horizontal pod autoscalers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kind

Convert = Callable[[Obj], Obj]

STORED = {
    "events.k8s.io/v1/events": "v1",
    "autoscaling/v1/horizontalpodautoscalers": "autoscaling/v2",
}
"""apiVersion/plural -> the apiVersion in which its objects are stored."""

_EVENT_NAMES = (
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
    ("reportingController", "reportingComponent"),
)
_TO_CORE = dict(_EVENT_NAMES)
_FROM_CORE = {core: new for new, core in _EVENT_NAMES}
_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_CURRENT = "autoscaling.alpha.kubernetes.io/current-metrics"


def storage(kind: Kind) -> str:
    """The resource under which a kind's objects are stored."""
    return "events" if kind.plural == "events" and kind.group == "events.k8s.io" else kind.resource


def to_storage(kind: Kind, obj: Obj) -> Obj:
    """The object in the version that is stored."""
    convert = _CONVERSIONS.get(f"{kind.api_version}/{kind.plural}")
    return convert[0](obj) if convert else obj


def from_storage(kind: Kind) -> Convert | None:
    """How a stored object becomes one of this kind; None if it is one already."""
    convert = _CONVERSIONS.get(f"{kind.api_version}/{kind.plural}")
    return convert[1] if convert else None


def shown(kind: Kind, obj: Obj) -> Obj:
    """A stored object as this kind shows it."""
    convert = from_storage(kind)
    return convert(obj) if convert else obj


def _event_to_core(obj: Obj) -> Obj:
    return {**{_TO_CORE.get(k, k): v for k, v in obj.items()}, "apiVersion": "v1"}


def _event_from_core(obj: Obj) -> Obj:
    return {**{_FROM_CORE.get(k, k): v for k, v in obj.items()}, "apiVersion": "events.k8s.io/v1"}


def _hpa_to_v2(obj: Obj) -> Obj:
    if obj.get("apiVersion") != "autoscaling/v1":
        return obj
    spec = dict(obj.get("spec") or {})
    metadata = dict(obj.get("metadata") or {})
    notes = dict(metadata.get("annotations") or {})
    metrics = _noted(notes, _METRICS) or []
    target = spec.pop("targetCPUUtilizationPercentage", None)
    if target is not None:
        metrics = [_cpu_metric(target), *metrics]
    if metrics:
        spec["metrics"] = metrics
    behavior = _noted(notes, _BEHAVIOR)
    if behavior:
        spec["behavior"] = behavior
    status = dict(obj.get("status") or {})
    conditions, current = _noted(notes, _CONDITIONS), _noted(notes, _CURRENT) or []
    used = status.pop("currentCPUUtilizationPercentage", None)
    if used is not None:
        current = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": used}}}, *current]
    if conditions:
        status["conditions"] = conditions
    if current:
        status["currentMetrics"] = current
    return _noted_object(obj, "autoscaling/v2", metadata, notes, spec, status)


def _hpa_to_v1(obj: Obj) -> Obj:
    spec = dict(obj.get("spec") or {})
    metadata = dict(obj.get("metadata") or {})
    notes = dict(metadata.get("annotations") or {})
    cpu, others = _split(spec.pop("metrics", None) or [], "target")
    if cpu is not None:
        spec["targetCPUUtilizationPercentage"] = cpu
    status = dict(obj.get("status") or {})
    used, current = _split(status.pop("currentMetrics", None) or [], "current")
    if used is not None:
        status["currentCPUUtilizationPercentage"] = used
    kept = {
        _METRICS: others,
        _BEHAVIOR: spec.pop("behavior", None),
        _CONDITIONS: status.pop("conditions", None),
        _CURRENT: current,
    }
    notes.update({name: orjson.dumps(value).decode() for name, value in kept.items() if value})
    status = {"currentReplicas": status.get("currentReplicas", 0), "desiredReplicas": status.get("desiredReplicas", 0), **status}
    return _noted_object(obj, "autoscaling/v1", metadata, notes, spec, status)


def _noted_object(obj: Obj, api_version: str, metadata: Obj, notes: Obj, spec: Obj, status: Obj) -> Obj:
    metadata.pop("annotations", None)
    if notes:
        metadata["annotations"] = notes
    found = {**obj, "apiVersion": api_version, "metadata": metadata, "spec": spec}
    if status or "status" in obj:
        found["status"] = status
    return found


def _noted(notes: dict[str, Any], name: str) -> Any:
    text = notes.pop(name, None)
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None


def _cpu_metric(target: int) -> Obj:
    return {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}}


def _split(metrics: list[Obj], field: str) -> tuple[int | None, list[Obj]]:
    """The CPU utilisation among metrics, and all the others."""
    for at, metric in enumerate(metrics):
        resource = metric.get("resource") or {}
        value = (resource.get(field) or {}).get("averageUtilization")
        if resource.get("name") == "cpu" and value is not None:
            return int(value), metrics[:at] + metrics[at + 1 :]
    return None, metrics


_CONVERSIONS: dict[str, tuple[Convert, Convert]] = {
    "events.k8s.io/v1/events": (_event_to_core, _event_from_core),
    "autoscaling/v1/horizontalpodautoscalers": (_hpa_to_v2, _hpa_to_v1),
}
