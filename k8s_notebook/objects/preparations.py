"""Steps that single kinds take before they are stored: one function per kind, in three tables.

As PrepareForCreate and PrepareForUpdate in pkg/registry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from k8s_notebook.objects import Obj, qos

_GENERATION: Final = "deprecated.daemonset.template.generation"
_GATED: Final[Obj] = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}

_PREFIXES: Final = ("", "batch.kubernetes.io/")

INITIAL_STATUS: Final[dict[str, Obj]] = {
    "namespaces": {"phase": "Active"},
    "persistentvolumes": {"phase": "Pending"},
    "persistentvolumeclaims": {"phase": "Pending"},
}
"""Statuses of new objects that differ from an empty one."""


def _pod(obj: Obj, now: str) -> Obj:
    spec = obj.get("spec") or {}
    status: Obj = {"phase": "Pending", "qosClass": qos.qos_class(obj)}
    if spec.get("schedulingGates"):
        condition = {**_GATED, "lastProbeTime": None, "lastTransitionTime": now or None}
        status = {**status, "conditions": [condition]}
    labels = (obj.get("metadata") or {}).get("labels") or {}
    new = _spread(_affine(spec, labels), labels)
    return {**obj, "spec": new, "status": status}


def _narrowed(selector: Obj | None, labels: dict[str, str], keys: list[str], operator: str) -> Obj:
    """The selector with the pod's own values of these labels."""
    terms = [{"key": key, "operator": operator, "values": [labels[key]]} for key in keys if key in labels]
    if not terms:
        return selector or {}
    present = (selector or {}).get("matchExpressions") or []
    return {**(selector or {}), "matchExpressions": [*present, *(t for t in terms if t not in present)]}


def _spread(spec: Obj, labels: dict[str, str]) -> Obj:
    """matchLabelKeys of spread constraints, written out as the pod's labels."""
    constraints = spec.get("topologySpreadConstraints") or ()
    if not any(c.get("matchLabelKeys") and c.get("labelSelector") is not None for c in constraints):
        return spec
    new = [
        {**c, "labelSelector": _narrowed(c["labelSelector"], labels, c["matchLabelKeys"], "In")}
        if c.get("matchLabelKeys") and c.get("labelSelector") is not None else c
        for c in constraints
    ]  # fmt: skip
    return {**spec, "topologySpreadConstraints": new}


def _affine(spec: Obj, labels: dict[str, str]) -> Obj:
    """matchLabelKeys and mismatchLabelKeys of pod affinity terms, written out as the pod's labels."""
    affinity = spec.get("affinity")
    if not affinity:
        return spec
    new = affinity
    for field in ("podAffinity", "podAntiAffinity"):
        group = affinity.get(field)
        if not group:
            continue
        required = [_term(t, labels) for t in group.get("requiredDuringSchedulingIgnoredDuringExecution") or ()]
        preferred = [
            {**w, "podAffinityTerm": _term(w.get("podAffinityTerm") or {}, labels)}
            for w in group.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        ]
        terms = {"requiredDuringSchedulingIgnoredDuringExecution": required,
                 "preferredDuringSchedulingIgnoredDuringExecution": preferred}  # fmt: skip
        new = {**new, field: {**group, **{k: v for k, v in terms.items() if v}}}
    return spec if new == affinity else {**spec, "affinity": new}


def _term(term: Obj, labels: dict[str, str]) -> Obj:
    selector = term.get("labelSelector")
    if selector is None or not (term.get("matchLabelKeys") or term.get("mismatchLabelKeys")):
        return term
    selector = _narrowed(selector, labels, term.get("matchLabelKeys") or [], "In")
    selector = _narrowed(selector, labels, term.get("mismatchLabelKeys") or [], "NotIn")
    return {**term, "labelSelector": selector}


def _namespace(obj: Obj, now: str) -> Obj:
    spec = obj.get("spec") or {}
    finalizers = spec.get("finalizers") or []
    return obj if "kubernetes" in finalizers else {**obj, "spec": {**spec, "finalizers": [*finalizers, "kubernetes"]}}


def _volume(obj: Obj, now: str) -> Obj:
    return {**obj, "status": {**obj["status"], "lastPhaseTransitionTime": now}} if now else obj


def _claim(obj: Obj, now: str) -> Obj:
    spec = obj.get("spec") or {}
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source and not reference:
        return {**obj, "spec": {**spec, "dataSourceRef": source}}
    if reference and not source and not reference.get("namespace"):
        return {**obj, "spec": {**spec, "dataSource": reference}}
    return obj


def _daemon_set(obj: Obj, now: str) -> Obj:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    said = str(annotations.get(_GENERATION, ""))
    return _annotated(obj, said if said.isdigit() and int(said) >= 1 else "1")


def _annotated(obj: Obj, value: str) -> Obj:
    metadata = obj.get("metadata") or {}
    return {**obj, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), _GENERATION: value}}}


def _job(obj: Obj, now: str) -> Obj:
    """The selector and the four labels that tell a job's pods from all others, from its uid."""
    spec, metadata = obj.get("spec") or {}, obj.get("metadata") or {}
    uid, name = metadata.get("uid"), metadata.get("name", "")
    if spec.get("manualSelector") or not uid:
        return obj
    template = spec.get("template") or {}
    inner = template.get("metadata") or {}
    own = {f"{prefix}controller-uid": uid for prefix in _PREFIXES} | {f"{prefix}job-name": name for prefix in _PREFIXES}
    labels = {**own, **(inner.get("labels") or {})}
    template = {**template, "metadata": {**inner, "labels": labels}}
    selector = spec.get("selector") or {}
    wanted = {**(selector.get("matchLabels") or {}), "batch.kubernetes.io/controller-uid": uid}
    spec = {**spec, "selector": {**selector, "matchLabels": wanted}, "template": template}
    if not metadata.get("labels") or metadata["labels"] == (inner.get("labels") or {}):
        metadata = {**metadata, "labels": labels}
    return {**obj, "metadata": metadata, "spec": spec}


def _limit_range(obj: Obj, now: str) -> Obj:
    metadata = obj.get("metadata") or {}
    return obj if metadata.get("name") or not metadata.get("uid") else {**obj, "metadata": {**metadata, "name": metadata["uid"]}}


ON_CREATE: Final[dict[str, Callable[[Obj, str], Obj]]] = {
    "pods": _pod,
    "namespaces": _namespace,
    "persistentvolumes": _volume,
    "persistentvolumeclaims": _claim,
    "daemonsets.apps": _daemon_set,
    "jobs.batch": _job,
    "limitranges": _limit_range,
}
"""resource -> (object, now) -> object."""


def _updated_namespace(new: Obj, old: Obj) -> Obj:
    kept = (old.get("spec") or {}).get("finalizers")
    spec = {k: v for k, v in (new.get("spec") or {}).items() if k != "finalizers"}
    return {**new, "spec": {**spec, "finalizers": kept} if kept else spec}


def _updated_daemon_set(new: Obj, old: Obj) -> Obj:
    """The template's own generation goes up with the template, whatever the request said."""
    said = str(((old.get("metadata") or {}).get("annotations") or {}).get(_GENERATION, "1"))
    changed = _template(new) != _template(old)
    return _annotated(new, str(int(said) + 1 if said.isdigit() and changed else said))


def _template(obj: Obj) -> Any:
    return (obj.get("spec") or {}).get("template")


def _updated_secret(new: Obj, old: Obj) -> Obj:
    return new if new.get("type") else {**new, "type": old.get("type", "Opaque")}


def _updated_request(new: Obj, old: Obj) -> Obj:
    return {**new, "spec": old.get("spec")}


ON_UPDATE: Final[dict[str, Callable[[Obj, Obj], Obj]]] = {
    "namespaces": _updated_namespace,
    "daemonsets.apps": _updated_daemon_set,
    "secrets": _updated_secret,
    "certificatesigningrequests.certificates.k8s.io": _updated_request,
}
"""resource -> (new, old) -> new."""


def _pod_status(new: Obj, old: Obj) -> Obj:
    status, kept = new.get("status") or {}, (old.get("status") or {}).get("qosClass")
    return new if status.get("qosClass") or not kept else {**new, "status": {**status, "qosClass": kept}}


ON_STATUS: Final[dict[str, Callable[[Obj, Obj], Obj]]] = {"pods": _pod_status}
"""resource -> (new, old) -> new, for updates of /status."""
