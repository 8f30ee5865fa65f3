"""Many pods of few kinds."""

from __future__ import annotations

import random
from typing import Any

Json = dict[str, Any]


def crowd(draw: random.Random, pending: list[Json]) -> list[Json]:
    """Runs of alike pods, by turns."""
    found: list[Json] = []
    for run in range(6):
        pod = draw.choice(pending)
        for number in range(draw.choice([1, 2, 9])):
            name = f"{run}-{number}"
            status = {k: v for k, v in pod.get("status", {}).items() if k != "nominatedNodeName"}
            found.append({**pod, "metadata": {**pod["metadata"], "name": name, "uid": f"uid-{name}"}, "status": status})
    return found
