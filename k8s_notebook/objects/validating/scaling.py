"""Rules for PodDisruptionBudget and HorizontalPodAutoscaler. As in pkg/apis/{policy,autoscaling}/validation."""

from __future__ import annotations

from k8s_notebook.objects import Obj
from k8s_notebook.objects.validating import metadata, names, workloads
from k8s_notebook.objects.validating.findings import Findings


def budget(found: Findings, obj: Obj) -> None:
    """A PodDisruptionBudget."""
    spec = obj.get("spec") or {}
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        names_of_go = ("MinAvailable", "Selector", "MaxUnavailable", "UnhealthyPodEvictionPolicy")
        shown = {name: spec.get(name[0].lower() + name[1:]) for name in names_of_go}
        found.invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set")
    for field in ("minAvailable", "maxUnavailable"):
        if spec.get(field) is not None:
            workloads.count_or_percent(found, spec[field], f"spec.{field}")
            workloads.at_most_all(found, spec[field], f"spec.{field}")
    metadata.selector(found, spec.get("selector"), "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in ("AlwaysAllow", "IfHealthyBudget"):
        found.unsupported("spec.unhealthyPodEvictionPolicy", policy, ("AlwaysAllow", "IfHealthyBudget"))


def autoscaler(found: Findings, obj: Obj) -> None:
    """A HorizontalPodAutoscaler."""
    spec = obj.get("spec") or {}
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if least is not None and least < 1:
        found.invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most == 0:
        found.required("spec.maxReplicas", "must be set and greater than 0")
    elif most < 0:
        found.invalid("spec.maxReplicas", most, "must be greater than or equal to 1")
    if least is not None and most < least:
        found.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    reference = spec.get("scaleTargetRef") or {}
    for field in ("kind", "name"):
        if not reference.get(field):
            found.required(f"spec.scaleTargetRef.{field}")
        else:
            found.each(f"spec.scaleTargetRef.{field}", reference[field], names.path_segment(reference[field]))
    if "/" not in (reference.get("apiVersion") or ""):
        why = "apiVersion must specify API group"
        found.invalid("spec.scaleTargetRef.apiVersion", reference.get("apiVersion") or "", why)
