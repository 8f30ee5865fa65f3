"""Paths that are no resources: discovery, OpenAPI, version, health, keys, and the state of our own parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8s_notebook.apiserver import answers, discovery, negotiation, openapi, refusals
from k8s_notebook.apiserver.answers import Answer, Request
from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kinds

CHECKS = ("ping", "log", "store", "informer-sync", "poststarthook/start-control-plane")
"""The checks that /readyz?verbose lists."""
PUBLIC = ("Cache-Control", "public")
_PROBES = ("healthz", "livez", "readyz")

Checks = Callable[[], Mapping[str, bool]]
"""name of a check -> whether it is well; what is not in it is well."""


class Paths:
    """Answers GETs of plain paths. `parts` tells the state of the control plane's parts."""

    def __init__(
        self, kinds: Kinds, version: Mapping[str, str], checks: Checks, parts: Callable[[], Obj], keys: Callable[[], Obj]
    ) -> None:
        self.address = ""
        self._kinds = kinds
        self._version = dict(version)
        self._checks = checks
        self._parts = parts
        self._keys = keys
        self._documents = openapi.Documents(kinds)
        self._kept: dict[tuple[str, str], tuple[bytes, str]] = {}

    def answer(self, request: Request, path: str) -> Answer:
        """The answer to a GET of `path` (without a trailing slash); 404 as plain text for any other."""
        first, *rest = path.strip("/").split("/")
        known: dict[str, Callable[[], Any]] = {
            "/": self._root,
            "/version": lambda: self._version,
            "/openid/v1/jwks": self._keys,
            "/k8s-notebook/parts": self._parts,
            "/.well-known/openid-configuration": self._openid,
        }
        if path in known:
            return answers.document(known[path](), negotiation.wanted(request.header("accept"), shapes=False))
        if first in _PROBES and len(rest) < 2:
            return self._probe(first, rest, "verbose" in request.query)
        if first == "openapi":
            return self._openapi(request, rest)
        if first in ("api", "apis"):
            return self._discovery(request, first, rest)
        return not_found()

    def changed(self) -> None:
        """The kinds have changed: make the documents anew."""
        self._kept.clear()
        self._documents.changed()

    def _root(self) -> Obj:
        paths = ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis"]
        for group, versions in self._kinds.groups().items():
            paths += [f"/apis/{group}", *(f"/apis/{group}/{v}" for v in versions)] if group else []
        paths += [f"/{p}" for p in _PROBES] + [f"/{p}/{c}" for p in _PROBES for c in CHECKS]
        paths += ["/k8s-notebook/parts", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/version"]
        return {"paths": sorted(paths)}

    def _openid(self) -> Obj:
        from k8s_notebook.apiserver.auth import ISSUER

        return {
            "issuer": ISSUER,
            "jwks_uri": f"https://{self.address}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }

    def _probe(self, probe: str, rest: list[str], verbose: bool) -> Answer:
        state = dict.fromkeys(CHECKS, True) | dict(self._checks())
        if rest and "/".join(rest) not in state:
            return not_found()
        asked = {n: ok for n, ok in state.items() if not rest or n == "/".join(rest)}
        if all(asked.values()) and not verbose:
            return answers.text(200, "ok")
        said = "".join(f"[+]{n} ok\n" if ok else f"[-]{n} failed: reason withheld\n" for n, ok in asked.items())
        passed = all(asked.values())
        return answers.text(200 if passed else 500, f"{said}{probe} check {'passed' if passed else 'failed'}\n")

    def _openapi(self, request: Request, rest: list[str]) -> Answer:
        if rest == ["v2"]:
            return Answer(200, *openapi.swagger(request.header("accept") or ""), (PUBLIC, ("Vary", "Accept")))
        if rest == ["v3"]:
            body, tag = self._documents.index()
            return _tagged(request, body, tag, negotiation.JSON)
        if rest[:1] == ["v3"]:
            found = self._documents.document("/".join(rest[1:]))
            if found is not None:
                fresh = request.query.get("hash") == found[1]
                control = "public, immutable" if fresh else "no-cache, private"
                return _tagged(request, found[0], f'"{found[1]}"', negotiation.JSON, ("Cache-Control", control))
        return not_found()

    def _discovery(self, request: Request, first: str, rest: list[str]) -> Answer:
        accept = request.header("accept")
        version = negotiation.aggregated(accept) if not rest else ""
        if version:
            kind = negotiation.AGGREGATED.replace("v=v2", f"v={version}")
            core = first == "api"
            body, tag = self._made(first, version, lambda: discovery.aggregated(self._kinds, core=core, version=version))
            return _tagged(request, body, tag, kind, PUBLIC, ("Vary", "Accept"))
        document = self._older(first, rest)
        if document is None:
            return not_found()
        return answers.document(document, negotiation.wanted(accept, shapes=False))

    def _older(self, first: str, rest: list[str]) -> Obj | None:
        if first == "api":
            if not rest:
                return discovery.api_versions(self.address)
            return discovery.resource_list(self._kinds, "", rest[0]) if len(rest) == 1 else None
        if not rest:
            return discovery.group_list(self._kinds)
        if len(rest) == 1:
            return discovery.group(self._kinds, rest[0])
        return discovery.resource_list(self._kinds, rest[0], rest[1]) if len(rest) == 2 else None

    def _made(self, first: str, version: str, make: Callable[[], Obj]) -> tuple[bytes, str]:
        kept = self._kept.get((first, version))
        if kept is None:
            kept = self._kept[(first, version)] = discovery.encoded(make())
        return kept


def not_found() -> Answer:
    """What the API server says about paths it does not know."""
    return answers.text(404, "404 page not found\n")


def wrong_method() -> Answer:
    """A plain path with another method than GET."""
    return answers.refusal(refusals.wrong_method())


def _tagged(request: Request, body: bytes, tag: str, kind: str, *headers: tuple[str, str]) -> Answer:
    """The document, or 304 if the client has it."""
    sent = (("Etag", tag), *headers)
    if tag in (request.header("if-none-match") or ""):
        return Answer(304, b"", kind, sent)
    return Answer(200, body, kind, sent)
