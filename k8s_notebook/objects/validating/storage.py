"""Rules for volumes, claims on them and their classes. As in pkg/apis/{core,storage}/validation."""

from __future__ import annotations

from typing import Final

from k8s_notebook.objects import Obj, quantity
from k8s_notebook.objects.validating import metadata, names, podupdates, scheduling
from k8s_notebook.objects.validating.findings import Findings

_MODES: Final = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_VOLUME_MODES: Final = ("Block", "Filesystem")
_NOT_SOURCES: Final = frozenset(
    [
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ]
)
_CLAIM_WRONG: Final = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


def claim(found: Findings, obj: Obj) -> None:
    """A PersistentVolumeClaim."""
    spec = obj.get("spec") or {}
    modes = spec.get("accessModes") or []
    if not modes:
        found.required("spec.accessModes", "at least 1 access mode is required")
    metadata.selector(found, spec.get("selector"), "spec.selector")
    _access(found, modes)
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if size is None:
        found.required("spec.resources[storage]")
    elif quantity.parse(size) <= 0:
        found.invalid("spec.resources[storage]", size, "must be greater than zero")
    if spec.get("storageClassName"):
        found.each("spec.storageClassName", spec["storageClassName"], names.subdomain(spec["storageClassName"]))
    if spec.get("volumeMode") is not None and spec["volumeMode"] not in _VOLUME_MODES:
        found.unsupported("spec.volumeMode", spec["volumeMode"], _VOLUME_MODES)


def _access(found: Findings, modes: list[str]) -> None:
    for mode in modes:
        if mode not in _MODES:
            found.unsupported("spec.accessModes", mode, _MODES)
    if "ReadWriteOncePod" in modes and any(mode in _MODES[:3] for mode in modes):
        found.forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes")


def claim_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed PersistentVolumeClaim: only a bound one may ask for more."""
    now, before = new.get("spec") or {}, old.get("spec") or {}
    bound = (new.get("status") or {}).get("phase") == "Bound"
    mine, theirs = _fixed_claim(now, bound), _fixed_claim(before, bound)
    for field in ("volumeName", "storageClassName"):
        if not before.get(field):
            mine.pop(field, None)
            theirs.pop(field, None)
    if mine != theirs:
        found.forbidden("spec", f"{_CLAIM_WRONG}\n{podupdates.difference(before, now)}")
    sizes = [((s.get("resources") or {}).get("requests") or {}).get("storage", "0") for s in (now, before)]
    has = ((old.get("status") or {}).get("capacity") or {}).get("storage", "0")
    if quantity.parse(sizes[0]) < quantity.parse(sizes[1]) and quantity.parse(sizes[0]) <= quantity.parse(has):
        found.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
    found.immutable("volumeMode", now.get("volumeMode"), before.get("volumeMode"))


def _fixed_claim(spec: Obj, bound: bool) -> Obj:
    """The part of a claim's spec that does not change."""
    fixed = dict(spec)
    if bound:
        fixed.pop("volumeAttributesClassName", None)
        resources = fixed.get("resources") or {}
        requests = {k: v for k, v in (resources.get("requests") or {}).items() if k != "storage"}
        fixed["resources"] = {**resources, "requests": requests}
    return fixed


def volume(found: Findings, obj: Obj) -> None:
    """A PersistentVolume."""
    spec = obj.get("spec") or {}
    capacity, modes = spec.get("capacity") or {}, spec.get("accessModes") or []
    if not modes:
        found.required("spec.accessModes")
    _access(found, modes)
    if not capacity:
        found.required("spec.capacity")
    if set(capacity) != {"storage"}:
        found.unsupported("spec.capacity", capacity or None, ("storage",))
    for name, size in capacity.items():
        if quantity.parse(size) <= 0:
            found.invalid(f"spec.capacity[{name}]", size, "must be greater than zero")
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy and policy not in ("Delete", "Recycle", "Retain"):
        found.unsupported("spec.persistentVolumeReclaimPolicy", policy, ("Delete", "Recycle", "Retain"))
    affinity = (spec.get("nodeAffinity") or {}).get("required")
    if affinity is not None:
        scheduling.node_selector(found, affinity, "spec.nodeAffinity.required")
    sources = [name for name in spec if name not in _NOT_SOURCES]
    if not sources:
        found.required("spec", "must specify a volume type")
    for name in sources[1:]:
        found.forbidden(f"spec.{name}", "may not specify more than 1 volume type")
    if "local" in spec and affinity is None:
        found.required("spec.nodeAffinity", "Local volume requires node affinity")
    if spec.get("volumeMode") is not None and spec["volumeMode"] not in _VOLUME_MODES:
        found.unsupported("spec.volumeMode", spec["volumeMode"], _VOLUME_MODES)


def volume_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed PersistentVolume: its source stays."""
    now, before = new.get("spec") or {}, old.get("spec") or {}
    mine, theirs = ({k: v for k, v in s.items() if k not in _NOT_SOURCES} for s in (now, before))
    if mine != theirs:
        why = f"spec.persistentvolumesource is immutable after creation\n{podupdates.difference(theirs, mine)}"
        found.forbidden("spec.persistentvolumesource", why)
    found.immutable("volumeMode", now.get("volumeMode"), before.get("volumeMode"))


def storage_class(found: Findings, obj: Obj) -> None:
    """A StorageClass."""
    provisioner = obj.get("provisioner") or ""
    if not provisioner:
        found.required("provisioner")
    else:
        found.each("provisioner", provisioner, names.qualified(provisioner.lower()))
    if obj.get("reclaimPolicy") and obj["reclaimPolicy"] not in ("Delete", "Retain"):
        found.unsupported("reclaimPolicy", obj["reclaimPolicy"], ("Delete", "Retain"))
    modes = ("Immediate", "WaitForFirstConsumer")
    if obj.get("volumeBindingMode") is None:
        found.required("volumeBindingMode")
    elif obj["volumeBindingMode"] not in modes:
        found.unsupported("volumeBindingMode", obj["volumeBindingMode"], modes)


def storage_class_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed StorageClass: how it provisions stays."""
    for field in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"):
        found.immutable(field, new.get(field), old.get(field))
