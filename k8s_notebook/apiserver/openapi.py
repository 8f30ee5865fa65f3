"""The OpenAPI v3 documents of the kinds that are served, made when first asked for and kept; of v2 only a document that lists nothing."""

from __future__ import annotations

import hashlib
import json

import orjson

from k8s_notebook.objects.kinds import Kinds

PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_V2 = {"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1"}, "paths": {}}


def swagger(accept: str) -> tuple[bytes, str]:
    """(an OpenAPI v2 document that lists nothing, its media type).

    kubectl reads it before it sends a file with a `kind: List`, and leaves out its own check of what is not in it; the server checks
    every field anyway.
    """
    if "proto-openapi.spec.v2" not in accept:
        return orjson.dumps(_V2), "application/json"
    info = _field(1, b"Kubernetes") + _field(2, b"v1")
    return _field(1, b"2.0") + _field(2, info) + _field(8, b""), PROTOBUF_V2


def _field(number: int, value: bytes) -> bytes:
    """A short length-delimited field of a protobuf message."""
    return bytes((number << 3 | 2, len(value))) + value


class Documents:
    """The documents of one server: path ("api/v1", "apis/apps/v1") -> (bytes, hash)."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._documents: dict[str, tuple[bytes, str]] = {}
        self._index: tuple[bytes, str] | None = None

    def changed(self) -> None:
        """The kinds have changed: forget everything."""
        self._documents.clear()
        self._index = None

    def index(self) -> tuple[bytes, str]:
        """(the document of /openapi/v3, its ETag)."""
        if self._index is None:
            paths = {
                place: {"serverRelativeURL": f"/openapi/v3/{place}?hash={self._hash(group, version)}"}
                for place, group, version in self._places()
            }
            body = orjson.dumps({"paths": paths})
            self._index = body, '"' + hashlib.sha256(body).hexdigest().upper() + '"'
        return self._index

    def document(self, place: str) -> tuple[bytes, str] | None:
        """(the document of one group-version, its hash), or None."""
        found = self._documents.get(place)
        if found is None:
            known = {p: (g, v) for p, g, v in self._places()}
            if place not in known:
                return None
            found = self._documents[place] = self._make(*known[place])
        return found

    def _places(self) -> list[tuple[str, str, str]]:
        return [
            (f"apis/{group}/{version}" if group else f"api/{version}", group, version)
            for group, versions in self._kinds.groups().items()
            for version in versions
        ]

    def _make(self, group: str, version: str) -> tuple[bytes, str]:
        from k8s_notebook.objects import schema

        nodes = {k.kind: schema.own_node(k.api_version, k.kind) for k in self._kinds if k.group == group}
        own = {kind: node for kind, node in nodes.items() if node is not None}
        document = schema.openapi_v3(group, version, self._kinds, own)
        return orjson.dumps(document), self._hash(group, version)

    def _hash(self, group: str, version: str) -> str:
        """A hash that changes with the document, without making it: the schema data and the kinds decide what is in it."""
        from k8s_notebook.objects import schema

        kinds = [repr(k) for k in self._kinds if (k.group, k.version) == (group, version)]
        return hashlib.sha256(json.dumps([schema.load().version, kinds]).encode()).hexdigest().upper()
