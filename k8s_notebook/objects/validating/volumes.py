"""Rules for the volumes of a pod: names, exactly one source each, what the common sources need.

As in pkg/apis/core/validation: ValidateVolumes.
"""

from __future__ import annotations

from typing import Final

from k8s_notebook.objects import Obj, quantity
from k8s_notebook.objects.validating import names
from k8s_notebook.objects.validating.containers import descending
from k8s_notebook.objects.validating.findings import Findings

_MODE_WRONG: Final = "must be a number between 0 and 0777 (octal), both inclusive"
_PROJECTED: Final = ("secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate")
_HOST_TYPES: Final = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
_NEEDED: Final = {
    "persistentVolumeClaim": ("claimName",), "hostPath": ("path",), "secret": ("secretName",), "configMap": ("name",),
    "nfs": ("server", "path"), "csi": ("driver",), "iscsi": ("targetPortal", "iqn"), "gcePersistentDisk": ("pdName",),
    "awsElasticBlockStore": ("volumeID",), "gitRepo": ("repository",), "image": ("reference",),
}  # fmt: skip
"""source -> the fields that it cannot be without."""


def check(found: Findings, spec: Obj, path: str) -> frozenset[str]:
    """The names of the volumes that containers may mount."""
    volumes = spec.get("volumes")
    if not volumes:
        return frozenset()
    taken: set[str] = set()
    for i, volume in enumerate(volumes):
        where, name, before = f"{path}.volumes[{i}]", volume.get("name") or "", len(found)
        _source(found, volume, where)
        if not name:
            found.required(f"{where}.name")
        else:
            found.each(f"{where}.name", name, names.label(name))
        if name in taken:
            found.duplicate(f"{where}.name", name)
        if len(found) == before:
            taken.add(name)
    return frozenset(taken)


def _source(found: Findings, volume: Obj, path: str) -> None:
    given = [name for name in volume if name != "name" and volume[name] is not None]
    if not given:
        found.required(path, "must specify a volume type")
        return
    for name in given[1:]:
        found.forbidden(f"{path}.{name}", "may not specify more than 1 volume type")
    kind, source = given[0], volume[given[0]]
    for field in _NEEDED.get(kind, ()):
        if not source.get(field):
            found.required(f"{path}.{kind}.{field}")
    _details(found, kind, source, f"{path}.{kind}")


def _details(found: Findings, kind: str, source: Obj, path: str) -> None:
    if kind in ("secret", "configMap", "downwardAPI", "projected"):
        _files(found, source, path)
    if kind == "projected":
        _projections(found, source, path)
    if kind == "hostPath":
        if ".." in (source.get("path") or "").split("/"):
            found.invalid(f"{path}.path", source["path"], "must not contain '..'")
        if (source.get("type") or "") not in _HOST_TYPES:
            found.unsupported(f"{path}.type", source["type"], _HOST_TYPES)
    if kind == "emptyDir" and source.get("sizeLimit") is not None and quantity.parse(source["sizeLimit"]) < 0:
        found.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _mode(found: Findings, mode: int | None, path: str) -> None:
    if mode is not None and not 0 <= mode <= 0o777:
        found.invalid(path, mode, _MODE_WRONG)


def _files(found: Findings, source: Obj, path: str) -> None:
    """Modes and paths of the files that a source is made of."""
    _mode(found, source.get("defaultMode"), f"{path}.defaultMode")
    for i, item in enumerate(source.get("items") or ()):
        where = f"{path}.items[{i}]"
        if "fieldRef" not in item and "resourceFieldRef" not in item and not item.get("key"):
            found.required(f"{where}.key")
        if not item.get("path"):
            found.required(f"{where}.path")
        else:
            descending(found, item["path"], f"{where}.path")
        _mode(found, item.get("mode"), f"{where}.mode")


def _projections(found: Findings, source: Obj, path: str) -> None:
    for i, projection in enumerate(source.get("sources") or ()):
        where = f"{path}.sources[{i}]"
        given = [name for name in _PROJECTED if projection.get(name) is not None]
        if not given:
            continue
        for name in given[1:]:
            found.forbidden(f"{where}.{name}", "may not specify more than 1 volume type per source")
        kind, body = given[0], projection[given[0]]
        if kind in ("secret", "configMap") and not body.get("name"):
            found.required(f"{where}.{kind}.name")
        if kind == "serviceAccountToken":
            _token(found, body, f"{where}.{kind}")
        elif kind in ("secret", "configMap", "downwardAPI"):
            _files(found, body, f"{where}.{kind}")


def _token(found: Findings, body: Obj, path: str) -> None:
    seconds = body.get("expirationSeconds", 3600)
    if seconds < 600:
        found.invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds > 2**32:
        found.invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")
    if not body.get("path"):
        found.required(f"{path}.path")
    else:
        descending(found, body["path"], f"{path}.path")
