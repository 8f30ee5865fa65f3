"""OpenAPI v3 documents made from the type table: what kubectl apply, create, diff and explain read.

kubectl asks two things of a document: whether a `patch` operation for the kind takes `fieldValidation` and `dryRun` (then the
server validates), and how lists merge and which fields exist (`components.schemas`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from k8s_notebook.objects import kinds, typetable

_PREFIX: Final = "#/components/schemas/"
_QUERY: Final = {
    "get": (),
    "post": ("dryRun", "fieldManager", "fieldValidation"),
    "put": ("dryRun", "fieldManager", "fieldValidation"),
    "patch": ("dryRun", "fieldManager", "fieldValidation", "force"),
    "delete": ("dryRun", "gracePeriodSeconds", "propagationPolicy"),
}
_ACTIONS: Final = {"get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete"}
_BODIES: Final = {
    "post": ("application/json", "application/yaml"),
    "put": ("application/json", "application/yaml"),
    "patch": ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
              "application/strategic-merge-patch+json"),
}  # fmt: skip
_SPECIAL: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "q": ("io.k8s.apimachinery.pkg.api.resource.Quantity", {"oneOf": [{"type": "string"}, {"type": "number"}]}),
    "x": ("io.k8s.apimachinery.pkg.util.intstr.IntOrString",
          {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}),
    "t": ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", {"type": "string", "format": "date-time"}),
    "u": ("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", {"type": "string", "format": "date-time"}),
    "a": ("io.k8s.apimachinery.pkg.runtime.RawExtension", {"type": "object"}),
}  # fmt: skip


class _Document:
    """One document being written."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        self.paths: dict[str, Any] = {}

    def reference(self, node: typetable.Node) -> dict[str, Any]:
        """A reference to the node's named schema, which is added; or the schema itself if it has no name."""
        if node.code in _SPECIAL:
            name, schema = _SPECIAL[node.code]
            self.schemas.setdefault(name, schema)
            return {"$ref": _PREFIX + name}
        if not node.name:
            return self.shape(node)
        if node.name not in self.schemas:
            self.schemas[node.name] = {}
            self.schemas[node.name] = self.shape(node)
        return {"$ref": _PREFIX + node.name}

    def shape(self, node: typetable.Node) -> dict[str, Any]:
        """The schema of a node, written out."""
        if node.items is not None:
            return {"type": "array", "items": self.reference(node.items)}
        if node.values is not None:
            return {"type": "object", "additionalProperties": self.reference(node.values)}
        if node.type != "object":
            return {"type": node.type, **({"format": node.format} if node.format in ("int32", "int64", "byte", "double") else {})}
        schema: dict[str, Any] = {"type": "object"}
        if node.fields:
            schema["properties"] = {name: self.property(field) for name, field in node.fields.items()}
        if node.required:
            schema["required"] = list(node.required)
        if node.map_type == "atomic":
            schema["x-kubernetes-map-type"] = "atomic"
        return schema

    def property(self, node: typetable.Node) -> dict[str, Any]:
        """The schema of a field: its type and its merge rules."""
        reference = self.reference(node)
        rules = {
            "default": node.default,
            "x-kubernetes-list-type": node.list_type,
            "x-kubernetes-list-map-keys": list(node.list_keys),
            "x-kubernetes-map-type": node.map_type if node.map_type == "atomic" and not node.name else "",
            "x-kubernetes-patch-strategy": node.patch_strategy,
            "x-kubernetes-patch-merge-key": node.merge_key,
        }
        written = {key: rule for key, rule in rules.items() if rule}
        if "$ref" not in reference or not written:
            return {**reference, **written}
        return {"allOf": [reference], **written}

    def kind(self, kind: kinds.Kind, node: typetable.Node | None) -> None:
        """Add one kind: its schema and its paths."""
        node = node or typetable.load().root(kind.group, kind.version, kind.kind)
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        name = (node.name if node else "") or ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind])
        self.schemas[name] = {**(self.shape(node) if node else {"type": "object"}), "x-kubernetes-group-version-kind": [gvk]}
        place = "{namespace}" if kind.namespaced else None
        self._path(kind.path(place), kind, gvk, name, ("get", "create"), list_verb="list")
        if "get" in kind.verbs:
            self._path(kind.path(place, "{name}"), kind, gvk, name, ("get", "update", "patch", "delete"))

    def _path(
        self, path: str, kind: kinds.Kind, gvk: Mapping[str, str], name: str, verbs: tuple[str, ...], list_verb: str = ""
    ) -> None:
        operations = {
            _ACTIONS[verb]: _operation(_ACTIONS[verb], gvk, name, list_verb if verb == "get" and list_verb else verb)
            for verb in verbs
            if (list_verb if verb == "get" and list_verb else verb) in kind.verbs
        }
        inside = [{"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
                  for part in ("name", "namespace") if f"{{{part}}}" in path]  # fmt: skip
        if operations:
            self.paths[path] = {**operations, **({"parameters": inside} if inside else {})}


def _operation(method: str, gvk: Mapping[str, str], name: str, verb: str) -> dict[str, Any]:
    whole = {"schema": {"$ref": _PREFIX + name}}
    body = {"schema": {"type": "object"}} if method == "patch" else whole
    operation: dict[str, Any] = {
        "operationId": f"{verb}{gvk['group'].split('.')[0].capitalize() or 'Core'}{gvk['version'].capitalize()}{gvk['kind']}",
        "parameters": [{"name": query, "in": "query", "schema": {"type": "string"}} for query in _QUERY[method]],
        "responses": {"200": {"description": "OK", "content": {"application/json": whole}}},
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": dict(gvk),
    }
    if method in _BODIES:
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(_BODIES[method], body)}
    return operation


def openapi_v3(
    group: str, version: str, served: Iterable[kinds.Kind], nodes: Mapping[str, typetable.Node] | None = None
) -> dict[str, Any]:
    """The OpenAPI v3 document of one group-version.

    `served` may hold kinds of other group-versions: they are left out. `nodes` gives the schema of kinds that are not built in,
    by Kind name.
    """
    document = _Document()
    for kind in served:
        if (kind.group, kind.version) == (group, version):
            document.kind(kind, (nodes or {}).get(kind.kind))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": typetable.load().version},
        "paths": document.paths,
        "components": {"schemas": document.schemas},
    }


def index_v3(
    group_versions: Iterable[tuple[str, str]], documents: Mapping[tuple[str, str], bytes] | None = None
) -> dict[str, Any]:
    """The answer to `/openapi/v3`: where each document is; the hash changes with the document."""
    paths: dict[str, Any] = {}
    for group, version in group_versions:
        place = f"apis/{group}/{version}" if group else f"api/{version}"
        content = (documents or {}).get((group, version)) or f"{typetable.load().version} {place}".encode()
        paths[place] = {"serverRelativeURL": f"/openapi/v3/{place}?hash={hashlib.sha256(content).hexdigest().upper()}"}
    return {"paths": paths}
