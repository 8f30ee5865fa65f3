"""ConfigMaps, and Secrets of which only sizes are shown."""

from __future__ import annotations

from k8s_notebook.machinery.actions import Get
from k8s_notebook.objects import Obj, errors
from k8s_notebook.session import reading
from k8s_notebook.session.describe.lines import Page, head
from k8s_notebook.session.door import Door


def configmap(_: Door, page: Page, obj: Obj) -> None:
    """Its texts in full, its binary values by size."""
    head(page, obj)
    page.raw("\nData\n====")
    for key, value in sorted((obj.get("data") or {}).items()):
        page.raw(f"{key}:\n----\n{value}\n")
    page.raw("\nBinaryData\n====")
    for key, value in sorted((obj.get("binaryData") or {}).items()):
        page.raw(f"{key}: {_size(value)} bytes")
    page.raw("")


def secret(door: Door, page: Page, obj: Obj) -> None:
    """Its keys and sizes; the values stay where they are."""
    head(page, obj)
    page.raw("")
    page.pair(0, "Type", obj.get("type"))
    page.raw("\nData\n====")
    for key, size in sorted(_sizes(door, obj).items()):
        page.add(0, f"{key}:", f"{size} bytes")


def _sizes(door: Door, obj: Obj) -> dict[str, int]:
    metadata = obj["metadata"]
    try:
        whole = door.ask(Get("secrets", metadata["name"], metadata["namespace"]))
    except errors.ApiError:
        return {}
    return {k: _size(v) for k, v in (whole.get("data") or {}).items()}


def _size(text: str) -> int:
    """Bytes that a base64 text stands for."""
    return len(text) * 3 // 4 - text[-2:].count("=") if text else 0


def serviceaccount(_: Door, page: Page, obj: Obj) -> None:
    """Its image pull secrets."""
    head(page, obj)
    page.several(0, "Image pull secrets", [s.get("name") for s in obj.get("imagePullSecrets") or ()])


def namespace(door: Door, page: Page, obj: Obj) -> None:
    """Its phase, and the quotas and limits in it."""
    head(page, obj, namespace=False)
    page.pair(0, "Status", (obj.get("status") or {}).get("phase"))
    name = obj["metadata"]["name"]
    quotas = _inside(door, "resourcequotas", name)
    page.raw("\nResource Quotas" if quotas else "\nNo resource quota.")
    for quota in quotas:
        status = quota.get("status") or {}
        page.pair(1, "Name", quota["metadata"]["name"])
        rows = [(k, (status.get("used") or {}).get(k, "0"), v) for k, v in sorted((status.get("hard") or {}).items())]
        page.table(1, ("Resource", "Used", "Hard"), rows)
    limits = _inside(door, "limitranges", name)
    page.raw("\nResource Limits" if limits else "\nNo LimitRange resource.")
    head_line = ("Type", "Resource", "Min", "Max", "Default Request", "Default Limit", "Max Limit/Request Ratio")
    for limit in limits:
        page.table(1, head_line, [row for item in (limit.get("spec") or {}).get("limits") or () for row in _limits(item)])


def _limits(item: Obj) -> list[tuple[str, ...]]:
    fields = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")
    names = sorted({name for f in fields for name in item.get(f) or ()})
    return [(item.get("type", ""), n, *(str((item.get(f) or {}).get(n, "-")) for f in fields)) for n in names]


def _inside(door: Door, resource: str, namespace: str) -> list[Obj]:
    try:
        return reading.items(door, door.kind(resource), namespace)
    except errors.ApiError:
        return []
