"""Explanations: sentences, columns, what would help, the simulator's annotations."""

from __future__ import annotations

import json

import numpy as np
import pytest

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import evidence, explain, history, packing
from k8s_notebook.scheduler.cycle import Cycle
from k8s_notebook.scheduler.explain import Explanation
from tests.builders import NodeBuilder, PodBuilder, node, pod

TWO = [node("a"), node("b")]
Q = pod("q").requests(cpu="2", memory="4Gi")
CORDONED = node("a").set("spec.unschedulable", True).taint("node.kubernetes.io/unschedulable", "NoSchedule")


def web(name: str, port: int = 0) -> PodBuilder:
    made = pod(name).labels(app="web")
    return (
        made.set("spec.containers", [{"name": "c", "image": "i", "ports": [{"containerPort": port, "hostPort": port}]}])
        if port
        else made
    )


def anti() -> Obj:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def near() -> Obj:
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "db"}}}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def by_zone() -> Obj:
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "web"}}}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def spread() -> list[Obj]:
    labels = {"matchLabels": {"app": "web"}}
    return [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": labels}]


def explained(wanted: PodBuilder, nodes: list[NodeBuilder], running: list[PodBuilder] | None = None) -> Explanation:
    return explain.explain(wanted.stored(), [n.stored() for n in nodes], [p.stored() for p in running or ()])


@pytest.mark.parametrize(("wanted", "nodes", "running", "sentence"), [
    pytest.param(pod().requests(cpu="1", memory="1Gi"), TWO, [Q.on("a")],
                 "b because it has more room than a: 454 points against 416 (NodeResourcesFit 84 against 46)", id="better"),
    pytest.param(pod(), TWO, [], "a because it is one of 2 nodes that share the highest score, 397", id="tie"),
    pytest.param(pod().requests(cpu="3"), TWO, [Q.on("a")], "b because it is the only node that fits (1 node too little cpu)", id="only one"),
    pytest.param(pod().requests(cpu="9"), [*TWO, node("c").taint("x", "NoSchedule")], [],
                 "Pending: 2 nodes too little cpu, 1 tainted; smallest change that would help: request 5 less cpu "
                 "(asks for 9 cpu, a has 4 free) (2 nodes would then fit)", id="pending"),
    pytest.param(pod().set("spec.schedulingGates", [{"name": "g1"}, {"name": "g2"}]), TWO, [],
                 "Pending: waiting for scheduling gates: [g1 g2]; smallest change that would help: remove the scheduling gates g1 and g2 "
                 "(2 nodes would then fit)", id="gated"),
    pytest.param(pod(), [], [], "Pending: no nodes available to schedule pods", id="no nodes"),
    pytest.param(pod().requests(cpu="3").on("a"), TWO, [Q.on("a")],
                 "a; now it would be b because it is the only node that fits (1 node too little cpu)", id="bound elsewhere"),
    pytest.param(pod().requests(cpu="9").on("a"), TWO, [], "a, although now no node would fit: 2 nodes too little cpu", id="bound, nothing fits"),
    pytest.param(pod().requests(cpu="3").set("spec.priority", 10), [node("a")], [Q.on("a")],
                 "Pending: 1 node too little cpu; room is being made on a, where default/q must go", id="preempts"),
    pytest.param(pod().set("spec.nodeSelector", {"disk": "ssd"}), [node("a")], [],
                 "Pending: 1 node without the labels that it selects; smallest change that would help: label a with disk=ssd", id="selector"),
])  # fmt: skip
def test_sentences(wanted: PodBuilder, nodes: list[NodeBuilder], running: list[PodBuilder], sentence: str) -> None:
    assert explained(wanted, nodes, running).sentence == sentence


def test_the_pod_itself_is_taken_out() -> None:
    bound = pod().requests(cpu="4").on("a")
    found = explained(bound, [node("a")], [bound])
    assert (found.node, found.bound_to, found.kind) == ("a", "a", "recomputed")


def test_finished_pods_do_not_count() -> None:
    assert explained(pod().requests(cpu="4"), [node("a")], [pod("q").requests(cpu="4").on("a").phase("Succeeded")]).node == "a"


@pytest.mark.parametrize(("wanted", "nodes", "running", "texts"), [
    pytest.param(pod().requests(cpu="2"), [node("a")], [pod("q").requests(cpu="2500m").on("a")],
                 {"request 500m less cpu", "free 500m cpu on a", "add one more node like a",
                  "give it a priority of at least 1: default/q would make room on a"}, id="cpu"),
    pytest.param(pod(), [node("a").capacity(pods="1")], [pod("q").on("a")],
                 {"free room for one pod on a", "add one more node like a", "give it a priority of at least 1: default/q would make room on a"},
                 id="full of pods"),
    pytest.param(pod(), [node("a").taint("gpu", "NoSchedule", "true")], [], {"tolerate taint gpu=true:NoSchedule"}, id="taint"),
    pytest.param(pod(), [node("a").taint("node.kubernetes.io/not-ready", "NoSchedule")], [], {"get a ready again"}, id="not ready"),
    pytest.param(pod(), [CORDONED], [], {"uncordon a"}, id="cordoned"),
    pytest.param(pod().set("spec.nodeSelector", {"disk": "ssd"}), TWO, [], {"label a with disk=ssd", "drop the node selector disk=ssd"}, id="selector"),
    pytest.param(web("w2", 80), [node("a")], [web("w1", 80).on("a")],
                 {"free port 80 on a, which default/w1 holds", "add one more node like a",
                  "give it a priority of at least 1: default/w1 would make room on a"}, id="port"),
    pytest.param(web("w2").set("spec.affinity", anti()), [node("a")], [web("w1").on("a")],
                 {"move default/w1, which stands in the way, away from a", "drop the required pod anti-affinity", "add one more node like a",
                  "give it a priority of at least 1: default/w1 would make room on a"}, id="anti-affinity"),
    pytest.param(web("w2").requests(cpu="2").set("spec.topologySpreadConstraints", spread()),
                 [node("a").label("zone", "1"), node("b").label("zone", "2").capacity(cpu="1")], [web("w1").on("a")],
                 {"raise maxSkew of zone from 1 to 2", "set whenUnsatisfiable: ScheduleAnyway", "request 1 less cpu",
                  "give it a priority of at least 1: default/w1 would make room on a"}, id="spread"),
    pytest.param(pod("w").set("spec.affinity", near()), [node("a").label("zone", "1")], [],
                 {"run a pod with app=db on a", "drop the required pod affinity"}, id="affinity"),
    pytest.param(web("w3").set("spec.affinity", by_zone()), [node("a").label("zone", "1"), node("b").label("zone", "1")],
                 [web("w1").on("a"), web("w2").on("b")],
                 {"move default/w1 and default/w2, which stand in the way, elsewhere", "drop the required pod anti-affinity"}, id="two in the way"),
    pytest.param(pod().requests(cpu="6"), [node("a").taint("gpu", "NoSchedule")], [],
                 {"tolerate taint gpu:NoSchedule and request 2 less cpu"}, id="two at once"),
    pytest.param(pod().requests(**{"example.com/gpu": "1"}), [node("a")], [], set(), id="nothing helps"),
])  # fmt: skip
def test_what_would_help(wanted: PodBuilder, nodes: list[NodeBuilder], running: list[PodBuilder], texts: set[str]) -> None:
    found = explained(wanted, nodes, running)
    assert found.node == ""
    assert {c.text for c in found.changes} == texts
    assert [c.cost for c in found.changes] == sorted(c.cost for c in found.changes)


def test_trying_leaves_the_cluster_as_it_was() -> None:
    running = [pod("q").requests(cpu="2500m").on("a").stored(), web("w1").on("b").stored()]
    cluster = explain.cluster_of([n.stored() for n in TWO], running)
    before, objects = cluster.arrays.requested.copy(), list(cluster.objects)
    wanted = cluster.incoming(pod().requests(cpu="9").stored())
    cycle = Cycle(cluster)
    from k8s_notebook.scheduler import changes

    assert changes.find(cluster, cycle.profile, wanted, evidence.of(cycle, wanted))
    assert (cluster.arrays.requested == before).all()
    assert cluster.objects == objects
    assert len(cluster) == 2


def test_columns_agree() -> None:
    nodes = [node("a"), node("b").taint("x", "NoSchedule"), node("c")]
    found = explained(pod().requests(cpu="1"), nodes, [Q.on("a")])
    rests_on = found.evidence
    assert [rests_on.nodes[row] for row in found.order] == ["c", "a", "b"]
    assert rests_on.reasons(rests_on.nodes.index("b")) == ["node(s) had untolerated taint(s)"]
    assert (rests_on.total == rests_on.weighted.sum(axis=0)).all()
    assert rests_on.feasible.tolist() == [n != "b" for n in rests_on.nodes]
    assert found.notes == {"b": "x:NoSchedule"}


def test_nodes_that_a_pod_does_not_name_have_their_reason() -> None:
    named = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]}]}}}  # fmt: skip
    found = explained(pod().set("spec.affinity", named), [node("a"), node("b"), node("c")])
    assert found.node == "b"
    assert [(p, r, len(rows)) for p, r, rows in found.refusals()] == [("NodeAffinity", evidence.OUTSIDE, 2)]


def test_every_node_of_a_large_cluster_is_looked_at() -> None:
    assert explained(pod(), [node(f"n{i:03}") for i in range(300)]).feasible == 300


def test_the_simulators_annotations() -> None:
    found = explained(pod().requests(cpu="1"), [node("a"), node("b").taint("x", "NoSchedule"), node("c")])
    said = found.annotations()
    prefix = "kube-scheduler-simulator.sigs.k8s.io/"
    filters = json.loads(said[f"{prefix}filter-result"])
    assert filters["b"]["TaintToleration"] == "node(s) had untolerated taint(s)"
    assert "NodeAffinity" not in filters["b"]
    assert filters["a"]["NodeAffinity"] == "passed"
    finals = json.loads(said[f"{prefix}finalscore-result"])
    assert finals["a"]["TaintToleration"] == "300"
    assert set(finals) == {"a", "c"}
    assert said[f"{prefix}selected-node"] == found.node


@pytest.mark.parametrize("values", [
    np.array([], np.int64), np.array([[0, 1], [254, 3]]), np.array([-1, 300]), np.array([2**40, -(2**40)]),
    np.array([[True, False, True]]), np.zeros((3, 0), np.int64),
])  # fmt: skip
def test_arrays_survive_packing(values: np.ndarray) -> None:
    back = packing.read(json.loads(json.dumps(packing.array(values))))
    assert back.shape == values.shape
    assert (back == values).all()


def test_names_survive_packing() -> None:
    for names in ([], ["a"], ["a", "ü"]):
        assert packing.read_words(packing.words(names)) == names


def test_5000_nodes_pack_small() -> None:
    nodes = [node(f"ip-10-0-{i // 256}-{i % 256}.eu-central-1.compute.internal").stored() for i in range(5000)]
    running = [pod(f"p{i}").requests(cpu=f"{i % 3900}m").on(nodes[i]["metadata"]["name"]).stored() for i in range(0, 5000, 2)]
    found = explain.explain(pod().requests(cpu="1").stored(), nodes, running)
    packed = json.dumps(found.evidence.pack())
    assert len(packed) < 200_000
    back = evidence.unpack(json.loads(packed))
    assert back.nodes == found.evidence.nodes
    assert (back.total == found.evidence.total).all()
    assert (back.given == found.evidence.given).all()


def test_a_copy_decides_alike() -> None:
    zones = ["x", "y", "x", "z", "y"]
    cluster = explain.cluster_of([node(f"n{i}").zone(z).stored() for i, z in enumerate(zones)], [Q.on("n1").stored()])
    cluster.remove_node("n0")
    cluster.set_node(node("n0").zone("z").stored())
    other = history.copy(cluster)
    assert [other.names[s] for s in other.order] == [cluster.names[s] for s in cluster.order]
    wanted = pod("w").requests(cpu="1").stored()
    one, two = (Cycle(c).columns(c.incoming(wanted)) for c in (cluster, other))
    assert one.nodes == two.nodes
    assert (one.total == two.total).all()
