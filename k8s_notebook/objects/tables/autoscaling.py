"""The row of a HorizontalPodAutoscaler, in both of its versions."""

from __future__ import annotations

from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.objects.tables.getters import NONE, UNSET, Cell, age, at, name, number, printer, text, with_more

_UNKNOWN = "<unknown>"
_SOURCES = {
    "External": ("external", ""),
    "Pods": ("pods", ""),
    "Object": ("object", ""),
    "Resource": ("resource", "{name}: "),
    "ContainerResource": ("containerResource", "{name}: "),
}
"""Type of a metric -> where it stands in the entry, and what its text begins with."""


def _targets(obj: Obj, now: float) -> Cell:
    """Current and wanted value of the first two metrics: `cpu: 20%/80%`."""
    current: Any = at(obj, "status.currentMetrics") or ()
    metrics = at(obj, "spec.metrics")
    if metrics is None:
        metrics, current = _version_1(obj)
    shown = [_metric(spec, current[at_] if at_ < len(current) else {}) for at_, spec in enumerate(metrics)]
    return with_more(shown, 2, NONE, ", ")


def _version_1(obj: Obj) -> tuple[list[Obj], list[Obj]]:
    """The one metric of autoscaling/v1 in the form of v2."""
    target = at(obj, "spec.targetCPUUtilizationPercentage")
    current = at(obj, "status.currentCPUUtilizationPercentage")
    if target is None:
        return [], []
    spec = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": target}}}
    return [spec], [] if current is None else [{"resource": {"current": {"averageUtilization": current}}}]


def _metric(spec: Obj, status: Obj) -> str:
    place, begin = _SOURCES.get(spec.get("type", ""), ("", ""))
    if not place:
        return "<unknown type>"
    source = spec.get(place) or {}
    prefix = begin.format(name=source.get("name", ""))
    target, current = source.get("target") or {}, at(status, f"{place}.current") or {}
    if target.get("averageValue") is not None:
        average = "" if begin or place == "pods" else " (avg)"
        return f"{prefix}{current.get('averageValue', _UNKNOWN)}/{target['averageValue']}{average}"
    if begin:
        return f"{prefix}{_percent(current, _UNKNOWN)}/{_percent(target, '<auto>')}"
    return f"{prefix}{current.get('value', _UNKNOWN)}/{target.get('value', '<nil>')}"


def _percent(values: Obj, missing: str) -> str:
    found = values.get("averageUtilization")
    return missing if found is None else f"{found}%"


def _reference(obj: Obj, now: float) -> Cell:
    return f"{at(obj, 'spec.scaleTargetRef.kind') or ''}/{at(obj, 'spec.scaleTargetRef.name') or ''}"


PRINTERS = {
    "horizontalpodautoscalers.autoscaling": printer(
        "Name|Reference|Targets|MinPods|MaxPods|Replicas|Age",
        name,
        _reference,
        _targets,
        text("spec.minReplicas", UNSET),
        number("spec.maxReplicas"),
        number("status.currentReplicas"),
        age,
    ),
}
