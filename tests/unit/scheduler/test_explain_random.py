"""Explanations of random clusters in which every plugin has something to say: they agree with the decision, and survive the API."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from k8s_notebook.display import decision_svg
from k8s_notebook.objects import Obj, kinds
from k8s_notebook.scheduler import evidence, explain, history, surroundings
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.cycle import Cycle
from tests.oracles.random_clusters import Case, random_cluster

FEW = 10


def beside(case: Case) -> dict[str, list[Obj]]:
    found: dict[str, list[Obj]] = {}
    for obj in case.objects:
        kind = kinds.BUILTIN.for_object(obj["apiVersion"], obj["kind"])
        if kind is not None and kind.resource in surroundings.RESOURCES:
            found.setdefault(kind.resource, []).append(obj)
    return found


def cluster(case: Case) -> Cluster:
    return explain.cluster_of(case.nodes, case.pods, beside=beside(case))


@pytest.mark.parametrize("seed", range(FEW))
def test_reasons_add_up_to_the_schedulers_sentence(seed: int) -> None:
    case = random_cluster(seed)
    for pod in case.pending:
        found = explain.explain(pod, case.nodes, case.pods, beside=beside(case), help=False)
        if found.node:
            assert found.evidence.nodes[found.evidence.chosen] == found.node
            assert found.evidence.total.max() == found.evidence.total[found.evidence.chosen]
            continue
        said = Counter({reason: len(rows) for _, reason, rows in found.refusals()})
        if said.keys() and not re.match(r"0/\d+ nodes are available: \d", found.message):
            (reason,) = said
            assert reason in found.message
            continue
        for reason, count in said.items():
            assert f"{count} {reason}" in found.message


@pytest.mark.parametrize("seed", range(FEW))
def test_they_are_drawn_and_survive_the_api(seed: int) -> None:
    case = random_cluster(seed)
    for pod in case.pending:
        found = explain.explain(pod, case.nodes, case.pods, beside=beside(case))
        ET.fromstring(decision_svg.svg(found))
        back = evidence.unpack(json.loads(json.dumps(found.evidence.pack())))
        assert back.first_reasons()[0][:2] == found.evidence.first_reasons()[0][:2] if found.feasible < len(back) else True
        assert back.order().tolist() == found.order


@pytest.mark.parametrize("seed", range(FEW))
def test_a_copy_decides_alike(seed: int) -> None:
    case = random_cluster(seed)
    one = cluster(case)
    other = history.copy(one)
    for pod in case.pending:
        first, second = (Cycle(c).columns(c.incoming(pod)) for c in (one, other))
        assert first.nodes == second.nodes
        for field in ("fails", "raw", "normalised", "scored"):
            assert (getattr(first, field) == getattr(second, field)).all(), field
