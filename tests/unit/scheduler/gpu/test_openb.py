"""The OpenB trace: placements, totals and curves of the published experiments, and the command that writes them."""

from __future__ import annotations

import itertools
import pathlib
import subprocess
import sys
from collections.abc import Callable

import pytest

from benchmarks import openb as benchmark
from k8s_notebook.scheduler import gpu
from k8s_notebook.scheduler.gpu import traces

EXACT = [policy for policy in gpu.POLICIES if policy != "Random"]
ROOT = pathlib.Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("policy", EXACT)
def test_every_placement(policy: str, stored: Callable[[str], gpu.Trace], openb: pathlib.Path) -> None:
    columns = gpu.replay(stored("gpuspec10"), policy, 42).columns()
    answer = traces.rows(openb / "golden" / f"place_gpuspec10_{policy}_s42.csv")
    assert list(columns) == list(answer[0])
    for ours, row in itertools.zip_longest(zip(*columns.values(), strict=True), answer):
        assert [str(value) for value in ours] == list(row.values())


@pytest.mark.parametrize(
    ("name", "policy", "seed"),
    [("cpu050", "BestFit", 43), ("default", "FGD", 51), ("gpushare40", "DotProd", 45), ("multigpu20", "GpuClustering", 47)],
)
def test_totals(name: str, policy: str, seed: int, stored: Callable[[str], gpu.Trace], openb: pathlib.Path) -> None:
    rows = traces.rows(openb / "golden" / "final.csv")
    row = next(r for r in rows if (r["trace"][15:], r["policy"][3:], r["seed"]) == (name, policy, str(seed)))
    assert benchmark.same_totals(gpu.replay(stored(name), policy, seed), row)


@pytest.mark.parametrize(("name", "policy"), [("gpushare40", "FGD"), ("default", "Random")])
def test_published_curves(name: str, policy: str, stored: Callable[[str], gpu.Trace], openb: pathlib.Path) -> None:
    rows = [r for r in traces.rows(openb / "published-results.csv") if (r["trace"][15:], r["policy"][3:]) == (name, policy)]
    curves = [benchmark.rounded_curve(gpu.replay(stored(name), policy, seed)) for seed in range(42, 52)]
    assert len(rows) == 18
    for row in rows:
        assert all(benchmark.same_figures(curves, row, policy)), row


def test_random_follows_from_the_seed(stored: Callable[[str], gpu.Trace]) -> None:
    runs = [gpu.replay(stored("default"), "random", seed, order=range(500)).node_row.tolist() for seed in (42, 42, 43)]
    assert runs[0] == runs[1] != runs[2]


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """The exit status of the command."""
    monkeypatch.setattr(sys, "argv", ["openb", *arguments])
    with pytest.raises(SystemExit) as left:
        benchmark.main()
    return left.value.code


def test_one_experiment(openb: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "placements.csv"
    asked = ["--data", str(openb), "--trace", "multigpu20", "--policy", "06-fgd", "--seed", "42", "--out", str(out)]
    assert command(monkeypatch, *asked) == 0
    assert traces.rows(out) == traces.rows(openb / "golden" / "place_multigpu20_FGD_s42.csv")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--policy", "Best"], "there is no policy 'Best'; there are: Random, DotProd, GpuClustering, GpuPacking, BestFit, FGD"),
        (["--seed", "7"], "golden has no arrival order and ranks for seed 7; those of default are 42, 43"),
        (["--trace", "cpu300"], "golden has no arrival order and ranks for seed 42; there are none for cpu300"),
        (["--trace", "nope"], "there is no pod list of a trace 'nope'"),
    ],
)
def test_mistakes(
    arguments: list[str], sentence: str, openb: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "--data", str(openb), *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"openb: {sentence}")
    assert said.count("\n") == 1


def test_a_cluster_does_not_know_of_it() -> None:
    code = (
        "from k8s_notebook import kernels; before = kernels.folder(); from k8s_notebook.scheduler import gpu; import sys;"
        "print(kernels.folder() == before, 'numba' in sys.modules, any('.gpu.' in each.name for each in kernels._kernels))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "False", "False"]
