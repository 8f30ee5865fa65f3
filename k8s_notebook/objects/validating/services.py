"""Rules for Services, Endpoints and EndpointSlices. As in pkg/apis/core/validation and pkg/apis/discovery/validation."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from k8s_notebook.objects import Obj
from k8s_notebook.objects.validating import containers, metadata, names
from k8s_notebook.objects.validating.findings import Findings

_TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_POLICIES: Final = ("Cluster", "Local")
_FAMILIES: Final = ("IPv4", "IPv6")
_FAMILY_POLICIES: Final = ("PreferDualStack", "RequireDualStack", "SingleStack")
_ADDRESS_WRONG: Final = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_NOT_EXTERNAL: Final = "may not be set for ExternalName services"


def address(found: Findings, given: str, path: str) -> bool:
    """Whether the text is an IP address; says so if not."""
    try:
        ipaddress.ip_address(given)
    except ValueError:
        found.invalid(path, given, _ADDRESS_WRONG)
        return False
    return True


def service(found: Findings, obj: Obj) -> None:
    """A Service."""
    spec = obj.get("spec") or {}
    kind, ips, ports = spec.get("type") or "", spec.get("clusterIPs") or [], spec.get("ports") or []
    headless = (ips or [spec.get("clusterIP")]) == ["None"]
    if not ports and not headless and kind != "ExternalName":
        found.required("spec.ports")
    if kind in ("LoadBalancer", "NodePort") and headless:
        found.invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")
    if kind == "ExternalName":
        _external_name(found, spec)
    _ports(found, ports)
    if spec.get("selector"):
        metadata.labels(found, spec["selector"], "spec.selector")
    _affinity(found, spec)
    if kind != "ExternalName":
        _cluster_ips(found, spec, ips)
    for i, ip in enumerate(spec.get("externalIPs") or ()):
        address(found, ip, f"spec.externalIPs[{i}]")
    found.one_of("spec.type", kind, _TYPES)
    _node_ports(found, kind, ports)
    _pairs(found, ports)
    _traffic(found, spec, kind)


def _external_name(found: Findings, spec: Obj) -> None:
    for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(field):
            found.forbidden(f"spec.{field}", _NOT_EXTERNAL)
    name = (spec.get("externalName") or "").removesuffix(".")
    if not name:
        found.required("spec.externalName")
    else:
        found.each("spec.externalName", name, names.subdomain(name))


def _ports(found: Findings, ports: list[Obj]) -> None:
    taken: set[str] = set()
    for i, port in enumerate(ports):
        where, name = f"spec.ports[{i}]", port.get("name") or ""
        if not name:
            if len(ports) > 1:
                found.required(f"{where}.name")
        else:
            found.each(f"{where}.name", name, names.label(name))
            if name in taken:
                found.duplicate(f"{where}.name", name)
            taken.add(name)
        number = port.get("port") or 0
        found.each(f"{where}.port", number, names.port(number))
        found.one_of(f"{where}.protocol", port.get("protocol"), _PROTOCOLS)
        containers.port_or_name(found, port.get("targetPort") or 0, f"{where}.targetPort")
        if port.get("appProtocol"):
            found.each(f"{where}.appProtocol", port["appProtocol"], names.qualified(port["appProtocol"]))


def _affinity(found: Findings, spec: Obj) -> None:
    affinity, config = spec.get("sessionAffinity"), spec.get("sessionAffinityConfig")
    found.one_of("spec.sessionAffinity", affinity, ("ClientIP", "None"))
    if affinity == "None" and config is not None:
        found.forbidden("spec.sessionAffinityConfig", "must not be set when session affinity is None")
    if affinity == "ClientIP":
        seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds") or 0
        if not 0 < seconds <= 86400:
            path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
            found.invalid(path, seconds, "must be greater than 0 and less than 86400")


def _cluster_ips(found: Findings, spec: Obj, ips: list[str]) -> None:
    for i, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in _FAMILIES:
            found.unsupported(f"spec.ipFamilies[{i}]", family, _FAMILIES)
        if family in spec["ipFamilies"][:i]:
            found.duplicate(f"spec.ipFamilies[{i}]", family)
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in _FAMILY_POLICIES:
        found.unsupported("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES)
    if ips and spec.get("clusterIP") and ips[0] != spec["clusterIP"]:
        found.invalid("spec.clusterIPs", ips, "first value must match `clusterIP`")
    for i, ip in enumerate(ips or [ip for ip in (spec.get("clusterIP"),) if ip]):
        if i == 0 and ip == "None":
            if len(ips) > 1:
                found.invalid("spec.clusterIPs", ips, "'None' must be the first and only value")
            continue
        address(found, ip, f"spec.clusterIPs[{i}]")
    if len(ips) > 2:
        found.invalid("spec.clusterIPs", ips, "may only hold up to 2 values")


def _node_ports(found: Findings, kind: str, ports: list[Obj]) -> None:
    taken: set[tuple[Any, Any]] = set()
    for i, port in enumerate(ports):
        node_port = port.get("nodePort")
        if not node_port:
            continue
        if kind == "ClusterIP":
            found.forbidden(f"spec.ports[{i}].nodePort", "may not be used when `type` is 'ClusterIP'")
        if (port.get("protocol"), node_port) in taken:
            found.duplicate(f"spec.ports[{i}].nodePort", node_port)
        taken.add((port.get("protocol"), node_port))


def _pairs(found: Findings, ports: list[Obj]) -> None:
    """Each port and protocol once."""
    taken: set[tuple[Any, Any]] = set()
    for i, port in enumerate(ports):
        pair = (port.get("protocol"), port.get("port"))
        if pair in taken:
            shown = {"Name": "", "Protocol": pair[0], "AppProtocol": None, "Port": pair[1], "TargetPort": 0, "NodePort": 0}
            found.duplicate(f"spec.ports[{i}]", shown)
        taken.add(pair)


def _traffic(found: Findings, spec: Obj, kind: str) -> None:
    if spec.get("loadBalancerSourceRanges") and kind != "LoadBalancer":
        found.forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'")
    if spec.get("allocateLoadBalancerNodePorts") is not None and kind != "LoadBalancer":
        found.forbidden("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'")
    if spec.get("loadBalancerClass") is not None and kind != "LoadBalancer":
        found.forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'")
    outside = kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))
    policy = spec.get("externalTrafficPolicy")
    if outside:
        found.one_of("spec.externalTrafficPolicy", policy, _POLICIES)
    elif policy:
        found.invalid("spec.externalTrafficPolicy", policy, "may only be set for externally-accessible services")
    inside = spec.get("internalTrafficPolicy")
    if inside is not None and inside not in _POLICIES:
        found.unsupported("spec.internalTrafficPolicy", inside, _POLICIES)


def service_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed Service: cluster IPs stay, unless it was or becomes an ExternalName."""
    now, before = new.get("spec") or {}, old.get("spec") or {}
    if "ExternalName" in (now.get("type"), before.get("type")):
        return
    ips, were = now.get("clusterIPs") or [], before.get("clusterIPs") or []
    if were and not ips:
        found.invalid("spec.clusterIPs[0]", ips or None, "primary clusterIP can not be unset")
    for i, (ip, was) in enumerate(zip(ips, were, strict=False)):
        if ip != was:
            found.invalid(f"spec.clusterIPs[{i}]", ips, "may not change once set")
    if len(ips) == 1 < len(were) and now.get("ipFamilyPolicy") != "SingleStack":
        why = "must be set to 'SingleStack' when releasing the secondary clusterIP"
        found.invalid("spec.ipFamilyPolicy", now.get("ipFamilyPolicy"), why)


def endpoints(found: Findings, obj: Obj) -> None:
    """Endpoints."""
    for i, subset in enumerate(obj.get("subsets") or ()):
        path = f"subsets[{i}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            found.required(path, "must specify `addresses` or `notReadyAddresses`")
        for field in ("addresses", "notReadyAddresses"):
            for j, entry in enumerate(subset.get(field) or ()):
                if not address(found, entry.get("ip") or "", f"{path}.{field}[{j}].ip"):
                    found.invalid(f"{path}.{field}[{j}].ip", entry.get("ip") or "", "must be a valid IP address")
        ports = subset.get("ports") or []
        for j, port in enumerate(ports):
            where = f"{path}.ports[{j}]"
            if len(ports) > 1 and not port.get("name"):
                found.required(f"{where}.name")
            found.each(f"{where}.port", port.get("port") or 0, names.port(port.get("port") or 0))
            found.one_of(f"{where}.protocol", port.get("protocol"), _PROTOCOLS)


def slice_(found: Findings, obj: Obj) -> None:
    """An EndpointSlice."""
    kind = obj.get("addressType") or ""
    if not kind:
        found.required("addressType")
    elif kind not in ("FQDN", "IPv4", "IPv6"):
        found.unsupported("addressType", kind, ("FQDN", "IPv4", "IPv6"))
    for i, port in enumerate(obj.get("ports") or ()):
        if port.get("protocol") not in _PROTOCOLS:
            found.unsupported(f"ports[{i}].protocol", port.get("protocol") or "", _PROTOCOLS)
    if len(obj.get("endpoints") or ()) > 1000:
        found.too_many("endpoints", len(obj["endpoints"]), 1000)
    for i, endpoint in enumerate(obj.get("endpoints") or ()):
        if not endpoint.get("addresses"):
            found.required(f"endpoints[{i}].addresses", "must contain at least 1 address")
        for j, given in enumerate(endpoint.get("addresses") or ()):
            if kind in _FAMILIES:
                address(found, given, f"endpoints[{i}].addresses[{j}]")


def slice_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed EndpointSlice keeps the type of its addresses."""
    found.immutable("addressType", new.get("addressType"), old.get("addressType"))
