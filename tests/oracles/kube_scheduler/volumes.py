"""VolumeRestrictions, NodeVolumeLimits and VolumeZone."""

from __future__ import annotations

from tests.oracles.kube_scheduler import labels
from tests.oracles.kube_scheduler.cluster import Cluster, Verdict
from tests.oracles.kube_scheduler.plugin import Plugin, name_of, namespace_of

BETA_ZONE, BETA_REGION = "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region"
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
TODAY = {BETA_ZONE: ZONE, BETA_REGION: REGION, ZONE: ZONE, REGION: REGION}


def volumes_of(pod: dict) -> list[dict]:
    """The volumes of a pod."""
    return pod["spec"].get("volumes") or []


def claim_name(pod: dict, volume: dict) -> str:
    """The name of the claim behind a volume, "" if it has none."""
    if "persistentVolumeClaim" in volume:
        return str(volume["persistentVolumeClaim"]["claimName"])
    return f"{name_of(pod)}-{volume['name']}" if "ephemeral" in volume else ""


def class_of(claim: dict) -> str:
    """The storage class of a claim or a volume."""
    annotations = claim["metadata"].get("annotations") or {}
    return str(annotations.get("volume.beta.kubernetes.io/storage-class") or claim["spec"].get("storageClassName") or "")


class VolumeRestrictions(Plugin):
    """Some disks take one pod per node, some claims one pod altogether."""

    name = "VolumeRestrictions"

    def begin(self) -> str:
        self.exclusive: set[str] = set()
        for volume in volumes_of(self.pod):
            if "persistentVolumeClaim" in volume:
                name = volume["persistentVolumeClaim"]["claimName"]
                claim = self.cluster.get("PersistentVolumeClaim", name, namespace_of(self.pod))
                if claim is None:
                    return f'persistentvolumeclaim "{name}" not found'
                if "ReadWriteOncePod" in claim["spec"].get("accessModes", []):
                    self.exclusive.add(name)
        others = [p for node in self.cluster.nodes for p in self.cluster.on(node) if namespace_of(p) == namespace_of(self.pod)]
        used = {v["persistentVolumeClaim"]["claimName"] for p in others for v in volumes_of(p) if "persistentVolumeClaim" in v}
        self.users = len(self.exclusive & used)
        disks = {"gcePersistentDisk", "awsElasticBlockStore", "rbd", "iscsi"}
        self.skips = self.users == 0 and not any(disks & set(volume) for volume in volumes_of(self.pod))
        return ""

    def copied(self) -> VolumeRestrictions:
        twin = VolumeRestrictions(self.cluster, self.pod, self.args)
        twin.exclusive, twin.users, twin.skips = self.exclusive, self.users, self.skips
        return twin

    def moved(self, other: dict, node: dict, by: int) -> None:
        """Counts claims by name, in whatever namespace: a quirk of kube-scheduler."""
        for volume in volumes_of(other):
            if volume.get("persistentVolumeClaim", {}).get("claimName") in self.exclusive:
                self.users += by

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        if any(disks_clash(a, b) for other in there for a in volumes_of(self.pod) for b in volumes_of(other)):
            return self.no("node(s) had no available disk")
        if self.users > 0:
            conflict = "ReadWriteOncePod access mode already in-use by another pod"
            return self.no(f"node(s) unavailable due to PersistentVolumeClaim with {conflict}")
        return None


def disks_clash(a: dict, b: dict) -> bool:
    """Whether two volumes are one disk that only one pod may write."""

    def both(kind: str) -> bool:
        return kind in a and kind in b

    def may_be_shared(kind: str) -> bool:
        return bool(a[kind].get("readOnly")) and bool(b[kind].get("readOnly"))

    if both("gcePersistentDisk") and a["gcePersistentDisk"]["pdName"] == b["gcePersistentDisk"]["pdName"]:
        return not may_be_shared("gcePersistentDisk")
    if both("awsElasticBlockStore"):
        return bool(a["awsElasticBlockStore"]["volumeID"] == b["awsElasticBlockStore"]["volumeID"])
    if both("iscsi") and a["iscsi"]["iqn"] == b["iscsi"]["iqn"]:
        return not may_be_shared("iscsi")
    if both("rbd") and set(a["rbd"]["monitors"]) & set(b["rbd"]["monitors"]):
        same = all((a["rbd"].get(k) or d) == (b["rbd"].get(k) or d) for k, d in (("pool", "rbd"), ("image", "")))
        return same and not may_be_shared("rbd")
    return False


class NodeVolumeLimits(Plugin):
    """A node takes only so many volumes of each CSI driver."""

    name = "NodeVolumeLimits"

    def begin(self) -> str:
        counted = {"persistentVolumeClaim", "ephemeral", "gcePersistentDisk", "awsElasticBlockStore", "azureDisk", "cinder"}
        self.skips = not any(counted & set(volume) for volume in volumes_of(self.pod))
        return ""

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        csi_node = self.cluster.get("CSINode", name_of(node)) or {"spec": {"drivers": []}}
        limits = {}
        for driver in csi_node["spec"].get("drivers") or []:
            if (driver.get("allocatable") or {}).get("count") is not None:
                limits[driver["name"]] = driver["allocatable"]["count"]
        wanted = csi_volumes(self.cluster, self.pod)
        held: dict[str, str] = {}
        for other in there:
            held |= csi_volumes(self.cluster, other)
        attached = self._attached(node)
        for driver, limit in limits.items():
            new = [handle for handle, name in wanted.items() if name == driver and handle not in held]
            old = [handle for handle, name in (held | attached).items() if name == driver]
            if new and len(old) + len(new) > limit:
                return self.no("node(s) exceed max volume count")
        return None

    def _attached(self, node: dict) -> dict[str, str]:
        """unique name -> driver of the volumes that are attached to a node already."""
        found = {}
        for attachment in self.cluster.kind("VolumeAttachment"):
            spec = attachment["spec"]
            volume = self.cluster.get("PersistentVolume", spec["source"].get("persistentVolumeName") or "")
            if spec["nodeName"] == name_of(node) and volume and "csi" in volume["spec"]:
                found[f"{spec['attacher']}/{volume['spec']['csi']['volumeHandle']}"] = spec["attacher"]
        return found


def csi_volumes(cluster: Cluster, pod: dict) -> dict[str, str]:
    """unique name -> driver of the CSI volumes of a pod; those still to be made are named after their claim."""
    found = {}
    for volume in volumes_of(pod):
        name = claim_name(pod, volume)
        claim = cluster.get("PersistentVolumeClaim", name, namespace_of(pod)) if name else None
        if claim is None:
            continue
        bound = cluster.get("PersistentVolume", claim["spec"].get("volumeName") or "")
        if bound is not None:
            if "csi" in bound["spec"]:
                csi = bound["spec"]["csi"]
                found[f"{csi['driver']}/{csi['volumeHandle']}"] = csi["driver"]
            continue
        made_by = cluster.get("StorageClass", class_of(claim))
        if made_by is not None:
            found[f"{made_by['provisioner']}/to-be-made-{namespace_of(pod)}/{name}"] = made_by["provisioner"]
    return found


class VolumeZone(Plugin):
    """A bound volume with zone labels keeps its pod in that zone."""

    name = "VolumeZone"

    def begin(self) -> str:
        self.wanted: list[tuple[str, list[str]]] = []
        for volume in volumes_of(self.pod):
            if "persistentVolumeClaim" in volume:
                reason = self._look_at(volume["persistentVolumeClaim"]["claimName"])
                if reason:
                    return reason
        self.skips = not self.wanted
        return ""

    def _look_at(self, name: str) -> str:
        """Remember the zones of a claim's volume; a reason if that cannot be."""
        claim = self.cluster.get("PersistentVolumeClaim", name, namespace_of(self.pod))
        if claim is None:
            return f'persistentvolumeclaim "{name}" not found'
        bound = claim["spec"].get("volumeName")
        if not bound:
            return self._look_at_class(class_of(claim))
        volume = self.cluster.get("PersistentVolume", bound)
        if volume is None:
            return f'persistentvolume "{bound}" not found'
        for key in (BETA_ZONE, BETA_REGION, ZONE, REGION):
            if key in labels.labels_of(volume):
                self.wanted.append((key, labels.labels_of(volume)[key].split("__")))
        return ""

    def _look_at_class(self, name: str) -> str:
        if not name:
            return "PersistentVolumeClaim had no pv name and storageClass name"
        found = self.cluster.get("StorageClass", name)
        if found is None:
            return f'storageclass.storage.k8s.io "{name}" not found'
        return "" if found.get("volumeBindingMode") == "WaitForFirstConsumer" else "PersistentVolume had no name"

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        here = labels.labels_of(node)
        if not any(key in here for key in TODAY):
            return None
        for key, values in self.wanted:
            value = here.get(key, here.get(TODAY[key]))
            if value not in values:
                return self.no("node(s) had no available volume zone", final=True)
        return None
