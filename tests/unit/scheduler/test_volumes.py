"""The volume plugins by tables of named cases."""

from __future__ import annotations

import pytest

from k8s_notebook.scheduler.plugins import (
    node_declared_features,
    node_volume_limits,
    volume_binding,
    volume_restrictions,
    volume_zone,
)
from tests.builders import Builder, PodBuilder, anything, cluster_wide, node, pod
from tests.unit.scheduler import storage
from tests.unit.scheduler.storage import (
    bound_claim,
    claim,
    cluster_of,
    csi_node,
    storage_class,
    using,
    verdicts,
    volume,
    with_volume,
)

FITS = {"n1": [], "n2": []}
TAKEN = {"n1": [volume_restrictions.DISK], "n2": []}
GCE, AWS = "gcePersistentDisk", "awsElasticBlockStore"
CEPH = {"monitors": ["a", "b"], "image": "i"}


@pytest.mark.parametrize(
    ("mine", "running", "expected"),
    [
        pytest.param({GCE: {"pdName": "d"}}, {GCE: {"pdName": "d"}}, TAKEN, id="one disk of GCE"),
        pytest.param({GCE: {"pdName": "d"}}, {GCE: {"pdName": "e"}}, FITS, id="another disk of GCE"),
        pytest.param(
            {GCE: {"pdName": "d", "readOnly": True}}, {GCE: {"pdName": "d", "readOnly": True}}, FITS, id="both only read"
        ),
        pytest.param({GCE: {"pdName": "d"}}, {GCE: {"pdName": "d", "readOnly": True}}, TAKEN, id="one of them writes"),
        pytest.param({AWS: {"volumeID": "v", "readOnly": True}}, {AWS: {"volumeID": "v", "readOnly": True}}, TAKEN, id="EBS"),
        pytest.param(
            {"iscsi": {"iqn": "q", "lun": 1}}, {"iscsi": {"iqn": "q", "lun": 2}}, TAKEN, id="iSCSI looks at the name alone"
        ),
        pytest.param({"rbd": CEPH}, {"rbd": {**CEPH, "monitors": ["b", "c"], "pool": "rbd"}}, TAKEN, id="one common monitor"),
        pytest.param({"rbd": CEPH}, {"rbd": {**CEPH, "monitors": ["c"]}}, FITS, id="no common monitor"),
        pytest.param({"rbd": CEPH}, {"rbd": {**CEPH, "pool": "p"}}, FITS, id="another pool"),
        pytest.param({"emptyDir": {}}, {GCE: {"pdName": "d"}}, FITS, id="no disk"),
    ],
)
def test_disks_that_one_pod_mounts(mine: dict, running: dict, expected: dict) -> None:
    cluster = cluster_of(pods=(with_volume("running", **running).on("n1"),))
    assert verdicts(volume_restrictions.PLUGIN, with_volume(**mine), cluster) == expected


EVERYWHERE = {"n1": [volume_restrictions.IN_USE], "n2": [volume_restrictions.IN_USE]}


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        pytest.param(using("data", pod_name="running").on("n1"), EVERYWHERE, id="used on one node, refused on all"),
        pytest.param(using("data", pod_name="running").on("n1").namespace("other"), FITS, id="another namespace"),
        pytest.param(using("data", pod_name="running").on("gone"), FITS, id="on a node that is not there"),
        pytest.param(using("else", pod_name="running").on("n1"), FITS, id="another claim"),
    ],
)
def test_claims_for_one_pod(running: PodBuilder, expected: dict) -> None:
    cluster = cluster_of(claim(modes=("ReadWriteOncePod",)), pods=(running,))
    assert verdicts(volume_restrictions.PLUGIN, using("data"), cluster) == expected


def test_a_missing_claim_rejects_the_pod() -> None:
    missing = 'persistentvolumeclaim "data" not found'
    for plugin in (volume_restrictions.PLUGIN, volume_binding.PLUGIN, volume_zone.PLUGIN):
        assert verdicts(plugin, using("data"), cluster_of()) == missing
    looked_up = f"looking up PVC default/data: {missing}"
    assert verdicts(node_volume_limits.PLUGIN, using("data"), cluster_of()) == {"n1": [looked_up], "n2": [looked_up]}


AWAY, NOTHING, NO_ROOM = volume_binding.UNREACHABLE, volume_binding.NOTHING_FITS, volume_binding.NO_ROOM
FAST = storage_class("fast", "csi.example.com")
WANTED = claim(storage="fast")


def tracked(size: str = "10Gi", zone: str = "z1", **fields: str) -> tuple[Builder, Builder]:
    """A driver that says how much storage it has in a zone."""
    capacity = (
        anything("storage.k8s.io/v1", "CSIStorageCapacity", f"of-{zone}").set("storageClassName", "fast").set("capacity", size)
    )
    capacity.set("nodeTopology.matchLabels", {"topology.kubernetes.io/zone": zone})
    for field, value in fields.items():
        capacity.set(field, value)
    return cluster_wide("storage.k8s.io/v1", "CSIDriver", "csi.example.com").set("spec.storageCapacity", True), capacity


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        pytest.param([bound_claim(), volume(nodes=("n1",))], {"n1": [], "n2": [AWAY]}, id="a bound volume of one node"),
        pytest.param([bound_claim()], {"n1": [volume_binding.LOST], "n2": [volume_binding.LOST]}, id="its volume is not there"),
        pytest.param([claim(), storage_class(mode="Immediate")], volume_binding.UNBOUND, id="not bound yet"),
        pytest.param([claim()], volume_binding.UNBOUND, id="no such class"),
        pytest.param([claim().set("spec.volumeName", "pv"), storage_class()], volume_binding.UNBOUND, id="half bound"),
        pytest.param([claim().deleted()], 'persistentvolumeclaim "data" is being deleted', id="being deleted"),
        pytest.param(
            [bound_claim().status(phase="Lost")], 'persistentvolumeclaim "data" bound to non-existent persistentvolume "pv"', id="lost"
        ),
        pytest.param([claim(), storage_class()], {"n1": [NOTHING], "n2": [NOTHING]}, id="no volume and nobody makes one"),
        pytest.param([claim(), storage_class(), volume(nodes=("n2",))], {"n1": [NOTHING], "n2": []}, id="a free volume of one node"),
        pytest.param([claim(size="2Gi"), storage_class(), volume()], {"n1": [NOTHING], "n2": [NOTHING]}, id="too small"),
        pytest.param([claim(), storage_class(), volume(storage="x")], {"n1": [NOTHING], "n2": [NOTHING]}, id="of another class"),
        pytest.param([claim(), storage_class(), volume().status(phase="Released")], {"n1": [NOTHING], "n2": [NOTHING]}, id="not free"),
        pytest.param([claim(), storage_class(), volume().deleted()], {"n1": [NOTHING], "n2": [NOTHING]}, id="on its way out"),
        pytest.param(
            [claim(modes=("ReadWriteMany",)), storage_class(), volume()], {"n1": [NOTHING], "n2": [NOTHING]}, id="another access mode"
        ),
        pytest.param(
            [claim().set("spec.volumeMode", "Block"), storage_class(), volume()], {"n1": [NOTHING], "n2": [NOTHING]}, id="a raw device"
        ),
        pytest.param(
            [claim().set("spec.selector.matchLabels", {"a": "b"}), storage_class(), volume()],
            {"n1": [NOTHING], "n2": [NOTHING]}, id="selected by label",
        ),
        pytest.param([WANTED, FAST], FITS, id="made anywhere"),
        pytest.param(
            [WANTED, storage_class("fast", "csi.example.com").set("allowedTopologies", [
                {"matchLabelExpressions": [{"key": "topology.kubernetes.io/zone", "values": ["z2"]}]}])],
            {"n1": [NOTHING], "n2": []}, id="made in one zone",
        ),
        pytest.param([WANTED, FAST, *tracked()], {"n1": [], "n2": [NO_ROOM]}, id="storage is left in one zone"),
        pytest.param([WANTED, FAST, *tracked("512Mi")], {"n1": [NO_ROOM], "n2": [NO_ROOM]}, id="too little is left"),
        pytest.param([WANTED, FAST, *tracked(maximumVolumeSize="1Mi")], {"n1": [NO_ROOM], "n2": [NO_ROOM]}, id="one volume is smaller"),
        pytest.param([WANTED.obj() and claim(storage="fast").annotation("volume.kubernetes.io/selected-node", "n2"), FAST],
                     {"n1": [NOTHING], "n2": []}, id="made for one node already"),
    ],
)  # fmt: skip
def test_where_claims_get_their_volumes(things: list[Builder], expected: object) -> None:
    assert verdicts(volume_binding.PLUGIN, using("data"), cluster_of(*things)) == expected


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        pytest.param("pod", FITS, id="its own"),
        pytest.param("other", "PVC default/pod-v was not created for pod default/pod (pod is not owner)", id="somebody else's"),
        pytest.param(
            None, 'waiting for ephemeral volume controller to create the persistentvolumeclaim "pod-v"', id="not made yet"
        ),
    ],
)
def test_claims_that_live_with_their_pod(owner: str | None, expected: object) -> None:
    cluster = cluster_of(FAST)
    if owner is not None:
        cluster.beside.put("persistentvolumeclaims", claim("pod-v", storage="fast").owned_by(pod(owner).stored()).stored())
    assert verdicts(volume_binding.PLUGIN, with_volume(ephemeral={"volumeClaimTemplate": {}}), cluster) == expected


def zoned(**labels: str) -> list[Builder]:
    """A bound claim whose volume has labels."""
    return [bound_claim(), volume().labels(**labels)]


ELSEWHERE = ["node(s) had no available volume zone"]


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        pytest.param(zoned(topology_kubernetes_io__zone="z1"), FITS, id="a key that nothing has"),
        pytest.param(
            [bound_claim(), volume().label("topology.kubernetes.io/zone", "z1")], {"n1": [], "n2": ELSEWHERE}, id="a zone"
        ),
        pytest.param([bound_claim(), volume().label("topology.kubernetes.io/zone", "z1__z2")], FITS, id="two zones"),
        pytest.param([bound_claim(), volume().label("topology.kubernetes.io/zone", "z9__")], FITS, id="unreadable"),
        pytest.param(
            [bound_claim(), volume().label("failure-domain.beta.kubernetes.io/zone", "z2")],
            {"n1": ELSEWHERE, "n2": []},
            id="old key",
        ),
        pytest.param(
            [bound_claim(), volume().label("topology.kubernetes.io/region", "r")],
            {"n1": ELSEWHERE, "n2": ELSEWHERE},
            id="a region",
        ),
        pytest.param([bound_claim()], 'persistentvolume "pv" not found', id="the volume is gone"),
        pytest.param([claim(storage="")], "PersistentVolumeClaim had no pv name and storageClass name", id="no class"),
        pytest.param([claim()], 'storageclass.storage.k8s.io "local" not found', id="unknown class"),
        pytest.param([claim(), storage_class(mode="Immediate")], "PersistentVolume had no name", id="not bound yet"),
        pytest.param([claim(), storage_class()], FITS, id="bound late"),
    ],
)
def test_zones(things: list[Builder], expected: object) -> None:
    assert verdicts(volume_zone.PLUGIN, using("data"), cluster_of(*things)) == expected


def test_nodes_without_zones_take_any_volume() -> None:
    cluster = cluster_of(node("n1"), *[bound_claim(), volume().label("topology.kubernetes.io/zone", "z1")], nodes=())
    assert verdicts(volume_zone.PLUGIN, using("data"), cluster) == {"n1": []}


FULL = {"n1": [node_volume_limits.EXCEEDED], "n2": []}
EBS, GKE = "ebs__csi__aws__com", "pd__csi__storage__gke__io"


def csi_volume(name: str, driver: str = "d") -> list[Builder]:
    """A claim `name` with a volume `pv-name` of a CSI driver."""
    made = volume(f"pv-{name}").set("spec.csi", {"driver": driver, "volumeHandle": f"h-{name}"})
    return [bound_claim(name, f"pv-{name}"), made]


def attached(volume_name: str, to: str = "n1", driver: str = "d") -> Builder:
    """A VolumeAttachment."""
    made = cluster_wide("storage.k8s.io/v1", "VolumeAttachment", f"{volume_name}-{to}").set("spec.attacher", driver)
    return made.set("spec.nodeName", to).set("spec.source.persistentVolumeName", volume_name)


RUNNING = using("b", pod_name="running").on("n1")


@pytest.mark.parametrize(
    ("pending", "things", "running", "expected"),
    [
        pytest.param(using("a"), csi_volume("a"), [], FITS, id="room"),
        pytest.param(using("a"), [*csi_volume("a"), *csi_volume("b")], [RUNNING], FULL, id="full"),
        pytest.param(using("b"), csi_volume("b"), [RUNNING], FITS, id="a volume that is there already"),
        pytest.param(using("a"), [*csi_volume("a", "other"), *csi_volume("b")], [RUNNING], FITS, id="another driver"),
        pytest.param(using("a", "b"), [*csi_volume("a"), *csi_volume("b")], [], FULL, id="two at once"),
        pytest.param(using("a"), [*csi_volume("a"), *csi_volume("b"), attached("pv-b")], [], FULL, id="attached without a pod"),
        pytest.param(using("a"), [*csi_volume("a"), *csi_volume("b"), attached("pv-b", "n2")], [], FITS, id="no limit there"),
        pytest.param(using("a"), [*csi_volume("a"), attached("pv-a")], [], FULL, id="its own attachment counts twice"),
        pytest.param(using("a"), [*csi_volume("a")], [RUNNING], FITS, id="a claim that cannot be looked up"),
        pytest.param(using("a"), [claim("a", storage="c"), storage_class("c", "d"), *csi_volume("b")], [RUNNING], FULL, id="to be made"),
        pytest.param(
            with_volume(awsElasticBlockStore={"volumeID": "aws://z1/vol-1"}), [], [with_volume("r", awsElasticBlockStore={
                "volumeID": "vol-2"}).on("n1")], FULL, id="in-tree disks of AWS",
        ),
        pytest.param(
            with_volume(awsElasticBlockStore={"volumeID": "aws://z1/vol-1"}), [], [with_volume("r", awsElasticBlockStore={
                "volumeID": "vol-1"}).on("n1")], FITS, id="one and the same disk",
        ),
        pytest.param(
            using("a"), [bound_claim("a", "x"), volume("x").set("spec.gcePersistentDisk", {"pdName": "p"})],
            [with_volume("r", gcePersistentDisk={"pdName": "q"}).on("n1")], FULL, id="in-tree volume of GCE",
        ),
    ],
)  # fmt: skip
def test_volume_limits(pending: PodBuilder, things: list[Builder], running: list[PodBuilder], expected: object) -> None:
    limits = csi_node("n1", d=1, **{EBS: 1, GKE: 1})
    assert verdicts(node_volume_limits.PLUGIN, pending, cluster_of(limits, *things, pods=tuple(running))) == expected


GKE_ZONE = "topology.gke.io/zone"
OLD = "failure-domain.beta.kubernetes.io/zone"


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        pytest.param(volume().label("topology.kubernetes.io/zone", "a-b-z1"), {"n1": [], "n2": [AWAY]}, id="by its label"),
        pytest.param(
            volume().set("spec.nodeAffinity.required", storage.on(OLD, "a-b-z1")), {"n1": [], "n2": [AWAY]}, id="by its affinity"
        ),
        pytest.param(volume(), FITS, id="anywhere"),
    ],
)
def test_a_node_that_handed_a_plugin_over_is_matched_in_the_words_of_csi(disk: Builder, expected: object) -> None:
    disk.set("spec.gcePersistentDisk", {"pdName": "d"})
    cluster = cluster_of(
        node("n1").label(GKE_ZONE, "a-b-z1"), node("n2").label(GKE_ZONE, "a-b-z2"), bound_claim(), disk,
        *(csi_node(name, handed_over="kubernetes.io/aws-ebs,kubernetes.io/gce-pd") for name in ("n1", "n2")), nodes=(),
    )  # fmt: skip
    assert verdicts(volume_binding.PLUGIN, using("data"), cluster) == expected


UNDECLARED = ["node(s) didn't match Pod's required features"]
RULES = [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [1]}}]


@pytest.mark.parametrize(
    ("pending", "feature"),
    [
        pytest.param(
            pod().container("x", restartPolicy="Never", restartPolicyRules=RULES),
            "RestartAllContainersOnContainerExits",
            id="restart",
        ),
        pytest.param(
            pod().set("spec.hostNetwork", True).set("spec.hostUsers", False), "UserNamespacesHostNetworkSupport", id="users"
        ),
        pytest.param(pod().set("spec.hostNetwork", True), "", id="nothing"),
    ],
)
def test_features_that_nodes_declare(pending: PodBuilder, feature: str) -> None:
    cluster = cluster_of(node("n1").status(declaredFeatures=["Other", feature]), node("n2"), nodes=())
    expected = {"n1": [], "n2": UNDECLARED if feature else []}
    assert verdicts(node_declared_features.PLUGIN, pending, cluster) == expected
