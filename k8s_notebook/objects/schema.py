"""The shape of every kind: its fields, their types, their merge rules; and reading a request body by it.

This is the door; the work is in typetable.py (the nodes), decoding.py, jsontext.py and openapi.py.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Final

from k8s_notebook.objects import Obj, decoding, errors, kinds
from k8s_notebook.objects.jsontext import parse_json, unreadable
from k8s_notebook.objects.openapi import index_v3, openapi_v3
from k8s_notebook.objects.typetable import Node, from_openapi, load

__all__ = [
    "OWN", "Node", "decode", "from_openapi", "index_v3", "load", "of", "openapi_v3", "own_node", "parse_json", "unreadable",
]  # fmt: skip

_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer"}
_ANY: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
OWN: Final[Mapping[tuple[str, str], Mapping[str, Any]]] = {
    (f"{kinds.OWN_GROUP}/v1alpha1", "Fault"): {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "spec": {
                "type": "object",
                "required": ["target", "action"],
                "properties": {
                    "target": {"type": "object", "required": ["kind", "name"], "properties": {"kind": _TEXT, "name": _TEXT}},
                    "action": _TEXT,
                },
            }
        },
    },
    (f"{kinds.OWN_GROUP}/v1alpha1", "Decision"): {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"pod": {"type": "object", "properties": {"name": _TEXT, "uid": _TEXT}}, "schedulerName": _TEXT},
            },
            "status": {
                "type": "object",
                "properties": {
                    "node": _TEXT, "nodes": _COUNT, "feasible": _COUNT, "evaluated": _COUNT, "message": _TEXT, "nominatedNode": _TEXT,
                    "time": {"type": "number"}, "victims": {"type": "array", "items": _TEXT}, "room": _ANY, "notes": _ANY,
                    "columns": _ANY,
                },
            },
        },
    },
}  # fmt: skip
"""The kinds of our own API group: (apiVersion, kind) -> OpenAPI schema."""


@functools.cache
def of(api_version: str, kind: str) -> Node | None:
    """The node of a whole object, or None for a kind that is not built in.

    >>> of("v1", "Pod").field("spec").field("containers").merge_key
    'name'
    """
    if (api_version, kind) in OWN:
        return from_openapi(OWN[(api_version, kind)], root=True)
    group, _, version = api_version.rpartition("/")
    return load().root(group, version, kind)


def own_node(api_version: str, kind: str) -> Node | None:
    """The node of a kind of our own group, or None."""
    return of(api_version, kind) if (api_version, kind) in OWN else None


def decode(
    kind: kinds.Kind,
    obj: Any,
    strict: bool,
    *,
    duplicates: Iterable[str] = (),
    node: Node | None = None,
    fill: bool = True,
) -> tuple[Obj, list[str]]:
    """The body as the server understands it, and the warnings about it; BadRequest if it cannot be understood.

    `duplicates` are the paths that `parse_json` found; `node` overrides the built-in schema (custom resources).
    With `strict` unknown and duplicate fields are an error. The result has the fields that the real server would write back;
    without `fill` nothing is added and nothing empty is dropped, as server-side apply needs it: its body says what it owns.
    """
    if not isinstance(obj, dict):
        raise unreadable(kind.kind, repr(obj), f"json: cannot unmarshal {type(obj).__name__} into Go value")
    _same_kind(kind, obj)
    node = node or of(kind.api_version, kind.kind)
    if node is None:
        return {"apiVersion": kind.api_version, "kind": kind.kind, **obj}, []
    try:
        decoded, unknown = decoding.decode(node, obj, fill=fill)
    except errors.BadRequest as error:
        raise _unhandled(kind, kind.kind, kind.version, error.message) from None
    warnings = decoding.sentences(unknown, duplicates)
    if strict and warnings:
        raise _unhandled(kind, kind.kind, kind.version, "strict decoding error: " + ", ".join(warnings))
    return {"apiVersion": kind.api_version, "kind": kind.kind, **decoded}, warnings


def _same_kind(kind: kinds.Kind, obj: Mapping[str, Any]) -> None:
    """Refuse a body of another kind than the URL's; an absent kind or version is taken from the URL."""
    said_version, said_kind = obj.get("apiVersion") or kind.api_version, obj.get("kind") or kind.kind
    if (said_version, said_kind) == (kind.api_version, kind.kind):
        return
    if not isinstance(said_version, str) or not isinstance(said_kind, str):
        raise unreadable(kind.kind, repr(obj), "json: cannot unmarshal into Go struct field of type string")
    version = said_version.rpartition("/")[2]
    if kinds.EMBEDDED.for_object(said_version, said_kind) is None:
        why = f'no kind "{said_kind}" is registered for version "{said_version}" in scheme "pkg/runtime/scheme.go:111"'
    else:
        why = f"converting ({version}.{said_kind}) to ({kind.group.split('.')[0] or 'core'}.{kind.kind}): unknown conversion"
    raise _unhandled(kind, said_kind, version, why)


def _unhandled(kind: kinds.Kind, said: str, version: str, why: str) -> errors.BadRequest:
    return errors.BadRequest(f'{said} in version "{version}" cannot be handled as a {kind.kind}: {why}')
