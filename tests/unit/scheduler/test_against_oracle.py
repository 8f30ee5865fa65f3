"""Random clusters: compiled, interpreted and the slow twin decide alike, step by step, whatever changes in between."""

from __future__ import annotations

import random
from typing import Any

import pytest

from k8s_notebook import kernels
from k8s_notebook.scheduler import cycle, selection
from tests.oracles import kube_scheduler as twin
from tests.oracles import random_clusters
from tests.parity import harness, ours
from tests.unit.scheduler import journeys

ALL = random_clusters.ALL
FAMILIES = (("spread",), ("interpod",), ("preemption", "spread"), ("preemption", "interpod"), ("images", "affinity"))


def follow(journey: journeys.Journey, *, share: bool = True, ties: str = "v1.36") -> None:
    """This package says at every step what the twin said."""
    there = ours.Ours(journey.case.to_json(), share=share, ties=ties)
    for number, step in enumerate(journey.steps):
        for change in step.changes:
            journeys.apply(there, change)
        answer, _ = there.attempt(step.pod, columns_first=number % 2 == 0)
        assert said(answer, step) == expected(step), f"seed {journey.case.seed}, step {number}"


def said(answer: harness.Answer, step: journeys.Step) -> dict[str, Any]:
    """What this package decided, with the plugins that the twin left out if they say anything at all."""
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
