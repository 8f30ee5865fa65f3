"""Random clusters: compiled, interpreted and the slow twin decide alike, step by step, whatever changes in between."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from k8s_notebook import kernels
from k8s_notebook.scheduler import arrays, cycle, profiles
from tests.oracles import kube_scheduler, random_clusters


@pytest.fixture(params=["interpreted", "compiled"], scope="module")
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which form of the kernels runs."""
    patch = pytest.MonkeyPatch()
    patch.setenv("K8S_NOTEBOOK_CACHE", str(request.config.cache.mkdir("kernels")))
    if request.param == "compiled":
        kernels.enable()
    yield request.param
    kernels.disable()
    patch.undo()


class Both:
    """One cluster, known to the package as arrays and to the twin as lists."""

    def __init__(self, seed: int, size: int, percentage: int = 0) -> None:
        self.draw = random.Random(seed)
        self.percentage = percentage
        self.cluster = arrays.Cluster()
        self.cycle = cycle.Cycle(self.cluster, profiles.Profile(percentage=percentage))
        self.nodes: list[dict] = []
        self.running: list[dict] = []
        self.memory = kube_scheduler.ImageMemory()
        for _ in range(size):
            self.add_node()

    def add_node(self) -> None:
        self.nodes.append(random_clusters.node(self.draw, len(self.nodes) + 1))
        self.cluster.set_node(self.nodes[-1])
        self.memory.set_node(self.nodes[-1])

    def change_node(self) -> None:
        """Other labels, taints, room and images; the zone stays."""
        index = self.draw.randrange(len(self.nodes))
        old, new = self.nodes[index], random_clusters.node(self.draw, index + 1)
        zone = "topology.kubernetes.io/zone"
        labels = {k: v for k, v in new["metadata"]["labels"].items() if k != zone}
        labels |= {k: v for k, v in old["metadata"]["labels"].items() if k == zone}
        new["metadata"] = {"name": old["metadata"]["name"], "labels": labels}
        self.nodes[index] = new
        self.cluster.set_node(new)
        self.memory.set_node(new)

    def remove_pod(self) -> None:
        if self.running:
            gone = self.running.pop(self.draw.randrange(len(self.running)))
            self.cluster.lift(gone["metadata"]["uid"])
            self.memory.changed.add(gone["spec"]["nodeName"])

    def put(self, pod: dict, node: str) -> None:
        bound = {**pod, "spec": {**pod["spec"], "nodeName": node}}
        self.running.append(bound)
        self.cluster.place(pod["metadata"]["uid"], self.cluster.read(bound))
        self.memory.changed.add(node)

    def check(self, pod: dict) -> None:
        """Both decide the same for the same reasons; the pod is put where they say."""
        expected = kube_scheduler.schedule(pod, self.nodes, self.running, self.memory, self.cycle.start, self.percentage)
        pod_class = self.cluster.pod_class(pod["spec"])
        columns = self.cycle.columns(pod_class)
        assert _scores(columns) == expected.scores
        scored = {n: int(t) for n, t, s in zip(columns.nodes, columns.total, columns.scored, strict=True) if s}
        assert scored == expected.totals
        assert (columns.nodes[columns.chosen] if columns.chosen >= 0 else "") == expected.node
        preempts = pod["spec"].get("preemptionPolicy") != "Never"
        decision = self.cycle.decide(pod_class, priority=pod["spec"]["priority"], preempts=preempts)
        assert decision.node == expected.node
        assert decision.message == expected.message
        assert self.cycle.start == expected.next_start
        if decision.node:
            self.put(pod, decision.node)


def _scores(columns: cycle.Columns) -> dict[str, dict[str, tuple[int, int, int]]]:
    found: dict[str, dict[str, tuple[int, int, int]]] = {}
    for s, plugin in enumerate(profiles.DEFAULT.scores):
        rows = [i for i in range(len(columns.nodes)) if columns.scored[i]]
        values = {
            columns.nodes[i]: (int(columns.raw[s, i]), int(columns.normalised[s, i]), int(columns.weighted[s, i])) for i in rows
        }
        found[plugin.name] = values
    return found


def _silent(scores: dict) -> bool:
    return all(v == (0, 0, 0) for v in scores.values())


@pytest.fixture(autouse=True)
def silent_plugins_say_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin leaves out plugins that say nothing about a pod; in columns they are zeros. Compare them as zeros."""
    schedule = kube_scheduler.schedule

    def with_zeros(*args):
        answer = schedule(*args)
        zeros = dict.fromkeys(answer.totals, (0, 0, 0))
        answer.scores = {p.name: answer.scores.get(p.name, zeros) for p in profiles.DEFAULT.scores}
        return answer

    monkeypatch.setattr(kube_scheduler, "schedule", with_zeros)


@pytest.mark.parametrize("seed", range(200))
def test_small_clusters(form: str, seed: int) -> None:
    both = Both(seed, 1 + seed % 12)
    pods = [random_clusters.pod(both.draw, f"p{i}", len(both.nodes)) for i in range(4)]
    for i in range(14):
        template = both.draw.choice(pods)
        both.check({**template, "metadata": {**template["metadata"], "name": f"p-{i}", "uid": f"uid-{i}"}})
        both.draw.choice([both.remove_pod, both.change_node, both.add_node, lambda: None, lambda: None])()


@pytest.mark.parametrize(("seed", "size", "percentage"), [(1, 130, 0), (2, 260, 0), (3, 260, 100), (4, 199, 60)])
def test_clusters_in_which_not_every_node_is_looked_at(form: str, seed: int, size: int, percentage: int) -> None:
    both = Both(seed, size, percentage)
    for i in range(6):
        both.check(random_clusters.pod(both.draw, f"p{i}", size))


def test_ties_are_broken_like_the_root_of_a_heap(form: str) -> None:
    draw = random.Random(7)
    for _ in range(300):
        totals = [draw.randint(0, 3) for _ in range(draw.randint(1, 40))]
        tied = [i for i, t in enumerate(totals) if t == max(totals)]
        assert min(tied, key=cycle.turn.written) == kube_scheduler.heap_root(totals)
        assert min(tied, key=lambda i: int(cycle._turns(cycle.np.array([i]))[0])) == kube_scheduler.heap_root(totals)
