"""Asking a server by method, path and body, without HTTP: what tests that replay a real server's answers use."""

from __future__ import annotations

import urllib.parse
from typing import Any

from k8s_notebook.apiserver import routing
from k8s_notebook.apiserver.calls import Call, DeleteOptions, ListOptions, WatchOptions, delete_options
from k8s_notebook.apiserver.verbs import Server
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError

STYLES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}


def ask(server: Server, method: str, url: str, body: Any = None, content_type: str = "", manager: str = "") -> tuple[int, Obj]:
    """(code, answer) of a request as it would come over the wire."""
    try:
        return _ask(server, method, url, body, content_type, manager)
    except ApiError as error:
        return error.code, error.status()


def _ask(server: Server, method: str, url: str, body: Any, content_type: str, manager: str) -> tuple[int, Obj]:
    path, _, text = url.partition("?")
    query = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
    route = routing.route(method, path, query, server.kinds)
    assert isinstance(route, routing.Route)
    kind, namespace, name, part = route.kind, route.namespace, route.name, route.subresource
    dry, validation = query.get("dryRun") == "All", query.get("fieldValidation", "")
    named = query.get("fieldManager", "") if content_type.startswith("application/apply") else query.get("fieldManager", manager)
    call = Call("someone", named, dry, validation, outside=True, force=query.get("force") == "true")
    listing = ListOptions(
        namespace,
        query.get("labelSelector", ""),
        query.get("fieldSelector", ""),
        int(query.get("limit", 0)),
        query.get("continue", ""),
        query.get("resourceVersion", ""),
        query.get("resourceVersionMatch", ""),
    )
    if route.verb == "get":
        return 200, server.get(kind, namespace, name, part).obj
    if route.verb == "list":
        return 200, server.list(kind, listing).to_dict()
    if route.verb == "watch":
        initial = query["sendInitialEvents"] == "true" if "sendInitialEvents" in query else None
        server.watch(kind, WatchOptions(namespace, version=listing.version, match=listing.match, initial=initial))
        return 200, {}
    if route.verb == "delete":
        options = delete_options(body) if body else DeleteOptions()
        return _answered(server.delete(kind, namespace, name, options, call))
    if route.verb == "deletecollection":
        return _answered(server.delete_collection(kind, listing, delete_options(body or {}), call))
    if route.verb == "create":
        if part:
            return _answered(server.post(kind, namespace, name, part, body, call))
        return _answered(server.create(kind, namespace, body, call))
    if route.verb == "update":
        return _answered(server.update(kind, namespace, name, body, call, part))
    if content_type.startswith("application/apply"):
        return _answered(server.apply(kind, namespace, name, body, call, part))
    return _answered(server.patch(kind, namespace, name, body, STYLES[content_type], call, part))  # type: ignore[arg-type]


def _answered(answer: Any) -> tuple[int, Obj]:
    return answer.code, answer.obj
