"""Random small clusters: the compiled run, the run as written and the slow twin place every pod alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_notebook import kernels
from k8s_notebook.scheduler import gpu
from k8s_notebook.scheduler.gpu import policies
from tests.oracles import gpu as oracle

PACKAGE = "k8s_notebook.scheduler.gpu"
MODELS = ("G2", "P100", "T4")


@pytest.fixture(params=["as written", "compiled"], scope="module")
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which form of the kernels runs."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "as written":
            patch.setattr(kernels, "available", lambda: False)
            for each in kernels._on_demand[PACKAGE]:
                each.use(False)
        yield request.param
    kernels.enable_package(PACKAGE)


nodes = st.builds(
    oracle.Node,
    cpu=st.sampled_from([4000, 16000, 64000, 128000]),
    memory=st.sampled_from([1000, 4000]),
    gpus=st.integers(0, 4).map(lambda n: [1000] * n),
    model=st.sampled_from(MODELS),
)
requests = st.one_of(
    st.builds(oracle.Pod, cpu=st.integers(0, 8000)),
    st.builds(
        oracle.Pod,
        cpu=st.sampled_from([500, 2000, 6000]),
        memory=st.sampled_from([0, 200, 900]),
        gpus=st.just(1),
        milli=st.sampled_from([100, 250, 330, 500, 810, 1000]),
        spec=st.sampled_from(["", "", "T4", "G2|T4"]),
    ),
    st.builds(oracle.Pod, cpu=st.sampled_from([500, 6000]), gpus=st.sampled_from([2, 4]), milli=st.just(1000)),
)
clusters = st.lists(nodes, min_size=1, max_size=6)
kinds = st.lists(requests, min_size=1, max_size=5, unique=True)
arrivals = st.lists(st.integers(0, 4), min_size=1, max_size=25)


def trace_of(machines: list[oracle.Node], pods: list[oracle.Pod]) -> gpu.Trace:
    """The same for the package; ranks run backwards."""
    made = gpu.of(
        [{"cpu_milli": n.cpu, "memory_mib": n.memory, "gpu": len(n.gpus), "model": n.model if n.gpus else ""} for n in machines],
        [{"cpu_milli": p.cpu, "memory_mib": p.memory, "num_gpu": p.gpus, "gpu_milli": p.milli, "gpu_spec": p.spec} for p in pods],
    )
    ranks = {42: np.arange(len(machines))[::-1]}
    return gpu.Trace(made.name, made.nodes, made.pods, made.models, made.specs, {}, ranks)


@pytest.mark.parametrize("policy", sorted(oracle.POLICIES))
@settings(max_examples=25, deadline=None, derandomize=True)
@given(machines=clusters, pods=kinds, arriving=arrivals)
def test_every_placement(
    policy: str, form: str, machines: list[oracle.Node], pods: list[oracle.Pod], arriving: list[int]
) -> None:
    rows = [i % len(pods) for i in arriving]
    run = gpu.replay(trace_of(machines, pods), policy, 42, order=rows)
    twins = [
        oracle.Node(n.cpu, n.memory, list(n.gpus), n.model if n.gpus else "", rank)
        for rank, n in zip(range(len(machines) - 1, -1, -1), machines, strict=True)
    ]
    expected = oracle.workload(pods)
    answers = oracle.run(twins, [pods[i] for i in rows], expected, policy)
    assert [(n, "-".join(map(str, g))) for n, g in answers] == list(
        zip(run.node_row.tolist(), run.columns()["gpus"], strict=True)
    )
    total = sum(oracle.fragmentation(node, expected) for node in twins)
    assert run.fragmentation[-1] == pytest.approx(total, abs=1e-6)
    assert all(node.cpu >= 0 and node.memory >= 0 and min(node.gpus, default=0) >= 0 for node in twins)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(machines=clusters, pods=kinds, arriving=arrivals)
def test_random_stays_within_capacity(
    form: str, machines: list[oracle.Node], pods: list[oracle.Pod], arriving: list[int]
) -> None:
    rows = [i % len(pods) for i in arriving]
    run = gpu.replay(trace_of(machines, pods), "Random", 42, order=rows)
    left = [oracle.Node(n.cpu, n.memory, list(n.gpus), n.model if n.gpus else "") for n in machines]
    for row, node, gpus in zip(rows, run.node_row.tolist(), run.columns()["gpus"], strict=True):
        if node < 0:
            assert not any(oracle.fits(each, pods[row]) for each in left)
            continue
        assert oracle.fits(left[node], pods[row])
        chosen = [int(g) for g in gpus.split("-") if g]
        assert len(chosen) == pods[row].gpus
        left[node] = oracle.placed(left[node], pods[row], chosen)
        assert min(left[node].gpus, default=0) >= 0


def fullest(node: gpu.Node, pod: gpu.Pod) -> float:
    """What BestFit says, written by a user; machines of the first model are not for him."""
    if node.model == 0:
        return -np.inf
    free = node.gpus.sum()
    return int((1 - ((node.cpu - pod.cpu) / 128_000 * 0.5 + (free - pod.gpus * pod.milli) / 8_000 * 0.5)) * 100)


def test_a_policy_of_ones_own(form: str) -> None:
    machines = [oracle.Node(64000, 4000, [1000] * 4, model) for model in ("T4", "G2", "T4")]
    pods = [oracle.Pod(2000, 10, 1, milli) for milli in (500, 330, 810)] + [oracle.Pod(1000), oracle.Pod(100, 0, 2, 1000)]
    rows = [0, 1, 2, 3, 4] * 4
    own = gpu.replay(trace_of(machines, pods), fullest, 42, order=rows)
    same = gpu.replay(trace_of([machines[0], oracle.Node(0, 0, []), machines[2]], pods), "BestFit", 42, order=rows)
    assert own.policy == "fullest"
    assert own.columns()["node_row"].tolist() == same.columns()["node_row"].tolist()
    assert own.columns()["gpus"] == same.columns()["gpus"]
    assert 0 < own.failed < len(rows)


@pytest.mark.parametrize(
    ("written", "name"),
    [("FGD", "FGD"), ("06-FGD", "FGD"), ("bestfit", "BestFit"), ("Packing", "GpuPacking"), ("04-gpupacking", "GpuPacking"),
     ("clustering", "GpuClustering"), ("DOTPROD", "DotProd"), ("01-Random", "Random")],
)  # fmt: skip
def test_names(written: str, name: str) -> None:
    assert policies.NAMES[policies.number(written)] == name


@pytest.mark.parametrize("name", ["", "06-", "Best", "fgd2", "gpu"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValueError, match="there are: Random, DotProd"):
        policies.number(name)
