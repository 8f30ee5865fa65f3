"""The rows of volumes, claims, classes and CSI objects."""

from __future__ import annotations

from k8s_notebook.objects import Obj
from k8s_notebook.objects.tables.getters import (
    NONE,
    UNSET,
    Cell,
    age,
    at,
    count,
    created,
    flag,
    joined,
    name,
    printer,
    text,
    value,
)

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_CLASS = "volume.beta.kubernetes.io/storage-class"
_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def _modes(modes: list[str] | None) -> str:
    return ",".join(short for mode, short in _MODES.items() if mode in (modes or ()))


def _volume_modes(volume: Obj, now: float) -> Cell:
    return _modes(at(volume, "spec.accessModes"))


def _claim_modes(claim: Obj, now: float) -> Cell:
    return _modes(at(claim, "status.accessModes")) if at(claim, "spec.volumeName") else ""


def _claim_capacity(claim: Obj, now: float) -> Cell:
    return str(at(claim, "status.capacity.storage") or "0") if at(claim, "spec.volumeName") else ""


def _phase(obj: Obj, now: float) -> Cell:
    found: str = "Terminating" if obj["metadata"].get("deletionTimestamp") else at(obj, "status.phase") or ""
    return found


def _class(obj: Obj, now: float) -> Cell:
    annotated = (obj["metadata"].get("annotations") or {}).get(_CLASS)
    found: str = annotated if annotated is not None else at(obj, "spec.storageClassName") or ""
    return found


def _claim(volume: Obj, now: float) -> Cell:
    found = at(volume, "spec.claimRef")
    return "" if found is None else f"{found.get('namespace', '')}/{found.get('name', '')}"


def _default_name(obj: Obj, now: float) -> Cell:
    annotations = obj["metadata"].get("annotations") or {}
    default = any(annotations.get(key) == "true" for key in _DEFAULT)
    return f"{name(obj, now)} (default)" if default else name(obj, now)


def _token_requests(driver: Obj, now: float) -> Cell:
    found = at(driver, "spec.tokenRequests")
    return UNSET if found is None else ",".join(request.get("audience", "") for request in found)


PRINTERS = {
    "persistentvolumes": printer(
        "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age|VolumeMode*",
        name,
        text("spec.capacity.storage", "0"),
        _volume_modes,
        text("spec.persistentVolumeReclaimPolicy"),
        _phase,
        _claim,
        _class,
        value("spec.volumeAttributesClassName", UNSET),
        text("status.reason"),
        age,
        value("spec.volumeMode", UNSET),
    ),
    "persistentvolumeclaims": printer(
        "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|VolumeMode*",
        name,
        _phase,
        text("spec.volumeName"),
        _claim_capacity,
        _claim_modes,
        _class,
        value("spec.volumeAttributesClassName", UNSET),
        age,
        value("spec.volumeMode", UNSET),
    ),
    "storageclasses.storage.k8s.io": printer(
        "Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age",
        _default_name,
        text("provisioner"),
        value("reclaimPolicy", "Delete"),
        value("volumeBindingMode", "Immediate"),
        flag("allowVolumeExpansion"),
        age,
    ),
    "volumeattachments.storage.k8s.io": printer(
        "Name|Attacher:name|PV|Node|Attached:boolean|Age",
        name,
        text("spec.attacher"),
        text("spec.source.persistentVolumeName"),
        text("spec.nodeName"),
        flag("status.attached"),
        age,
    ),
    "volumeattributesclasses.storage.k8s.io": printer("Name|DriverName|Age", name, text("driverName"), age),
    "csinodes.storage.k8s.io": printer("Name|Drivers:integer|Age", name, count("spec.drivers"), age),
    "csistoragecapacities.storage.k8s.io": printer("Name|Created At:date", name, created),
    "csidrivers.storage.k8s.io": printer(
        "Name|AttachRequired:boolean|PodInfoOnMount:boolean|StorageCapacity:boolean|TokenRequests|RequiresRepublish:boolean"
        "|Modes|Age",
        name,
        flag("spec.attachRequired", True),
        flag("spec.podInfoOnMount"),
        flag("spec.storageCapacity"),
        _token_requests,
        flag("spec.requiresRepublish"),
        joined("spec.volumeLifecycleModes", NONE),
        age,
    ),
}
