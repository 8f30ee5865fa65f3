"""Objects as they may be shown: what a Secret holds becomes bullets."""

from __future__ import annotations

import json
from typing import Any

from k8s_notebook.objects import Obj

BULLETS = "•" * 8
"""What stands for every secret value, whatever its length."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_SECRET = ("v1", "Secret")
_SECRET_LIST = ("v1", "SecretList")
_HIDDEN = ("data", "stringData")
_NESTED = ("items", "rows")


def masked(obj: Obj) -> Obj:
    """The object with every secret value as bullets; the very same object if it holds none.

    Works on Secrets, on lists of any depth, on Tables with their rows, and on watch events.

    >>> masked({"apiVersion": "v1", "kind": "Secret", "data": {"password": "aHVudGVyMg=="}})["data"]
    {'password': '••••••••'}
    """
    return _masked(obj, _identity(obj) == _SECRET)


def _identity(obj: Obj) -> tuple[Any, Any]:
    return obj.get("apiVersion"), obj.get("kind")


def _masked(obj: Obj, secret: bool) -> Obj:
    changed: Obj = {}
    if secret:
        changed = {name: dict.fromkeys(obj[name], BULLETS) for name in _HIDDEN if isinstance(obj.get(name), dict)}
    metadata = _metadata(obj.get("metadata"), secret)
    if metadata is not None:
        changed["metadata"] = metadata
    for name in _NESTED:
        if (items := _items(obj.get(name), _identity(obj) == _SECRET_LIST)) is not None:
            changed[name] = items
    inner = obj.get("object")
    if isinstance(inner, dict) and (shown := masked(inner)) is not inner:
        changed["object"] = shown
    return {**obj, **changed} if changed else obj


def _items(items: Any, secrets: bool) -> list[Any] | None:
    """The items with bullets, or None if nothing in them is secret."""
    if not isinstance(items, list):
        return None
    shown = [_masked(i, secrets or _identity(i) == _SECRET) if isinstance(i, dict) else i for i in items]
    return shown if any(new is not old for new, old in zip(shown, items, strict=True)) else None


def _metadata(metadata: Any, secret: bool) -> Obj | None:
    """The metadata with kubectl's copy of the applied Secret hidden, or None if there is no such copy."""
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict) or LAST_APPLIED not in annotations:
        return None
    if not (secret or _applied_secret(annotations[LAST_APPLIED])):
        return None
    return {**metadata, "annotations": {**annotations, LAST_APPLIED: BULLETS}}


def _applied_secret(text: Any) -> bool:
    """Whether the annotation holds a Secret: rows of a Table show metadata without saying of what kind."""
    if not isinstance(text, str) or "Secret" not in text:
        return False
    try:
        applied = json.loads(text)
    except ValueError:
        return True
    return isinstance(applied, dict) and _identity(applied) == _SECRET
