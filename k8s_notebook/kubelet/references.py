"""Which ConfigMaps, Secrets and keys a pod needs, and what is missing, in the kubelet's sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8s_notebook.machinery.cache import View
from k8s_notebook.objects import Obj

ROOT_CERTIFICATES = "kube-root-ca.crt"
"""The ConfigMap that every service account volume reads; simulated containers do without it."""

_ENV_FROM = (("configMapRef", "configmaps"), ("secretRef", "secrets"))
_ENV = (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets"))
_SOURCES = (("configMap", "configmaps", "name"), ("secret", "secrets", "secretName"))
_PROJECTED = (("configMap", "configmaps", "name"), ("secret", "secrets", "name"))
_NAMES = {"configmaps": ("configmap", "ConfigMap"), "secrets": ("secret", "Secret")}


def missing_for_container(view: View, namespace: str, container: Obj) -> str:
    """What the container's environment lacks: `configmap "x" not found`, `couldn't find key k in Secret ns/x`, or ""."""
    for source in container.get("envFrom") or ():
        for field, resource in _ENV_FROM:
            wanted = source.get(field)
            if wanted and not wanted.get("optional") and view.get(resource, namespace, wanted["name"]) is None:
                return f'{_NAMES[resource][0]} "{wanted["name"]}" not found'
    for variable in container.get("env") or ():
        origin = variable.get("valueFrom")
        if origin:
            for field, resource in _ENV:
                wanted = origin.get(field)
                if wanted and not wanted.get("optional"):
                    said = _missing_key(view, resource, namespace, wanted)
                    if said:
                        return said
    return ""


def _missing_key(view: View, resource: str, namespace: str, wanted: Obj) -> str:
    found = view.get(resource, namespace, wanted["name"])
    lower, name = _NAMES[resource]
    if found is None:
        return f'{lower} "{wanted["name"]}" not found'
    if wanted["key"] not in _keys(found):
        return f"couldn't find key {wanted['key']} in {name} {namespace}/{wanted['name']}"
    return ""


def missing_for_volumes(view: View, pod: Obj) -> list[str]:
    """What cannot be mounted, one sentence a volume: `volume "v" : configmap "x" not found`."""
    namespace = pod["metadata"]["namespace"]
    found = []
    for volume in pod["spec"].get("volumes") or ():
        said = list(_missing_in(view, namespace, volume))
        if said:
            text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
            found.append(f'volume "{volume["name"]}" : {text}')
    return found


def _missing_in(view: View, namespace: str, volume: Obj) -> Iterator[str]:
    projected = volume.get("projected")
    if projected:
        for source in projected.get("sources") or ():
            yield from _missing_source(view, namespace, source, _PROJECTED)
    else:
        yield from _missing_source(view, namespace, volume, _SOURCES)


def _missing_source(view: View, namespace: str, source: Obj, fields: tuple[tuple[str, str, str], ...]) -> Iterator[str]:
    for field, resource, name_field in fields:
        wanted: dict[str, Any] | None = source.get(field)
        if not wanted:
            continue
        name = wanted.get(name_field, "")
        if name == ROOT_CERTIFICATES or wanted.get("optional"):
            continue
        found = view.get(resource, namespace, name)
        if found is None:
            yield f'{_NAMES[resource][0]} "{name}" not found'
            continue
        keys = _keys(found)
        for item in wanted.get("items") or ():
            if item["key"] not in keys:
                what = "config" if resource == "configmaps" else "secret"
                yield f"{_NAMES[resource][0]} references non-existent {what} key: {item['key']}"
                break


def _keys(obj: Obj) -> set[str]:
    return {*(obj.get("data") or ()), *(obj.get("binaryData") or ())}
