"""Our scheduler decides as the real kube-scheduler 1.36.3 does: feasible nodes, every score, the node, the sentence, preemption.

Each case is a random cluster and two to six pods, decided one after the other. Where 1.36 leaves something to chance (the order in
which the nodes are tried that a pod names, ties of preemption), any of its answers will do, and the case ends there.
"""

from __future__ import annotations

import concurrent.futures
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from k8s_notebook import kernels
from tests.oracles import random_clusters
from tests.parity import harness, ours

Json = dict[str, Any]
CHUNK = 100
ALIKE = ("error", "message", "rejectors", "start")
PAIRS = list(
    itertools.combinations(("resources", "taints", "spread", "interpod", "volumes", "preemption", "nominated", "strategies"), 2)
)


@pytest.fixture(scope="module", autouse=True)
def compiled(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compiled code is kept from one session to the next."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("K8S_NOTEBOOK_CACHE", str(request.config.cache.mkdir("kernels")))
        kernels.enable()
        yield
        kernels.disable()


@pytest.mark.parametrize("first", range(0, 1400, CHUNK))
def test_clusters_with_everything(kube_scheduler: harness.Harness, first: int) -> None:
    check(kube_scheduler, (everything(seed) for seed in range(first, first + CHUNK)))


def everything(seed: int) -> Json:
    """All features; every other case applies its preemptions."""
    return {**random_clusters.random_cluster(seed).to_json(), "preempt": ("leave", "apply")[seed % 2]}


@pytest.mark.parametrize("first", range(10_000, 10_500, CHUNK))
def test_clusters_with_two_features(kube_scheduler: harness.Harness, first: int) -> None:
    check(kube_scheduler, (two_features(seed) for seed in range(first, first + CHUNK)))


def two_features(seed: int) -> Json:
    """Two features, of which each is then seen more often."""
    case = random_clusters.random_cluster(seed, features=PAIRS[seed % len(PAIRS)]).to_json()
    return {**case, "preempt": ("apply", "leave")[seed % 2]}


@pytest.mark.parametrize("first", range(50_000, 50_200, CHUNK))
def test_runs_of_alike_pods(kube_scheduler: harness.Harness, first: int) -> None:
    check(kube_scheduler, (alike(seed) for seed in range(first, first + CHUNK)))


def alike(seed: int) -> Json:
    """Three pods of each kind, one after the other. Without other arguments of plugins, for then 1.36 may decide such pods in batches."""
    features = [family for family in random_clusters.ALL if family != "strategies"]
    chosen = [("interpod",), ("spread", "interpod"), ("preemption", "ports", "resources"), features][seed % 4]
    case = random_clusters.random_cluster(seed, features=chosen, nodes=(1, 25)).to_json()
    case["pending"] = [_copy(pod, number) for pod in case["pending"] for number in range(3)]
    return {**case, "preempt": ("leave", "apply")[seed // 4 % 2]}


def _copy(pod: Json, number: int) -> Json:
    name = f"{pod['metadata']['name']}-{number}"
    return {**pod, "metadata": {**pod["metadata"], "name": name, "uid": f"uid-{name}"}}


def test_clusters_decided_by_the_interpreter(kube_scheduler: harness.Harness) -> None:
    kernels.disable()
    try:
        check(kube_scheduler, (everything(seed) for seed in range(20_000, 20_000 + CHUNK // 2)))
    finally:
        kernels.enable()


@pytest.mark.parametrize("families", [("taints", "resources"), ("spread", "interpod"), ("preemption", "nominated")], ids="+".join)
def test_clusters_in_which_not_every_node_is_looked_at(kube_scheduler: harness.Harness, families: tuple[str, ...]) -> None:
    check(kube_scheduler, (sampled(seed, families) for seed in range(30_000, 30_012)))


def sampled(seed: int, families: tuple[str, ...]) -> Json:
    """101 to 260 nodes, of which as many are looked at as 1.36 does by itself."""
    return random_clusters.random_cluster(seed, features=families, nodes=(101, 260), percentage=0).to_json()


def test_pods_that_name_their_node(kube_scheduler: harness.Harness) -> None:
    check(kube_scheduler, (daemons(seed) for seed in range(40_000, 40_000 + CHUNK)))


def daemons(seed: int) -> Json:
    """Alike pods, one for each node and one for a node that is gone, as a DaemonSet makes them."""
    features = [("taints", "resources"), ("preemption", "taints"), ("spread", "interpod", "ports"), random_clusters.ALL][seed % 4]
    case = random_clusters.random_cluster(seed, features=features, nodes=(1, 12)).to_json()
    names = [node["metadata"]["name"] for node in case["nodes"]]
    template = case["pending"][0]
    case["pending"] = [named(template, number, name) for number, name in enumerate([*names, "gone"])]
    return {**case, "preempt": ("leave", "apply")[seed // 4 % 2]}


def named(template: Json, number: int, node: str) -> Json:
    """A copy of the pod that can only go to one node."""
    name = f"daemon-{number}"
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    stanza = {
        **template["spec"].get("affinity", {}),
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required},
    }
    metadata = {**template["metadata"], "name": name, "uid": f"uid-{name}"}
    return {**template, "metadata": metadata, "spec": {**template["spec"], "affinity": stanza}}


# ---------------------------------------------------------------- comparing


def check(real: harness.Harness, cases: Iterable[Json]) -> None:
    """Both decide all cases alike; the real one decides the next case while ours decides this one."""
    told = list(cases)
    found: list[str] = []
    pods = 0
    with concurrent.futures.ThreadPoolExecutor(1) as elsewhere:
        for case, theirs in zip(told, elsewhere.map(real.decide, told), strict=True):
            mine = ours.Ours(case).answers()
            pods += len(mine)
            found += differences(case, theirs, mine)
    assert not found, f"{len(found)} differences\n" + "\n".join(found[:5])
    assert pods >= len(told)


def differences(case: Json, theirs: list[harness.Answer], mine: list[harness.Answer]) -> list[str]:
    """What differs first in a case, with its seed; [] if nothing."""
    for a, b in zip(theirs, mine, strict=False):
        found = [] if a.gated else [*compared(a, b)]
        if found:
            lines = [f"  {what}:\n    real {_short(x)}\n    ours {_short(y)}" for what, x, y in found]
            return [f"seed {case['seed']}, {a.pod}, attempt {a.attempt}:\n" + "\n".join(lines)]
        if (a.node, a.nominated) != (b.node, b.nominated):
            return []
    if len(theirs) != len(mine):
        return [f"seed {case['seed']}: {len(theirs)} and {len(mine)} answers"]
    return []


def compared(a: harness.Answer, b: harness.Answer) -> Iterator[tuple[str, Any, Any]]:
    """(what, real, ours) for everything that the two say differently."""
    for what in ALIKE:
        if getattr(a, what) != getattr(b, what):
            yield what, getattr(a, what), getattr(b, what)
    if a.subset:
        yield from _unequal("feasible", sorted(a.feasible), sorted(b.feasible))
    else:
        yield from _unequal("feasible", a.feasible, b.feasible)
    for table in ("raw", "normalised", "scores"):
        yield from _unequal(table, *_tables(getattr(a, table), getattr(b, table)))
    yield from _unequal("totals", a.totals, b.totals)
    best = [name for name, total in a.totals.items() if total == max(a.totals.values())]
    if a.node != b.node and not (a.subset and b.node in best):
        yield "node", a.node, b.node
    if a.nominated != b.nominated and b.nominated not in a.tied:
        yield "nominated", (a.nominated, a.tied), b.nominated
    victims = next((c.victims for c in a.candidates if c.node == b.nominated), ())
    yield from _unequal("victims", victims, b.victims)


def _unequal(what: str, a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    if a != b:
        yield what, a, b


def _tables(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Json, Json]:
    """The columns that differ; one that is missing on one side and 0 on the other does not."""
    silent: Json = {}
    unequal = [name for name in {*a, *b} if a.get(name, silent) != b.get(name, silent)]
    names = [
        name for name in unequal if (name in a and name in b) or any({**a.get(name, silent), **b.get(name, silent)}.values())
    ]
    return {name: a.get(name) for name in sorted(names)}, {name: b.get(name) for name in sorted(names)}


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) < 600 else text[:600] + " …"
