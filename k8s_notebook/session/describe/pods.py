"""Pods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.session.describe import containers
from k8s_notebook.session.describe.lines import Page, notes, when
from k8s_notebook.session.door import Door

_PROJECTED = "Projected (a volume that contains injected data from multiple sources)"
_TYPES = {
    "emptyDir": "EmptyDir (a temporary directory that shares a pod's lifetime)",
    "hostPath": "HostPath (bare host directory volume)",
    "configMap": "ConfigMap (a volume populated by a ConfigMap)",
    "secret": "Secret (a volume populated by a Secret)",
    "persistentVolumeClaim": "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
    "downwardAPI": "DownwardAPI (a volume populated by information about the pod)",
    "projected": _PROJECTED,
}


def describe(_: Door, page: Page, pod: Obj) -> None:
    """Where it runs, its containers, conditions and volumes."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    page.pair(0, "Name", metadata["name"])
    page.pair(0, "Namespace", metadata.get("namespace"))
    page.pair(0, "Priority", spec.get("priority", 0))
    if spec.get("priorityClassName"):
        page.pair(0, "Priority Class Name", spec["priorityClassName"])
    if spec.get("runtimeClassName"):
        page.pair(0, "Runtime Class Name", spec["runtimeClassName"])
    page.pair(0, "Service Account", spec.get("serviceAccountName"))
    node = spec.get("nodeName")
    page.pair(0, "Node", f"{node}/{status.get('hostIP') or ''}" if node else None)
    if status.get("startTime"):
        page.pair(0, "Start Time", when(status["startTime"]))
    page.mapping(0, "Labels", metadata.get("labels"))
    notes(page, metadata)
    _state(page, metadata, spec, status)
    containers.describe(page, 0, "Init Containers", spec.get("initContainers") or (), status.get("initContainerStatuses") or ())
    containers.describe(page, 0, "Containers", spec.get("containers") or (), status.get("containerStatuses") or ())
    conditions = status.get("conditions") or ()
    if conditions:
        page.add(0, "Conditions:")
        page.table(1, ("Type", "Status"), [(c["type"], c["status"]) for c in conditions], ruled=False, padded=2)
    volumes(page, spec)
    page.pair(0, "QoS Class", status.get("qosClass"))
    page.mapping(0, "Node-Selectors", spec.get("nodeSelector"))
    page.several(0, "Tolerations", sorted(map(toleration, spec.get("tolerations") or ())))


def _state(page: Page, metadata: Obj, spec: Obj, status: Obj) -> None:
    if metadata.get("deletionTimestamp"):
        page.pair(0, "Status", f"Terminating (since {when(metadata['deletionTimestamp'])})")
        page.pair(0, "Termination Grace Period", f"{metadata.get('deletionGracePeriodSeconds', 0)}s")
    else:
        page.pair(0, "Status", status.get("phase"))
    for key in ("reason", "message"):
        if status.get(key):
            page.pair(0, key.title(), status[key])
    page.add(0, "IP:", status.get("podIP") or "")
    ips = status.get("podIPs") or ()
    if ips:
        page.add(0, "IPs:")
        for ip in ips:
            page.pair(1, "IP", ip.get("ip"))
    else:
        page.pair(0, "IPs", None)
    owner = next((o for o in metadata.get("ownerReferences") or () if o.get("controller")), None)
    if owner:
        page.pair(0, "Controlled By", f"{owner['kind']}/{owner['name']}")


def volumes(page: Page, spec: Obj, level: int = 0) -> None:
    """The volumes of a pod or of a template."""
    found = spec.get("volumes") or ()
    if not found:
        page.pair(level, "Volumes", None)
        return
    page.add(level, "Volumes:")
    for volume in found:
        page.add(1, f"{' ' * level}{volume['name']}:")
        kind = next((k for k in volume if k != "name"), "emptyDir")
        page.pair(2, "Type", _TYPES.get(kind, kind))
        _SOURCES.get(kind, _other)(page, 2, volume[kind] or {})


def _empty_dir(page: Page, level: int, source: Obj) -> None:
    page.add(level, "Medium:", source.get("medium") or "")
    page.pair(level, "SizeLimit", source.get("sizeLimit") or "<unset>")


def _host_path(page: Page, level: int, source: Obj) -> None:
    page.pair(level, "Path", source.get("path"))
    page.add(level, "HostPathType:", source.get("type") or "")


def _config_map(page: Page, level: int, source: Obj) -> None:
    page.pair(level, "Name", source.get("name"))
    page.pair(level, "Optional", _flag(source.get("optional")))


def _secret(page: Page, level: int, source: Obj) -> None:
    page.pair(level, "SecretName", source.get("secretName"))
    page.pair(level, "Optional", _flag(source.get("optional")))


def _claim(page: Page, level: int, source: Obj) -> None:
    page.pair(level, "ClaimName", source.get("claimName"))
    page.pair(level, "ReadOnly", _flag(source.get("readOnly")))


def _projected(page: Page, level: int, source: Obj) -> None:
    for part in source.get("sources") or ():
        if "serviceAccountToken" in part:
            page.pair(level, "TokenExpirationSeconds", part["serviceAccountToken"].get("expirationSeconds"))
        elif "configMap" in part:
            page.pair(level, "ConfigMapName", part["configMap"].get("name"))
            page.pair(level, "Optional", _flag(part["configMap"].get("optional")))
        elif "secret" in part:
            page.pair(level, "SecretName", part["secret"].get("name"))
            page.pair(level, "Optional", _flag(part["secret"].get("optional")))
        elif "downwardAPI" in part:
            page.pair(level, "DownwardAPI", "true")


def _other(page: Page, level: int, source: Obj) -> None:
    for key, value in sorted(source.items()):
        if not isinstance(value, (dict, list)):
            page.pair(level, key[:1].upper() + key[1:], value)


_SOURCES: Mapping[str, Callable[[Page, int, Obj], None]] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "configMap": _config_map,
    "secret": _secret,
    "persistentVolumeClaim": _claim,
    "projected": _projected,
}


def _flag(value: Any) -> str:
    return "true" if value else "false"


def toleration(found: Obj) -> str:
    """One toleration in a line: `key=value:NoExecute op=Exists for 300s`."""
    said = found.get("key") or ""
    if found.get("value"):
        said += f"={found['value']}"
    if found.get("effect"):
        said += f":{found['effect']}"
    if found.get("operator") == "Exists" and not found.get("value"):
        said += " op=Exists" if said else "op=Exists"
    if found.get("tolerationSeconds") is not None:
        said += f" for {found['tolerationSeconds']}s"
    return said
