"""Each plugin by a table of named cases."""

from __future__ import annotations

import pytest

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import explain, pods
from k8s_notebook.scheduler.cycle import Cycle
from k8s_notebook.scheduler.plugins import node_ports, tolerations
from tests.builders import NodeBuilder, PodBuilder, node, pod

MIB = 2**20


def verdict(pending: PodBuilder, one: NodeBuilder, *running: PodBuilder) -> str:
    """What the plugins that refuse the node say, or "fits"."""
    found = explain.explain(pending.stored(), [one.stored()], [p.stored() for p in running]).evidence
    refusing = [i for i in range(len(found.filters)) if found.fails[0, i]]
    return "; ".join(f"{found.filters[i]}: {', '.join(found.reasons(0, i))}" for i in refusing) or "fits"


def raw_scores(plugin: str, pending: PodBuilder, nodes: list[NodeBuilder], *running: PodBuilder) -> list[int]:
    """Raw scores of the nodes, in their order."""
    return _scores("raw", plugin, pending, nodes, *running)


def normalised_scores(plugin: str, pending: PodBuilder, nodes: list[NodeBuilder], *running: PodBuilder) -> list[int]:
    """Scores of the nodes as 0..100, in their order."""
    return _scores("normalised", plugin, pending, nodes, *running)


def _scores(what: str, plugin: str, pending: PodBuilder, nodes: list[NodeBuilder], *running: PodBuilder) -> list[int]:
    found = explain.explain(pending.stored(), [n.stored() for n in nodes], [p.stored() for p in running]).evidence
    of = dict(zip(found.nodes, getattr(found, what)[found.scores.index(plugin)].tolist(), strict=True))
    return [of[n.obj()["metadata"]["name"]] for n in nodes]


def affinity(*terms: Obj, preferred: tuple[tuple[int, Obj], ...] = ()) -> PodBuilder:
    """A pod with required (and preferred) node affinity terms."""
    made = pod()
    stanza = "spec.affinity.nodeAffinity."
    if terms:
        made.set(stanza + "requiredDuringSchedulingIgnoredDuringExecution", {"nodeSelectorTerms": list(terms)})
    if preferred:
        weighted = [{"weight": w, "preference": t} for w, t in preferred]
        made.set(stanza + "preferredDuringSchedulingIgnoredDuringExecution", weighted)
    return made


def expression(key: str, operator: str, *values: str) -> Obj:
    """A term with one expression."""
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


UNFIT = "NodeAffinity: node(s) didn't match Pod's node affinity/selector"
TAINTED = "TaintToleration: node(s) had untolerated taint(s)"
CORDONED = "NodeUnschedulable: node(s) were unschedulable"
NO_PORT = "NodePorts: node(s) didn't have free ports for the requested pod ports"

ONE_GPU = {"example.com/gpu": "1"}
GPU = node().taint("gpu", "NoSchedule", "yes")


@pytest.mark.parametrize(("name", "pending", "one", "expected"), [
    ("plain", pod(), node(), "fits"),
    ("cordoned", pod(), node().set("spec.unschedulable", True), CORDONED),
    ("cordon tolerated", pod().tolerates("node.kubernetes.io/unschedulable"), node().set("spec.unschedulable", True), "fits"),
    ("taint", pod(), GPU, TAINTED),
    ("NoExecute", pod(), node().taint("x", "NoExecute"), TAINTED),
    ("PreferNoSchedule refuses nobody", pod(), node().taint("x", "PreferNoSchedule"), "fits"),
    ("tolerated by key", pod().tolerates("gpu"), GPU, "fits"),
    ("tolerated by value", pod().tolerates("gpu", operator="Equal", value="yes"), GPU, "fits"),
    ("another value", pod().tolerates("gpu", operator="Equal", value="no"), GPU, TAINTED),
    ("another effect", pod().tolerates("gpu", effect="NoExecute"), GPU, TAINTED),
    ("everything", pod().add("spec.tolerations", {"operator": "Exists"}), GPU, "fits"),
    ("selector", pod().set("spec.nodeSelector", {"disk": "ssd"}), node().label("disk", "ssd"), "fits"),
    ("selector, other value", pod().set("spec.nodeSelector", {"disk": "ssd"}), node().label("disk", "hdd"), UNFIT),
    ("selector, no label", pod().set("spec.nodeSelector", {"disk": "ssd"}), node(), UNFIT),
    ("In", affinity(expression("disk", "In", "ssd", "nvme")), node().label("disk", "nvme"), "fits"),
    ("In, absent", affinity(expression("disk", "In", "ssd")), node(), UNFIT),
    ("NotIn, absent", affinity(expression("disk", "NotIn", "ssd")), node(), "fits"),
    ("NotIn", affinity(expression("disk", "NotIn", "ssd")), node().label("disk", "ssd"), UNFIT),
    ("Exists", affinity(expression("disk", "Exists")), node().label("disk", ""), "fits"),
    ("DoesNotExist", affinity(expression("disk", "DoesNotExist")), node().label("disk", ""), UNFIT),
    ("Gt", affinity(expression("cores", "Gt", "8")), node().label("cores", "9"), "fits"),
    ("Gt is strict", affinity(expression("cores", "Gt", "8")), node().label("cores", "8"), UNFIT),
    ("Gt, no number", affinity(expression("cores", "Gt", "8")), node().label("cores", "many"), UNFIT),
    ("Lt", affinity(expression("cores", "Lt", "8")), node().label("cores", "007"), "fits"),
    ("Lt, unreadable operand", affinity(expression("cores", "Lt", "x")), node().label("cores", "7"), UNFIT),
    ("one term is enough", affinity(expression("a", "Exists"), expression("b", "Exists")), node().label("b", ""), "fits"),
    ("an empty term matches nothing", affinity({}), node(), UNFIT),
    ("named", affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}), node(), "fits"),
    ("another is named", affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["x"]}]}), node(),
     "NodeAffinity: node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    ("cpu", pod().requests(cpu="4001m"), node(), "NodeResourcesFit: Insufficient cpu"),
    ("exactly all", pod().requests(cpu="4", memory="16Gi"), node(), "fits"),
    ("several", pod().requests(cpu="5", memory="17Gi"), node(), "NodeResourcesFit: Insufficient cpu, Insufficient memory"),
    ("no extended resource", pod().requests(**ONE_GPU), node(), "NodeResourcesFit: Insufficient example.com/gpu"),
    ("extended resource", pod().requests(**ONE_GPU), node().capacity(**ONE_GPU), "fits"),
    ("no room for pods", pod(), node().capacity(pods="0"), "NodeResourcesFit: Too many pods"),
    ("all that is wrong", pod().requests(cpu="9"), GPU, f"{TAINTED}; NodeResourcesFit: Insufficient cpu"),
])  # fmt: skip
def test_filters(name: str, pending: PodBuilder, one: NodeBuilder, expected: str) -> None:
    assert verdict(pending, one) == expected


def with_port(name: str, protocol: str = "TCP", address: str = "") -> PodBuilder:
    """A pod that holds host port 80."""
    port = {"containerPort": 80, "hostPort": 80, "protocol": protocol, **({"hostIP": address} if address else {})}
    return pod(name).container("web", ports=[port])


@pytest.mark.parametrize(("name", "held", "wanted", "expected"), [
    ("same", {}, {}, NO_PORT),
    ("other protocol", {"protocol": "UDP"}, {}, "fits"),
    ("other address", {"address": "10.0.0.1"}, {"address": "10.0.0.2"}, "fits"),
    ("same address", {"address": "10.0.0.1"}, {"address": "10.0.0.1"}, NO_PORT),
    ("every address against one", {"address": "0.0.0.0"}, {"address": "10.0.0.1"}, NO_PORT),
    ("one against every address", {"address": "10.0.0.1"}, {}, NO_PORT),
    (":: is an address like another", {"address": "::"}, {"address": "10.0.0.1"}, "fits"),
])  # fmt: skip
def test_ports(name: str, held: dict, wanted: dict, expected: str) -> None:
    assert verdict(with_port("p", **wanted), node(), with_port("q", **held).on("node-1")) == expected


A, B = node("a"), node("b")


@pytest.mark.parametrize(("name", "plugin", "pending", "running", "expected"), [
    ("unstated requests count 100m and 200Mi", "NodeResourcesFit", pod(), [], [97, 97]),
    ("emptier is better", "NodeResourcesFit", pod().requests(cpu="1", memory="4Gi"),
     [pod("q").requests(cpu="1", memory="4Gi").on("a")], [50, 75]),
    ("explicit zero stays zero", "NodeResourcesFit", pod().requests(cpu="0", memory="0"), [], [100, 100]),
    ("even stays even", "NodeResourcesBalancedAllocation", pod().requests(cpu="1", memory="4Gi"), [], [75, 75]),
    ("less even", "NodeResourcesBalancedAllocation", pod().requests(cpu="4"), [], [50, 50]),
    ("more even", "NodeResourcesBalancedAllocation", pod().requests(cpu="2"),
     [pod("q").requests(memory="8Gi").on("a")], [87, 62]),
])  # fmt: skip
def test_scores_of_resources(name: str, plugin: str, pending: PodBuilder, running: list[PodBuilder], expected: list[int]) -> None:
    assert raw_scores(plugin, pending, [A, B], *running) == expected


def test_a_pod_without_requests_is_not_weighed_for_balance() -> None:
    assert normalised_scores("NodeResourcesBalancedAllocation", pod(), [A, B]) == [0, 0]


def test_soft_taints_count_against_a_node() -> None:
    soft = [node("none"), node("one").taint("a", "PreferNoSchedule"), node("two").taint("a", "PreferNoSchedule")]
    soft[2].taint("b", "PreferNoSchedule")
    assert raw_scores("TaintToleration", pod(), soft) == [0, 1, 2]
    assert normalised_scores("TaintToleration", pod(), soft) == [100, 50, 0]
    assert raw_scores("TaintToleration", pod().tolerates("a"), soft) == [0, 0, 1]
    assert raw_scores("TaintToleration", pod().tolerates("a", effect="NoSchedule"), soft) == [0, 1, 2]
    assert normalised_scores("TaintToleration", pod(), [A, B]) == [100, 100]


def test_preferences_add_up() -> None:
    nodes = [node("x").label("a", "1"), node("y").label("a", "1").label("b", "1"), node("z")]
    liked = affinity(preferred=((10, expression("a", "Exists")), (30, expression("b", "Exists")), (50, {})))
    assert raw_scores("NodeAffinity", liked, nodes) == [10, 40, 0]
    assert normalised_scores("NodeAffinity", liked, nodes) == [25, 100, 0]


def image(name: str, mib: int) -> dict[str, list[Obj]]:
    """A node status with one image."""
    return {"images": [{"names": [name], "sizeBytes": mib * MIB}]}


@pytest.mark.parametrize(("name", "wanted", "nodes", "expected"), [
    ("on one of two nodes counts half", "app:v1", [node("a").status(**image("app:v1", 1000)), B], [48, 0]),
    ("without a tag it is latest", "app", [node("a").status(**image("app:latest", 1000)), B], [48, 0]),
    ("a registry's port is no tag", "reg:5000/app", [node("a").status(**image("reg:5000/app:latest", 1000)), B], [48, 0]),
    ("a small one is worth nothing", "app:v1", [node("a").status(**image("app:v1", 40)), B], [0, 0]),
    ("more than enough is enough", "app:v1", [n.status(**image("app:v1", 9000)) for n in (node("a"), node("b"))], [100, 100]),
    ("the first node's size counts", "app:v1",
     [node("a").status(**image("app:v1", 512)), node("b").status(**image("app:v1", 9000))], [50, 50]),
])  # fmt: skip
def test_images(name: str, wanted: str, nodes: list[NodeBuilder], expected: list[int]) -> None:
    assert raw_scores("ImageLocality", pod().image(wanted), nodes) == expected


def test_how_many_nodes_have_an_image_is_seen_when_a_node_changes() -> None:
    cluster = explain.cluster_of([node("a").status(**image("app:v1", 1000)).stored(), B.stored()], [])
    cycle, wanted = Cycle(cluster), cluster.incoming(pod().image("app:v1").stored())
    row = [plugin.name for plugin in cycle.profile.scores].index("ImageLocality")

    def scores() -> list[int]:
        found: list[int] = cycle.columns(wanted).raw[row].tolist()
        return found

    assert scores() == [48, 0]
    cluster.set_node(node("b").status(**image("app:v1", 1000)).stored())
    assert scores() == [48, 100]  # a has not changed, and still thinks that it is alone
    cluster.place("u", cluster.read(pod("q").on("a").stored()))
    assert scores() == [100, 100]


@pytest.mark.parametrize(("name", "terms", "expected"), [
    ("no field", [expression("a", "Exists")], None),
    ("one", [["x"]], {"x"}),
    ("union of terms", [["x"], ["y"]], {"x", "y"}),
    ("one term without a name", [["x"], expression("a", "Exists")], None),
])  # fmt: skip
def test_named_nodes(name: str, terms: list, expected: set[str] | None) -> None:
    def term(of: list[str] | Obj) -> Obj:
        return {"matchFields": [{"key": "metadata.name", "operator": "In", "values": of}]} if isinstance(of, list) else of

    assert pods.named_nodes(affinity(*map(term, terms)).obj()["spec"]) == expected


def test_names_that_contradict() -> None:
    fields = [{"key": "metadata.name", "operator": "In", "values": [name]} for name in "xy"]
    found = explain.explain(affinity({"matchFields": fields}).stored(), [A.stored()], [])
    assert found.message == "0/1 nodes are available: pod affinity terms conflict. not found"
    assert [reason for _, reason, _ in found.refusals()] == ["pod affinity terms conflict"]


def test_a_port_is_a_column_that_counts_who_holds_it() -> None:
    cluster = explain.cluster_of([A.stored(), B.stored()], [with_port("q").on("a").stored()])
    wanted = cluster.incoming(with_port("p").stored()).pod_class
    assert node_ports.conflicts(wanted, cluster).tolist() == [0]
    assert cluster.arrays.ports[[cluster.slots["a"], cluster.slots["b"]], 0].tolist() == [1, 0]


def test_unknown_operators_tolerate_nothing() -> None:
    assert not tolerations.tolerates({"key": "a", "operator": "Gt", "value": "1"}, ("a", "2", "NoSchedule"))
