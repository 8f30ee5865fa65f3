"""Reading traces, and orders of arrival that are not stored."""

from __future__ import annotations

import gzip
import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from k8s_notebook.scheduler import gpu
from k8s_notebook.scheduler.gpu import traces

NODE = {"cpu_milli": 8000, "memory_mib": 1024, "gpu": 2, "model": "T4"}
POD = {"cpu_milli": 1000, "memory_mib": 64, "num_gpu": 1, "gpu_milli": 500, "gpu_spec": ""}


def write(folder: pathlib.Path) -> pathlib.Path:
    """A folder laid out as OpenB's, one file of it compressed."""
    (folder / "golden").mkdir()
    (folder / traces.NODES).write_text("sn,cpu_milli,memory_mib,gpu,model\na,8000,1024,2,T4\nb,4000,512,1,G2\n")
    pods = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\nx,100,8,1,500,\ny,200,8,2,1000,G2|T4\nz,300,8,0,400,T4\n"
    with gzip.open(folder / "openb_pod_list_small.csv.gz", "wt") as packed:
        packed.write(pods)
    (folder / "golden" / "order_small.csv").write_text("step,s42,s43\n0,2,0\n1,0,1\n2,1,\n")
    (folder / "golden" / "noderank_small.csv").write_text("node_row,s42,s43\n0,1,0\n1,0,1\n")
    return folder


def test_a_folder(tmp_path: pathlib.Path) -> None:
    read = gpu.trace(write(tmp_path), "openb_pod_list_small")
    assert (read.name, read.models, read.specs, read.capacity) == ("small", ("G2", "T4"), ("", "G2|T4", "T4"), 3000)
    assert read.pods.milli.tolist() == [500, 1000, 0]
    assert [read.specs[i] for i in read.pods.spec] == ["", "G2|T4", ""], "models matter to pods with GPUs only"
    assert {seed: order.tolist() for seed, order in read.orders.items()} == {42: [2, 0, 1], 43: [0, 1]}
    assert read.rank(42).tolist() == [1, 0]
    assert traces.names(tmp_path) == ["small"]


def test_a_trace_that_is_not_there(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no pod list of a trace 'large' in .*; there are: small"):
        gpu.trace(write(tmp_path), "large")


def test_an_order_that_is_of_another_list(tmp_path: pathlib.Path) -> None:
    folder = write(tmp_path)
    (folder / "golden" / "order_small.csv").write_text("step,s42\n0,3\n")
    with pytest.raises(ValueError, match=r"order_small.csv: seed 42 names a row"):
        gpu.trace(folder, "small")


@pytest.mark.parametrize(
    ("node", "pod", "why"),
    [
        ({"cpu_milli": -1}, {}, "negative"),
        ({}, {"gpu_milli": 1001}, "gpu_milli is 1 to 1000"),
        ({}, {"gpu_milli": 0}, "gpu_milli is 1 to 1000"),
        ({}, {"num_gpu": 2}, "gpu_milli is 1 to 1000"),
        ({"gpu": 63}, {}, "at most"),
        ({}, {"cpu_milli": "many"}, "column cpu_milli"),
    ],
)
def test_what_cannot_be_expressed(node: dict, pod: dict, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        gpu.of([NODE | node], [POD | pod])


@pytest.mark.parametrize(("pods", "arriving"), [(2, 5), (100, 5)])
def test_a_drawn_order_asks_for_130_percent(pods: int, arriving: int) -> None:
    trace = gpu.of([NODE], [POD] * pods)
    order = trace.order(7)
    assert len(order) == arriving, "2.6 GPUs are five halves"
    assert order.tolist() == trace.order(7).tolist()
    assert set(order.tolist()) <= set(range(pods))


def test_pods_without_gpus_are_drawn_once() -> None:
    trace = gpu.of([NODE], [POD | {"num_gpu": 0}] * 4)
    assert sorted(trace.order(1).tolist()) == [0, 1, 2, 3]
    assert sorted(trace.rank(1).tolist()) == [0]


def test_a_drawn_order_is_like_the_stored_ones(stored: Callable[[str], gpu.Trace]) -> None:
    trace = stored("default")
    drawn = trace.order(1)
    asked = int((trace.pods.gpus * trace.pods.milli)[drawn].sum())
    assert 1 not in trace.orders
    assert 1.29 < asked / trace.capacity < 1.31
    assert abs(len(drawn) - np.mean([len(order) for order in trace.orders.values()])) < 200
    assert gpu.replay(trace, "FGD", 1).used[-1] / trace.capacity == pytest.approx(0.954, abs=0.005)
