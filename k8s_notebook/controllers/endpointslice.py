"""EndpointSlices: which pods answer for a Service, at most 100 per slice (as in endpointslice: reconciler.go)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from k8s_notebook.controllers import ownership, pods, service_pods
from k8s_notebook.machinery.actions import Action, Create, Delete, Emit, RequeueAfter, Update, Write
from k8s_notebook.machinery.cache import Name, View
from k8s_notebook.machinery.reconcile import Watch
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError

SLICES = "endpointslices.discovery.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
MOST = 100
"""Endpoints in one slice."""
_RESERVED = (SERVICE_NAME, MANAGED_BY, service_pods.HEADLESS)
_CLOSE = ("PreferClose", "PreferSameZone", "PreferSameNode")

Key = tuple[object, ...]
Endpoints = dict[Key, Obj]


@dataclass
class _Plan:
    """What happens to the slices of one address family."""

    create: list[Obj] = field(default_factory=list)
    update: list[Obj] = field(default_factory=list)
    delete: list[Obj] = field(default_factory=list)


@dataclass
class _Wanted:
    """The endpoints that share a list of ports."""

    ports: list[Obj]
    endpoints: Endpoints = field(default_factory=dict)


class EndpointSlices:
    """Keeps the slices of every Service with a selector."""

    name = "endpoint-slice-controller"

    def watches(self) -> Sequence[Watch]:
        """Services, their pods, the slices; nodes for the zone."""
        return (
            Watch("services", service_pods.key_of_service),
            Watch("pods", service_pods.keys_of_pod),
            Watch(SLICES, _key_of_slice),
            Watch("nodes", lambda view, old, new: ()),
        )

    def pace(self, view: View, key: Name) -> float:
        """A pause that grows with the number of endpoints."""
        service = view.get("services", *key)
        owned = view.by(SLICES, "controller", service["metadata"]["uid"]) if service else ()
        count = sum(len(s.get("endpoints") or ()) for s in owned)
        return count * service_pods.PACE if count > MOST else 0.0

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """The slices that are created, changed and deleted."""
        service = view.get("services", *key)
        if service is None or not service_pods.served_here(service):
            return []
        owned = view.by(SLICES, "controller", service["metadata"]["uid"])
        existing = [s for s in owned if _managed(s) and "deletionTimestamp" not in s["metadata"]]
        families = service_pods.families(service)
        plan = _Plan(delete=[s for s in existing if s["addressType"] not in families])
        complete = True
        for family in families:
            wanted, found_all = _wanted(view, service, family)
            complete &= found_all
            _arrange(plan, service, family, wanted, [s for s in existing if s["addressType"] == family])
        actions = _actions(plan, service)
        return actions if complete else [*actions, RequeueAfter(1.0)]

    def refused(self, view: View, key: Name, action: Write, error: ApiError, now: float) -> list[Action]:
        """The event on the Service."""
        service = view.get("services", *key)
        if service is None or any(c.get("reason") == "NamespaceTerminating" for c in error.details.get("causes") or ()):
            return []
        verb = {Create: "create", Update: "update"}.get(type(action), "delete")
        where = "/".join(key)
        message = (
            f"Error updating Endpoint Slices for Service {where}: failed to {verb} EndpointSlice for Service {where}: {error}"
        )
        return [Emit(service, "FailedToUpdateEndpointSlices", message, "Warning")]


def _managed(found: Obj) -> bool:
    return (found["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER


def _key_of_slice(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    keys: dict[Name, None] = {}
    for found in (old, new):
        if found is not None and _managed(found) and (name := found["metadata"]["labels"].get(SERVICE_NAME)):
            keys[(found["metadata"]["namespace"], name)] = None
    return list(keys)


def _wanted(view: View, service: Obj, family: str) -> tuple[dict[Key, _Wanted], bool]:
    """(ports -> the endpoints that offer them, whether the node of every pod is known)."""
    groups: dict[Key, _Wanted] = {}
    nodes: dict[str, Obj | None] = {}
    ports_of = service_pods.ports(service)
    ports: list[Obj] = []
    group: _Wanted | None = None
    complete = True
    for pod in service_pods.selected(view, service):
        offered = ports_of(pod)
        if group is None or offered is not ports:
            ports = offered
            group = groups.setdefault(_port_key(ports), _Wanted(ports))
        name = pod["spec"].get("nodeName", "")
        if name not in nodes:
            nodes[name] = view.get("nodes", "", name) if name else None
        if nodes[name] is None and not service["spec"].get("publishNotReadyAddresses"):
            complete = False
            continue
        endpoint = _endpoint(pod, nodes[name], service, family)
        if endpoint["addresses"]:
            group.endpoints[_key(endpoint)] = endpoint
    return groups, complete


def _endpoint(pod: Obj, node: Obj | None, service: Obj, family: str) -> Obj:
    serving = pods.ready(pod)
    leaving = "deletionTimestamp" in pod["metadata"]
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not leaving)
    endpoint: Obj = {
        "addresses": service_pods.addresses(pod, family),
        "conditions": {"ready": ready, "serving": serving, "terminating": leaving},
        "targetRef": service_pods.target(pod),
    }
    spec = pod["spec"]
    if "hostname" in spec and (hostname := service_pods.hostname(pod, service)):
        endpoint["hostname"] = hostname
    node_name = spec.get("nodeName")
    if node_name:
        endpoint["nodeName"] = node_name
    zone = (node["metadata"].get("labels") or {}).get("topology.kubernetes.io/zone") if node is not None else None
    if zone:
        endpoint["zone"] = zone
    distribution = service["spec"].get("trafficDistribution")
    if distribution and ready and (hints := _hints(distribution, node_name, zone)):
        endpoint["hints"] = hints
    return endpoint


def _hints(distribution: str, node: str | None, zone: str | None) -> Obj:
    """For whom an endpoint is the near one."""
    if distribution not in _CLOSE:
        return {}
    hints = {"forZones": [{"name": zone}]} if zone else {}
    if node and distribution == "PreferSameNode":
        hints["forNodes"] = [{"name": node}]
    return hints


def _port_key(ports: Iterable[Obj]) -> Key:
    return tuple(sorted((p.get("name", ""), p.get("port", 0), p.get("protocol", ""), p.get("appProtocol", "")) for p in ports))


def _key(endpoint: Obj) -> Key:
    """What makes an endpoint the same one."""
    target = endpoint.get("targetRef") or {}
    return (*endpoint["addresses"], endpoint.get("hostname"), target.get("namespace"), target.get("name"))


def _arrange(plan: _Plan, service: Obj, family: str, wanted: dict[Key, _Wanted], existing: Sequence[Obj]) -> None:
    """Distribute endpoints over slices with as few writes as possible."""
    created, deleted = len(plan.create), len(plan.delete)
    by_ports: dict[Key, list[Obj]] = {}
    for found in existing:
        by_ports.setdefault(_port_key(found.get("ports") or ()), []).append(found)
    for key, group in wanted.items():
        _fill(plan, service, family, group, by_ports.get(key, []))
    for key, slices in by_ports.items():
        if key not in wanted:
            plan.delete += slices
    if len(existing) == len(plan.delete) - deleted and len(plan.create) == created:
        empty = _new(service, family, [], [])
        kept = plan.delete[deleted] if len(plan.delete) == deleted + 1 else None
        if kept and not kept.get("endpoints") and not kept.get("ports") and _labels(service) == kept["metadata"].get("labels"):
            plan.delete.pop()
        else:
            plan.create.append(empty)


def _fill(plan: _Plan, service: Obj, family: str, group: _Wanted, existing: Sequence[Obj]) -> None:
    """Change slices in place, then put what is left into slices that change anyway, into one with room, into new ones."""
    left = dict(group.endpoints)
    unchanged: list[Obj] = []
    changed: list[Obj] = []
    for found in existing:
        before = found.get("endpoints") or []
        kept = [left.pop(k) for e in before if (k := _key(e)) in left]
        labels = _labels(service)
        if not kept and before:
            plan.delete.append(found)
        elif kept == before and labels == found["metadata"].get("labels"):
            unchanged.append(found)
        else:
            changed.append({**found, "metadata": {**found["metadata"], "labels": labels}, "endpoints": kept})
    rest = list(left.values())
    for fuller in sorted(changed, key=lambda s: -len(s["endpoints"])):
        room = MOST - len(fuller["endpoints"])
        fuller["endpoints"], rest = fuller["endpoints"] + rest[:room], rest[room:]
    plan.update += changed
    while rest:
        fitting = _fitting(unchanged, len(rest))
        if fitting is not None:
            plan.update.append({**fitting, "endpoints": [*(fitting.get("endpoints") or ()), *rest]})
            return
        plan.create.append(_new(service, family, group.ports, rest[:MOST]))
        rest = rest[MOST:]


def _fitting(slices: Sequence[Obj], count: int) -> Obj | None:
    """The slice that is fullest once `count` endpoints are in it."""
    rooms = [(MOST - count - len(s.get("endpoints") or ()), i) for i, s in enumerate(slices)]
    fitting = min((r for r in rooms if 0 <= r[0] < MOST), default=None)
    return slices[fitting[1]] if fitting else None


def _labels(service: Obj) -> dict[str, str]:
    metadata = service["metadata"]
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k not in _RESERVED}
    if service_pods.headless(service):
        labels[service_pods.HEADLESS] = ""
    return {**labels, SERVICE_NAME: metadata["name"], MANAGED_BY: MANAGER}


def _new(service: Obj, family: str, ports: list[Obj], endpoints: list[Obj]) -> Obj:
    metadata = service["metadata"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{metadata['name']}-",
            "namespace": metadata["namespace"],
            "labels": _labels(service),
            "ownerReferences": [ownership.reference_to(service)],
        },
        "addressType": family,
        "endpoints": endpoints,
        "ports": ports,
    }


def _actions(plan: _Plan, service: Obj) -> list[Action]:
    """The writes; a slice that would be deleted becomes the next new one instead."""
    deletions = []
    for found in plan.delete:
        if plan.create and plan.create[-1]["addressType"] == found["addressType"]:
            made = plan.create.pop()
            kept = {k: v for k, v in found["metadata"].items() if k != "generateName"}
            plan.update.append({**made, "metadata": {**kept, "labels": made["metadata"]["labels"]}})
        else:
            deletions.append(found)
    namespace = service["metadata"]["namespace"]
    actions: list[Action] = []
    if "deletionTimestamp" not in service["metadata"]:
        actions += [Create(s, SLICES, namespace) for s in plan.create]
    actions += [Update(s, SLICES) for s in plan.update]
    return [*actions, *(Delete(SLICES, s["metadata"]["name"], namespace) for s in deletions)]
