"""Decision time only: kube-scheduler's own code beside ours, on the mixes of scheduler_perf, in one run.

`python -m benchmarks.decisions [--nodes 1000 5000] [--percentage 0 100] [--mixes basic …] [--limit 10] [--out FILE]`. kube-scheduler
1.36 runs in a Go program without an API server (`tests/parity/harness.py`) and is timed as its metric
scheduler_scheduling_algorithm_duration_seconds has it: snapshot, SchedulePod, PostFilter. Per mix the same pods, as many as Go decides
within `--limit` seconds, with the same percentageOfNodesToScore:

- Go: mean milliseconds per pod, parallelism 16 as by default (and 1, with `--parallelism 1`).
- one by one: ours, microseconds per pod when each decision is asked for by itself, as for pods that come in one at a time.
- many: ours, when the pods that wait are decided together; the first ratio is Go's time to this one. Both without counting the pod
  on its node in Python, as Go's time is without assuming it.
- counted: the same with that, so all that one core does between pods that wait and pods that have a node.
- same: of the pods of a smaller run (parallelism 1, where kube-scheduler is deterministic) how many went to the same node, or were
  refused with the same message.

Ours is the median of `--rounds` runs in fresh clusters; kernels are loaded and a few pods of the sort decided before, on both sides.
`--growth` measures basic and preferred spreading on 500 to 15,000 nodes instead, and draws `docs/growth.svg`.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import clusters, growth, mixes
from k8s_notebook import kernels
from k8s_notebook.scheduler import arrays, cycle, profiles, search
from k8s_notebook.scheduler.arrays import Incoming
from tests.parity import harness, lists, ours

Json = dict[str, Any]

CHECKED = 200
"""Pods whose decisions are compared."""


class Stamped:
    """A kernel that notes when it was done."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run
        self.done = 0.0

    def __call__(self, *arguments: Any) -> Any:
        """What the kernel gives."""
        found = self._run(*arguments)
        self.done = time.perf_counter()
        return found


class Timed(cycle.Cycle):
    """A cycle that adds up how long deciding took, without the counting in Python that follows."""

    def __init__(self, cluster: arrays.Cluster, profile: profiles.Profile, run: Stamped) -> None:
        super().__init__(cluster, profile)
        self.seconds = 0.0
        self._stamped = run

    def decide(self, pod: Incoming) -> cycle.Decision:
        """The decision for a pod, timed."""
        began = time.perf_counter()
        decision = super().decide(pod)
        self.seconds += time.perf_counter() - began
        return decision

    def _run(self, pods: Sequence[Incoming]) -> list[cycle.Decision]:
        began = time.perf_counter()
        decisions = super()._run(pods)
        self.seconds += max(self._stamped.done - began, 0.0)
        return decisions


@dataclass(frozen=True)
class Ours:
    """Seconds per pod of one round of ours."""

    single: float
    many: float
    counted: float
    first: float
    """Seconds for the first pod of its sort."""


@dataclass(frozen=True)
class Row:
    """One line of the table; seconds per pod."""

    mix: str
    nodes: int
    percentage: int
    pods: int
    go: float
    go_alone: float
    """With parallelism 1; 0 if not measured."""
    single: float
    many: float
    counted: float
    first: float
    same: str

    def cells(self) -> list[str]:
        """The line as text."""
        alone = [f"{1e3 * self.go_alone:.2f}"] if self.go_alone else []
        ours_ = [f"{1e6 * s:.1f}" for s in (self.single, self.many, self.counted)]
        ratios = [f"{self.go / s:,.0f}" for s in (self.single, self.many, self.counted)]
        return [
            self.mix, f"{self.nodes:,}", str(self.percentage), f"{self.pods:,}", f"{1e3 * self.go:.2f}", *alone, *ours_, *ratios,
            f"{1e3 * self.first:.1f}", self.same,
        ]  # fmt: skip


def head(alone: bool) -> list[str]:
    """The first line of the table."""
    return [
        "mix", "nodes", "%", "pods", "Go ms", *(["Go ms, 1 thread"] if alone else []), "one by one us", "many us", "counted us",
        "x one by one", "x many", "x counted", "first ms", "same",
    ]  # fmt: skip


# ------------------------------------------------------------ ours


class World:
    """A request in a fresh cluster of ours."""

    def __init__(self, written: dict[str, list[Json]], percentage: int, run: Stamped) -> None:
        there, self._before = (
            [p for p in written["pods"] if bool(p["spec"].get("nodeName")) == assigned] for assigned in (True, False)
        )
        case = {"nodes": written["nodes"], "pods": there, "objects": written["objects"], "percentage": percentage}
        made = ours.Ours(case)
        self.cluster, self.cycle = made.cluster, Timed(made.cluster, made.profile, run)

    def warm(self) -> float:
        """Seconds that the first pod took; all that are to be decided before are."""
        for pod in self._before[:1]:
            self.one(self.cluster.incoming(pod))
        first = self.cycle.seconds
        for pod in self._before[1:]:
            self.one(self.cluster.incoming(pod))
        self.cycle.seconds = 0.0
        return first

    def one(self, pod: Incoming) -> list[cycle.Decision]:
        """The decisions about one pod: two, if others make room for it."""
        decision = self.cycle.decide(pod)
        if decision.node:
            self.cluster.place(pod.uid, pod.on(decision.node))
        if not decision.nominated:
            return [decision]
        for uid in decision.victims:
            self.cluster.lift(uid)
        nominated = dataclasses.replace(pod, nominated=decision.nominated)
        self.cluster.nominate(pod.uid, nominated, decision.nominated)
        again = self.cycle.decide(nominated)
        self.cluster.denominate(pod.uid)
        if again.node:
            self.cluster.place(pod.uid, pod.on(again.node))
        return [decision, again]


def measure(written: dict[str, list[Json]], percentage: int, pods: int, run: Stamped, *, preempts: bool) -> Ours:
    """One round."""
    world = World(written, percentage, run)
    first = world.warm()
    waiting = [world.cluster.incoming(p) for p in written["measured"][:pods]]
    single, counted = _spent(world, lambda: [world.one(p) for p in waiting])
    if preempts:
        return Ours(single / pods, single / pods, counted / pods, first)
    world = World(written, percentage, run)
    world.warm()
    waiting = [world.cluster.incoming(p) for p in written["measured"][:pods]]
    many, counted = _spent(world, lambda: world.cycle.decide_all(waiting))
    return Ours(single / pods, many / pods, counted / pods, first)


def _spent(world: World, act: Callable[[], object]) -> tuple[float, float]:
    """(seconds for deciding, seconds in all)"""
    world.cycle.seconds = 0.0
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    act()
    seconds = time.perf_counter() - began
    gc.enable()
    return world.cycle.seconds, seconds


# ------------------------------------------------------------ both


def compare(scheduler: harness.Harness, name: str, nodes: int, percentage: int, args: argparse.Namespace, run: Stamped) -> Row:
    """Both sides on one mix."""
    wanted = mixes.request(name, nodes, percentage)
    theirs = scheduler.bench({**wanted, "limit_seconds": args.limit})
    alone = 0.0
    if args.parallelism == 1:
        slow = scheduler.bench({**wanted, "limit_seconds": args.limit, "parallelism": 1})
        alone = slow.seconds / slow.decided
    written = lists.expanded(wanted)
    preempts = theirs.preempted > 0
    rounds = [measure(written, percentage, theirs.decided, run, preempts=preempts) for _ in range(args.rounds)]
    median = [statistics.median(getattr(r, f.name) for r in rounds) for f in dataclasses.fields(Ours)]
    same = agreement(scheduler, name, nodes, percentage, run) if args.check else ""
    return Row(name, nodes, percentage, theirs.decided, theirs.seconds / theirs.decided, alone, *median, same)


def agreement(scheduler: harness.Harness, name: str, nodes: int, percentage: int, run: Stamped) -> str:
    """How many of the first decisions are equal: node, or message and the node where room is made."""
    wanted = mixes.request(name, nodes, percentage, CHECKED)
    written = lists.expanded(wanted)
    before = [p for p in written["pods"] if not p["spec"].get("nodeName")]
    case = {
        "percentage": percentage, "objects": written["objects"], "nodes": written["nodes"],
        "pods": [p for p in written["pods"] if p["spec"].get("nodeName")], "pending": before + written["measured"],
        "preempt": "apply", "brief": True,
    }  # fmt: skip
    theirs = [(a.node, a.message, a.nominated) for a in scheduler.decide(case, 600)]
    world = World(written, percentage, run)
    found: list[tuple[str, str, str]] = []
    for pod in case["pending"]:
        found += [(d.node, d.message, d.nominated) for d in world.one(world.cluster.incoming(pod))]
    equal = sum(a == b for a, b in zip(found, theirs, strict=False))
    together = World(written, percentage, run)
    many = together.cycle.decide_all([together.cluster.incoming(p) for p in case["pending"]])
    if not any(nominated for *_, nominated in theirs):
        equal = min(equal, sum(d.node == node and d.message == said for d, (node, said, _) in zip(many, theirs, strict=True)))
    return f"{equal}/{max(len(theirs), len(found))}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--percentage", type=int, nargs="+", default=[0, 100])
    parser.add_argument("--mixes", nargs="+", default=list(mixes.MIXES), choices=list(mixes.MIXES))
    parser.add_argument("--limit", type=float, default=10.0, help="seconds for Go's part of one line")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parallelism", type=int, default=16, choices=(1, 16), help="1: also with one thread")
    parser.add_argument("--no-check", dest="check", action="store_false")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--out", type=pathlib.Path, help="where to write the lines as JSON")
    args = parser.parse_args()
    if harness.missing():
        sys.exit(harness.missing())
    if not kernels.enable():
        sys.exit("needs Numba")
    run = Stamped(search.run.run)
    search.run.run = run
    cases = [(m, n, p) for n in args.nodes for p in args.percentage for m in args.mixes]
    if args.growth:
        cases = [(m, n, p) for m in growth.MIXES for p in (0, 100) for n in growth.NODES]
        args.check = False
    rows: list[Row] = []
    with harness.Harness() as scheduler:
        for case in cases:
            rows.append(compare(scheduler, *case, args, run))
            print(" ".join(rows[-1].cells()), file=sys.stderr, flush=True)
    print(clusters.table([head(args.parallelism == 1), *(r.cells() for r in rows)]))
    if args.out:
        args.out.write_text(json.dumps([dataclasses.asdict(r) for r in rows], indent=1))
    if args.growth:
        growth.FILE.write_text(growth.drawn([growth.Point(r.mix, r.percentage, r.nodes, r.go, r.many) for r in rows]))


if __name__ == "__main__":
    main()
