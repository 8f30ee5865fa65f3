"""A request as the HTTP call that asks for it: pure translation, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from k8s_notebook.machinery.actions import Apply, Bind, Create, Delete, Get, List, Patch, Raw, Request, Update
from k8s_notebook.machinery.api import LogRequest
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import Kind, Kinds

JSON = "application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PATCHES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. `kind`: what the objects of an answered list are."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = JSON
    accept: str = JSON
    kind: Kind | None = None


def call(request: Request, kinds: Kinds) -> Call:
    """The HTTP call of a request; `errors.NotFound` if the cluster does not serve its kind."""
    return _CALLS[type(request)](request, kinds)


def log(request: LogRequest, kinds: Kinds) -> Call:
    """The HTTP call that reads a container's log."""
    query = {
        "container": request.container,
        "follow": _flag(request.follow),
        "previous": _flag(request.previous),
        "tailLines": _number(request.tail),
        "sinceSeconds": _number(request.since),
        "timestamps": _flag(request.timestamps),
    }
    path = _path_of_one(find(kinds, "pods"), request.namespace, request.pod, "log")
    return Call("GET", path, _given(query), accept="*/*")


def watch(kind: Kind, since: int, namespace: str, labels: str, fields: str, seconds: int) -> Call:
    """The HTTP call of a watch that ends by itself after `seconds`."""
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": str(since),
        "timeoutSeconds": str(seconds),
        "labelSelector": labels,
        "fieldSelector": fields,
    }
    return Call("GET", _path(kind, namespace, "", ""), _given(query), kind=kind)


def find(kinds: Kinds, resource: str, obj: Obj | None = None) -> Kind:
    """The kind of a resource name, in the version of `obj` if it has one.

    >>> from k8s_notebook.objects.kinds import BUILTIN
    >>> find(BUILTIN, "horizontalpodautoscalers.v1.autoscaling").version
    'v1'
    """
    if obj is not None:
        own = kinds.for_object(obj.get("apiVersion", ""), obj.get("kind", ""))
        if own is not None and resource in {"", own.resource, versioned(own)}:
            return own
    try:
        return kinds.of(resource)
    except KeyError:
        found = kinds.named(resource)
        if found is None:
            raise errors.NotFound(f'the server doesn\'t have a resource type "{resource}"') from None
        return found


def versioned(kind: Kind) -> str:
    """The resource name with its version, for versions that the server does not prefer: "cronjobs.v1beta1.batch"."""
    return f"{kind.plural}.{kind.version}.{kind.group}"


def _path(kind: Kind, namespace: str, name: str, subresource: str) -> str:
    if namespace in {".", ".."}:
        raise errors.NotAsked(f'invalid namespace "{namespace}"')
    return kind.path(quote(namespace, safe=""), quote(name, safe=""), subresource)


def _path_of_one(kind: Kind, namespace: str, name: str, subresource: str = "") -> str:
    """The path of one object: without a name it would be that of all of them."""
    if not name or name in {".", ".."}:
        raise errors.NotAsked(f'invalid resource name "{name}"' if name else "resource name may not be empty")
    return _path(kind, namespace, name, subresource)


def _flag(on: bool) -> str:
    return "true" if on else ""


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _given(query: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in query.items() if v}


def _writing(manager: str, dry_run: bool, strict: bool = False) -> dict[str, str]:
    return _given({"fieldManager": manager, "dryRun": "All" if dry_run else "", "fieldValidation": "Strict" if strict else ""})


def _get(request: Get, kinds: Kinds) -> Call:
    kind = find(kinds, request.resource)
    path = _path_of_one(kind, request.namespace, request.name, request.subresource)
    query = {"includeObject": "Object"} if request.table else {}
    return Call("GET", path, query, accept=TABLE if request.table else JSON, kind=kind)


def _list(request: List, kinds: Kinds) -> Call:
    kind = find(kinds, request.resource)
    query = {
        "labelSelector": request.labels,
        "fieldSelector": request.fields,
        "limit": _number(request.limit or None),
        "continue": request.continue_,
        "resourceVersion": request.version,
        "includeObject": "Object" if request.table and request.whole_objects else "",
    }
    path = _path(kind, request.namespace, "", "")
    return Call("GET", path, _given(query), accept=TABLE if request.table else JSON, kind=kind)


def _create(request: Create, kinds: Kinds) -> Call:
    if request.subresource:
        kind = find(kinds, request.resource)
        path = _path_of_one(kind, request.namespace, request.name, request.subresource)
    else:
        kind = find(kinds, request.resource, request.obj)
        namespace = request.namespace or (request.obj.get("metadata") or {}).get("namespace", "")
        path = _path(kind, namespace, "", "")
    return Call("POST", path, _writing(request.manager, request.dry_run, request.strict), request.obj)


def _update(request: Update, kinds: Kinds) -> Call:
    metadata = request.obj["metadata"]
    kind = find(kinds, request.resource, request.obj)
    path = _path_of_one(kind, metadata.get("namespace", ""), metadata["name"], request.subresource)
    return Call("PUT", path, _writing(request.manager, request.dry_run, request.strict), request.obj)


def _patch(request: Patch, kinds: Kinds) -> Call:
    path = _path_of_one(find(kinds, request.resource), request.namespace, request.name, request.subresource)
    query = _writing(request.manager, request.dry_run, request.strict)
    return Call("PATCH", path, query, request.body, PATCHES[request.style])


def _apply(request: Apply, kinds: Kinds) -> Call:
    metadata = request.obj["metadata"]
    kind = find(kinds, request.resource, request.obj)
    path = _path_of_one(kind, metadata.get("namespace", ""), metadata["name"], request.subresource)
    query = {**_writing(request.manager, request.dry_run, strict=True), "force": "true" if request.force else "false"}
    return Call("PATCH", path, query, request.obj, APPLY)


def _delete(request: Delete, kinds: Kinds) -> Call:
    body: Obj = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": request.propagation or "Background"}
    if request.grace is not None:
        body["gracePeriodSeconds"] = request.grace
    if request.uid:
        body["preconditions"] = {"uid": request.uid}
    if request.dry_run:
        body["dryRun"] = ["All"]
    path = _path_of_one(find(kinds, request.resource), request.namespace, request.name)
    return Call("DELETE", path, body=body)


def _bind(request: Bind, kinds: Kinds) -> Call:
    metadata = {"name": request.name, "namespace": request.namespace, **({"uid": request.uid} if request.uid else {})}
    target = {"apiVersion": "v1", "kind": "Node", "name": request.node}
    body = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
    return Call("POST", _path_of_one(find(kinds, "pods"), request.namespace, request.name, "binding"), body=body)


def _raw(request: Raw, _: Kinds) -> Call:
    return Call("GET", request.path, dict(request.query or {}), accept="application/json, */*")


_CALLS: dict[type, Callable[[Any, Kinds], Call]] = {
    Get: _get, List: _list, Create: _create, Update: _update, Patch: _patch, Apply: _apply, Delete: _delete, Bind: _bind,
    Raw: _raw,
}  # fmt: skip
