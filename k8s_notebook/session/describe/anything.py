"""Any kind that has no description of its own: its fields, one under the other."""

from __future__ import annotations

import re
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.session.describe.lines import Page, head, when
from k8s_notebook.session.door import Door

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SHORT = {"api": "API", "ip": "IP", "ips": "IPs", "uid": "UID", "cidr": "CIDR", "cidrs": "CIDRs"}
_LEFT_OUT = frozenset({"name", "namespace", "labels", "annotations", "managedFields"})


def describe(_: Door, page: Page, obj: Obj) -> None:
    """Head, then every other field."""
    head(page, obj, namespace=bool(obj["metadata"].get("namespace")))
    page.pair(0, "API Version", obj.get("apiVersion"))
    page.pair(0, "Kind", obj.get("kind"))
    metadata = {k: v for k, v in obj["metadata"].items() if k not in _LEFT_OUT}
    _fields(page, 0, {"metadata": metadata})
    _fields(page, 0, {k: v for k, v in obj.items() if k not in {"apiVersion", "kind", "metadata"}})


def title(name: str) -> str:
    """A field's name as words: "clusterIPs" -> "Cluster IPs".

    >>> title("creationTimestamp"), title("podIP")
    ('Creation Timestamp', 'Pod IP')
    """
    return " ".join(_SHORT.get(w.lower(), w[:1].upper() + w[1:]) for w in _WORDS.sub(" ", name).split()) or name


def _fields(page: Page, level: int, fields: dict[str, Any]) -> None:
    for name in sorted(fields):
        _field(page, level, title(name), name, fields[name])


def _field(page: Page, level: int, shown: str, name: str, value: Any) -> None:
    if isinstance(value, dict):
        page.add(level, f"{shown}:")
        _fields(page, level + 1, value)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        page.add(level, f"{shown}:")
        for item in value:
            _fields(page, level + 1, item)
    elif isinstance(value, list):
        page.add(level, f"{shown}:")
        for item in value:
            page.add(level + 1, _scalar(item))
    else:
        page.pair(level, shown, when(value) if name.endswith("Timestamp") and isinstance(value, str) else _scalar(value))


def _scalar(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else "<nil>" if value is None else str(value)
