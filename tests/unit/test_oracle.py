"""The slow twin of kube-scheduler, against cases that were worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import NodeBuilder, PodBuilder, ServiceBuilder, namespace, node, pod, replicaset, service
from tests.oracles import kube_scheduler as twin
from tests.oracles import random_clusters
from tests.oracles.kube_scheduler import amounts, node_resources, pod_topology_spread
from tests.oracles.worlds import decide

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
REQUIRED, PREFERRED = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
MIB = 2**20


def raw(plugin: str, pending: PodBuilder, nodes: list[NodeBuilder], *others: Any, **args: Any) -> list[int]:
    """A plugin's raw scores in the order of the nodes."""
    found = decide(pending, nodes, *others, profile=twin.Profile(args={plugin: args}))
    return [found.scores[plugin][n.obj()["metadata"]["name"]][0] for n in nodes]


A, B, C = node("a").zone("east"), node("b").zone("east"), node("c").zone("west")


@pytest.mark.parametrize(("text", "number"), [("1500m", 1.5), ("2Ki", 2048), ("1e3", 1000), ("3M", 3e6), ("5n", 5e-9), ("7", 7)])
def test_quantities(text: str, number: float) -> None:
    assert float(amounts.amount(text)) == number


def test_requests_are_the_most_that_is_needed_at_any_one_time() -> None:
    made = pod().requests(cpu="300m").container("b", resources={"requests": {"cpu": "200m"}})
    for name, cpu, policy in (("first", "600m", ""), ("sidecar", "100m", "Always"), ("last", "550m", "")):
        container = {"name": name, "image": "i", "resources": {"requests": {"cpu": cpu}}}
        made.add("spec.initContainers", {**container, **({"restartPolicy": policy} if policy else {})})
    # containers 500m + sidecar 100m = 600m; init: 600m, then 100m, then 100m + 550m = 650m
    assert amounts.pod_request(made.obj(), "cpu") == 650
    assert amounts.pod_request(made.set("spec.overhead", {"cpu": "50m"}).obj(), "cpu") == 700
    assert amounts.pod_request(made.set("spec.resources", {"requests": {"cpu": "1"}}).obj(), "cpu") == 1050


def test_containers_that_say_nothing_count_for_scores_only() -> None:
    silent = pod().on("a").obj()
    assert amounts.pod_request(silent, "memory") == 0
    assert amounts.counted_request(silent, "memory") == 200 * MIB
    assert amounts.counted_request(pod().requests(memory="0").obj(), "memory") == 0


@pytest.mark.parametrize(("used", "score"), [(0, 0), (25, 50), (50, 100), (75, 75), (100, 50)])
def test_points_of_a_shape_are_joined_by_lines(used: int, score: int) -> None:
    shape = [{"utilization": 0, "score": 0}, {"utilization": 50, "score": 10}, {"utilization": 100, "score": 5}]
    assert node_resources.on_shape(used, shape) == score


def test_lines_that_fall_are_rounded_towards_the_higher_score() -> None:
    shape = [{"utilization": 0, "score": 1}, {"utilization": 3, "score": 0}]
    assert [node_resources.on_shape(used, shape) for used in range(4)] == [10, 7, 4, 0]


@pytest.mark.parametrize(("strategy", "expected"), [
    ({"type": "LeastAllocated"}, [50, 75]),  # a: half of both is left; b: three quarters
    ({"type": "MostAllocated"}, [50, 25]),
    ({"type": "LeastAllocated", "resources": [{"name": "cpu", "weight": 1}]}, [50, 75]),
    ({"type": "RequestedToCapacityRatio", "requestedToCapacityRatio": {"shape": [
        {"utilization": 0, "score": 10}, {"utilization": 100, "score": 0}]}}, [50, 75]),
])  # fmt: skip
def test_strategies(strategy: dict[str, Any], expected: list[int]) -> None:
    running = pod("q").requests(cpu="1", memory="4Gi").on("a")
    pending = pod().requests(cpu="1", memory="4Gi")
    assert raw("NodeResourcesFit", pending, [A, B], running, scoringStrategy=strategy) == expected


def test_balance_of_three_resources() -> None:
    machines = [node(name).capacity(**{"example.com/gpu": gpus}) for name, gpus in (("g", "2"), ("h", "4"))]
    pending = pod().requests(cpu="2", **{"example.com/gpu": "2"})
    resources = [{"name": name, "weight": 1} for name in ("cpu", "memory", "example.com/gpu")]
    # g: 0.5, 0, 1: deviation sqrt(1/6) = 0.408…, so 59, where 100 was: 50 + (50 + 59 - 100) // 2
    # h: 0.5, 0, 0.5: deviation sqrt(1/18) = 0.235…, so 76
    assert raw("NodeResourcesBalancedAllocation", pending, machines, resources=resources) == [54, 63]


def spread(key: str = ZONE, skew: int = 1, when: str = "DoNotSchedule", **more: Any) -> dict[str, Any]:
    """A spread constraint over pods with app=web."""
    selector = {"matchLabels": {"app": "web"}}
    return {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": selector, **more}


def web(name: str, on: str = "", **labels: str) -> PodBuilder:
    """A pod with app=web."""
    made = pod(name).labels(app="web", **labels)
    return made.on(on) if on else made


UNEVEN = "node(s) didn't match pod topology spread constraints"


@pytest.mark.parametrize(("name", "constraint", "running", "feasible"), [
    ("even", spread(), [], ["a", "c", "b"]),
    ("one more in the east", spread(), ["a"], ["c"]),
    ("within the skew", spread(skew=2), ["a"], ["a", "c", "b"]),
    ("by host", spread(HOST), ["a"], ["c", "b"]),
    ("too few domains", spread(minDomains=3), ["a", "c"], []),
])  # fmt: skip
def test_hard_spreading(name: str, constraint: dict[str, Any], running: list[str], feasible: list[str]) -> None:
    pending = web("new").set("spec.topologySpreadConstraints", [constraint])
    found = decide(pending, [A, B, C], *[web(f"old-{i}", on) for i, on in enumerate(running)])
    assert found.feasible == feasible
    assert {reason for reasons in found.reasons.values() for reason in reasons} <= {UNEVEN}


def test_pods_that_leave_and_pods_elsewhere_do_not_count() -> None:
    pending = web("new").set("spec.topologySpreadConstraints", [spread()])
    gone, elsewhere = web("gone", "a").deleted(), web("far", "a").namespace("other")
    assert decide(pending, [A, C], gone, elsewhere).feasible == ["a", "c"]


def test_soft_spreading() -> None:
    pending = web("new").set("spec.topologySpreadConstraints", [spread(when="ScheduleAnyway")])
    found = decide(pending, [A, B, C], web("old-1", "a"), web("old-2", "b"), web("old-3", "c"))
    # two zones: ln 4 = 1.386…; east 2 * 1.386 = 2.77 -> 3, west 1.386 -> 1; then 100 * (3 + 1 - s) / 3
    assert {n: s[:2] for n, s in found.scores["PodTopologySpread"].items()} == {"a": (3, 33), "b": (3, 33), "c": (1, 100)}


def test_services_and_owners_spread_by_default() -> None:
    web_service: ServiceBuilder = service("web").selects(app="web")
    owner = replicaset("web-1").pod_labels(app="web", tier="front")
    plain = decide(web("new"), [A, C], web("old", "a"))
    assert "PodTopologySpread" not in plain.scores
    # two hosts and two zones: ln 4; hosts 1 * 1.386 + 2, zones 1 * 1.386 + 4, so 8.77 -> 9 and 6
    found = decide(web("new"), [A, C], web("old", "a"), web_service)
    assert {n: s[0] for n, s in found.scores["PodTopologySpread"].items()} == {"a": 9, "c": 6}
    owned = web("new", tier="front").owned_by(owner.stored())
    found = decide(owned, [A, C], web("old", "a"), web_service, owner)
    assert {n: s[0] for n, s in found.scores["PodTopologySpread"].items()} == {"a": 6, "c": 6}


@pytest.mark.parametrize(("number", "expected"), [(0.5, 1), (1.5, 2), (2.49, 2), (-0.5, -1), (0.49999999999999994, 0)])
def test_halves_are_rounded_away_from_zero(number: float, expected: int) -> None:
    assert pod_topology_spread.rounded(number) == expected


def term(key: str = ZONE, **more: Any) -> dict[str, Any]:
    """A term about pods with app=web."""
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"app": "web"}}, **more}


def near(made: PodBuilder, *terms: dict[str, Any], stanza: str = "podAffinity", strength: str = REQUIRED) -> PodBuilder:
    """The pod with affinity (or anti-affinity) terms."""
    return made.set(f"spec.affinity.{stanza}.{strength}", list(terms))


NOT_NEAR = "node(s) didn't match pod affinity rules"
TOO_NEAR = "node(s) didn't match pod anti-affinity rules"
KEPT_AWAY = "node(s) didn't satisfy existing pods anti-affinity rules"
ANYWHERE: dict[str, Any] = {}
UNTEAMED = {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}


@pytest.mark.parametrize(("name", "pending", "others", "reasons"), [
    ("near", near(pod("new"), term()), [web("old", "a")], {"c": NOT_NEAR}),
    ("nobody there", near(pod("new"), term()), [], {"a": NOT_NEAR, "b": NOT_NEAR, "c": NOT_NEAR}),
    ("the first of a group", near(web("new"), term()), [], {}),
    ("apart", near(pod("new"), term(), stanza="podAntiAffinity"), [web("old", "a")], {"a": TOO_NEAR, "b": TOO_NEAR}),
    ("kept away", web("new"), [near(pod("old").on("a"), term(), stanza="podAntiAffinity")], {"a": KEPT_AWAY, "b": KEPT_AWAY}),
    ("another namespace", near(pod("new"), term()), [web("old", "a").namespace("other")], dict.fromkeys("abc", NOT_NEAR)),
    ("all namespaces", near(pod("new"), term(namespaceSelector=ANYWHERE)), [web("old", "a").namespace("other")], {"c": NOT_NEAR}),
    ("a selector that a namespace without labels would meet", near(pod("new"), term(namespaceSelector=UNTEAMED)),
     [web("old", "a").namespace("other"), namespace("other").label("team", "x")], {"c": NOT_NEAR}),
])  # fmt: skip
def test_pods_near_pods(name: str, pending: PodBuilder, others: list[Any], reasons: dict[str, str]) -> None:
    found = decide(pending, [A, B, C], *others)
    assert {n: "".join(said) for n, said in found.reasons.items()} == reasons


def test_wishes_of_both_sides_count() -> None:
    wish = {"weight": 10, "podAffinityTerm": term()}
    pending = near(web("new"), wish, strength=PREFERRED)
    hard = near(web("old", "a"), term(HOST))  # wants to be with web pods on its host: 1 point
    found = decide(pending, [A, B, C], hard)
    assert {n: s[:2] for n, s in found.scores["InterPodAffinity"].items()} == {"a": (11, 100), "b": (10, 90), "c": (0, 0)}


def test_the_message() -> None:
    found = decide(pod().requests(cpu="9"), [A, node("tainted").taint("x", "NoSchedule")])
    assert found.message == (
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). no new claims to deallocate, "
        "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
    )


def test_a_case_follows_from_its_seed() -> None:
    assert random_clusters.random_cluster(5).to_json() == random_clusters.random_cluster(5).to_json()
    assert random_clusters.random_cluster(5).to_json() != random_clusters.random_cluster(6).to_json()


def test_unknown_features_are_refused() -> None:
    with pytest.raises(ValueError, match="known are"):
        random_clusters.random_cluster(1, features=("volume",))


@pytest.mark.parametrize("feature", random_clusters.ALL)
def test_every_feature_has_pods_that_find_a_node_and_nodes_that_refuse(feature: str) -> None:
    found = []
    for seed in range(6):
        case = random_clusters.random_cluster(seed, features=(feature,))
        world = twin.Cluster(case.nodes, case.pods, case.objects, case.nominated)
        found += twin.decide_all(world, case.pending, profile=twin.profile_of(case.config))
    assert any(answer.node for answer in found)
    assert any(answer.verdicts for answer in found)
