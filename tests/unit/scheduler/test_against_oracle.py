"""Random clusters: compiled, interpreted and the slow twin decide alike, step by step, whatever changes in between."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from k8s_notebook.scheduler import selection
from tests.oracles import kube_scheduler as twin
from tests.oracles import random_clusters
from tests.parity import harness, ours
from tests.unit.scheduler import crowds, journeys

ALL = random_clusters.ALL
FAMILIES = (("spread",), ("interpod",), ("preemption", "spread"), ("preemption", "interpod"), ("images", "affinity"))


def follow(journey: journeys.Journey, *, share: bool = True, ties: str = "v1.36") -> None:
    """Our scheduler says at every step what the twin said."""
    there = ours.Ours(journey.case.to_json(), share=share, ties=ties)
    for number, step in enumerate(journey.steps):
        for change in step.changes:
            journeys.apply(there, change)
        answer, _ = there.attempt(step.pod, columns_first=number % 2 == 0)
        assert said(answer, step) == expected(step), f"seed {journey.case.seed}, step {number}"


def said(answer: harness.Answer, step: journeys.Step) -> dict[str, Any]:
    """What ours decided, with the plugins that the twin left out if they say anything at all."""
    spoken = {p for p, column in answer.scores.items() if any(column.values()) or p in step.answer.scores}
    found = {
        "node": answer.node, "feasible": answer.feasible, "totals": answer.totals, "message": answer.message,
        "nominated": answer.nominated, "victims": answer.victims, "start": answer.start,
        "rejectors": set() if step.answer.refused else set(answer.rejectors),
    }  # fmt: skip
    tables = {"raw": answer.raw, "normalised": answer.normalised, "weighted": answer.scores}
    if answer.totals:
        found |= {f"{name} {plugin}": table[plugin] for name, table in tables.items() for plugin in spoken}
    return found


def expected(step: journeys.Step) -> dict[str, Any]:
    """The same of the twin."""
    answer = step.answer
    victims = answer.candidates[answer.nominated].pods if answer.nominated else []
    found = {
        "node": answer.node, "feasible": tuple(answer.feasible), "totals": answer.totals, "message": answer.message,
        "nominated": answer.nominated, "victims": tuple(map(full_name, victims)), "start": answer.next_start,
        "rejectors": set() if answer.node or answer.refused else {verdict.plugin for verdict in answer.verdicts.values()},
    }  # fmt: skip
    if not answer.node and not answer.refused and twin.names_nodes(step.pod):
        found["rejectors"].add("NodeAffinity")
    for plugin, column in answer.scores.items():
        for i, name in enumerate(("raw", "normalised", "weighted")):
            found[f"{name} {plugin}"] = {node: scores[i] for node, scores in column.items()}
    return found


def full_name(pod: dict[str, Any]) -> str:
    """namespace/name."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


@pytest.mark.parametrize("seed", range(110))
def test_clusters_with_everything(form: str, seed: int) -> None:
    follow(journeys.journey(seed), share=seed % 5 > 0)


@pytest.mark.parametrize("features", FAMILIES, ids="+".join)
@pytest.mark.parametrize("seed", range(200, 208))
def test_clusters_with_some_features(form: str, seed: int, features: tuple[str, ...]) -> None:
    follow(journeys.journey(seed, features, length=9), share=seed % 2 > 0)


SAMPLED = [(1, 130, 0), (2, 260, 0), (3, 199, 60), (4, 230, 100)]
MANY = (("taints", "resources", "affinity", "nominated"), ("spread", "interpod", "ports"))


@pytest.mark.parametrize("features", MANY, ids="+".join)
@pytest.mark.parametrize(("seed", "size", "percentage"), SAMPLED)
def test_clusters_in_which_not_every_node_is_looked_at(
    form: str, seed: int, size: int, percentage: int, features: tuple[str, ...]
) -> None:
    follow(journeys.journey(seed, features, (size, size), percentage, 5))


@pytest.mark.parametrize("seed", range(300, 310))
def test_the_first_of_equal_nodes(form: str, seed: int) -> None:
    follow(journeys.journey(seed, ("resources", "affinity"), (10, 20), ties="first"), ties="first")


def test_any_of_equal_nodes(form: str) -> None:
    chosen = [node for seed in range(20) for node in chances(seed)]
    assert chosen == CHOSEN.setdefault("in the other form", chosen)
    assert any(node != first for node, first in chosen)


CHOSEN: dict[str, list[tuple[str, str]]] = {}


def chances(seed: int) -> list[tuple[str, str]]:
    """The nodes that chance takes among the best, each beside the first of the best."""
    case = random_clusters.random_cluster(seed, features=("affinity",), nodes=(8, 16)).to_json()
    there, found = ours.Ours(case, ties="random"), []
    for pod in case["pending"]:
        answer, _ = there.attempt(pod)
        best = [n for n, total in answer.totals.items() if total == max(answer.totals.values())] or [answer.node]
        assert answer.node in best
        found.append((answer.node, best[0]))
    return found


# ---------------------------------------------------------------- many pods at once


@pytest.mark.parametrize(("seed", "features", "percentage"), [
    *((seed, ALL, 100) for seed in range(400, 420)),
    *((seed, family, 100) for seed in range(420, 423) for family in FAMILIES),
    (430, ("resources", "taints"), 0), (431, ("spread", "resources"), 0), (432, ("interpod", "ports"), 40),
])  # fmt: skip
def test_many_pods_at_once_are_decided_as_one_by_one(form: str, seed: int, features: tuple[str, ...], percentage: int) -> None:
    ties = ("v1.36", "first", "random")[seed % 3]
    nodes = (1, 20) if percentage == 100 else (110, 150)
    case = random_clusters.random_cluster(seed, features=features, nodes=nodes, percentage=percentage).to_json()
    pods = crowds.crowd(random.Random(seed), case["pending"])
    together, apart = ours.Ours(case, ties=ties), ours.Ours(case, ties=ties, share=seed % 2 > 0)
    decided = together.cycle.decide_all([together.cluster.incoming(pod) for pod in pods])
    for pod, decision in zip(pods, decided, strict=True):
        incoming = apart.cluster.incoming(pod)
        assert apart.cycle.decide(incoming) == decision
        if decision.node:
            apart.cluster.place(incoming.uid, incoming.on(decision.node))
    assert together.cycle.start == apart.cycle.start
    assert list(together.cluster.placed) == list(apart.cluster.placed)


def test_ties_are_broken_like_the_root_of_a_heap(form: str) -> None:
    draw, state = random.Random(7), np.ones(1, np.int64)
    for _ in range(300):
        totals = np.array([draw.randint(0, 3) for _ in range(draw.randint(1, 40))])
        index = twin.heap_root(totals.tolist())
        assert selection.root.written(totals, len(totals)) == selection.root_at(totals, len(totals)) == index
        for pick in (selection.pick.written, selection.pick_at):
            assert pick(totals, len(totals), selection.V1_36, state) == index
            assert pick(totals, len(totals), selection.FIRST, state) == totals.argmax()
