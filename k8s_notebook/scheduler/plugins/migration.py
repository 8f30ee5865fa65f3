"""Volume types of old that CSI drivers took over (as in k8s.io/csi-translation-lib): their drivers, handles, topology."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from k8s_notebook.objects import Obj

ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
OLD_ZONE, OLD_REGION = "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region"
SEPARATOR = "__"
"""Between several zones in one label."""
MIGRATED = "storage.alpha.kubernetes.io/migrated-plugins"
"""The annotation of a CSINode that names the plugins its node has handed over."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One in-tree volume type and its CSI driver."""

    plugin: str
    driver: str
    topology: str
    """The label key that stands for the zone, "" if topology is not translated"""
    handle: Callable[[Obj, dict[str, str]], str | None]
    """(volume source, labels of the volume) -> volume handle, or None if it cannot be translated"""


def of(spec: Obj) -> tuple[Migration, Obj] | None:
    """The migration of a volume's spec (of a pod or a PersistentVolume) and its source; None if there is none."""
    return next(((migration, spec[field]) for field, migration in MIGRATIONS.items() if spec.get(field) is not None), None)


def by_plugin(plugin: str) -> Migration | None:
    """The migration of an in-tree provisioner such as `kubernetes.io/aws-ebs`."""
    return next((m for m in MIGRATIONS.values() if m.plugin == plugin), None)


def terms(volume: Obj, migration: Migration) -> list[Obj] | None:
    """The node affinity terms of an in-tree PersistentVolume in the words of its CSI driver; None if it has no constraint."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    found: list[Obj] | None = None if required is None else required.get("nodeSelectorTerms") or []
    if not migration.topology:
        return found
    labels = volume["metadata"].get("labels") or {}
    zone, region = _topology_keys(found or [], labels)
    if _values(found or [], zone):
        found = _renamed(found or [], zone, migration.topology)
    elif zone in labels:
        found = _narrowed(found, migration.topology, labels[zone].split(SEPARATOR))
    if region == OLD_REGION and found and _values(found, region):
        found = _renamed(found, region, REGION)
    return found


def _topology_keys(found: list[Obj], labels: dict[str, str]) -> tuple[str, str]:
    """The zone and region keys that a volume uses: in its affinity, else in its labels."""
    keys = {e.get("key") for term in found for e in term.get("matchExpressions") or ()}
    for used in (keys, labels):
        if ZONE in used:
            return ZONE, REGION
        if OLD_ZONE in used:
            return OLD_ZONE, OLD_REGION
    return ZONE, REGION


def _values(found: list[Obj], key: str) -> list[str]:
    return [v for t in found for e in t.get("matchExpressions") or () if e.get("key") == key for v in e.get("values") or ()]


def _renamed(found: list[Obj], old: str, new: str) -> list[Obj]:
    def rename(expression: Obj) -> Obj:
        return {**expression, "key": new} if expression.get("key") == old else expression

    return [{**t, "matchExpressions": [rename(e) for e in t.get("matchExpressions") or ()]} for t in found]


def _narrowed(found: list[Obj] | None, key: str, zones: list[str]) -> list[Obj] | None:
    """The terms with one more condition each."""
    named = sorted({zone.strip() for zone in zones} - {""})
    if not named:
        return found
    extra = {"key": key, "operator": "In", "values": named}
    return [{**t, "matchExpressions": [*(t.get("matchExpressions") or ()), extra]} for t in found or [{}]]


def _gce(source: Obj, labels: dict[str, str]) -> str | None:
    zones = (labels.get(OLD_ZONE) or labels.get(ZONE) or "").split(SEPARATOR)
    place = f"zones/{zones[0] or 'UNSPECIFIED'}"
    if len(zones) > 1:
        regions = {zone.rpartition("-")[0] for zone in zones}
        if len(regions) != 1 or any(zone.count("-") != 2 for zone in zones):
            return None
        place = f"regions/{regions.pop()}"
    return f"projects/UNSPECIFIED/{place}/disks/{source.get('pdName', '')}"


def _aws(source: Obj, labels: dict[str, str]) -> str | None:
    named: str = source.get("volumeID", "")
    if not named.startswith("aws://"):
        return named
    found = re.fullmatch(r"aws://[^/]*/+(vol-[^/]*?)/*", named)
    return found[1] if found else None


def _azure(source: Obj, labels: dict[str, str]) -> str | None:
    kind: Any = source.get("kind")
    return source.get("diskURI", "") if kind is None or kind.lower() == "managed" else None


def _plain(source: Obj, labels: dict[str, str]) -> str | None:
    return str(source.get("volumeID", ""))


MIGRATIONS = {
    "gcePersistentDisk": Migration("kubernetes.io/gce-pd", "pd.csi.storage.gke.io", "topology.gke.io/zone", _gce),
    "awsElasticBlockStore": Migration("kubernetes.io/aws-ebs", "ebs.csi.aws.com", "topology.ebs.csi.aws.com/zone", _aws),
    "cinder": Migration("kubernetes.io/cinder", "cinder.csi.openstack.org", "topology.cinder.csi.openstack.org/zone", _plain),
    "azureDisk": Migration("kubernetes.io/azure-disk", "disk.csi.azure.com", "", _azure),
    "portworxVolume": Migration("kubernetes.io/portworx-volume", "pxd.portworx.com", "", _plain),
}
"""field of a volume's spec -> its migration."""
NOT_COUNTED = frozenset(("kubernetes.io/azure-file", "kubernetes.io/vsphere-volume"))
"""Provisioners with a driver of their own that no limit of a node counts."""
