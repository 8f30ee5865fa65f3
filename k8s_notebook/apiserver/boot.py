"""The objects that every cluster starts with; making them again changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_notebook.apiserver import boot_roles
from k8s_notebook.apiserver.calls import Call
from k8s_notebook.apiserver.services import CIDR
from k8s_notebook.objects import Obj

if TYPE_CHECKING:
    from k8s_notebook.apiserver.verbs import Server

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
SERVICE_IP = "10.96.0.1"
_CRITICAL = "Used for system critical pods that must {what}"
_PRIORITIES = (
    ("system-cluster-critical", 2_000_000_000, "run in the cluster, but can be moved to another node if necessary."),
    ("system-node-critical", 2_000_001_000, "not be moved from their current node."),
)
_EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"], "clusterScope": True, "namespaces": ["*"]}
_ALL_PATHS = {"nonResourceURLs": ["*"], "verbs": ["*"]}


def boot(server: Server, *, address: str = "127.0.0.1", port: int = 6443) -> None:
    """Make what is missing. `address` and `port` are where the API answers; the Endpoints of default/kubernetes follow them."""
    for obj in (*_namespaces(), *_priorities(), _cidr(), *boot_roles.roles(), *boot_roles.bindings(), *_flows()):
        _make(server, obj)
    _make(server, _service())
    for kind in server.kinds:
        _make(server, _api_service(kind.group, kind.version))
    _put(server, "endpoints", _endpoints(address, port))
    _put(server, "endpointslices.discovery.k8s.io", _slice(address, port))
    _ready_cidr(server)


def _make(server: Server, obj: Obj) -> None:
    kind = server.kinds.for_object(obj["apiVersion"], obj["kind"])
    if kind is None:
        return
    meta = obj["metadata"]
    if server.store.get(kind.resource, meta.get("namespace", ""), meta["name"]) is not None:
        return
    answer = server.create(kind, meta.get("namespace", ""), obj, Call("system:apiserver"))
    if "status" in obj:
        server.store.put(kind.resource, {**answer.obj, "status": obj["status"]})


def _put(server: Server, resource: str, obj: Obj) -> None:
    """Make or bring up to date an object that validation would not let pass (it may point to the machine itself)."""
    meta = obj["metadata"]
    entry = server.store.get(resource, meta["namespace"], meta["name"])
    if entry is None:
        born = {"uid": server.streams.uid(), "creationTimestamp": server.state.stamp()}
        server.store.put(resource, {**obj, "metadata": {**meta, **born}})
        return
    merged = {**entry.obj, **{k: v for k, v in obj.items() if k != "metadata"}}
    if merged != entry.obj:
        server.store.put(resource, merged)


def _ready_cidr(server: Server) -> None:
    entry = server.store.get("servicecidrs.networking.k8s.io", "", "kubernetes")
    if entry is None or (entry.obj.get("status") or {}).get("conditions"):
        return
    ready = {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": server.state.stamp(),
        "reason": "",
        "message": "Kubernetes Service CIDR is ready",
    }
    server.store.put("servicecidrs.networking.k8s.io", {**entry.obj, "status": {"conditions": [ready]}})


def _namespaces() -> list[Obj]:
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {}} for name in NAMESPACES]


def _priorities() -> list[Obj]:
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
            "description": _CRITICAL.format(what=what),
            "preemptionPolicy": "PreemptLowerPriority",
        }
        for name, value, what in _PRIORITIES
    ]


def _cidr() -> Obj:
    meta = {"name": "kubernetes", "finalizers": ["networking.k8s.io/service-cidr-finalizer"]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": meta, "spec": {"cidrs": [CIDR]}}


def _service() -> Obj:
    labels = {"component": "apiserver", "provider": "kubernetes"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": SERVICE_IP,
            "clusterIPs": [SERVICE_IP],
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster",
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}],
        },
    }


def _endpoints(address: str, port: int) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
        "subsets": [{"addresses": [{"ip": address}], "ports": [{"name": "https", "port": port, "protocol": "TCP"}]}],
    }


def _slice(address: str, port: int) -> Obj:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "generation": 1,
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }


def _api_service(group: str, version: str) -> Obj:
    spec: Obj = {"version": version, "groupPriorityMinimum": 17_000 if group else 18_000, "versionPriority": 15 if group else 1}
    if group:
        spec["group"] = group
    # No transition time: it would differ from run to run, and nobody waits for it.
    available = {"type": "Available", "status": "True", "reason": "Local", "message": "Local APIServices are always available",
                 "lastTransitionTime": None}  # fmt: skip
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{version}.{group}", "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"}},
        "spec": spec,
        "status": {"conditions": [available]},
    }


def _flows() -> list[Obj]:
    """The two priority levels and flow schemas that must exist."""
    api = "flowcontrol.apiserver.k8s.io/v1"
    levels: tuple[tuple[str, Obj], ...] = (
        ("exempt", {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}}),
        ("catch-all", {"type": "Limited", "limited": {"nominalConcurrencyShares": 5, "lendablePercent": 0,
                                                      "limitResponse": {"type": "Reject"}}}),
    )  # fmt: skip
    schemas = (("exempt", 1, ["system:masters"]), ("catch-all", 10_000, ["system:unauthenticated", "system:authenticated"]))
    found: list[Obj] = [
        {"apiVersion": api, "kind": "PriorityLevelConfiguration", "metadata": {"name": name}, "spec": spec}
        for name, spec in levels
    ]
    for name, precedence, groups in schemas:
        subjects = [{"kind": "Group", "group": {"name": g}} for g in groups]
        rule = {"subjects": subjects, "resourceRules": [_EVERYTHING], "nonResourceRules": [_ALL_PATHS]}
        spec = {"matchingPrecedence": precedence, "priorityLevelConfiguration": {"name": name}, "rules": [rule]}
        found.append({"apiVersion": api, "kind": "FlowSchema", "metadata": {"name": name}, "spec": spec})
    return found
