"""Bodies of requests before anything is done with them: what they must say, and where they belong."""

from __future__ import annotations

from typing import Any

from k8s_notebook.apiserver import refusals
from k8s_notebook.apiserver.calls import Call
from k8s_notebook.objects import Obj, errors, schema
from k8s_notebook.objects.kinds import Kind


def accepted(kind: Kind, obj: Obj, call: Call) -> Obj:
    """The body as an object of this kind; BadRequest if it is none. Bodies from outside are read against the schema."""
    if call.outside:
        strict = call.validation == "Strict"
        found, warnings = schema.decode(kind, obj, strict, duplicates=call.duplicates)
        if call.validation != "Ignore":
            call.warnings.extend(warnings)
        obj = found
    return obj if "metadata" in obj else {**obj, "metadata": {}}


def mapping(value: Any) -> Obj:
    """The value, which must be a map; BadRequest otherwise."""
    if not isinstance(value, dict):
        raise errors.BadRequest("the patch does not leave an object")
    return value


def in_namespace(kind: Kind, namespace: str, obj: Obj) -> None:
    """The object's namespace must be the request's; BadRequest."""
    given = obj["metadata"].get("namespace")
    if given and given != (namespace if kind.namespaced else ""):
        raise errors.BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    if kind.namespaced and not namespace:
        raise errors.BadRequest("an empty namespace may not be set during creation")


def at_name(kind: Kind, namespace: str, name: str, obj: Obj) -> None:
    """The object's name and namespace must be the request's; BadRequest."""
    given = obj["metadata"].get("name")
    if not given:
        raise errors.BadRequest("name must be provided")
    if given != name:
        raise errors.BadRequest(f"the name of the object ({given}) does not match the name on the URL ({name})")
    inside = obj["metadata"].get("namespace")
    if inside and inside != (namespace if kind.namespaced else ""):
        raise errors.BadRequest(f"the namespace of the object ({inside}) does not match the namespace on the URL ({namespace})")


def applicable(kind: Kind, config: Obj, call: Call) -> None:
    """What server-side apply asks of its options and its body."""
    if not call.manager:
        message = "Required value: is required for apply patch"
        raise refusals.bad_option("PatchOptions", "fieldManager", "FieldValueRequired", message)
    if not isinstance(config, dict):
        raise errors.BadRequest(f"error decoding YAML: the body of an apply patch must be an object of kind {kind.kind}")
    if (config.get("metadata") or {}).get("managedFields"):
        raise errors.BadRequest("metadata.managedFields must be nil")
