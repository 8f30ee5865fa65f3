"""Whether a pod puts up with a taint (as in api/core/v1/toleration.go)."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_notebook.objects import Obj

Taint = tuple[str, str, str]
"""(key, value, effect)"""


def tolerates(toleration: Obj, taint: Taint) -> bool:
    """Whether one toleration covers a taint.

    >>> tolerates({"key": "gpu", "operator": "Exists"}, ("gpu", "yes", "NoSchedule"))
    True
    """
    key, value, effect = taint
    if (toleration.get("effect") or effect) != effect or (toleration.get("key") or key) != key:
        return False
    operator = toleration.get("operator") or "Equal"
    return operator == "Exists" or (operator == "Equal" and (toleration.get("value") or "") == value)


def tolerated(tolerations: Iterable[Obj], taint: Taint) -> bool:
    """Whether any toleration covers a taint."""
    return any(tolerates(t, taint) for t in tolerations)
