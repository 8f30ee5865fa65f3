"""The slow twin in tests/oracles decides as the real kube-scheduler 1.36.3 does, for the same reasons and with the same scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from tests.oracles import kube_scheduler as twin
from tests.oracles import random_clusters
from tests.parity import harness

FAMILIES: list[tuple[str, ...]] = [
    random_clusters.ALL,
    *((family,) for family in random_clusters.ALL),
    ("preemption", "spread"),
    ("preemption", "interpod"),
    ("preemption", "nominated"),
    ("preemption", "volumes"),
    ("preemption", "ports", "resources"),
    ("resources", "strategies"),
    ("spread", "strategies"),
    ("spread", "taints", "affinity"),
]


def theirs(found: harness.Answer) -> dict[str, Any]:
    """What the real scheduler decided, in a form that can be compared."""
    return {
        "node": found.node,
        "error": found.error,
        "prefilter": found.prefilter,
        "feasible": found.feasible,
        "refused": {n: (r.plugin, r.code, sorted(r.reasons)) for n, r in found.nodes.items()},
        "raw": spoken(found.raw),
        "normalised": spoken(found.normalised),
        "weighted": spoken(found.scores),
        "totals": found.totals,
        "start": found.start,
        "message": found.message,
        "nominated": found.nominated,
        "victims": found.victims,
        "candidates": {c.node: (c.victims, c.violations) for c in found.candidates},
        "best": found.tied,
        "hopeless": {n: sorted(r.reasons) for n, r in found.tries.items()},
    }


def spoken(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Scores without DynamicResources, which gives 0 to every node: no pod here has a claim."""
    return {plugin: column for plugin, column in scores.items() if plugin != "DynamicResources"}


def ours(found: twin.Answer) -> dict[str, Any]:
    """What the twin decided, in the same form."""
    columns = [{p: {n: s[i] for n, s in by_node.items()} for p, by_node in found.scores.items()} for i in range(3)]
    candidates = {n: (tuple(map(pod_name, v.pods)), v.violations) for n, v in found.candidates.items()}
    return {
        "node": found.node,
        "error": "",
        "prefilter": found.refused,
        "feasible": tuple(found.feasible),
        "refused": {n: (v.plugin, found.codes[n], sorted(v.reasons)) for n, v in found.verdicts.items()},
        "raw": columns[0],
        "normalised": columns[1],
        "weighted": columns[2],
        "totals": found.totals,
        "start": found.next_start,
        "message": found.message,
        "nominated": found.nominated,
        "victims": candidates[found.nominated][0] if found.nominated else (),
        "candidates": candidates,
        "best": tuple(found.best),
        "hopeless": {n: sorted(reasons) for n, reasons in found.hopeless.items()},
    }


def pod_name(pod: dict[str, Any]) -> str:
    """namespace/name."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def differences(case: random_clusters.Case, real: harness.Harness) -> list[str]:
    """Everything that the twin says otherwise, pod by pod; [] if nothing."""
    cluster = twin.Cluster(case.nodes, list(case.pods), case.objects, case.nominated)
    profile = twin.profile_of(case.config)
    start, found = 0, []
    for pod, a in zip(case.pending, real.decide(case.to_json()), strict=True):
        b = twin.answer(cluster, pod, start=start, percentage=case.percentage, profile=profile)
        if twin.names_nodes(pod):
            a = chance_apart(a, b)
        left, right = theirs(a), ours(b)
        where = f"seed {case.seed}, {pod_name(pod)}"
        found += [f"{where}, {key}:\n  real {left[key]}\n  twin {right[key]}" for key in left if left[key] != right[key]]
        twin.settle(cluster, pod, b, profile)
        start = b.next_start
    return found


def chance_apart(a: harness.Answer, b: twin.Answer) -> harness.Answer:
    """The real answer in the twin's order of nodes: named nodes are looked at in a random order, which also decides ties."""
    if sorted(a.feasible) != sorted(b.feasible):
        return a
    if b.totals.get(a.node) == max(b.totals.values(), default=None):
        b.node = a.node
    return dataclasses.replace(a, feasible=tuple(b.feasible))


@pytest.mark.parametrize("families", FAMILIES, ids="+".join)
def test_the_twin_decides_as_the_real_one(kube_scheduler: harness.Harness, families: tuple[str, ...]) -> None:
    for seed in range(30 if families == random_clusters.ALL else 8):
        case = random_clusters.random_cluster(seed, features=families)
        assert differences(case, kube_scheduler) == []


@pytest.mark.parametrize("percentage", [0, 40, 100])
@pytest.mark.parametrize("families", [("taints", "resources"), ("preemption",), ("spread", "interpod")], ids="+".join)
def test_the_twin_looks_at_as_many_nodes_as_the_real_one(
    kube_scheduler: harness.Harness, families: tuple[str, ...], percentage: int
) -> None:
    case = random_clusters.random_cluster(percentage, features=families, nodes=(101, 260), percentage=percentage)
    assert differences(case, kube_scheduler) == []
