"""What holds for whatever cluster and whatever pods: no node is overfull, no rule between pods is broken, nobody of rank is evicted."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_notebook.scheduler import arrays, cycle
from tests.builders import PodBuilder, node, pod
from tests.oracles.kube_scheduler import amounts, node_ports

Json = dict[str, Any]
ZONE, HOST, GPU = "topology.kubernetes.io/zone", "kubernetes.io/hostname", "example.com/gpu"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
BOUNDED = settings(max_examples=50, deadline=None, derandomize=True)


@st.composite
def machines(draw: st.DrawFn) -> list[Json]:
    """One to six nodes; some are in no zone."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        room = {
            "cpu": f"{draw(st.integers(1, 6))}",
            "memory": f"{draw(st.integers(1, 6))}Gi",
            "pods": f"{draw(st.integers(1, 6))}",
        }
        made = node(f"n{number}").capacity(**room, **{GPU: f"{draw(st.integers(0, 2))}"}).label(HOST, f"n{number}")
        zone = draw(st.sampled_from(["a", "b", "c", ""]))
        found.append((made.zone(zone) if zone else made).stored())
    return found


@st.composite
def wanted(draw: st.DrawFn) -> list[Json]:
    """Two to sixteen pods of two apps."""
    return [_pod(draw, number).stored() for number in range(draw(st.integers(2, 16)))]


def _pod(draw: st.DrawFn, number: int) -> PodBuilder:
    made = (
        pod(f"p{number}").labels(app=draw(st.sampled_from(["web", "db"]))).set("spec.priority", draw(st.sampled_from([0, 5, 9])))
    )
    asked = {"cpu": f"{draw(st.integers(0, 8)) * 250}m", "memory": f"{draw(st.integers(0, 8)) * 256}Mi"}
    if draw(st.integers(0, 5)) == 0:
        asked[GPU] = "1"
    made.requests(**asked)
    if draw(st.integers(0, 3)) == 0:
        address = draw(st.sampled_from(["", "10.0.0.1", "10.0.0.2"]))
        port = {"containerPort": 80, "hostPort": draw(st.sampled_from([80, 81])), **({"hostIP": address} if address else {})}
        made.container("web", ports=[port])
    selector, key = {"matchLabels": {"app": draw(st.sampled_from(["web", "db"]))}}, draw(st.sampled_from([ZONE, HOST]))
    kind = draw(st.sampled_from(["", "", "spread", "anti"]))
    if kind == "spread":
        constraint = {"maxSkew": draw(st.integers(1, 2)), "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule"}
        made.add("spec.topologySpreadConstraints", {**constraint, "labelSelector": selector})
    if kind == "anti":
        made.set(f"spec.affinity.podAntiAffinity.{REQUIRED}", [{"topologyKey": key, "labelSelector": selector}])
    return made


@dataclass
class World:
    """A cluster and its scheduler, and who is where by our own book."""

    nodes: list[Json]
    there: dict[str, tuple[Json, str]] = field(default_factory=dict)
    """uid -> pod, node"""

    def __post_init__(self) -> None:
        self.cluster = arrays.Cluster()
        for each in self.nodes:
            self.cluster.set_node(each)
        self.cycle = cycle.Cycle(self.cluster)

    def decide(self, wanted: Json) -> None:
        """Place a pod, or make room for it and place it then."""
        decision = self.cycle.decide(self.cluster.incoming(wanted))
        if decision.nominated:
            self.evict(wanted, decision)
            wanted = {**wanted, "status": {"nominatedNodeName": decision.nominated}}
            again = self.cycle.decide(self.cluster.incoming(wanted))
            assert again.node == decision.nominated
            decision = again
        if decision.node:
            self.check_spreading(wanted, decision.node)
            self.put(wanted, decision.node)

    def evict(self, wanted: Json, decision: cycle.Decision) -> None:
        """Take the victims off: all are of lower priority and on that node."""
        assert decision.victims
        for uid in decision.victims:
            victim, place = self.there.pop(uid)
            assert victim["spec"]["priority"] < wanted["spec"]["priority"]
            assert place == decision.nominated
            self.cluster.lift(uid)

    def put(self, wanted: Json, place: str) -> None:
        incoming = self.cluster.incoming(wanted)
        self.cluster.place(incoming.uid, incoming.on(place))
        self.there[incoming.uid] = wanted, place

    def on(self, name: str) -> list[Json]:
        return [each for each, place in self.there.values() if place == name]

    def domain(self, key: str, name: str) -> str | None:
        """The value of a node's label."""
        labels = next(n for n in self.nodes if n["metadata"]["name"] == name)["metadata"]["labels"]
        found: str | None = labels.get(key)
        return found

    def matching(self, selector: Json) -> Iterator[str]:
        """The nodes of the pods that a selector counts, one for each."""
        for each, place in self.there.values():
            if selector["matchLabels"].items() <= each["metadata"]["labels"].items():
                yield place

    def check(self) -> None:
        """Room, ports and anti-affinity, whoever came first."""
        for each in self.nodes:
            self._check_room(each)
        for mine, place in self.there.values():
            terms = mine["spec"].get("affinity", {}).get("podAntiAffinity", {}).get(REQUIRED, [])
            for term in terms:
                self._check_apart(mine, place, term)

    def _check_room(self, each: Json) -> None:
        name, room = each["metadata"]["name"], each["status"]["allocatable"]
        pods = self.on(name)
        assert len(pods) <= int(room["pods"])
        for resource in ("cpu", "memory", GPU):
            most = amounts.amount(room[resource]) * (1000 if resource == "cpu" else 1)
            assert sum(amounts.pod_request(p, resource) for p in pods) <= most, (name, resource)
        for one, other in itertools.combinations([node_ports.ports_of(p) for p in pods], 2):
            assert not any(node_ports.clash(a, b) for a in one for b in other)

    def _check_apart(self, mine: Json, place: str, term: Json) -> None:
        here = self.domain(term["topologyKey"], place)
        near = [n for n in self.matching(term["labelSelector"]) if self.domain(term["topologyKey"], n) == here]
        itself = term["labelSelector"]["matchLabels"].items() <= mine["metadata"]["labels"].items()
        assert here is None or len(near) == itself

    def check_spreading(self, wanted: Json, place: str) -> None:
        """The pod's own constraints hold as things are when it comes."""
        for constraint in wanted["spec"].get("topologySpreadConstraints", []):
            key, selector = constraint["topologyKey"], constraint["labelSelector"]
            domains = {self.domain(key, n["metadata"]["name"]) for n in self.nodes} - {None}
            pods = Counter(self.domain(key, n) for n in self.matching(selector))
            itself = selector["matchLabels"].items() <= wanted["metadata"]["labels"].items()
            here = self.domain(key, place)
            assert here is not None
            assert pods[here] + itself - min(pods[domain] for domain in domains) <= constraint["maxSkew"]


@BOUNDED
@given(machines(), wanted())
def test_one_by_one(form: str, nodes: list[Json], pods: list[Json]) -> None:
    world = World(nodes)
    for each in pods:
        world.decide(each)
        world.check()


@BOUNDED
@given(machines(), wanted(), st.integers(1, 4))
def test_many_at_once(form: str, nodes: list[Json], pods: list[Json], copies: int) -> None:
    world = World(nodes)
    all_pods = [_copy(each, number) for each in pods for number in range(copies)]
    decisions = world.cycle.decide_all([world.cluster.incoming(each) for each in all_pods])
    for each, decision in zip(all_pods, decisions, strict=True):
        if decision.node:
            world.check_spreading(each, decision.node)
            world.there[each["metadata"]["uid"]] = each, decision.node
    world.check()
    assert {uid: placed.node for uid, placed in world.cluster.placed.items()} == {u: n for u, (_, n) in world.there.items()}


def _copy(each: Json, number: int) -> Json:
    name = f"{each['metadata']['name']}-{number}"
    return {**each, "metadata": {**each["metadata"], "name": name, "uid": f"uid-{name}"}}
