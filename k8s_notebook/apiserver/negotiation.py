"""Media types: what a client accepts, what it sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from k8s_notebook.apiserver import refusals
from k8s_notebook.objects.errors import NotAcceptable, UnsupportedMediaType

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_AVAILABLE = f"{JSON}, {YAML}, {PROTOBUF}, {JSON};stream=watch, {PROTOBUF};stream=watch"
_SHAPES = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
_VERSIONS = ("v1", "v1beta1")

Shape = Literal["", "Table", "PartialObjectMetadata"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an answer is to look: its format, and (for tables and bare metadata) its shape and meta.k8s.io version."""

    format: Literal["json", "yaml"] = "json"
    shape: Shape = ""
    version: str = "v1"

    @property
    def content_type(self) -> str:
        """The Content-Type of the answer."""
        return JSON if self.format == "json" else YAML


PLAIN = Wanted()


def clauses(header: str) -> list[tuple[str, dict[str, str]]]:
    """The clauses of an Accept header in order of preference: (media type, parameters)."""
    found: list[tuple[float, int, str, dict[str, str]]] = []
    for position, clause in enumerate(header.split(",")):
        media, *rest = (p.strip() for p in clause.split(";"))
        parameters = dict(p.split("=", 1) for p in rest if "=" in p)
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            weight = 1.0
        if media:
            found.append((-weight, position, media.lower(), parameters))
    return [(media, parameters) for _, _, media, parameters in sorted(found, key=lambda f: f[:2])]


def wanted(header: str | None, *, shapes: bool = True) -> Wanted:
    """The first clause that can be served; NotAcceptable if there is none. JSON answers a wish for protobuf too.

    `shapes`: whether the answer can be a Table or bare metadata.
    """
    if not header:
        return PLAIN
    protobuf = False
    for media, parameters in clauses(header):
        shape = parameters.get("as", "")
        if shape:
            if shapes and shape in _SHAPES and _meta(parameters) and media in (JSON, YAML, PROTOBUF):
                kind: Shape = "Table" if shape == "Table" else "PartialObjectMetadata"
                return Wanted("yaml" if media == YAML else "json", kind, parameters["v"])
        elif media in (JSON, "*/*", "application/*"):
            return PLAIN
        elif media == YAML:
            return Wanted("yaml")
        else:
            protobuf = protobuf or media == PROTOBUF
    if protobuf:
        return PLAIN
    raise refusals.bare(NotAcceptable, f"406: Not Acceptable\n\nAvailable representations: {_AVAILABLE}")


def _meta(parameters: dict[str, str]) -> bool:
    return parameters.get("g") == "meta.k8s.io" and parameters.get("v") in _VERSIONS


def aggregated(header: str | None) -> str:
    """The version ("v2", "v2beta1") of aggregated discovery that the client prefers, or "" for the older documents."""
    for media, parameters in clauses(header or ""):
        if media not in (JSON, "*/*", "application/*", PROTOBUF):
            continue
        if parameters.get("as") == "APIGroupDiscoveryList" and parameters.get("g") == "apidiscovery.k8s.io":
            if parameters.get("v") in ("v2", "v2beta1") and media == JSON:
                return parameters["v"]
        elif not parameters.get("as"):
            return ""
    return ""


def sent(content_type: str | None) -> Literal["json", "yaml", "protobuf"]:
    """The format of a body; nothing said means JSON; UnsupportedMediaType otherwise."""
    media = (content_type or "").partition(";")[0].strip().lower()
    if media in ("", JSON):
        return "json"
    if media in (YAML, "application/x-yaml", "text/yaml"):
        return "yaml"
    if media == PROTOBUF:
        return "protobuf"
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {JSON}, {YAML}, {PROTOBUF}"
    )


def patch_style(content_type: str | None) -> str:
    """json, merge, strategic or apply; UnsupportedMediaType otherwise."""
    media = (content_type or "").partition(";")[0].strip().lower()
    style = PATCHES.get(media)
    if style is None:
        raise refusals.bare(UnsupportedMediaType, "415: Unsupported Media Type")
    return style
