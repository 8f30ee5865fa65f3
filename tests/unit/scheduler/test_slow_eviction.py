"""Preemption on arrays that say what would be, and by really taking pods off their node: both come to the same.

Hard spread constraints are left out: of their domains 1.36 remembers the two with the fewest pods only, and so do the arrays.
"""

from __future__ import annotations

import pytest

from k8s_notebook.scheduler import rows, slow_eviction
from tests.oracles import random_clusters
from tests.parity import harness, ours

FAMILIES = [
    ("preemption",), ("preemption", "resources", "ports"), ("preemption", "nominated"), ("preemption", "interpod"),
    tuple(family for family in random_clusters.ALL if family not in ("spread", "strategies")),
]  # fmt: skip


def answers(seed: int, features: tuple[str, ...]) -> list[harness.Answer]:
    case = random_clusters.random_cluster(seed, features=features, nodes=(1, 15)).to_json()
    return ours.Ours({**case, "preempt": ("apply", "leave")[seed % 2]}).answers()


@pytest.mark.parametrize("features", FAMILIES, ids=lambda f: "+".join(f) if len(f) < 4 else "all but spreading")
def test_both_evict_the_same_pods(form: str, features: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = range(700, 716)
    fast = [answers(seed, features) for seed in seeds]
    tried: list[slow_eviction.Tried] = []

    def counted(*args: object) -> slow_eviction.Tried:
        tried.append(slow(*args))  # type: ignore[arg-type]
        return tried[-1]

    slow = slow_eviction.try_nodes
    monkeypatch.setattr(slow_eviction, "try_nodes", counted)
    monkeypatch.setattr(rows.Rows, "in_python", property(lambda self: True))
    assert [answers(seed, features) for seed in seeds] == fast
    assert any(each.candidates for each in tried)
    assert any(each.reasons for each in tried)
