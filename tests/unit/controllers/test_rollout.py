"""The numbers of a rollout."""

from __future__ import annotations

import pytest

from k8s_notebook.controllers import rollout
from k8s_notebook.objects import Obj
from tests import builders as b


def sized(name: str, size: int, available: int = 0, created: float = 0.0, maximum: int | None = None) -> Obj:
    replicaset = b.replicaset(name).replicas(size).created(created).status(availableReplicas=available)
    if maximum is not None:
        replicaset.annotation(rollout.MAXIMUM, str(maximum))
    return replicaset.stored()


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (10, "25%", "25%", (3, 2)),
        (1, "25%", "25%", (1, 0)),
        (4, "25%", "25%", (1, 1)),
        (3, 0, 0, (0, 1)),
        (10, "0%", "1%", (0, 1)),
        (2, 1, 5, (1, 2)),
        (0, "25%", "25%", (0, 0)),
    ],
)
def test_limits(replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]) -> None:
    assert rollout.limits(b.deployment().replicas(replicas).rolling(surge, unavailable).stored()) == expected


def test_recreate_has_no_limits_and_grows_at_once() -> None:
    deployment = b.deployment().replicas(5).recreate().stored()
    assert rollout.limits(deployment) == (0, 0)
    assert rollout.growth(deployment, 0, 5) == 5


@pytest.mark.parametrize(
    ("current", "everyone", "expected"),
    [(0, 10, 3), (0, 0, 10), (3, 13, 3), (8, 10, 10), (0, 15, 0)],
)
def test_growth_of_the_new_set(current: int, everyone: int, expected: int) -> None:
    assert rollout.growth(b.deployment().replicas(10).stored(), current, everyone) == expected


SHRINKING: dict[str, tuple[Obj, list[Obj], dict[str, int]]] = {
    "all healthy: as many go as may be missing": (sized("new", 3), [sized("old", 10, 10)], {"old": 8}),
    "new pods crash: nothing more goes": (sized("new", 5), [sized("old", 8, 8)], {}),
    "unhealthy old pods go first, oldest set first": (
        sized("new", 3, 3),
        [sized("b", 5, 0, created=2), sized("a", 5, 2, created=1)],
        {"a": 2, "b": 3},
    ),
    "available new pods make room": (sized("new", 5, 5), [sized("old", 8, 8)], {"old": 3}),
    "empty old sets stay": (sized("new", 10, 10), [sized("old", 0)], {}),
}


@pytest.mark.parametrize("case", SHRINKING)
def test_shrinkage_of_old_sets(case: str) -> None:
    new, olds, expected = SHRINKING[case]
    assert rollout.shrinkage(b.deployment().replicas(10).stored(), new, olds) == expected


PROPORTIONS: dict[str, tuple[int, list[Obj], dict[str, int]]] = {
    "up, one third each gets its share": (
        20,
        [sized("new", 5, created=2, maximum=13), sized("old", 8, created=1, maximum=13)],
        {"old": 15, "new": 10},
    ),
    "down to zero": (0, [sized("new", 5, created=2, maximum=13), sized("old", 8, maximum=13)], {"old": 0, "new": 0}),
    "equal sizes, up: the newer gets the rest": (
        11,
        [sized("new", 5, created=2, maximum=10), sized("old", 5, created=1, maximum=10)],
        {"new": 7, "old": 7},
    ),
    "without annotations the largest takes it all": (
        13,
        [sized("new", 5, created=2), sized("old", 8, created=1)],
        {"old": 12, "new": 5},
    ),
}


@pytest.mark.parametrize("case", PROPORTIONS)
def test_proportional_scaling(case: str) -> None:
    replicas, active, expected = PROPORTIONS[case]
    assert rollout.proportions(b.deployment().replicas(replicas).stored(), active) == expected


def test_proportional_scaling_keeps_the_sum() -> None:
    for replicas in range(40):
        active = [sized(n, s, created=i, maximum=22) for i, (n, s) in enumerate((("a", 9), ("b", 7), ("c", 6)))]
        deployment = b.deployment().replicas(replicas).stored()
        allowed = replicas + rollout.limits(deployment)[0] if replicas else 0
        assert sum(rollout.proportions(deployment, active).values()) == allowed
