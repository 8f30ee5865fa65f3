"""GPU sharing on the OpenB trace: one experiment, or all of them compared with the stored answers and the published figures.

`python -m benchmarks.openb --data DIR --trace NAME --policy P --seed S --out FILE` writes `step,pod_row,node_row,gpus`.
`python -m benchmarks.openb --data DIR --check [--trace NAME] [--policy P]` runs every stored seed and prints a table.
Arrival orders and tie ranks come from DIR/golden.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

import numpy as np

from benchmarks import clusters
from k8s_notebook.scheduler import gpu
from k8s_notebook.scheduler.gpu import policies, traces

Row = dict[str, str]

PLACED_SEED = 42
"""The seed whose placements are stored."""
PRINTED = 0.0005 + 1e-9
"""How far a number may be from one that was rounded to three decimals."""
MEASURES = {"alloc": "allocation", "frag": "fragmentation", "fragratio": "ratio"}
HEAD = ["trace", "policy", "unallocated %", "published", "totals", "placements", "figures", "s per run", "slowest"]


@dataclass
class Score:
    """How many of the compared numbers are equal."""

    equal: int = 0
    compared: int = 0

    def count(self, same: bool) -> None:
        """Add one comparison."""
        self.equal += same
        self.compared += 1

    def __str__(self) -> str:
        return f"{self.equal:,}/{self.compared:,}" if self.compared else "-"


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder laid out as the OpenB data, with golden/ in it")
    parser.add_argument("--trace", help="the name of a pod list: default, cpu050, …")
    parser.add_argument("--policy", help=", ".join(gpu.POLICIES))
    parser.add_argument("--seed", type=int, default=PLACED_SEED)
    parser.add_argument("--out", type=Path, help="where to write the placements; - is the terminal")
    parser.add_argument("--check", "--all", action="store_true", help="compare all runs with golden/ and published-results.csv")
    args = parser.parse_args()
    try:
        if args.check:
            passed = check(args.data, args.trace, args.policy)
        else:
            passed = experiment(args.data, args.trace or "default", args.policy or "FGD", args.seed, args.out)
    except (ValueError, OSError) as error:
        refuse(str(error))
    sys.exit(0 if passed else 1)


def refuse(why: str) -> NoReturn:
    """Leave with a sentence."""
    print(f"openb: {why}", file=sys.stderr)
    sys.exit(2)


def experiment(data: Path, name: str, policy: str, seed: int, out: Path | None) -> bool:
    """One run, written to a file; how long it took goes to the terminal."""
    policies.number(policy)
    trace = read(data, name, seed)
    gpu.replay(trace, policy, seed, order=trace.orders[seed][:1])
    began = time.perf_counter()
    run = gpu.replay(trace, policy, seed)
    seconds = time.perf_counter() - began
    if str(out) == "-":
        write(run, sys.stdout)
    elif out is not None:
        with out.open("w", newline="") as opened:
            write(run, opened)
    print(
        f"{run.trace} {run.policy} seed {seed}: {len(run.node_row):,} pods, {run.failed:,} fit nowhere, "
        f"{100 * run.used[-1] / run.capacity:.2f} % of the GPUs allocated; {seconds:.3f} s",
        file=sys.stderr,
    )
    return True


def read(data: Path, name: str, seed: int) -> gpu.Trace:
    """The trace; ValueError if nothing is stored for the seed."""
    trace = gpu.trace(data, name)
    known = sorted(trace.orders.keys() & trace.ranks.keys())
    if seed in known:
        return trace
    there = f"those of {trace.name} are {', '.join(map(str, known))}" if known else f"there are none for {trace.name}"
    raise ValueError(f"golden has no arrival order and ranks for seed {seed}; {there}")


def write(run: gpu.Run, opened: IO[str]) -> None:
    """Write the placements as CSV."""
    columns = run.columns()
    writer = csv.writer(opened, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))


def check(data: Path, only_trace: str | None, only_policy: str | None) -> bool:
    """Whether all stored and published numbers come out; prints a row per trace and policy."""
    final = {(row["trace"], row["policy"], int(row["seed"])): row for row in traces.rows(data / "golden" / "final.csv")}
    published = traces.rows(data / "published-results.csv")
    numbers = [policies.number(only_policy)] if only_policy else range(len(gpu.POLICIES))
    lines, totals = [HEAD], [Score(), Score(), Score()]
    for name in [only_trace] if only_trace else stored(data):
        trace = read(data, name, PLACED_SEED)
        for policy in (gpu.POLICIES[i] for i in numbers):
            scores, line = compare(data, trace, policy, final, published)
            lines.append(line)
            for total, score in zip(totals, scores, strict=True):
                total.equal, total.compared = total.equal + score.equal, total.compared + score.compared
    print(clusters.table([[f"{line[0]} {line[1]}", *line[2:]] for line in lines]))
    print(f"equal: totals {totals[0]}, placements {totals[1]}, published figures {totals[2]}")
    print(
        "totals: pods, failed pods, milli-GPUs arrived and used, both percentages; "
        "figures of Random: mean of the runs, and at 130 % each run, within the published mean ± 4 sd"
    )
    return all(score.equal == score.compared for score in totals)


def stored(data: Path) -> list[str]:
    """The names of the traces whose arrival orders are stored."""
    found = sorted((data / "golden").glob("order_*.csv*"))
    return [p.name.removeprefix("order_").removesuffix(".gz").removesuffix(".csv") for p in found]


def compare(
    data: Path, trace: gpu.Trace, policy: str, final: dict[tuple[str, str, int], Row], published: list[Row]
) -> tuple[list[Score], list[str]]:
    """What is equal of one policy's runs of one trace, and its line in the table."""
    gpu.replay(trace, policy, PLACED_SEED, order=trace.orders[PLACED_SEED][:1])
    timed = {seed: timed_run(trace, policy, seed) for seed in trace.orders}
    seconds = sorted(took for took, _ in timed.values())
    runs = {seed: run for seed, (_, run) in timed.items()}
    totals, placements, figures = Score(), Score(), Score()
    for (name, full, seed), row in final.items():
        if name == f"{traces.PREFIX}{trace.name}" and full[3:] == policy:
            totals.count(same_totals(runs[seed], row))
    golden = data / "golden" / f"place_{trace.name}_{policy}_s{PLACED_SEED}.csv"
    if policy != "Random":
        columns = runs[PLACED_SEED].columns()
        answer = traces.rows(golden)
        for ours, row in itertools.zip_longest(zip(*columns.values(), strict=True), answer):
            placements.count(ours is not None and row is not None and [str(v) for v in ours] == list(row.values()))
    curves = [rounded_curve(run) for run in runs.values()]
    here = [row for row in published if row["trace"] == f"{traces.PREFIX}{trace.name}" and row["policy"][3:] == policy]
    for row in here:
        for same in same_figures(curves, row, policy):
            figures.count(same)
    at_100 = [100 - curve["allocation"][100] for curve in curves]
    said = next((f"{float(r['unalloc_mean']):.2f} ± {float(r['alloc_sd']):.2f}" for r in here if r["arrived_pct"] == "100"), "")
    ours = f"{np.mean(at_100):.2f} ± {np.std(at_100, ddof=1):.2f}"
    times = [f"{seconds[len(seconds) // 2]:.3f}", f"{seconds[-1]:.3f}"]
    return [totals, placements, figures], [trace.name, policy, ours, said, str(totals), str(placements), str(figures), *times]


def timed_run(trace: gpu.Trace, policy: str, seed: int) -> tuple[float, gpu.Run]:
    """(seconds, run)"""
    began = time.perf_counter()
    run = gpu.replay(trace, policy, seed)
    return time.perf_counter() - began, run


def same_totals(run: gpu.Run, row: Row) -> bool:
    """Whether the exact totals are those of final.csv, and the percentages to their four decimals."""
    exact = (len(run.node_row), int(run.arrived[-1]), int(run.used[-1]), run.failed)
    percent = 100 / run.capacity
    return exact == tuple(int(row[k]) for k in ("pods", "arrived_milli", "used_milli", "failed_pods")) and (
        abs(run.used[-1] * percent - float(row["alloc_pct"])) <= 0.00005 + 1e-9
        and abs(run.fragmentation[-1] * percent - float(row["frag_pct_of_total"])) <= 0.00005 + 1e-9
    )


def rounded_curve(run: gpu.Run) -> dict[str, np.ndarray]:
    """The curve rounded where the authors' scripts round: by arrived percent."""
    plain, rounded = run.curve(), run.curve(decimals=2)
    return {
        "allocation": np.round(rounded["allocation"], 2),
        "fragmentation": np.round(plain["fragmentation"], 2),
        "ratio": rounded["ratio"],
    }


def same_figures(curves: list[dict[str, np.ndarray]], row: Row, policy: str) -> list[bool]:
    """For each published statistic of one arrival point whether it is ours; of Random, whether `near`."""
    found = []
    for short, name in MEASURES.items():
        values = np.array([curve[name][int(row["arrived_pct"])] for curve in curves])
        if policy == "Random":
            found.append(near(values, float(row[f"{short}_mean"]), float(row[f"{short}_sd"]), row["arrived_pct"] == "130"))
            continue
        ours = {"mean": values.mean(), "sd": values.std(ddof=1), "median": np.median(values)}
        if short == "alloc":
            ours |= {"min": values.min(), "max": values.max()}
        found += [math.isclose(value, float(row[f"{short}_{k}"]), rel_tol=0, abs_tol=PRINTED) for k, value in ours.items()]
    return found


def near(values: np.ndarray, mean: float, sd: float, each: bool) -> bool:
    """Whether the mean of the runs, or each of them, is within four published standard deviations of the published mean."""
    looked_at = values if each else values.mean()
    return bool(np.all(np.abs(looked_at - mean) <= 4 * sd))


if __name__ == "__main__":
    main()
