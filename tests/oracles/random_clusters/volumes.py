"""Random volumes: classes, drivers, volumes, claims in every state, and pods that use them."""

from __future__ import annotations

from tests.oracles.random_clusters.dice import NAMESPACES, Dice, Json, timestamp
from tests.oracles.random_clusters.nodes import IMAGES, ZONES

DISK, SIZED = "disk.example.com", "sized.example.com"
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
DONE = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
KINDS = ["bound", "bound", "bound", "bound", "exclusive", "local", "local", "wait", "zonal", "sized", "selected"]
BAD_KINDS = ["immediate", "deleting", "lost", "volume-gone", "prebound"]


def objects(dice: Dice, nodes: list[Json]) -> list[Json]:
    """The objects that volumes need; none without the family."""
    if "volumes" not in dice.features:
        return []
    names = [n["metadata"]["name"] for n in nodes]
    found = [*_classes(dice), *_drivers(), *_capacities(dice)]
    found += [_csi_node(dice, name) for name in names if dice.often(0.85)]
    found += [_local_volume(dice, i, dice.choice(names)) for i in range(dice.randint(0, 6))]
    for i in range(dice.randint(6, 16)):
        found += _claim_with_volume(dice, i, names)
    return found + _attachments(dice, names, found)


USED = "test.example.com/used"


def use(dice: Dice, pod: Json, objects: list[Json], *, assigned: bool = False) -> None:
    """Now and then, give a pod volumes; assigned pods use claims that are bound."""
    if not dice.uses("volumes", 0.4):
        return
    claims = [o for o in objects if o["kind"] == "PersistentVolumeClaim"]
    near = [c for c in claims if c["metadata"]["namespace"] == pod["metadata"]["namespace"]]
    kinds = ("bound", "exclusive") if assigned else (*KINDS, *(BAD_KINDS if dice.often(0.1) else ()))
    names = [c["metadata"]["name"] for c in near if c["metadata"]["name"].rsplit("-", 1)[0] in kinds]
    volumes = [{"persistentVolumeClaim": {"claimName": n}} for n in dice.some(names, 3)] if names and dice.often(0.8) else []
    if dice.often(0.25):
        volumes.append(_inline(dice))
    if not assigned and dice.often(0.05):
        volumes.append({"persistentVolumeClaim": {"claimName": "absent"}})
    if not assigned and dice.often(0.08):
        volumes.append(_ephemeral())
        if dice.often(0.7):
            objects.append(_claim_of(pod, f"{pod['metadata']['name']}-v{len(volumes) - 1}"))
    if assigned:
        _taken(objects, pod["metadata"]["namespace"], volumes)
    if volumes:
        pod["spec"]["volumes"] = [{"name": f"v{i}", **volume} for i, volume in enumerate(volumes)]


def _taken(objects: list[Json], namespace: str, volumes: list[Json]) -> None:
    """Leaves out the claims for one pod that another assigned pod has already: no scheduler would have placed both."""
    for claim in objects:
        if claim["kind"] == "PersistentVolumeClaim" and claim["metadata"]["namespace"] == namespace:
            mine = [v for v in volumes if v.get("persistentVolumeClaim", {}).get("claimName") == claim["metadata"]["name"]]
            if mine and "ReadWriteOncePod" in claim["spec"]["accessModes"]:
                if claim["metadata"].get("annotations", {}).get(USED):
                    volumes.remove(mine[0])
                claim["metadata"].setdefault("annotations", {})[USED] = "yes"


def _inline(dice: Dice) -> Json:
    """A disk that only one pod of a node may hold, or an empty folder."""
    read_only = {"readOnly": True} if dice.often(0.3) else {}
    return dice.choice([
        {"gcePersistentDisk": {"pdName": dice.choice(["d1", "d2"]), **read_only}},
        {"awsElasticBlockStore": {"volumeID": dice.choice(["vol-1", "vol-2"]), **read_only}},
        {"iscsi": {"targetPortal": "10.0.0.9:3260", "iqn": f"iqn.2026-01.com.example:{dice.choice('ab')}", "lun": 0, **read_only}},
        {"rbd": {"monitors": dice.some(["m1", "m2", "m3"], 2), "image": "i", "pool": dice.choice(["rbd", "fast"]), **read_only}},
        {"emptyDir": {}},
        {"image": {"reference": dice.choice(IMAGES), "pullPolicy": "IfNotPresent"}},
    ])  # fmt: skip


def _ephemeral() -> Json:
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "wait", "resources": {"requests": {"storage": "1Gi"}}}
    return {"ephemeral": {"volumeClaimTemplate": {"spec": {**spec, "volumeMode": "Filesystem"}}}}


def _claim_of(pod: Json, name: str) -> Json:
    claim = _claim(name, pod["metadata"]["namespace"], "wait", "1Gi")
    owner = {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
    claim["metadata"]["ownerReferences"] = [{**owner, "controller": True, "blockOwnerDeletion": True}]
    return claim


def _class(name: str, provisioner: str, mode: str, **fields: Json | list[Json]) -> Json:
    made = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name, "uid": f"uid-{name}"}}
    return {**made, "provisioner": provisioner, "volumeBindingMode": mode, "reclaimPolicy": "Delete", **fields}


def _classes(dice: Dice) -> list[Json]:
    topologies = [{"matchLabelExpressions": [{"key": ZONE, "values": dice.some(ZONES, 2)}]}]
    wait = "WaitForFirstConsumer"
    return [
        _class("manual", "kubernetes.io/no-provisioner", "Immediate"),
        _class("local", "kubernetes.io/no-provisioner", wait),
        _class("wait", DISK, wait),
        _class("zonal", DISK, wait, allowedTopologies=topologies),
        _class("sized", SIZED, wait),
    ]


def _drivers() -> list[Json]:
    made = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver"}
    return [
        {**made, "metadata": {"name": DISK, "uid": "uid-disk"}, "spec": {"storageCapacity": False}},
        {**made, "metadata": {"name": SIZED, "uid": "uid-sized"}, "spec": {"storageCapacity": True}},
    ]


def _capacities(dice: Dice) -> list[Json]:
    """How much room the driver that keeps count has in each zone."""
    found = []
    for zone in ZONES:
        if dice.often(0.7):
            metadata = {"name": f"room-{zone}", "namespace": "default", "uid": f"uid-room-{zone}"}
            made: Json = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIStorageCapacity", "metadata": metadata}
            made |= {"storageClassName": "sized", "nodeTopology": {"matchLabels": {ZONE: zone}}}
            made["capacity"] = dice.choice(["1Gi", "10Gi", "100Gi"])
            if dice.often(0.3):
                made["maximumVolumeSize"] = "4Gi"
            found.append(made)
    return found


def _csi_node(dice: Dice, name: str) -> Json:
    drivers: list[Json] = [{"name": SIZED, "nodeID": name, "topologyKeys": [ZONE]}]
    if dice.often(0.9):
        limit = {"allocatable": {"count": dice.choice([1, 2, 3, 8])}} if dice.often(0.8) else {}
        drivers.append({"name": DISK, "nodeID": name, "topologyKeys": [ZONE], **limit})
    made = {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name, "uid": f"uid-csi-{name}"}}
    return {**made, "spec": {"drivers": drivers}}


def _reach(key: str, values: list[str]) -> Json:
    terms = [{"matchExpressions": [{"key": key, "operator": "In", "values": values}]}]
    return {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}


def _volume(name: str, size: str, class_name: str, source: Json) -> Json:
    spec = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", **source}
    spec |= {"storageClassName": class_name, "persistentVolumeReclaimPolicy": "Retain"}
    metadata = {"name": name, "uid": f"uid-{name}"}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec, "status": {"phase": "Available"}}


def _local_volume(dice: Dice, number: int, node: str) -> Json:
    """A free volume on one node; no two are of one size."""
    made = _volume(f"local-{number}", f"{1 + number * 2 + dice.randint(0, 1)}Gi", "local", {"local": {"path": "/mnt/disk"}})
    made["spec"] |= _reach("kubernetes.io/hostname", [node])
    if dice.often(0.3):
        made["metadata"]["labels"] = {"speed": "fast"}
    return made


def _claim(name: str, namespace: str, class_name: str, size: str) -> Json:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, "volumeMode": "Filesystem"}
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}", "annotations": {}}
    made = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
    return {**made, "status": {"phase": "Pending"}} | {"spec": {**spec, "storageClassName": class_name}}


def _claim_with_volume(dice: Dice, number: int, nodes: list[str]) -> list[Json]:
    """A claim in any state, with its volume if it has one."""
    kind = dice.choice(KINDS) if dice.often(0.85) else dice.choice(BAD_KINDS)
    namespace = "default" if dice.often(0.6) else dice.choice(NAMESPACES)
    classes = {"local": "local", "zonal": "zonal", "sized": "sized", "immediate": "manual", "lost": "manual"}
    claim = _claim(f"{kind}-{number}", namespace, classes.get(kind, "wait"), dice.choice(["500Mi", "2Gi", "5Gi"]))
    if kind == "selected":
        claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] = dice.choice(nodes)
    if kind == "deleting":
        claim["metadata"] |= {"deletionTimestamp": timestamp(500), "finalizers": ["kubernetes.io/pvc-protection"]}
    if kind == "local" and dice.often(0.2):
        claim["spec"]["selector"] = {"matchLabels": {"speed": "fast"}}
    if kind == "lost":
        claim["spec"]["volumeName"] = "lost"
        claim["metadata"]["annotations"] = dict(DONE)
        claim["status"] = {"phase": "Lost"}
    if kind == "prebound":
        claim["spec"]["volumeName"] = f"disk-{number}"
    if kind not in ("bound", "exclusive", "volume-gone", "deleting"):
        return [claim]
    volume = _bind(dice, claim, f"disk-{number}", nodes)
    if kind == "exclusive":
        claim["spec"]["accessModes"] = volume["spec"]["accessModes"] = ["ReadWriteOncePod"]
    return [claim] if kind == "volume-gone" else [claim, volume]


def _bind(dice: Dice, claim: Json, name: str, nodes: list[str]) -> Json:
    """The volume that a claim is bound to."""
    claim["spec"]["volumeName"] = name
    claim["metadata"]["annotations"] = dict(DONE)
    claim["status"] = {"phase": "Bound"}
    volume = _volume(name, "10Gi", "wait", {"csi": {"driver": DISK, "volumeHandle": f"handle-{name}", "fsType": "ext4"}})
    reference = {k: claim["metadata"][k] for k in ("name", "namespace", "uid")}
    volume["spec"]["claimRef"] = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **reference}
    volume["status"] = {"phase": "Bound"}
    if dice.often(0.4):
        volume["spec"] |= _reach(ZONE, dice.some(ZONES, 2))
    elif dice.often(0.3):
        volume["spec"] |= _reach("kubernetes.io/hostname", dice.some(nodes, 3))
    if dice.often(0.3):
        volume["metadata"]["labels"] = {ZONE: dice.choice([*ZONES, "a__b"])}
    if dice.often(0.1):
        volume["metadata"].setdefault("labels", {})[REGION] = "east"
    return volume


def _attachments(dice: Dice, nodes: list[str], found: list[Json]) -> list[Json]:
    """Volumes that are attached to nodes already."""
    volumes = [o["metadata"]["name"] for o in found if o["kind"] == "PersistentVolume" and "csi" in o["spec"]]
    made = []
    for name in volumes:
        if dice.often(0.2):
            metadata = {"name": f"attached-{name}", "uid": f"uid-attached-{name}"}
            spec = {"attacher": DISK, "nodeName": dice.choice(nodes), "source": {"persistentVolumeName": name}}
            kind = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": metadata}
            made.append({**kind, "spec": spec, "status": {"attached": True}})
    return made
