"""Own policies: what functions see, compiled and interpreted and in plain Python, and what is said of mistakes in them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import mistakes, own, own_loops
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.mistakes import Mistake
from k8s_notebook.scheduler.own import Policy
from k8s_notebook.scheduler.own_loops import MISTAKE
from k8s_notebook.scheduler.plugins import plugin as rows
from tests.builders import node, pod

Function = Callable[[Any, Any], Any]

needs_numba = pytest.mark.skipif(not own_loops.available(), reason="Numba is not installed")


def full(node: Any, pod: Any) -> Any:
    return 100 * (node.requested_cpu + pod.cpu) // node.allocatable_cpu


def cheap(node: Any, pod: Any) -> Any:
    return 100 - node.cost if node.cost == node.cost else 0


def packs(node: Any, pod: Any) -> Any:
    free = node.free_gpu - pod.gpu
    return 100 if node.ssd and free >= 0 else max(0, 50 - free) / 2


def counts(node: Any, pod: Any) -> Any:
    total = 0
    for i in range(node.pods):
        total += i % 3
    return min(100, total + node.free_pods // 4)


def roomy(node: Any, pod: Any) -> Any:
    return node.free_memory > pod.memory + 2**30 and node.pods < node.allocatable_pods


DECLARED = {"labels": {"cost": "example.com/cost", "ssd": "disk=ssd"}, "resources": ["nvidia.com/gpu"]}
POLICIES = [(full, "score"), (cheap, "score"), (packs, "score"), (counts, "score"), (roomy, "filter")]


def made(function: Function, point: Any = "score", *, compile: bool = False) -> Policy:
    return Policy(function, point, **DECLARED, compile=compile)  # type: ignore[arg-type]


def some_node(chance: random.Random, name: str) -> Obj:
    built = node(name).capacity(cpu=str(chance.randint(0, 8)), memory=f"{chance.randint(1, 8)}Gi", pods=str(chance.randint(1, 9)))
    if chance.random() < 0.5:
        built.capacity(**{"nvidia.com/gpu": str(chance.randint(0, 4))})
    if chance.random() < 0.6:
        built.label("example.com/cost", chance.choice(["0.5", "12", "99", "high", "7.25"]))
    if chance.random() < 0.6:
        built.label("disk", chance.choice(["ssd", "hdd"]))
    return built.obj()


def some_pod(chance: random.Random, name: str) -> Obj:
    built = pod(name).uid(name).requests(cpu=f"{chance.randint(0, 900)}m", memory=f"{chance.randint(1, 900)}Mi")
    if chance.random() < 0.3:
        built.requests(**{"nvidia.com/gpu": "1"})
    return built.obj()


class World:
    """A cluster, and the same in plain dicts."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.cluster = Cluster()
        self.nodes = {f"n{i}": some_node(self.chance, f"n{i}") for i in range(self.chance.randint(1, 40))}
        for each in self.nodes.values():
            self.cluster.set_node(each)
        self.on: dict[str, list[Obj]] = {name: [] for name in self.nodes}
        for i in range(self.chance.randint(0, 60)):
            self.place(some_pod(self.chance, f"p{i}"))

    def place(self, placed: Obj) -> int:
        name = self.chance.choice(sorted(self.nodes))
        self.cluster.place(placed["metadata"]["uid"], self.cluster.read(placed, name))
        self.on[name].append(placed)
        return self.cluster.slots[name]

    def seen(self, name: str, wanted: Obj) -> tuple[Any, Any]:
        """`node` and `pod` as a beginner would work them out."""
        found, there = self.nodes[name], self.on[name]
        has, labels = found["status"]["allocatable"], found["metadata"]["labels"]
        used = {key: sum(amount(p, key) for p in there) for key in ("cpu", "memory", "nvidia.com/gpu")}
        cost = labels.get("example.com/cost", "high")
        view = {
            "allocatable_cpu": int(has["cpu"]) * 1000, "requested_cpu": used["cpu"],
            "free_memory": int(has["memory"][:-2]) * 2**30 - used["memory"],
            "free_gpu": int(has.get("nvidia.com/gpu", 0)) - used["nvidia.com/gpu"],
            "allocatable_pods": int(has["pods"]), "pods": len(there), "free_pods": int(has["pods"]) - len(there),
            "cost": math.nan if cost == "high" else float(cost), "ssd": labels.get("disk") == "ssd",
        }  # fmt: skip
        mine = {"cpu": amount(wanted, "cpu"), "memory": amount(wanted, "memory"), "gpu": amount(wanted, "nvidia.com/gpu")}
        return type("Node", (), view), type("Pod", (), mine)

    def plain(self, function: Function, point: str, wanted: Obj) -> dict[str, int]:
        found = {}
        for name in self.nodes:
            try:
                answer = function(*self.seen(name, wanted))
                found[name] = int(answer) if point == "score" else int(not answer)
            except ZeroDivisionError:
                found[name] = MISTAKE
        return found


def amount(of: Obj, resource: str) -> int:
    text = of["spec"]["containers"][0]["resources"]["requests"].get(resource, "0")
    return int(text[:-1]) if text.endswith("m") else int(text[:-2]) * 2**20 if text.endswith("Mi") else int(text)


COMPILED = {function: made(function, point, compile=True) for function, point in POLICIES} if own_loops.available() else {}


@needs_numba
@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize(("function", "point"), POLICIES, ids=[f.__name__ for f, _ in POLICIES])
def test_three_ways_agree(function: Function, point: Any, seed: int) -> None:
    world = World(seed)
    wanted = some_pod(world.chance, "new")
    pod_class = world.cluster.incoming(wanted).pod_class
    bounds = [each.bind(pod_class, world.cluster) for each in (COMPILED[function], COMPILED[function].interpreted())]
    outs = [np.full(len(world.cluster.names), -7, np.int64) for _ in bounds]
    changed = world.cluster.order
    for step in range(4):
        for bound, out in zip(bounds, outs, strict=True):
            bound.fill(changed, out)
            got = {name: int(out[world.cluster.slots[name]]) for name in world.nodes}
            assert got == world.plain(function, point, wanted)
        changed = np.array([world.place(some_pod(world.chance, f"later-{step}"))])


def test_changed_nodes_alone_are_asked() -> None:
    world = World(1)
    bound = made(full).bind(world.cluster.incoming(some_pod(world.chance, "new")).pod_class, world.cluster)
    out = np.full(len(world.cluster.names), -7, np.int64)
    bound.fill(world.cluster.order[:1], out)
    assert np.count_nonzero(out != -7) == 1


def test_labels_and_arrays_that_change_are_seen() -> None:
    cluster = Cluster()
    cluster.set_node(node("a").label("example.com/cost", "10").obj())
    bound = made(cheap).bind(cluster.incoming(pod("p").uid("p").obj()).pod_class, cluster)
    out = np.zeros(64, np.int64)
    bound.fill(cluster.order, out)
    assert out[cluster.slots["a"]] == 90
    cluster.set_node(node("a").label("example.com/cost", "20").obj())
    for i in range(40):
        cluster.set_node(node(f"b{i}").capacity(**{f"example.com/x{i}": "1"}).label("example.com/cost", "1").obj())
    bound.fill(cluster.order, out)
    assert out[cluster.slots["a"]] == 80
    assert out[cluster.slots["b39"]] == 99


def test_the_row_of_a_score() -> None:
    policy = own.score(weight=3, normalise="lowest")(full)
    row = policy.plugin
    assert (row.name, row.weight, row.mode, row.own, row.scores, row.filters) == (
        "full",
        3,
        rows.LOWEST_IS_100,
        policy,
        True,
        False,
    )
    assert repr(policy) == "<score full, weight 3>"


def test_the_row_of_a_filter() -> None:
    policy = own.filter(reason="node(s) were tight")(roomy)
    cluster = Cluster()
    reasons = policy.plugin.reasons(None, cluster, np.zeros(2, np.int64))
    assert (policy.plugin.scores, policy.plugin.filters, reasons.texts) == (False, True, ["node(s) were tight"])
    assert repr(policy) == "<filter roomy>"


def test_a_policy_is_called_like_the_function() -> None:
    seen = type("Node", (), {"requested_cpu": 500, "allocatable_cpu": 1000})
    assert made(full)(seen, type("Pod", (), {"cpu": 250})) == 75


def broken_name(node: Any, pod: Any) -> Any:
    return node.alocatable_cpu


def no_field(node: Any, pod: Any) -> Any:
    return pod.colour


def nothing(node: Any, pod: Any) -> Any:
    node.pods + 1


def sometimes(node: Any, pod: Any) -> Any:
    if node.pods > 5:
        return 3
    return None


def a_text(node: Any, pod: Any) -> Any:
    return "best"


def outside(node: Any, pod: Any) -> Any:
    return amount(node, pod)


def unknown(node: Any, pod: Any) -> Any:
    return not_there + 1  # type: ignore[name-defined]  # noqa: F821


def mixed(node: Any, pod: Any) -> Any:
    return "a" + node.pods


def reads(node: Any, pod: Any) -> Any:
    return open(node.pods)


HAS = "cpu, memory, storage, gpu"
COMPILING = [
    (broken_name, 'broken_name cannot be compiled (line *: "return node.alocatable_cpu"): node has no alocatable_cpu; did you mean "allocatable_cpu"?'),
    (no_field, f'no_field cannot be compiled (line *: "return pod.colour"): pod has no colour; it has {HAS}'),
    (nothing, "nothing must return a number for every node; it returns nothing"),
    (sometimes, "sometimes must return a number for every node; it returns a whole number on some ways and nothing on others"),
    (a_text, "a_text must return a number for every node; it returns a text"),
    (outside, 'outside cannot be compiled (line *: "return amount(node, pod)"): Numba cannot call the Python function "amount"; put @numba.njit above it'),
    (unknown, 'unknown cannot be compiled: "not_there" is not defined'),
    (mixed, 'mixed cannot be compiled (line *: "return "a" + node.pods"): Numba has no add(a, int64)'),
    (reads, 'reads cannot be compiled (line *: "return open(node.pods)"): Numba cannot use "open", a builtin_function_or_method, inside a policy'),
]  # fmt: skip
INTERPRETED = [
    (broken_name, 'broken_name cannot be used (line *: "return node.alocatable_cpu"): node has no alocatable_cpu; did you mean "allocatable_cpu"?'),
    (no_field, f'no_field cannot be used (line *: "return pod.colour"): pod has no colour; it has {HAS}'),
    (nothing, "nothing must return a number for every node; it returns nothing"),
    (a_text, "a_text must return a number for every node; it returns 'best'"),
    (unknown, "unknown cannot be used (line *: \"return not_there + 1  # type: ignore[name-defined]  # noqa: F821\"): name 'not_there' is not defined"),
    (mixed, 'mixed cannot be used (line *: "return "a" + node.pods"): can only concatenate str (not "int") to str'),
]  # fmt: skip


def sentence(function: Function, *, compile: bool) -> str:
    with pytest.raises(Mistake) as raised:
        made(function, compile=compile)
    said = str(raised.value)
    first = function.__code__.co_firstlineno
    for line in range(first, first + 5):
        said = said.replace(f"line {line}:", "line *:")
    return said


@needs_numba
@pytest.mark.parametrize(("function", "said"), COMPILING, ids=[f.__name__ for f, _ in COMPILING])
def test_what_cannot_be_compiled_is_one_sentence(function: Function, said: str) -> None:
    assert sentence(function, compile=True) == said


@pytest.mark.parametrize(("function", "said"), INTERPRETED, ids=[f.__name__ for f, _ in INTERPRETED])
def test_the_same_without_numba(function: Function, said: str) -> None:
    assert sentence(function, compile=False) == said


@needs_numba
def test_a_filter_returns_a_truth() -> None:
    with pytest.raises(Mistake, match="full must return True or False for every node; it returns a whole number"):
        made(full, "filter", compile=True)


def one_argument(node: Any) -> Any:
    return 1


def spaces(node: Any, pod: Any) -> Any:
    return 1


DECLARING: list[tuple[str, Callable[[], object], str]] = [
    ("arguments", lambda: Policy(one_argument, "score"), "one_argument must take two arguments, (node, pod)"),
    ("no function", lambda: Policy(len, "score"), "a policy is a function of (node, pod) written with def, not <built-in function len>"),
    ("no name", lambda: Policy(lambda node, pod: 1, "score"), "a policy needs a name; write it with def"),
    ("weight", lambda: Policy(spaces, "score", 0), "spaces: weight must be a whole number from 1, not 0"),
    ("normalise", lambda: Policy(spaces, "score", normalise="max"), 'spaces: normalise must be "highest" or "lowest", not \'max\''),  # type: ignore[arg-type]
    ("a field that is there", lambda: Policy(spaces, "score", labels=["pods"], compile=False),
     'there is a field "pods" already; give the declared one another name: {"another": …}'),
    ("no field", lambda: Policy(spaces, "score", labels={"a-b": "x"}), 'labels: "a-b" cannot be a field; give "x" a name: labels={"name": "x"}'),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "said"), [c[1:] for c in DECLARING], ids=[c[0] for c in DECLARING])
def test_what_cannot_be_declared(declare: Callable[[], object], said: str) -> None:
    with pytest.raises(Mistake) as raised:
        declare()
    assert str(raised.value) == said


@needs_numba
def test_what_numba_compiled_already_is_used() -> None:
    numba = pytest.importorskip("numba")
    double = numba.njit(lambda x: 2 * x)

    @numba.njit
    def doubles(node: Any, pod: Any) -> Any:
        return double(node.pods)

    policy = Policy(doubles, "score")
    cluster = Cluster()
    cluster.set_node(node("a").obj())
    cluster.place("p", cluster.read(pod("p").uid("p").obj(), "a"))
    out = np.zeros(len(cluster.names), np.int64)
    policy.bind(cluster.incoming(pod("q").uid("q").obj()).pod_class, cluster).fill(cluster.order, out)
    assert out[cluster.slots["a"]] == 2


def test_fields_of_a_list_are_the_last_part_of_the_name() -> None:
    policy = Policy(
        spaces, "score", labels=["example.com/cost-per-hour", "disk=ssd"], resources=["nvidia.com/gpu"], compile=False
    )
    assert policy.fields.node[-2:] == ["disk_ssd", "cost_per_hour"]
    assert "free_gpu" in policy.fields.node


def divides(node: Any, pod: Any) -> Any:
    return 100 // node.requested_cpu


def too_large(node: Any, pod: Any) -> Any:
    return node.free_cpu


def negative(node: Any, pod: Any) -> Any:
    return -1.5


def no_number(node: Any, pod: Any) -> Any:
    return node.cost


def raises(node: Any, pod: Any) -> Any:
    return 1 // node.requested_cpu > 0


ANSWERS = [
    (divides, "score", "", 'divides raised ZeroDivisionError on node a (line *: "return 100 // node.requested_cpu"): '
     "integer division or modulo by zero"),
    (too_large, "score", "", "too_large returned 4000 for node a; a score must be a number from 0 to 100 "
     '(or say normalise="highest" or "lowest")'),
    (too_large, "score", "highest", ""),
    (negative, "score", "lowest", "negative returned -1 for node a; a score must be a number from 0 on"),
    (no_number, "score", "", 'no_number returned nan for node a; a score must be a number from 0 to 100 (or say normalise="highest" or "lowest")'),
    (raises, "filter", "", 'raises raised ZeroDivisionError on node a (line *: "return 1 // node.requested_cpu > 0"): '
     "integer division or modulo by zero"),
    (roomy, "filter", "", ""),
]  # fmt: skip


@pytest.mark.parametrize("compile", [pytest.param(True, marks=needs_numba), False], ids=["compiled", "interpreted"])
@pytest.mark.parametrize(("function", "point", "normalise", "said"), ANSWERS, ids=[f"{f.__name__} {n}" for f, _, n, _ in ANSWERS])
def test_answers_that_are_not_allowed(function: Function, point: Any, normalise: Any, said: str, compile: bool) -> None:
    cluster = Cluster()
    cluster.set_node(node("a").obj())
    policy = Policy(function, point, labels=["cost"], normalise=normalise, compile=compile)
    bound = policy.bind(cluster.incoming(pod("p").uid("p").obj()).pod_class, cluster)
    out = np.zeros(len(cluster.names), np.int64)
    bound.fill(cluster.order, out)
    line = function.__code__.co_firstlineno + 1
    assert bound.trouble(cluster.order, out).replace(f"line {line}:", "line *:") == said
    assert bound.trouble(cluster.order[:0], out) == ""


def test_the_error_of_a_decision_is_a_mistake() -> None:
    assert issubclass(mistakes.PolicyError, Mistake)
