"""Rules for metadata, and for label selectors, which the same people write.

As in k8s.io/apimachinery/pkg/api/validation and pkg/apis/meta/v1/validation.
"""

from __future__ import annotations

from typing import Any, Final

from k8s_notebook.objects import Obj
from k8s_notebook.objects.validating import names
from k8s_notebook.objects.validating.findings import Findings

_ANNOTATIONS_MOST: Final = 256 * 1024
_FINALIZERS: Final = ("kubernetes", "orphan", "foregroundDeletion")
_FIXED: Final = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


def created(found: Findings, metadata: Obj, namespaced: bool, name_check: names.Check) -> None:
    """The metadata of a new object."""
    name, base = metadata.get("name") or "", metadata.get("generateName") or ""
    if base:
        found.each("metadata.generateName", base, name_check(names.as_prefix(base)))
    if not name:
        found.required("metadata.name", "name or generateName is required")
    else:
        found.each("metadata.name", name, name_check(name))
    _namespace(found, metadata.get("namespace") or "", namespaced)
    common(found, metadata)
    finalizers(found, metadata.get("finalizers") or (), "metadata.finalizers")


def _namespace(found: Findings, namespace: str, namespaced: bool) -> None:
    if not namespaced:
        if namespace:
            found.forbidden("metadata.namespace", "not allowed on this type")
    elif not namespace:
        found.required("metadata.namespace")
    else:
        found.each("metadata.namespace", namespace, names.label(namespace))


def common(found: Findings, metadata: Obj) -> None:
    """Labels, annotations and owners, of any object."""
    if metadata.get("labels"):
        labels(found, metadata["labels"], "metadata.labels")
    if metadata.get("annotations"):
        annotated(found, metadata["annotations"], "metadata.annotations")
    if metadata.get("ownerReferences"):
        _owners(found, metadata["ownerReferences"], "metadata.ownerReferences")


def updated(found: Findings, new: Obj, old: Obj) -> None:
    """The metadata of a changed object: what identifies it stays, the rest keeps the rules."""
    for field in _FIXED:
        if new.get(field) != old.get(field):
            found.immutable(f"metadata.{field}", new.get(field), old.get(field))
    if any(new.get(field) is not old.get(field) for field in ("labels", "annotations", "ownerReferences")):
        common(found, new)


def labels(found: Findings, given: Obj, path: str) -> None:
    """Label keys and values."""
    for key, value in given.items():
        found.each(path, key, names.qualified(key))
        found.each(path, value, names.label_value(value))


def annotated(found: Findings, given: Obj, path: str) -> None:
    """Annotation keys, and their size together."""
    size = 0
    for key, value in given.items():
        found.each(path, key, names.qualified(key.lower()))
        size += len(key) + len(value)
    if size > _ANNOTATIONS_MOST or size * 4 > _ANNOTATIONS_MOST < _encoded(given):
        found.too_long(path, _ANNOTATIONS_MOST)


def _encoded(given: Obj) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in given.items())


def _owners(found: Findings, references: list[Obj], path: str) -> None:
    controller = ""
    for reference in references:
        if not (reference.get("apiVersion") or "").rpartition("/")[2]:
            found.invalid(f"{path}.apiVersion", reference.get("apiVersion") or "", "version must not be empty")
        for field in ("kind", "name", "uid"):
            if not reference.get(field):
                found.invalid(f"{path}.{field}", "", "must not be empty")
        if (reference.get("apiVersion"), reference.get("kind")) == ("v1", "Event"):
            found.invalid(path, reference, "/v1, Kind=Event is disallowed from being an owner")
        if reference.get("controller"):
            mine = f"{reference.get('kind')}/{reference.get('name')}"
            if controller:
                two = f'Found "true" in references for {controller} and {mine}'
                found.invalid(path, references, f"Only one reference can have Controller set to true. {two}")
            controller = controller or mine


def finalizers(found: Findings, given: Any, path: str) -> None:
    """Finalizers are qualified names; the two of the garbage collector exclude each other."""
    for i, finalizer in enumerate(given):
        found.each(path, finalizer, names.qualified(finalizer))
        if "/" not in finalizer and finalizer not in _FINALIZERS:
            found.invalid(f"{path}[{i}]", finalizer, "name is neither a standard finalizer name nor is it fully qualified")
    if "orphan" in given and "foregroundDeletion" in given:
        found.invalid(path, list(given), "finalizer orphan and foregroundDeletion cannot be both set")


def selector(found: Findings, given: Obj | None, path: str) -> None:
    """A label selector of an object: matchLabels and matchExpressions."""
    if not given:
        return
    labels(found, given.get("matchLabels") or {}, f"{path}.matchLabels")
    for i, term in enumerate(given.get("matchExpressions") or ()):
        requirement(found, term, f"{path}.matchExpressions[{i}]")


def requirement(found: Findings, term: Obj, path: str, *, comparing: bool = False) -> None:
    """One requirement of a label selector, or (`comparing`) of a node selector, which may also compare numbers."""
    operator, values = term.get("operator"), term.get("values") or []
    if operator in ("In", "NotIn"):
        if not values:
            found.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            found.forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    elif comparing and operator in ("Gt", "Lt"):
        if len(values) != 1:
            found.required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    else:
        found.invalid(f"{path}.operator", operator or "", "not a valid selector operator")
    key = term.get("key") or ""
    found.each(f"{path}.key", key, names.qualified(key))
    for i, value in enumerate(values):
        found.each(f"{path}.values[{i}]", value, names.label_value(value))


def matches(given: Obj | None, own: Obj) -> bool:
    """Whether labels satisfy a selector; an unknown operator matches nothing."""
    if given is None:
        return False
    if any(own.get(key) != value for key, value in (given.get("matchLabels") or {}).items()):
        return False
    return all(_satisfied(term, own) for term in given.get("matchExpressions") or ())


def _satisfied(term: Obj, own: Obj) -> bool:
    key, values = term.get("key"), term.get("values") or ()
    match term.get("operator"):
        case "In":
            return key in own and own[key] in values
        case "NotIn":
            return key not in own or own[key] not in values
        case "Exists":
            return key in own
        case "DoesNotExist":
            return key not in own
    return False
