"""The slow twin of kube-scheduler, by hand: preemption, nominated pods and volumes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import PodBuilder, anything, cluster_wide, node, pod
from tests.oracles import kube_scheduler as twin
from tests.oracles.kube_scheduler import volumes
from tests.oracles.worlds import cluster, decide

ZONE = "topology.kubernetes.io/zone"
A, B, C = node("a").zone("east"), node("b").zone("east"), node("c").zone("west")


def strong(cpu: str, priority: int = 100) -> PodBuilder:
    """A pod of high priority."""
    return pod("strong").requests(cpu=cpu).set("spec.priority", priority)


def weak(name: str, on: str, cpu: str, priority: int = 0, second: int = 0) -> PodBuilder:
    """A running pod that was started at a second."""
    made = pod(name).requests(cpu=cpu).on(on).set("spec.priority", priority)
    return made.status(phase="Running", startTime=f"2026-01-01T00:00:{second:02d}Z")


SMALL, LITTLE = node("a"), node("b")


@pytest.mark.parametrize(("name", "others", "node_", "victims"), [
    ("the least important first", [weak("p", "a", "2", 5), weak("q", "a", "2", 1)], "a", ["q"]),
    ("the younger first", [weak("p", "a", "2", 0, 1), weak("q", "a", "2", 0, 2)], "a", ["q"]),
    ("lower priority is better", [weak("p", "a", "4", 5), weak("q", "b", "4", 3)], "b", ["q"]),
    ("fewer victims are better", [weak("p", "a", "4"), weak("q", "b", "3"), weak("r", "b", "1", 0, 5), weak("s", "b", "0")],
     "a", ["p"]),
    ("younger victims are better", [weak("p", "a", "4", 0, 1), weak("q", "b", "4", 0, 2)], "b", ["q"]),
])  # fmt: skip
def test_preemption(name: str, others: list[PodBuilder], node_: str, victims: list[str]) -> None:
    nodes = [SMALL, LITTLE] if any(o.obj()["spec"]["nodeName"] == "b" for o in others) else [SMALL]
    found = decide(strong("2" if len(nodes) == 1 else "4"), nodes, *others)
    assert (found.nominated, found.victims) == (node_, [f"uid-{v}" for v in victims])
    assert "preemption" not in found.message


def budget(allowed: int) -> Any:
    """A disruption budget over app=web."""
    made = anything("policy/v1", "PodDisruptionBudget", "web").set("spec.selector", {"matchLabels": {"app": "web"}})
    return made.status(disruptionsAllowed=allowed)


def test_disruption_budgets_are_minded_if_possible() -> None:
    others = [weak("p", "a", "4").labels(app="web"), weak("q", "b", "4", 50)]
    assert decide(strong("4"), [SMALL, LITTLE], *others, budget(1)).nominated == "a"
    found = decide(strong("4"), [SMALL, LITTLE], *others, budget(0))
    assert (found.nominated, found.candidates["a"].violations) == ("b", 1)


def test_candidates_that_only_chance_tells_apart() -> None:
    found = decide(strong("4"), [SMALL, LITTLE], weak("p", "a", "4"), weak("q", "b", "4"))
    assert found.best == ["a", "b"]


@pytest.mark.parametrize(("pending", "said"), [
    (strong("9"), "0/1 nodes are available: 1 Preemption is not helpful for scheduling."),
    (strong("4", 0), "0/1 nodes are available: 1 No preemption victims found for incoming pod."),
    (strong("4").set("spec.preemptionPolicy", "Never"), "not eligible due to preemptionPolicy=Never."),
])  # fmt: skip
def test_preemption_that_does_not_help(pending: PodBuilder, said: str) -> None:
    assert decide(pending, [SMALL], weak("p", "a", "1")).message.endswith(f"preemption: {said}")


def test_room_is_kept_for_nominated_pods() -> None:
    waiting = strong("3").status(nominatedNodeName="a")
    assert decide(pod().requests(cpu="2"), [SMALL, LITTLE], waiting).feasible == ["b"]
    assert decide(pod().requests(cpu="2").set("spec.priority", 200), [SMALL, LITTLE], waiting).feasible == ["a", "b"]


def claim(name: str, **spec: Any) -> Any:
    """A claim."""
    made = anything("v1", "PersistentVolumeClaim", name)
    return made.set("spec", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}, **spec})


def disk(name: str, size: str, **spec: Any) -> Any:
    """A free volume of class "local"."""
    fields = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "local", **spec}
    return cluster_wide("v1", "PersistentVolume", name).set("spec", fields).status(phase="Available")


def reach(zone: str) -> dict[str, Any]:
    """Node affinity of a volume."""
    expressions = [{"key": ZONE, "operator": "In", "values": [zone]}]
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": expressions}]}}


def using(name: str) -> PodBuilder:
    """A pod with a claim."""
    return pod().add("spec.volumes", {"name": "v", "persistentVolumeClaim": {"claimName": name}})


LOCAL = cluster_wide("storage.k8s.io/v1", "StorageClass", "local")
LOCAL.set("provisioner", "kubernetes.io/no-provisioner").set("volumeBindingMode", "WaitForFirstConsumer")
NONE_TO_BIND = "node(s) didn't find available persistent volumes to bind"


def bound(name: str, to: str) -> Any:
    """A claim that is bound to a volume."""
    return claim(name, volumeName=to).annotation("pv.kubernetes.io/bind-completed", "yes")


@pytest.mark.parametrize(("name", "others", "reasons"), [
    ("a free volume", [claim("c", storageClassName="local"), LOCAL, disk("d", "9Gi", nodeAffinity=reach("east"))],
     {"c": NONE_TO_BIND}),
    ("too small", [claim("c", storageClassName="local"), LOCAL, disk("d", "4Gi")], dict.fromkeys("abc", NONE_TO_BIND)),
    ("bound", [bound("c", "d"), disk("d", "9Gi", nodeAffinity=reach("west"))],
     dict.fromkeys("ab", "node(s) didn't match PersistentVolume's node affinity")),
    ("zone", [bound("c", "d"), disk("d", "9Gi").label(ZONE, "west__north")],
     dict.fromkeys("ab", "node(s) had no available volume zone")),
])  # fmt: skip
def test_volumes(name: str, others: list[Any], reasons: dict[str, str]) -> None:
    found = decide(using("c"), [A, B, C], *others)
    assert {n: "".join(said) for n, said in found.reasons.items()} == reasons


@pytest.mark.parametrize(("others", "said"), [
    ([], 'persistentvolumeclaim "c" not found'),
    ([claim("c", storageClassName="none")], "pod has unbound immediate PersistentVolumeClaims"),
    ([bound("c", "d")], 'persistentvolume "d" not found'),
    ([bound("c", "d").deleted(), disk("d", "9Gi")], 'persistentvolumeclaim "c" is being deleted'),
])  # fmt: skip
def test_claims_that_stop_everything(others: list[Any], said: str) -> None:
    assert decide(using("c"), [A], *others).message == f"0/1 nodes are available: {said}. not found"


def test_the_smallest_volume_is_kept_for_the_claim() -> None:
    disks = [disk("large", "90Gi"), disk("small", "9Gi"), disk("tiny", "1Gi")]
    world = cluster([A, B], claim("c", storageClassName="local"), LOCAL, *disks)
    pending = using("c").stored()
    twin.settle(world, pending, twin.answer(world, pending), twin.Profile())
    kept = [o["metadata"]["name"] for o in world.objects if o["kind"] == "PersistentVolume" and "claimRef" in o["spec"]]
    assert kept == ["small"]


@pytest.mark.parametrize(("a", "b", "clash"), [
    ({"gcePersistentDisk": {"pdName": "d"}}, {"gcePersistentDisk": {"pdName": "d", "readOnly": True}}, True),
    ({"gcePersistentDisk": {"pdName": "d", "readOnly": True}}, {"gcePersistentDisk": {"pdName": "d", "readOnly": True}}, False),
    ({"awsElasticBlockStore": {"volumeID": "v"}}, {"awsElasticBlockStore": {"volumeID": "w"}}, False),
    ({"emptyDir": {}}, {"emptyDir": {}}, False),
])  # fmt: skip
def test_disks(a: dict[str, Any], b: dict[str, Any], clash: bool) -> None:
    assert volumes.disks_clash(a, b) is clash


DISK_LIMIT = "node(s) exceed max volume count"
CSI = {"driver": "disk.example.com", "volumeHandle": "d"}


def csi_node(name: str, count: int) -> Any:
    """What a node says about its CSI drivers."""
    drivers = [{"name": "disk.example.com", "nodeID": name, "allocatable": {"count": count}}]
    return cluster_wide("storage.k8s.io/v1", "CSINode", name).set("spec.drivers", drivers)


def attached(volume: str, to: str) -> Any:
    """A volume that is attached to a node."""
    spec = {"attacher": "disk.example.com", "nodeName": to, "source": {"persistentVolumeName": volume}}
    return cluster_wide("storage.k8s.io/v1", "VolumeAttachment", f"{volume}-{to}").set("spec", spec)


def test_nodes_take_so_many_volumes() -> None:
    disks = [disk("d", "9Gi", csi=CSI), disk("e", "9Gi", csi={**CSI, "volumeHandle": "e"})]
    world = [bound("c", "d"), bound("k", "e"), *disks, csi_node("a", 1), csi_node("b", 1), csi_node("c", 0)]
    found = decide(using("c"), [A, B, C], using("k").on("a"), *world, attached("e", "b"))
    assert found.reasons == {"a": [DISK_LIMIT], "b": [DISK_LIMIT], "c": [DISK_LIMIT]}
    again = decide(using("c"), [A, B, C], using("c").on("a"), *world)
    assert again.feasible == ["a", "b"]


def test_a_claim_for_one_pod_alone() -> None:
    world = [bound("c", "d").set("spec.accessModes", ["ReadWriteOncePod"]), disk("d", "9Gi")]
    holder = using("c").on("a").set("metadata.name", "holder").set("spec.priority", -1)
    found = decide(using("c"), [A, B], holder, *world)
    assert not found.feasible
    assert (found.nominated, found.hopeless) == ("a", {"b": ["No preemption victims found for incoming pod"]})


@pytest.mark.parametrize(("status", "said"), [
    ({"nominatedNodeName": "a"}, "preemption: not eligible due to a terminating pod on the nominated node."),
    ({}, ""),
])  # fmt: skip
def test_who_preempted_once_waits_for_the_victims(status: dict[str, str], said: str) -> None:
    reason = {"reason": "PreemptionByScheduler"}
    victim = weak("p", "a", "4").deleted().condition("DisruptionTarget", "True", **reason)
    found = decide(strong("4").status(**status), [SMALL], victim)
    assert (said in found.message, bool(found.nominated)) == (True, not said)


def test_nodes_that_a_pod_names() -> None:
    fields = [{"key": "metadata.name", "operator": "In", "values": ["a"]}]
    terms = {"nodeSelectorTerms": [{"matchFields": fields}]}
    named = strong("4").set("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution", terms)
    full = pod("full").requests(cpu="1").on("a").set("spec.priority", 1000)
    assert (
        "1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]. " in decide(named, [SMALL, LITTLE], full).message
    )
    tainted = node("b").taint("x", "NoSchedule")
    found = decide(named.status(nominatedNodeName="b"), [SMALL, tainted, node("c")], full)
    assert list(found.verdicts) == ["b", "a"]  # the nominated node first, and its plugin gets into the sentence about the others
    assert "1 node(s) didn't satisfy plugin(s) [NodeAffinity TaintToleration]" in found.message


def test_features_that_a_kubelet_must_have() -> None:
    able = node("able").status(declaredFeatures=["UserNamespacesHostNetworkSupport"])
    pending = pod().set("spec.hostNetwork", True).set("spec.hostUsers", False)
    assert decide(pending, [able, node("unable")]).feasible == ["able"]
