"""What the API server does to an object of a kind before it stores it: initial status, generation, what an update may touch.

The callers give objects that are decoded and defaulted; `metadata.uid` is set before `for_create`.
As in pkg/registry/*/*/strategy.go and apiserver's registry/rest.
"""

from __future__ import annotations

from typing import Final

from k8s_notebook.objects import Obj, decoding, kinds, preparations, schema

_COUNTED: Final = frozenset(
    [
        "pods",
        "replicationcontrollers",
        "podtemplates",
        "deployments.apps",
        "replicasets.apps",
        "statefulsets.apps",
        "daemonsets.apps",
        "jobs.batch",
        "cronjobs.batch",
        "ingresses.networking.k8s.io",
        "ingressclasses.networking.k8s.io",
        "networkpolicies.networking.k8s.io",
        "endpointslices.discovery.k8s.io",
        "poddisruptionbudgets.policy",
        "deviceclasses.resource.k8s.io",
        "resourceslices.resource.k8s.io",
        "flowschemas.flowcontrol.apiserver.k8s.io",
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
        "priorityclasses.scheduling.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "mutatingadmissionpolicies.admissionregistration.k8s.io",
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    ]
)
"""Built-in kinds whose metadata.generation counts changes."""

_COUNTS_TOO: Final = {"deployments.apps": ("annotations",), "endpointslices.discovery.k8s.io": ("labels",)}
"""Metadata whose change counts as well."""

_SERVER_OWNED: Final = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink")
"""Metadata that a request cannot change."""

_ALL_META: Final = ("labels", "annotations", "finalizers", "ownerReferences")
_KEPT_BY_STATUS: Final[dict[str, tuple[str, ...]]] = {
    "pods": ("ownerReferences",),
    "deployments.apps": ("labels",),
    "servicecidrs.networking.k8s.io": _ALL_META,
    "resourceclaims.resource.k8s.io": _ALL_META,
    "volumeattachments.storage.k8s.io": _ALL_META,
    "flowschemas.flowcontrol.apiserver.k8s.io": _ALL_META,
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": _ALL_META,
    "validatingadmissionpolicies.admissionregistration.k8s.io": _ALL_META,
    "customresourcedefinitions.apiextensions.k8s.io": _ALL_META,
    "apiservices.apiregistration.k8s.io": _ALL_META,
}
"""Metadata that a status update keeps as it was; everything else of the metadata it may change."""

_STATUS_ON_CREATE: Final = frozenset({"nodes", "customresourcedefinitions.apiextensions.k8s.io"})
"""Kinds whose status survives creation: kubelets register their node with it; definitions get theirs by defaulting."""


def counts_generation(kind: kinds.Kind) -> bool:
    """Whether metadata.generation of this kind counts changes: a table for built-in kinds, all custom resources."""
    return kind.resource in _COUNTED or schema.of(kind.api_version, kind.kind) is None


def _has_status(kind: kinds.Kind) -> bool:
    return kind.subresource("status") is not None


def _initial_status(kind: kinds.Kind) -> Obj | None:
    """The status of a new object: what Go writes for a status that was never set; None if it is left out."""
    if kind.resource in preparations.INITIAL_STATUS:
        return preparations.INITIAL_STATUS[kind.resource]
    root = schema.of(kind.api_version, kind.kind)
    field = root.field("status") if root is not None else None
    filler = decoding.zero(field) if field is not None and field.mode.startswith("!") else None
    return filler if isinstance(filler, dict) else None


def for_create(kind: kinds.Kind, obj: Obj, now: str = "") -> Obj:
    """The object as it is first stored: generation, status of a new object, fields that are derived from its uid.

    `now` (an RFC 3339 time) is written where the first status carries a time.
    """
    if _has_status(kind) and kind.resource not in _STATUS_ON_CREATE:
        obj = {**obj, "status": status} if (status := _initial_status(kind)) is not None else _without(obj, "status")
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "generation"}
    if counts_generation(kind):
        metadata["generation"] = 1
    obj = {**obj, "metadata": metadata}
    prepare = preparations.ON_CREATE.get(kind.resource)
    return prepare(obj, now) if prepare is not None else obj


def for_update(kind: kinds.Kind, new: Obj, old: Obj) -> Obj:
    """The object as an update of the main endpoint stores it: the old status, the server's metadata, the next generation."""
    new = {**new, "metadata": _metadata(new, old, ())}
    if _has_status(kind):
        new = {**new, "status": old["status"]} if "status" in old else _without(new, "status")
    prepare = preparations.ON_UPDATE.get(kind.resource)
    if prepare is not None:
        new = prepare(new, old)
    return _bumped(new) if counts_generation(kind) and _changed(kind, new, old) else new


def for_status_update(kind: kinds.Kind, new: Obj, old: Obj) -> Obj:
    """The object as an update of /status stores it: everything old but the status, and metadata where the kind allows that."""
    custom = schema.of(kind.api_version, kind.kind) is None
    metadata = _metadata(new, old, _ALL_META if custom else _KEPT_BY_STATUS.get(kind.resource, ()))
    stored = {**_without(old, "status"), "metadata": metadata}
    if "status" in new:
        stored["status"] = new["status"]
    prepare = preparations.ON_STATUS.get(kind.resource)
    return prepare(stored, old) if prepare is not None else stored


def _without(obj: Obj, key: str) -> Obj:
    return {k: v for k, v in obj.items() if k != key} if key in obj else obj


def _metadata(new: Obj, old: Obj, kept: tuple[str, ...]) -> Obj:
    """The new metadata with what the server owns, and what is kept, from the old."""
    mine, theirs = new.get("metadata") or {}, old.get("metadata") or {}
    fixed = (*_SERVER_OWNED, *kept)
    if all(mine.get(key) == theirs.get(key) for key in fixed):
        return mine
    return {k: v for k, v in mine.items() if k not in fixed} | {k: theirs[k] for k in fixed if k in theirs}


_NOT_SPEC: Final = frozenset({"metadata", "status", "apiVersion", "kind"})


def _changed(kind: kinds.Kind, new: Obj, old: Obj) -> bool:
    """Whether anything that generation counts is different."""
    ignored = _NOT_SPEC if _has_status(kind) or kind.resource in _COUNTED else _NOT_SPEC - {"status"}
    for key in new.keys() | old.keys():
        if key not in ignored and new.get(key) is not old.get(key) and new.get(key) != old.get(key):
            return True
    mine, theirs = new["metadata"], old.get("metadata") or {}
    return any((mine.get(key) or {}) != (theirs.get(key) or {}) for key in _COUNTS_TOO.get(kind.resource, ()))


def _bumped(obj: Obj) -> Obj:
    metadata = obj["metadata"]
    return {**obj, "metadata": {**metadata, "generation": int(metadata.get("generation") or 0) + 1}}
