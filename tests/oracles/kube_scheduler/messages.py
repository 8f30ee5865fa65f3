"""The sentence that says why a pod fits nowhere."""

from __future__ import annotations


def histogram(total: int, reasons: list[str]) -> str:
    """`0/3 nodes are available: 1 this, 2 that.`, sorted as text."""
    parts = sorted(f"{reasons.count(reason)} {reason}" for reason in set(reasons))
    said = f"0/{total} nodes are available:"
    return said + (" " + ", ".join(parts) + "." if parts else "")


def fit_error(total: int, refused: str, reasons: list[str], afterwards: str) -> str:
    """The whole message; `refused` is why no node was looked at, `afterwards` what the PostFilter plugins say."""
    said = f"0/{total} nodes are available: {refused}." if refused else histogram(total, reasons)
    return f"{said} {afterwards}" if afterwards else said
