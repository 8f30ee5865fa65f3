"""Discovery: the documents that tell clients which kinds there are, made from the table of kinds."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable

from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kind, Kinds, Subresource


def aggregated(kinds: Kinds, *, core: bool, version: str = "v2") -> Obj:
    """The APIGroupDiscoveryList of /api (`core`) or /apis."""
    groups = [(g, v) for g, v in kinds.groups().items() if (g == "") == core]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [_group_entry(group, versions) for group, versions in groups],
    }


def _group_entry(group: str, versions: dict[str, tuple[Kind, ...]]) -> Obj:
    return {
        "metadata": {"name": group} if group else {},
        "versions": [
            {"version": version, "resources": [_resource_entry(k) for k in listed], "freshness": "Current"}
            for version, listed in versions.items()
        ],
    }


def _resource_entry(kind: Kind) -> Obj:
    entry: Obj = {
        "resource": kind.plural,
        "responseKind": {"group": "", "version": "", "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    if kind.subresources:
        entry["subresources"] = [_subresource_entry(kind, s) for s in kind.subresources]
    return entry


def _subresource_entry(kind: Kind, sub: Subresource) -> Obj:
    foreign = (sub.group, sub.version) != (kind.group, kind.version)
    response = {
        "group": sub.group if foreign else "",
        "version": sub.version if foreign else "",
        "kind": sub.kind or kind.kind,
    }
    return {"subresource": sub.name, "responseKind": response, "verbs": list(sub.verbs)}


def api_versions(address: str) -> Obj:
    """The document of /api as clients before aggregated discovery read it. `address` is host:port."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list(kinds: Kinds) -> Obj:
    """The APIGroupList of /apis."""
    groups = [_group(g, v) for g, v in kinds.groups().items() if g]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _group(group: str, versions: Iterable[str]) -> Obj:
    served = [{"groupVersion": f"{group}/{v}", "version": v} for v in versions]
    return {"name": group, "versions": served, "preferredVersion": served[0]}


def group(kinds: Kinds, name: str) -> Obj | None:
    """The APIGroup of /apis/<name>, or None."""
    versions = kinds.groups().get(name) if name else None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if versions else None


def resource_list(kinds: Kinds, group: str, version: str) -> Obj | None:
    """The APIResourceList of /api/v1 or /apis/<group>/<version>, or None."""
    listed = kinds.groups().get(group, {}).get(version)
    if not listed:
        return None
    resources = [entry for kind in listed for entry in _listed(kind)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": resources,
    }


def _listed(kind: Kind) -> list[Obj]:
    entry: Obj = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    if kind.storable:
        entry["storageVersionHash"] = _storage_hash(kind)
    return [entry, *(_listed_subresource(kind, s) for s in kind.subresources)]


def _listed_subresource(kind: Kind, sub: Subresource) -> Obj:
    entry: Obj = {"name": f"{kind.plural}/{sub.name}", "singularName": "", "namespaced": kind.namespaced}
    if sub.version and (sub.group, sub.version) != (kind.group, kind.version):
        entry |= {"group": sub.group, "version": sub.version}
    return {**entry, "kind": sub.kind or kind.kind, "verbs": list(sub.verbs)}


def _storage_hash(kind: Kind) -> str:
    digest = hashlib.sha256(f"{kind.group}/{kind.version}/{kind.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def encoded(document: Obj) -> tuple[bytes, str]:
    """(the document as bytes, its ETag)."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return body, '"' + hashlib.sha512(body).hexdigest().upper() + '"'
