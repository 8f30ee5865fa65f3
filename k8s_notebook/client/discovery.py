"""What a cluster serves: the answers of discovery as a table of kinds; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kind, Subresource

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


def is_aggregated(answer: Obj) -> bool:
    """Whether a server answered with all groups at once."""
    return answer.get("kind") == "APIGroupDiscoveryList"


def aggregated(answer: Obj) -> list[Kind]:
    """The kinds of one aggregated answer, in the server's order of preference."""
    return [
        _kind(group["metadata"].get("name") or "", version["version"], resource)
        for group in answer.get("items") or ()
        for version in group.get("versions") or ()
        for resource in version.get("resources") or ()
        if resource.get("responseKind")
    ]


def _kind(group: str, version: str, found: Mapping[str, Any]) -> Kind:
    kind = found["responseKind"]["kind"]
    subresources = tuple(
        _subresource(s["subresource"], s.get("verbs"), s.get("responseKind") or {}, kind) for s in found.get("subresources") or ()
    )
    return Kind(
        group,
        version,
        found["resource"],
        kind,
        found.get("singularResource") or kind.lower(),
        found.get("scope") == "Namespaced",
        tuple(found.get("shortNames") or ()),
        tuple(found.get("categories") or ()),
        tuple(found.get("verbs") or ()),
        subresources,
    )


def _subresource(name: str, verbs: Iterable[str] | None, body: Mapping[str, str], parent: str) -> Subresource:
    foreign = body.get("kind", "") if body.get("kind") != parent else ""
    if not foreign:
        return Subresource(name, tuple(verbs or ()))
    return Subresource(name, tuple(verbs or ()), body.get("group", ""), body.get("version", ""), foreign)


def group_versions(groups: Obj) -> list[str]:
    """The group versions of a legacy APIGroupList, preferred ones first: "apps/v1"."""
    found = []
    for group in groups.get("groups") or ():
        preferred = (group.get("preferredVersion") or {}).get("groupVersion")
        versions = [v["groupVersion"] for v in group.get("versions") or ()]
        found += [*([preferred] if preferred in versions else []), *(v for v in versions if v != preferred)]
    return found


def legacy(group_version: str, answer: Obj) -> list[Kind]:
    """The kinds of one legacy APIResourceList."""
    group, _, version = group_version.rpartition("/")
    resources = answer.get("resources") or ()
    below: dict[str, list[Mapping[str, Any]]] = {}
    for resource in resources:
        parent, slash, _ = resource["name"].partition("/")
        if slash:
            below.setdefault(parent, []).append(resource)
    return [_legacy(group, version, r, below.get(r["name"], ())) for r in resources if "/" not in r["name"]]


def _legacy(group: str, version: str, found: Mapping[str, Any], below: Iterable[Mapping[str, Any]]) -> Kind:
    return Kind(
        group,
        version,
        found["name"],
        found["kind"],
        found.get("singularName") or found["kind"].lower(),
        bool(found.get("namespaced")),
        tuple(found.get("shortNames") or ()),
        tuple(found.get("categories") or ()),
        tuple(found.get("verbs") or ()),
        tuple(_subresource(s["name"].partition("/")[2], s.get("verbs"), s, found["kind"]) for s in below),
    )
