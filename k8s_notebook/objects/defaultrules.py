"""Defaults that depend on other fields of the same struct: one small function per struct, none of them changes its argument."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Final

from k8s_notebook.objects import Obj, defaultpods

_GROUP: Final = "rbac.authorization.k8s.io"
_CLIENT_IP: Final = {"clientIP": {"timeoutSeconds": 10800}}
_SCALE_UP: Final[Obj] = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}],
}
_SCALE_DOWN: Final[Obj] = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
_CPU_METRIC: Final[Obj] = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


def _service(obj: Obj) -> Obj:
    spec = obj.get("spec")
    if spec is None:
        return obj
    kind = spec.get("type") or "ClusterIP"
    affinity = spec.get("sessionAffinity") or "None"
    new: Obj = {**spec, "type": kind, "sessionAffinity": affinity}
    if affinity == "None":
        new.pop("sessionAffinityConfig", None)
    elif affinity == "ClientIP" and _no_timeout(spec.get("sessionAffinityConfig") or {}):
        new["sessionAffinityConfig"] = _CLIENT_IP
    if spec.get("ports"):
        new["ports"] = [_service_port(port) for port in spec["ports"]]
    outside = kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))
    if outside and not spec.get("externalTrafficPolicy"):
        new["externalTrafficPolicy"] = "Cluster"
    if kind != "ExternalName" and spec.get("internalTrafficPolicy") is None:
        new["internalTrafficPolicy"] = "Cluster"
    if kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is None:
        new["allocateLoadBalancerNodePorts"] = True
    obj = obj if new == spec else {**obj, "spec": new}
    return _ip_modes(obj) if kind == "LoadBalancer" else obj


def _no_timeout(config: Obj) -> bool:
    return (config.get("clientIP") or {}).get("timeoutSeconds") is None


def _service_port(port: Obj) -> Obj:
    if port.get("protocol") and port.get("targetPort") not in (None, 0, ""):
        return port
    filled = {"protocol": "TCP", **port}
    return filled if filled.get("targetPort") not in (None, 0, "") else {**filled, "targetPort": filled.get("port")}


def _ip_modes(obj: Obj) -> Obj:
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    entries = balancer.get("ingress") or []
    if all(not e.get("ip") or e.get("ipMode") for e in entries):
        return obj
    filled = [e if not e.get("ip") or e.get("ipMode") else {**e, "ipMode": "VIP"} for e in entries]
    return {**obj, "status": {**obj["status"], "loadBalancer": {**balancer, "ingress": filled}}}


def _replication_controller(obj: Obj) -> Obj:
    spec = obj.get("spec") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if not labels:
        return obj
    if not spec.get("selector"):
        obj = {**obj, "spec": {**spec, "selector": labels}}
    return _labelled(obj, labels)


def _labelled(obj: Obj, labels: dict[str, str]) -> Obj:
    """The object with these labels if it has none of its own."""
    metadata = obj.get("metadata") or {}
    return obj if metadata.get("labels") else {**obj, "metadata": {**metadata, "labels": labels}}


def _job(obj: Obj) -> Obj:
    spec = obj.get("spec")
    if spec is None:
        return obj
    filled: Obj = {
        "parallelism": 1,
        "backoffLimit": 6 if spec.get("backoffLimitPerIndex") is None else 2**31 - 1,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "Failed" if spec.get("podFailurePolicy") is not None else "TerminatingOrFailed",
        "manualSelector": False,
    }
    if spec.get("parallelism") is None:
        filled["completions"] = 1
    if not filled.keys() <= spec.keys():
        obj = {**obj, "spec": {**filled, **spec}}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    return _labelled(obj, labels) if labels else obj


def _rolling(obj: Obj) -> Obj:
    return {**obj, "rollingUpdate": {}} if obj.get("type") == "RollingUpdate" and obj.get("rollingUpdate") is None else obj


def _stateful_strategy(obj: Obj) -> Obj:
    if not obj.get("type"):
        obj = {"rollingUpdate": {}, **obj, "type": "RollingUpdate"}
    rolling = obj.get("rollingUpdate")
    if obj["type"] == "RollingUpdate" and rolling is not None and rolling.get("partition") is None:
        obj = {**obj, "rollingUpdate": {**rolling, "partition": 0}}
    return obj


def _stateful_spec(obj: Obj) -> Obj:
    claims = obj.get("volumeClaimTemplates")
    if not claims or all(c.get("kind") and c.get("apiVersion") for c in claims):
        return obj
    named = [{**c, "kind": "PersistentVolumeClaim", "apiVersion": "v1"} for c in claims]
    return {**obj, "volumeClaimTemplates": named}


def _claim(obj: Obj) -> Obj:
    status = obj.get("status") or {}
    return obj if status.get("phase") else {**obj, "status": {**status, "phase": "Pending"}}


def _namespace(obj: Obj) -> Obj:
    metadata = obj.get("metadata") or {}
    name, labels = metadata.get("name"), metadata.get("labels") or {}
    if not name or labels.get("kubernetes.io/metadata.name") == name:
        return obj
    return {**obj, "metadata": {**metadata, "labels": {**labels, "kubernetes.io/metadata.name": name}}}


def _node_status(obj: Obj) -> Obj:
    return {**obj, "allocatable": obj["capacity"]} if obj.get("capacity") and obj.get("allocatable") is None else obj


def _limit_range_item(obj: Obj) -> Obj:
    if obj.get("type") != "Container":
        return obj
    default = {**(obj.get("max") or {}), **(obj.get("default") or {})}
    request = {**(obj.get("min") or {}), **default, **(obj.get("defaultRequest") or {})}
    filled = {k: v for k, v in (("default", default), ("defaultRequest", request)) if v and v != obj.get(k)}
    return {**obj, **filled} if filled else obj


def _secret(obj: Obj) -> Obj:
    plain = obj.get("stringData")
    if not plain:
        return obj
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in plain.items()}
    return {**{k: v for k, v in obj.items() if k != "stringData"}, "data": {**(obj.get("data") or {}), **encoded}}


def _autoscaler(obj: Obj) -> Obj:
    if not obj.get("metrics"):
        obj = {**obj, "metrics": [_CPU_METRIC]}
    behavior = obj.get("behavior")
    if behavior is None:
        return obj
    up, down = {**_SCALE_UP, **(behavior.get("scaleUp") or {})}, {**_SCALE_DOWN, **(behavior.get("scaleDown") or {})}
    filled = {**behavior, "scaleUp": up, "scaleDown": down}
    return obj if filled == behavior else {**obj, "behavior": filled}


def _network_policy(obj: Obj) -> Obj:
    return obj if obj.get("policyTypes") else {**obj, "policyTypes": ["Ingress", "Egress"] if obj.get("egress") else ["Ingress"]}


def _subject(obj: Obj) -> Obj:
    return {**obj, "apiGroup": _GROUP} if obj.get("kind") in ("User", "Group") and not obj.get("apiGroup") else obj


def _devices(obj: Obj) -> Obj:
    return {**obj, "count": 1} if obj.get("allocationMode") == "ExactCount" and not obj.get("count") else obj


def _definition(obj: Obj) -> Obj:
    status, versions = obj.get("status") or {}, (obj.get("spec") or {}).get("versions") or ()
    stored = next((v["name"] for v in versions if v.get("storage")), None)
    if status.get("storedVersions") or stored is None:
        return obj
    empty = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}}
    return {**obj, "status": {**empty, **status, "storedVersions": [stored]}}


def _definition_names(obj: Obj) -> Obj:
    kind = obj.get("kind") or ""
    filled = {"singular": kind.lower(), "listKind": f"{kind}List" if kind else ""}
    missing = {k: v for k, v in filled.items() if v and not obj.get(k)}
    return {**obj, **missing} if missing else obj


RULES: Final[dict[str, Callable[[Obj], Obj]]] = {
    "core.v1.Pod": defaultpods.pod,
    "core.v1.PodSpec": defaultpods.account,
    "core.v1.Container": defaultpods.container,
    "core.v1.EphemeralContainer": defaultpods.container,
    "core.v1.Volume": defaultpods.volume,
    "core.v1.Service": _service,
    "core.v1.ReplicationController": _replication_controller,
    "core.v1.PersistentVolumeClaim": _claim,
    "core.v1.Namespace": _namespace,
    "core.v1.NodeStatus": _node_status,
    "core.v1.LimitRangeItem": _limit_range_item,
    "core.v1.Secret": _secret,
    "apps.v1.DeploymentStrategy": _rolling,
    "apps.v1.DaemonSetUpdateStrategy": _rolling,
    "apps.v1.StatefulSetUpdateStrategy": _stateful_strategy,
    "apps.v1.StatefulSetSpec": _stateful_spec,
    "batch.v1.Job": _job,
    "autoscaling.v2.HorizontalPodAutoscalerSpec": _autoscaler,
    "networking.v1.NetworkPolicySpec": _network_policy,
    "rbac.v1.Subject": _subject,
    "resource.v1.ExactDeviceRequest": _devices,
    "resource.v1.DeviceSubRequest": _devices,
    "apiextensions.v1.CustomResourceDefinition": _definition,
    "apiextensions.v1.CustomResourceDefinitionNames": _definition_names,
}
"""struct -> rule, applied after the constants and before the fields inside."""
