"""Hints of the plugins that look at volumes and devices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from k8s_notebook.objects import Obj, quantity
from k8s_notebook.scheduler.happenings import Event

if TYPE_CHECKING:
    from k8s_notebook.scheduler.queue import Entry

MIGRATED = "storage.alpha.kubernetes.io/migrated-plugins"
ZONES = (
    "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
)  # fmt: skip
DISKS = ("gcePersistentDisk", "awsElasticBlockStore", "rbd", "iscsi")
IN_TREE = (*DISKS[:2], "azureDisk", "azureFile", "cinder", "vsphereVolume", "portworxVolume")
"""Volumes named in the pod that a CSI driver may serve today."""


def own_claim(entry: Entry, event: Event) -> bool:
    """Whether it is a claim that the pod names, or one that is made for it."""
    return _of_namespace(entry, event) and event.obj["metadata"]["name"] in claim_names(entry.pod)


def named_claim(entry: Entry, event: Event) -> bool:
    """Whether it is a claim that the pod names."""
    return _of_namespace(entry, event) and event.obj["metadata"]["name"] in claim_names(entry.pod, ephemeral=False)


def disk_freed(entry: Entry, event: Event) -> bool:
    """Whether the pod that is gone used a claim or a kind of disk that the waiting one uses."""
    if not _of_namespace(entry, event):
        return False
    mine, its = set(claim_names(entry.pod, ephemeral=False)), set(claim_names(event.obj, ephemeral=False))
    return bool(mine & its) or bool(_disks(entry.pod) & _disks(event.obj))


def volume_freed(entry: Entry, event: Event) -> bool:
    """Whether the pod that is gone had a volume that counts on its node."""
    return any(f in v for v in _volumes(event.obj) for f in ("persistentVolumeClaim", "ephemeral", *IN_TREE))


def detached(entry: Entry, event: Event) -> bool:
    """Whether the pod has a volume for which a detached one makes room."""
    return any(f in v for v in _volumes(entry.pod) for f in ("persistentVolumeClaim", *IN_TREE))


def limit_raised(entry: Entry, event: Event) -> bool:
    """Whether a node now takes more volumes of some driver."""
    before, after = _limits(event.old), _limits(event.new)
    return any(count > before.get(name, 0) for name, count in after.items())


def topologies_changed(entry: Entry, event: Event) -> bool:
    """Whether a storage class may now be used elsewhere."""
    return (event.old or {}).get("allowedTopologies") != (event.new or {}).get("allowedTopologies")


def waits_for_consumer(entry: Entry, event: Event) -> bool:
    """Whether a storage class is one whose volumes are bound when a pod is placed."""
    return bool(event.obj.get("volumeBindingMode") == "WaitForFirstConsumer")


def migration_changed(entry: Entry, event: Event) -> bool:
    """Whether a node serves other plugins by CSI than before."""
    before, after = ((o or {}).get("metadata", {}).get("annotations") or {} for o in (event.old, event.new))
    return bool(before.get(MIGRATED) != after.get(MIGRATED))


def capacity_ignored(entry: Entry, event: Event) -> bool:
    """Whether the driver of a volume of the pod is no longer asked for its capacity."""
    if not any((v.get("csi") or {}).get("driver") == event.obj["metadata"]["name"] for v in _volumes(entry.pod)):
        return False
    before, after = (((o or {}).get("spec") or {}).get("storageCapacity") for o in (event.old, event.new))
    return bool(before) and not after


def capacity_grown(entry: Entry, event: Event) -> bool:
    """Whether there is room for larger volumes than before."""
    before, after = _largest(event.old), _largest(event.new)
    return after is not None and (before is None or after > before)


def zone_changed(entry: Entry, event: Event) -> bool:
    """Whether a volume is in other zones than before."""
    before, after = ((o or {}).get("metadata", {}).get("labels") or {} for o in (event.old, event.new))
    return any(_zones(before.get(k)) != _zones(after.get(k)) for k in ZONES)


def claim_of_devices(entry: Entry, event: Event) -> bool:
    """Whether it is one of the pod's claims that changed, or one that gave its devices back."""
    before, after = ((o or {}).get("status") or {} for o in (event.old, event.new))
    if before.get("allocation") is not None and after.get("allocation") is None:
        return True
    if not _of_namespace(entry, event) or event.obj["metadata"]["name"] not in device_claim_names(entry.pod):
        return False
    return event.old is None or before != after


def claim_names(pod: Obj, *, ephemeral: bool = True) -> Iterator[str]:
    """The volume claims of a pod: those that it names and, unless told otherwise, those made for it."""
    for volume in _volumes(pod):
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"].get("claimName") or ""
        elif "ephemeral" in volume and ephemeral:
            yield f"{pod['metadata']['name']}-{volume['name']}"


def device_claim_names(pod: Obj) -> Iterator[str]:
    """The device claims of a pod, as far as they are known."""
    status = pod.get("status") or {}
    made = {s["name"]: s.get("resourceClaimName") for s in status.get("resourceClaimStatuses") or ()}
    for claim in pod["spec"].get("resourceClaims") or ():
        name = claim.get("resourceClaimName") or made.get(claim["name"])
        if name:
            yield name
    extended = (status.get("extendedResourceClaimStatus") or {}).get("resourceClaimName")
    if extended:
        yield extended


def _volumes(pod: Obj) -> Iterable[dict[str, Any]]:
    found: Iterable[dict[str, Any]] = pod["spec"].get("volumes") or ()
    return found


def _of_namespace(entry: Entry, event: Event) -> bool:
    return bool(entry.pod["metadata"].get("namespace") == event.obj["metadata"].get("namespace"))


def _disks(pod: Obj) -> set[str]:
    return {f for v in _volumes(pod) for f in DISKS if f in v}


def _limits(csi_node: Obj | None) -> dict[str, int]:
    drivers = ((csi_node or {}).get("spec") or {}).get("drivers") or ()
    return {d["name"]: (d.get("allocatable") or {}).get("count") or 0 for d in drivers}


def _largest(capacity: Obj | None) -> int | None:
    stated = (capacity or {}).get("maximumVolumeSize") or (capacity or {}).get("capacity")
    return None if stated is None else quantity.value(str(stated))


def _zones(value: str | None) -> frozenset[str] | None:
    return None if value is None else frozenset(value.split("__"))
