"""Which changes may help which waiting pods."""

from __future__ import annotations

import pytest

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import happenings, hints
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.happenings import Event
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.queue import Entry
from tests.builders import Builder, anything, cluster_wide, copied, node, pod


def entry(built: Builder) -> Entry:
    obj = built.stored()
    return Entry(obj["metadata"]["uid"], obj, PodClass.of(obj["spec"], "default", obj["metadata"].get("labels")), 0)


def stored(built: Builder | None) -> Obj | None:
    return built.stored() if built is not None else None


def affine(stanza: str, key: str = "zone", **labels: str) -> Builder:
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": key}
    return pod("p").set(f"spec.affinity.{stanza}.requiredDuringSchedulingIgnoredDuringExecution", [term])


def spread(**fields: object) -> Builder:
    constraint = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", **fields}
    return pod("p").set("spec.topologySpreadConstraints", [{"labelSelector": {"matchLabels": {"app": "web"}}, **constraint}])


def claiming(**volume: object) -> Builder:
    return pod("p").set("spec.volumes", [{"name": "v", **volume}])


PVC = {"persistentVolumeClaim": {"claimName": "data"}}
CLAIM = anything("v1", "PersistentVolumeClaim", "data")
OTHER = anything("v1", "PersistentVolumeClaim", "other")
BIG, SMALL = node("n").capacity(cpu="8"), node("n").capacity(cpu="1")
TAINTED = node("n").taint("gpu", "NoSchedule")
CLOSED = node("n").set("spec.unschedulable", True)
THERE = pod("there").on("a")
WEB = pod("there").labels(app="web").on("a")
CSI = "csinodes.storage.k8s.io/update"


def csi_node(count: int, **annotations: str) -> Builder:
    drivers = [{"name": "d", "allocatable": {"count": count}}]
    return cluster_wide("storage.k8s.io/v1", "CSINode", "n").set("spec.drivers", drivers).set("metadata.annotations", annotations)


def selecting() -> Builder:
    return pod("p").set("spec.nodeSelector", {"disk": "ssd"})


CASES = [
    ("NodeResourcesFit", pod("p").requests(cpu="2"), happenings.NODE_ADD, None, BIG, True),
    ("NodeResourcesFit", pod("p").requests(cpu="2"), happenings.NODE_ADD, None, SMALL, False),
    ("NodeResourcesFit", pod("p").requests(cpu="2"), happenings.NODE_ALLOCATABLE, SMALL, BIG, True),
    ("NodeResourcesFit", pod("p").requests(cpu="2"), happenings.NODE_ALLOCATABLE, node("n").capacity(cpu="9"), BIG, False),
    ("NodeResourcesFit", pod("p").requests(cpu="2"), happenings.POD_DELETE, THERE, None, True),
    ("NodeResourcesFit", pod("p").requests(cpu="2"), happenings.NODE_TAINTS, TAINTED, BIG, False),
    ("NodeResourcesFit", pod("p").requests(cpu="2"), happenings.POD_SMALLER, pod("t").on("a").requests(cpu="2"),
     pod("t").on("a").requests(cpu="1"), True),
    ("NodeResourcesFit", pod("p").requests(cpu="2"), happenings.POD_SMALLER, pod("t").on("a").requests(memory="2Gi"),
     pod("t").on("a").requests(memory="1Gi"), False),
    ("TaintToleration", pod("p"), happenings.NODE_ADD, None, BIG, True),
    ("TaintToleration", pod("p"), happenings.NODE_ADD, None, TAINTED, False),
    ("TaintToleration", pod("p").tolerates("gpu"), happenings.NODE_ADD, None, TAINTED, True),
    ("TaintToleration", pod("p"), happenings.NODE_TAINTS, TAINTED, BIG, True),
    ("TaintToleration", pod("p"), happenings.NODE_TAINTS, BIG, TAINTED, False),
    ("NodeAffinity", selecting(), happenings.NODE_ADD, None, node("n").label("disk", "ssd"), True),
    ("NodeAffinity", selecting(), happenings.NODE_LABELS, BIG, node("n").label("disk", "ssd"), True),
    ("NodeAffinity", selecting(), happenings.NODE_LABELS, node("n").label("disk", "ssd"),
     node("n").label("disk", "ssd").label("x", "y"), False),
    ("NodeAffinity", selecting(), happenings.NODE_LABELS, node("n").label("disk", "ssd"), BIG, False),
    ("NodeUnschedulable", pod("p"), happenings.NODE_TAINTS, CLOSED, BIG, True),
    ("NodeUnschedulable", pod("p"), happenings.NODE_TAINTS, BIG, CLOSED, False),
    ("NodeUnschedulable", pod("p"), happenings.NODE_ADD, None, CLOSED, False),
    ("NodeName", pod("p"), happenings.NODE_ADD, None, BIG, True),
    ("NodeName", pod("p"), happenings.NODE_LABELS, BIG, SMALL, False),
    ("PodTopologySpread", spread(), happenings.POD_ADD, None, WEB, True),
    ("PodTopologySpread", spread(), happenings.POD_ADD, None, THERE, False),
    ("PodTopologySpread", spread(), happenings.POD_DELETE, pod("o").namespace("other").labels(app="web"), None, False),
    ("PodTopologySpread", spread(), happenings.POD_LABELS, THERE, WEB, True),
    ("PodTopologySpread", spread(), happenings.POD_LABELS, WEB, pod("there").labels(app="web", x="y").on("a"), False),
    ("PodTopologySpread", spread(), happenings.NODE_ADD, None, node("n").label("zone", "a"), True),
    ("PodTopologySpread", spread(), happenings.NODE_ADD, None, node("n"), False),
    ("PodTopologySpread", spread(), happenings.NODE_DELETE, node("n").label("zone", "a"), None, True),
    ("PodTopologySpread", spread(), happenings.NODE_LABELS, node("n").label("zone", "a"), node("n").label("zone", "b"), True),
    ("PodTopologySpread", spread(), happenings.NODE_TAINTS, node("n").label("zone", "a"),
     node("n").label("zone", "a").taint("x", "NoSchedule"), True),
    ("PodTopologySpread", pod("p"), happenings.POD_ADD, None, THERE, True),
    ("InterPodAffinity", affine("podAffinity", app="web"), happenings.POD_ADD, None, WEB, True),
    ("InterPodAffinity", affine("podAffinity", app="web"), happenings.POD_ADD, None, THERE, False),
    ("InterPodAffinity", affine("podAffinity", app="web"), happenings.POD_DELETE, WEB, None, False),
    ("InterPodAffinity", affine("podAntiAffinity", app="web"), happenings.POD_DELETE, WEB, None, True),
    ("InterPodAffinity", affine("podAntiAffinity", app="web"), happenings.POD_LABELS, WEB, THERE, True),
    ("InterPodAffinity", affine("podAntiAffinity", app="web"), happenings.POD_LABELS, THERE, WEB, False),
    ("InterPodAffinity", pod("p").labels(app="web"), happenings.POD_DELETE, affine("podAntiAffinity", app="web"), None, True),
    ("InterPodAffinity", affine("podAffinity", app="web"), happenings.NODE_ADD, None, node("n").label("zone", "a"), True),
    ("InterPodAffinity", affine("podAffinity", app="web"), happenings.NODE_ADD, None, node("n"), False),
    ("InterPodAffinity", affine("podAntiAffinity", app="web"), happenings.NODE_ADD, None, node("n"), True),
    ("InterPodAffinity", affine("podAntiAffinity", app="web"), happenings.NODE_LABELS, node("n").label("zone", "a"), node("n"), True),
    ("NodePorts", pod("p"), happenings.NODE_ADD, None, BIG, True),
    ("VolumeBinding", claiming(**PVC), "persistentvolumeclaims/add", None, CLAIM, True),
    ("VolumeBinding", claiming(**PVC), "persistentvolumeclaims/update", OTHER, OTHER, False),
    ("VolumeBinding", claiming(ephemeral={}), "persistentvolumeclaims/add", None, anything("v1", "PersistentVolumeClaim", "p-v"), True),
    ("VolumeBinding", claiming(**PVC), CSI, csi_node(1), csi_node(2), False),
    ("NodeVolumeLimits", claiming(**PVC), CSI, csi_node(1), csi_node(2), True),
    ("NodeVolumeLimits", claiming(**PVC), CSI, csi_node(2), csi_node(1), False),
    ("NodeVolumeLimits", claiming(**PVC), happenings.POD_DELETE, THERE, None, False),
    ("NodeVolumeLimits", claiming(**PVC), happenings.POD_DELETE, claiming(**PVC), None, True),
    ("VolumeRestrictions", claiming(**PVC), happenings.POD_DELETE, claiming(**PVC), None, True),
    ("VolumeRestrictions", claiming(**PVC), happenings.POD_DELETE, THERE, None, False),
    ("VolumeZone", claiming(**PVC), "persistentvolumes/update", cluster_wide("v1", "PersistentVolume", "v"),
     cluster_wide("v1", "PersistentVolume", "v").label("topology.kubernetes.io/zone", "a__b"), True),
    ("VolumeZone", claiming(**PVC), "persistentvolumes/update", cluster_wide("v1", "PersistentVolume", "v"),
     cluster_wide("v1", "PersistentVolume", "v").label("x", "y"), False),
    ("DefaultPreemption", pod("p"), happenings.POD_DELETE, THERE, None, False),
    ("SomebodysOwn", pod("p"), "services/update", THERE, THERE, True),
]  # fmt: skip


@pytest.mark.parametrize(("plugin", "waiting", "kind", "old", "new", "helps"), CASES)
def test_a_change_helps_or_not(
    plugin: str, waiting: Builder, kind: str, old: Builder | None, new: Builder | None, helps: bool
) -> None:
    assert hints.helps(entry(waiting), plugin, Event(kind, stored(old), stored(new))) is helps


@pytest.mark.parametrize(("name", "helps"), [("mine", True), ("other", False)])
def test_a_pod_that_names_its_node_hears_of_that_one(name: str, helps: bool) -> None:
    terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["mine"]}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    daemon = pod("p").set("spec.affinity.nodeAffinity", required).stored()
    incoming = Cluster().incoming(daemon)
    waiting = Entry("uid-p", daemon, incoming.pod_class, 0, incoming)
    assert hints.helps(waiting, "NodeAffinity", Event(happenings.NODE_ADD, None, node(name).stored())) is helps


def test_an_object_that_cannot_be_read_may_help() -> None:
    term = {"labelSelector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}, "topologyKey": "zone"}
    strange = pod("s").on("a").set("spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution", [term])
    assert hints.helps(entry(pod("p")), "InterPodAffinity", Event(happenings.POD_DELETE, strange.stored(), None))


@pytest.mark.parametrize(("change", "kinds"), [
    ({}, ["pod/update"]),
    ({"metadata.labels": {"a": "b"}}, ["pod/labels"]),
    ({"spec.tolerations": [{"operator": "Exists"}]}, ["pod/tolerations"]),
    ({"spec.schedulingGates": []}, ["pod/gates"]),
    ({"status.resourceClaimStatuses": [{"name": "x"}]}, ["pod/claims"]),
    ({"spec.containers": [{"name": "c", "image": "nginx"}]}, ["pod/smaller"]),
    ({"metadata.labels": {"a": "b"}, "spec.schedulingGates": []}, ["pod/labels", "pod/gates"]),
])  # fmt: skip
def test_what_changed_of_a_pod(change: dict[str, object], kinds: list[str]) -> None:
    builder = pod("p").requests(cpu="1").set("spec.schedulingGates", [{"name": "g"}])
    old = builder.stored()
    for path, value in change.items():
        builder.set(path, copied(value))
    assert list(happenings.of_pod(old, builder.stored())) == kinds


@pytest.mark.parametrize(("old", "new", "kinds"), [
    (BIG, BIG, []),
    (BIG, SMALL, ["node/allocatable"]),
    (BIG, node("n").capacity(cpu="8").label("x", "y"), ["node/labels"]),
    (TAINTED, node("n"), ["node/taints"]),
    (CLOSED, node("n"), ["node/taints"]),
    (node("n"), CLOSED, []),
    (node("n"), node("n").set("status.declaredFeatures", ["X"]), ["node/features"]),
])  # fmt: skip
def test_what_changed_of_a_node(old: Builder, new: Builder, kinds: list[str]) -> None:
    assert list(happenings.of_node(old.stored(), new.stored())) == kinds
