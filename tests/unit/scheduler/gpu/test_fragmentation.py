"""The target workload and F_n against the stored vectors."""

from __future__ import annotations

import csv
import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from k8s_notebook.scheduler import gpu
from k8s_notebook.scheduler.gpu import fragmentation, traces


@pytest.mark.parametrize("name", ["default", "cpu050", "gpushare40", "gpuspec10", "multigpu20"])
def test_target_workload(name: str, stored: Callable[[str], gpu.Trace], openb: pathlib.Path) -> None:
    trace = stored(name)
    target = gpu.target(trace)
    rows = traces.rows(openb / "golden" / f"typical_{name}.csv")
    ours = zip(*(c.tolist() for c in (target.cpu, target.gpus, target.milli, target.spec, target.weight)), strict=True)
    assert [(c, g, m, trace.specs[s], w) for c, g, m, s, w in ours] == [
        (int(r["cpu_milli"]), int(r["num_gpu"]), int(r["gpu_milli"]), r["gpu_spec"], float(r["weight"])) for r in rows
    ]


def test_nodes(stored: Callable[[str], gpu.Trace], openb: pathlib.Path) -> None:
    target = gpu.target(stored("default"))
    with (openb / "golden" / "node-frag-samples.csv").open() as opened:
        rows = list(csv.DictReader(opened))
    for row in rows:
        gpus = np.array([int(milli) for milli in row["gpu_left_milli"].split("-")], np.int64)
        ours = fragmentation.fragmentation(int(row["cpu_left_milli"]), gpus, 0, target)
        assert f"{ours:.6f}" == row["F_milli"], row


def test_an_empty_cluster(stored: Callable[[str], gpu.Trace]) -> None:
    run = gpu.replay(stored("default"), "FGD", 42, order=[])
    assert len(run.node_row) == 0
    first = gpu.replay(stored("default"), "FGD", 42, order=[255])
    assert first.gpus.tolist() == [0], "a pod without GPU"
    assert first.fragmentation[0] == pytest.approx(866_232.55, abs=3000)
