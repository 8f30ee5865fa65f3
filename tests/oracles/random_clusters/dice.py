"""The dice of one case: random choices, and which families of features take part in it."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

ALL = (
    "resources",
    "podlevel",
    "resize",
    "taints",
    "affinity",
    "ports",
    "images",
    "spread",
    "interpod",
    "volumes",
    "preemption",
    "nominated",
    "declared",
    "strategies",
)
NAMESPACES = ["default", "blue", "red", "green"]
LABELS = {"app": ["web", "db", "cache"], "tier": ["front", "back"], "env": ["prod", "test"]}
HASHES = ["5d4f", "77c9"]

Json = dict[str, Any]


class Dice(random.Random):
    """A seeded source of choices that knows the families of a case."""

    def __init__(self, seed: int, features: Iterable[str] = ALL) -> None:
        super().__init__(seed)
        self.features = frozenset(features)
        unknown = self.features - set(ALL)
        if unknown:
            raise ValueError(f"unknown features {sorted(unknown)}; known are {ALL}")
        self.crowded = "preemption" in self.features and self.often(0.7)
        """whether nodes are small and full, so that there is something to preempt"""

    def often(self, probability: float) -> bool:
        """True with a probability."""
        return self.random() < probability

    def uses(self, feature: str, probability: float = 0.3) -> bool:
        """Whether a family has a say here: more often the fewer families take part."""
        if feature not in self.features:
            return False
        count = len(self.features)
        factor = 2.0 if count <= 3 else 1.0 if count <= 7 else 0.6
        return self.random() < min(0.9, probability * factor)

    def some(self, things: list[Any], most: int) -> list[Any]:
        """One to `most` of the things, in any order."""
        return self.sample(things, self.randint(1, min(most, len(things))))

    def labels(self) -> dict[str, str]:
        """Labels of a pod, now and then none."""
        if self.often(0.05):
            return {}
        found = {key: self.choice(values) for key, values in LABELS.items() if self.often(0.7)}
        if self.often(0.5):
            found["pod-template-hash"] = self.choice(HASHES)
        return found


def timestamp(seconds: int) -> str:
    """A time as the API writes it, some seconds after a fixed moment."""
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    return f"2026-01-{1 + days:02d}T{hours:02d}:{rest // 60:02d}:{rest % 60:02d}Z"
