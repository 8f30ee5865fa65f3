"""How kube-scheduler words the reasons of many nodes (as FitError in pkg/scheduler/framework/types.go)."""

from __future__ import annotations

from collections import Counter

NOTE_LIMIT = 1024
"""The longest note of an event, in bytes."""
OUTSIDE = "node(s) didn't satisfy plugin(s) [{}]"
"""The reason of nodes that a pod excludes by naming others, with the plugins that say so."""


def sentence(nodes: int, found: str, afterwards: str = "") -> str:
    """`0/3 nodes are available: 3 Insufficient cpu. …`."""
    return " ".join(part for part in (f"0/{nodes} nodes are available:", found, afterwards) if part)


def histogram(reasons: Counter[str]) -> str:
    """`10 Insufficient cpu, 2 node(s) were unschedulable.`: sorted as text, so 10 comes before 2."""
    parts = sorted(f"{count} {reason}" for reason, count in reasons.items() if count)
    return ", ".join(parts) + "." if parts else ""


def cut(message: str) -> str:
    """The message as an event carries it."""
    encoded = message.encode()
    return message if len(encoded) <= NOTE_LIMIT else encoded[: NOTE_LIMIT - 4].decode(errors="ignore") + " ..."
