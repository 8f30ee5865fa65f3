"""Rules for pods and pod templates.

As in pkg/apis/core/validation: ValidatePodSpec, ValidatePodCreate, ValidatePodTemplateSpec.
"""

from __future__ import annotations

from typing import Final

from k8s_notebook.objects import Obj
from k8s_notebook.objects.validating import containers, metadata, names, scheduling, volumes
from k8s_notebook.objects.validating.findings import Findings

_RESTARTS: Final = ("Always", "OnFailure", "Never")
_DNS: Final = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_PREEMPTIONS: Final = ("PreemptLowerPriority", "Never")
_NAMED: Final = (
    ("serviceAccountName", names.subdomain),
    ("nodeName", names.subdomain),
    ("hostname", names.label),
    ("subdomain", names.label),
    ("priorityClassName", names.subdomain),
    ("runtimeClassName", names.subdomain),
)
_LARGEST: Final = 2**31 - 1


def create(found: Findings, pod: Obj) -> None:
    """A new pod."""
    spec = pod.get("spec") or {}
    check_spec(found, spec, "spec", pod=True)
    if spec.get("ephemeralContainers"):
        found.forbidden("spec.ephemeralContainers", "cannot be set on create")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        found.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")


def template(found: Findings, given: Obj, path: str) -> None:
    """The template of a workload."""
    inner = given.get("metadata") or {}
    if inner.get("labels"):
        metadata.labels(found, inner["labels"], f"{path}.labels")
    if inner.get("annotations"):
        metadata.annotated(found, inner["annotations"], f"{path}.annotations")
    spec = given.get("spec") or {}
    check_spec(found, spec, f"{path}.spec", pod=False)
    if spec.get("ephemeralContainers"):
        found.forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")


def check_spec(found: Findings, spec: Obj, path: str, *, pod: bool) -> None:
    """A pod spec, of a pod or of a template."""
    if spec.get("terminationGracePeriodSeconds") is None:
        found.required(f"{path}.terminationGracePeriodSeconds")
    known = volumes.check(found, spec, path)
    containers.check(found, spec, path, known)
    if spec.get("hostNetwork"):
        _host_network(found, spec, path, pod)
    found.one_of(f"{path}.restartPolicy", spec.get("restartPolicy"), _RESTARTS)
    found.one_of(f"{path}.dnsPolicy", spec.get("dnsPolicy"), _DNS)
    if spec.get("nodeSelector"):
        metadata.labels(found, spec["nodeSelector"], f"{path}.nodeSelector")
    if spec.get("affinity"):
        scheduling.affinity(found, spec["affinity"], f"{path}.affinity")
    if spec.get("schedulingGates"):
        scheduling.gates(found, spec["schedulingGates"], f"{path}.schedulingGates")
    if spec.get("topologySpreadConstraints"):
        scheduling.spreading(found, spec["topologySpreadConstraints"], f"{path}.topologySpreadConstraints")
    _named(found, spec, path)
    if spec.get("tolerations"):
        scheduling.tolerations(found, spec["tolerations"], f"{path}.tolerations")
    if spec.get("preemptionPolicy") is not None and spec["preemptionPolicy"] not in _PREEMPTIONS:
        found.unsupported(f"{path}.preemptionPolicy", spec["preemptionPolicy"], _PREEMPTIONS)


def _named(found: Findings, spec: Obj, path: str) -> None:
    """Fields that name something, and the deadline that stands among them."""
    for field, check in _NAMED:
        value = spec.get(field)
        if value:
            found.each(f"{path}.{field}", value, check(value))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None:
        found.each(f"{path}.activeDeadlineSeconds", deadline, names.in_range(deadline, 1, _LARGEST))


def _host_network(found: Findings, spec: Obj, path: str, pod: bool) -> None:
    for i, container in enumerate(spec.get("containers") or ()):
        for j, port in enumerate(container.get("ports") or ()):
            host = port.get("hostPort") or 0
            if (pod or host) and host != port.get("containerPort"):
                why = "must match `containerPort` when `hostNetwork` is true"
                found.invalid(f"{path}.containers[{i}].ports[{j}].hostPort", host, why)
