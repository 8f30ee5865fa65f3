"""URL and method -> what is asked for: pure, no HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from k8s_notebook.apiserver import refusals
from k8s_notebook.objects.errors import BadRequest, NotFound
from k8s_notebook.objects.kinds import Kind, Kinds

TRUE = ("1", "t", "T", "TRUE", "true", "True", "")
"""What Kubernetes reads as true in a query (an empty value counts)."""
_ITEM = {"GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
_COLLECTION = {"GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection"}
_PLAIN = {"GET": "get", "HEAD": "head", "POST": "post", "PUT": "put", "DELETE": "delete", "PATCH": "patch", "OPTIONS": "options"}
_NAMESPACE_SUBRESOURCES = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Route:
    """A request for a resource: its kind, and the verb as rules name it (get, list, watch, create, …)."""

    kind: Kind
    verb: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Plain:
    """A request for a path that is no resource: /version, /apis/apps/v1, …"""

    path: str
    verb: str


class PageNotFound(NotFound):
    """A path outside the API: answered as the plain text `404 page not found`."""


def route(method: str, raw_path: str, query: Mapping[str, str], kinds: Kinds) -> Route | Plain:
    """What is asked for; raises NotFound or MethodNotAllowed as the API server does. `raw_path` is percent-encoded."""
    parts = [unquote(p) for p in raw_path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Plain("/" + "/".join(parts), _PLAIN.get(method, method.lower()))
    if not _served(kinds, group, version):
        raise PageNotFound("404 page not found")
    return _resource(method, group, version, rest, query, kinds)


def _served(kinds: Kinds, group: str, version: str) -> bool:
    return any(k.group == group and k.version == version for k in kinds)


def _resource(method: str, group: str, version: str, rest: list[str], query: Mapping[str, str], kinds: Kinds) -> Route:
    watched = rest[0] == "watch" and len(rest) > 1
    if watched:
        rest = rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and not (len(rest) == 3 and rest[2] in _NAMESPACE_SUBRESOURCES and not group):
        namespace, rest = rest[1], rest[2:]
    kind = kinds.at(group, version, rest[0])
    if kind is None or (namespace and not kind.namespaced):
        raise refusals.unknown()
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    found = Route(kind, "", namespace, name, subresource, "/".join(rest[3:]))
    return _with_verb(method, found, query, watched)


def _with_verb(method: str, found: Route, query: Mapping[str, str], watched: bool) -> Route:
    kind = found.kind
    if kind.namespaced and not found.namespace and found.name:
        raise refusals.unknown()
    verb = (_ITEM if found.name else _COLLECTION).get(method, "")
    if found.subresource:
        return _subresource(found, verb, method)
    reads = "get" if found.name else "list"
    if verb == reads and (watched or truth(query, "watch")):
        verb = "watch"
    everywhere = kind.namespaced and not found.namespace
    created_at_item = verb == "create" and bool(found.name)
    if verb not in kind.verbs or created_at_item or (everywhere and verb not in ("list", "watch", *_reviewed(kind))):
        raise refusals.wrong_method()
    return Route(kind, verb, found.namespace, found.name)


def _subresource(found: Route, verb: str, method: str) -> Route:
    served = found.kind.subresource(found.subresource)
    if served is None or (found.rest and found.subresource != "proxy"):
        raise refusals.unknown()
    if verb not in served.verbs:
        raise refusals.wrong_method()
    return Route(found.kind, verb, found.namespace, found.name, found.subresource, found.rest)


def _reviewed(kind: Kind) -> tuple[str, ...]:
    return () if kind.namespaced else kind.verbs


def truth(query: Mapping[str, str], name: str) -> bool:
    """Whether a query parameter is there and true."""
    return name in query and query[name] in TRUE


def whole_number(query: Mapping[str, str], name: str) -> int | None:
    """A query parameter as an integer, or None; BadRequest with Go's sentence."""
    text = query.get(name)
    if text is None or text == "":
        return None
    digits = text.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)
