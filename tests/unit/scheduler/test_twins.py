"""Every kernel beside its slow twins: as it is written, run by Python; with whole arrays; and compiled.

The scheduler decides random journeys with all kernels as they are written. Whenever one is called, its twin is called with a copy of
the arguments: for the entries of `TWINS` the form with whole arrays, for those that Python calls the compiled form as well.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from k8s_notebook import kernels
from k8s_notebook.kernels import Kernel
from k8s_notebook.scheduler import arrays, counting, cycle, judging, profiles, refusals, search, selection
from k8s_notebook.scheduler.plugins import inter_pod_affinity as near
from k8s_notebook.scheduler.plugins import node_ports, node_resources_balanced_allocation, node_resources_fit
from k8s_notebook.scheduler.plugins import pod_topology_spread as spreading
from tests.builders import node, pod
from tests.oracles import random_clusters
from tests.parity import ours
from tests.unit.scheduler import crowds, journeys

Args = tuple[Any, ...]
FULL = profiles.Profile(percentage=100)


class Twin(NamedTuple):
    """The form with whole arrays: the arguments where it takes arrays for numbers, and what either form fills."""

    twin: Callable[..., Any]
    arrays: tuple[int, ...] = ()
    fills: Callable[[Args, Any], list[Any]] = lambda args, result: [result]


def _first(at: int, many: int) -> Callable[[Args, Any], list[Any]]:
    """What the argument `at` begins with; the argument `many` says how many numbers are meant."""
    return lambda args, result: [args[at][: args[many]]]


def _rows(args: Args, rows: int) -> list[Any]:
    return [args[rows].apart, args[rows].total, *([args[rows].best] if args[rows].flags[judging.BEST] else [])]


def _known(known: search.Class) -> list[Any]:
    entries, rows = known.entries, known.rows
    return [rows.fails, rows.scores, rows.base, *_rows((rows,), 0), entries.seen, entries.counts, entries.total]


TWINS: dict[Kernel[..., Any], Twin] = {
    node_ports.taken: Twin(node_ports.taken_at, (2,)),
    node_resources_fit.lacks: Twin(node_resources_fit.lacks_at, (2,)),
    node_resources_fit.fullness: Twin(node_resources_fit.fullness_at, (3,)),
    node_resources_balanced_allocation.balance: Twin(node_resources_balanced_allocation.balance_at, (3,)),
    spreading.lowest: Twin(spreading.lowest_at, fills=lambda args, result: [args[2]]),
    spreading.refuses: Twin(spreading.refuses_at, (3,)),
    spreading.crowding: Twin(spreading.crowding_at, fills=_first(10, 5)),
    spreading.evenness: Twin(spreading.evenness_at, fills=_first(3, 1)),
    near.refuses: Twin(near.refuses_at, (2,)),
    near.likings: Twin(near.likings_at, fills=_first(4, 3)),
    near.stretch: Twin(near.stretch_at, fills=_first(3, 1)),
    counting.recount: Twin(
        counting.recount_at, (2, 3), lambda args, result: [args[0].seen, args[0].counts, args[0].total]
    ),
    judging.judge: Twin(judging.judge_at, fills=lambda args, result: _rows(args, 0) if args[0].flags[judging.COUNTS] else []),
    search.refresh: Twin(search.refresh_at, fills=lambda args, result: _known(args[1])),
    search.look: Twin(
        search.look_at, fills=lambda args, found: [found, args[1].kept[: found[0]], args[1].totals[: found[0]]]
    ),
    search.score: Twin(search.score_at, fills=lambda args, result: [args[3].totals[: args[4]]]),
    refusals.sort_out: Twin(refusals.sort_out_at, fills=lambda args, result: list(args[3:])),
    selection.root: Twin(selection.root_at),
    selection.pick: Twin(selection.pick_at, fills=lambda args, result: [result, args[3]]),
}  # fmt: skip


class Watch:
    """Runs kernels as they are written, and their twins beside them."""

    def __init__(self) -> None:
        self.reached: Counter[str] = Counter()
        """How often each kernel was called by one that is compared with its compiled form."""
        self.compared: Counter[str] = Counter()
        """How often each was compared with the form that takes whole arrays."""
        self._inside = 0

    def over(self, kernel: Kernel[..., Any]) -> Callable[..., Any]:
        """What runs when the kernel is called."""
        twin, outer = TWINS.get(kernel), not kernel.inner

        def run(*args: Any) -> Any:
            before = [copied(args) for _ in range((twin is not None) + outer)]
            self._inside += outer
            result = kernel.written(*args)
            self.reached[kernel.name] += self._inside > 0
            self._inside -= outer
            if twin is not None:
                self.compared[kernel.name] += 1
                self._compare(kernel, twin, args, result, before.pop())
            if outer:
                compiled = kernel.dispatcher(*before[0])
                assert alike((args, result), (before[0], compiled)), f"{kernel.name}: compiled"
            return result

        return run

    def _compare(self, kernel: Kernel[..., Any], twin: Twin, args: Args, result: Any, other: Args) -> None:
        given = tuple(np.array([a]) if i in twin.arrays else a for i, a in enumerate(other))
        with as_usual():
            second = twin.twin(*given)
        second = second[0] if twin.arrays and second is not None else second
        assert alike(twin.fills(args, result), twin.fills(other, second)), f"{kernel.name}: with whole arrays"


class as_usual:
    """While a twin runs, the kernels that it calls are the interpreted ones."""

    def __enter__(self) -> None:
        self._runs = [(each, each.run) for each in kernels._kernels]
        for each in kernels._kernels:
            each.use(False)

    def __exit__(self, *error: object) -> None:
        for each, run in self._runs:
            each.run = run


def copied(value: Any) -> Any:
    """A copy that shares no array."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, tuple):
        parts = [copied(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, arrays and all."""
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(np.array_equal(one, other))


@pytest.fixture(scope="module")
def watch(dispatchers: None) -> Iterator[Watch]:
    """All kernels run as they are written, and are watched."""
    watching = Watch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "_ready", True)
        for kernel in kernels._kernels:
            kernel.run = watching.over(kernel)
        yield watching
    kernels.disable()


@pytest.mark.parametrize("seed", range(20))
def test_journeys(watch: Watch, seed: int) -> None:
    decide(journeys.journey(seed))


@pytest.mark.parametrize(
    "features", [("spread",), ("interpod",), ("preemption", "nominated"), ("preemption", "spread", "interpod")]
)
@pytest.mark.parametrize("seed", range(500, 502))
def test_journeys_with_some_features(watch: Watch, features: tuple[str, ...], seed: int) -> None:
    decide(journeys.journey(seed, features))


def decide(journey: journeys.Journey) -> None:
    there = ours.Ours(journey.case.to_json())
    for step in journey.steps:
        for change in step.changes:
            journeys.apply(there, change)
        assert there.attempt(step.pod)[0].node == step.answer.node


@pytest.mark.parametrize("ties", ["v1.36", "first", "random"])
@pytest.mark.parametrize(
    "features", [("resources",), ("spread", "resources"), ("interpod", "ports"), ("strategies", "resources")]
)
def test_runs_of_alike_pods(watch: Watch, features: tuple[str, ...], ties: str) -> None:
    for seed, size in ((600, 70), (601, 9)):
        case = random_clusters.random_cluster(seed, features=features, nodes=(size, size)).to_json()
        there = ours.Ours(case, ties=ties, share=seed % 2 > 0)
        pods = crowds.crowd(random.Random(seed), case["pending"])
        there.cycle.decide_all([there.cluster.incoming(pod) for pod in pods])


def test_the_best_are_far_from_the_root_of_the_heap(watch: Watch) -> None:
    """So the search for the first of equal ones ends before it comes to them."""
    cluster = arrays.Cluster()
    for number in range(300):
        cluster.set_node(node(f"n{number}").capacity(cpu="8" if number in (2, 5, 6) else "4").stored())
    pods = [cluster.incoming(pod(f"p{number}").requests(cpu="1").stored()) for number in range(4)]
    assert [decision.node for decision in cycle.Cycle(cluster, FULL).decide_all(pods)] == ["n2", "n5", "n6", "n2"]


def test_evictions_where_nothing_but_room_matters(watch: Watch) -> None:
    cluster = arrays.Cluster()
    for name in "abc":
        cluster.set_node(node(name).capacity(cpu="4").stored())
    for number, (name, cpu, priority) in enumerate((("a", "3", 2), ("b", "2", 1), ("b", "2", 0), ("c", "4", 9))):
        running = pod(f"q{number}").requests(cpu=cpu).set("spec.priority", priority).on(name).stored()
        cluster.place(f"q{number}", cluster.read(running))
    decide = cycle.Cycle(cluster, FULL).decide
    found = [decide(cluster.incoming(pod("p").requests(cpu=cpu).set("spec.priority", 5).stored())) for cpu in ("2", "4", "5")]
    assert [(each.nominated, each.victims) for each in found] == [("b", ("q2",)), ("b", ("q1", "q2")), ("", ())]


def test_all_kernels_were_reached_and_compared(watch: Watch) -> None:
    """Runs after the others of this module: it looks at what they came to."""
    assert [each.name for each in kernels._kernels if not watch.reached[each.name]] == []
    assert [each.name for each in TWINS if not watch.compared[each.name]] == []


def test_every_interpreted_form_is_in_the_table() -> None:
    kernels._load_homes()
    assert {each.name for each in kernels._kernels if each._twin is not each.written} <= {each.name for each in TWINS}
