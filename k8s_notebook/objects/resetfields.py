"""The fields that nobody comes to own through an endpoint, because it ignores them: the table of GetResetFields.

As in kubernetes/pkg/registry/*/strategy.go.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from k8s_notebook.objects import fieldsv1, kinds
from k8s_notebook.objects.fieldsv1 import Fields

Filter = Callable[[Fields], Fields]

_STATUS, _SPEC, _META = ("status",), ("spec",), ("metadata",)
_EVERYWHERE: dict[str, tuple[tuple[str, ...], ...]] = {"": (_STATUS,), "status": (_SPEC,), "finalize": (_STATUS,)}
"""Subresource -> what it ignores, for kinds with a status."""

_OWN: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("deployments.apps", "status"): (_SPEC, ("metadata", "labels")),
    ("pods", "status"): (_SPEC, ("metadata", "deletionTimestamp"), ("metadata", "ownerReferences")),
    ("certificatesigningrequests.certificates.k8s.io", ""): (_SPEC, _STATUS),
    ("certificatesigningrequests.certificates.k8s.io", "status"): (_SPEC, ("status", "conditions")),
    ("certificatesigningrequests.certificates.k8s.io", "approval"): (_SPEC, ("status", "certificate")),
    **{
        (resource, "status"): (_SPEC, _META)
        for resource in (
            "flowschemas.flowcontrol.apiserver.k8s.io",
            "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
            "resourceclaims.resource.k8s.io",
            "servicecidrs.networking.k8s.io",
            "validatingadmissionpolicies.admissionregistration.k8s.io",
            "volumeattachments.storage.k8s.io",
        )
    },
}

_ANY_CONTAINER = {"*": {"f:resources": fieldsv1.HERE, "f:resizePolicy": fieldsv1.HERE}}
_ONLY: dict[tuple[str, str], Fields] = {
    ("pods", "ephemeralcontainers"): fieldsv1.of_paths([("spec", "ephemeralContainers")]),
    ("pods", "resize"): {"f:spec": {"f:containers": _ANY_CONTAINER, "f:initContainers": _ANY_CONTAINER}},
}
"""Endpoints of which only these fields can be owned."""


@functools.cache
def kept(api_version: str, kind: str, subresource: str) -> Filter:
    """The function that leaves of a set what can be owned through an endpoint."""
    known = kinds.EMBEDDED.for_object(api_version, kind)
    resource = known.resource if known is not None else ""
    patterns = _ONLY.get((resource, subresource))
    if patterns is not None:
        return lambda fields: fieldsv1.only(fields, patterns)
    paths = _OWN.get((resource, subresource))
    if paths is None:
        has_status = known is None or known.subresource("status") is not None
        paths = _EVERYWHERE.get(subresource, ()) if has_status else ()
    ignored = fieldsv1.of_paths(paths)
    return lambda fields: fieldsv1.without(fields, ignored)
