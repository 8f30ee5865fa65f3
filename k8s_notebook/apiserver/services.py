"""Addresses of services: cluster IPs, node ports, and the IPAddress objects that record them.

What is taken is read off the services in the store, so it is right after a restart, and a dry run takes nothing.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable

from k8s_notebook.apiserver.state import State
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import Cause, InternalError
from k8s_notebook.store.watches import Entry

CIDR = "10.96.0.0/16"
PORTS = range(30000, 32768)
_STATIC_IPS = 256
"""Addresses at the start of the range that are left to those who ask for one (as in ipallocator: calculateRangeOffset)."""
_STATIC_PORTS = 86
_TAKEN_IP = "failed to allocate IP {ip}: provided IP is already allocated"
_TAKEN_PORT = "provided port is already allocated"
_FOREIGN_PORT = "provided port is not in the valid range. The range of valid ports is 30000-32767"
_DEPENDENT = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")
_TRIES = 64

Owner = tuple[str, str]


class ServiceAddresses:
    """The cluster IPs and node ports of one cluster."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._network = ipaddress.ip_network(CIDR)
        self._ips: dict[str, Owner] = {}
        self._ports: dict[tuple[int, str], Owner] = {}
        state.store.listen("services", self._changed)

    def carried(self, new: Obj, old: Obj) -> Obj:
        """A changed service with the addresses that it had and does not mention."""
        spec, before = dict(new.get("spec") or {}), old.get("spec") or {}
        if spec.get("type") == "ExternalName":
            kept = {k: v for k, v in spec.items() if k not in _DEPENDENT or v != before.get(k)}
            return {**new, "spec": kept}
        if before.get("type") != "ExternalName":
            _carry_ip(spec, before)
        if _with_ports(spec) and _with_ports(before):
            had = {_port(p): p["nodePort"] for p in before.get("ports") or () if p.get("nodePort")}
            spec["ports"] = [_with_port(p, had) for p in spec.get("ports") or ()]
        elif _with_ports(before):
            spec["ports"] = [_without_unchanged(p, before) for p in spec.get("ports") or ()]
        return {**new, "spec": _of_type(spec, before)}

    def invalid(self, service: Obj, old: Obj | None) -> list[Cause]:
        """What is wrong with the addresses that the service asks for."""
        spec, owner = service.get("spec") or {}, _owner(service)
        causes = []
        for ip in _ips(spec):
            why = self._wrong_ip(ip, owner)
            if why:
                listed = '["' + '","'.join(_ips(spec)) + '"]'
                causes.append(Cause("FieldValueInvalid", f"Invalid value: {listed}: {why}", "spec.clusterIPs"))
        for at, port in enumerate(spec.get("ports") or ()):
            number = port.get("nodePort")
            why = self._wrong_port(number, port.get("protocol", "TCP"), owner) if number and _with_ports(spec) else ""
            if why:
                causes.append(Cause("FieldValueInvalid", f"Invalid value: {number}: {why}", f"spec.ports[{at}].nodePort"))
        return causes

    def allocated(self, service: Obj) -> Obj:
        """The service with the addresses that it has a right to; nothing is taken before it is stored."""
        spec = dict(service.get("spec") or {})
        if spec.get("type") == "ExternalName":
            return service
        if not spec.get("clusterIP"):
            listed = spec.get("clusterIPs")
            spec["clusterIP"] = listed[0] if listed else self._free_ip()
        spec["clusterIPs"] = spec.get("clusterIPs") or [spec["clusterIP"]]
        spec["ipFamilies"] = spec.get("ipFamilies") or ["IPv4"]
        spec["ipFamilyPolicy"] = spec.get("ipFamilyPolicy") or "SingleStack"
        if _with_ports(spec):
            spec["ports"] = self._with_free_ports(spec.get("ports") or ())
            if spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
                spec["healthCheckNodePort"] = spec.get("healthCheckNodePort") or self._free_port("TCP", spec["ports"])
        return service if spec == service.get("spec") else {**service, "spec": spec}

    def stored(self, service: Obj | None, old: Obj | None) -> None:
        """Record the addresses of a service that was written, forget those that it had."""
        has = _ips((service or {}).get("spec") or {})
        had = _ips((old or {}).get("spec") or {})
        store = self._state.store
        for ip in had:
            if ip not in has and store.get("ipaddresses.networking.k8s.io", "", ip) is not None:
                store.delete("ipaddresses.networking.k8s.io", "", ip)
        for ip in has:
            if service is not None and store.get("ipaddresses.networking.k8s.io", "", ip) is None:
                store.put("ipaddresses.networking.k8s.io", self._address(ip, service))

    def _address(self, ip: str, service: Obj) -> Obj:
        family = "IPv6" if ":" in ip else "IPv4"
        labels = {"ipaddress.kubernetes.io/ip-family": family, "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}
        meta = {"name": ip, "uid": self._state.streams.uid(), "creationTimestamp": self._state.stamp(), "labels": labels}
        namespace, name = _owner(service)
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IPAddress",
            "metadata": meta,
            "spec": {"parentRef": {"resource": "services", "namespace": namespace, "name": name}},
        }

    def _changed(self, old: Entry | None, new: Entry | None) -> None:
        for entry in (old, new):
            if entry is None:
                continue
            service, owner = entry.obj, _owner(entry.obj)
            gone = entry is old
            for ip in _ips(service.get("spec") or {}):
                _note(self._ips, ip, owner, gone)
            for taken in _node_ports(service.get("spec") or {}):
                _note(self._ports, taken, owner, gone)

    def _wrong_ip(self, ip: str, owner: Owner) -> str:
        try:
            inside = ipaddress.ip_address(ip) in self._network
        except ValueError:
            return ""
        if not inside:
            return (
                f"failed to allocate IP {ip}: the provided IP ({ip}) is not in the valid range. The range of valid IPs is {CIDR}"
            )
        return _TAKEN_IP.format(ip=ip) if self._ips.get(ip, owner) != owner else ""

    def _wrong_port(self, number: int, protocol: str, owner: Owner) -> str:
        if number not in PORTS:
            return _FOREIGN_PORT
        return _TAKEN_PORT if self._ports.get((number, protocol), owner) != owner else ""

    def _free_ip(self) -> str:
        """An address of the upper band, at random; of the lower one when that is full."""
        chance = self._state.streams.stream("addresses")
        size = self._network.num_addresses
        for _ in range(_TRIES):
            ip = str(self._network[chance.randrange(_STATIC_IPS + 1, size - 1)])
            if self._ip_free(ip):
                return ip
        for at in [*range(_STATIC_IPS + 1, size - 1), *range(1, _STATIC_IPS + 1)]:
            ip = str(self._network[at])
            if self._ip_free(ip):
                return ip
        raise InternalError("failed to allocate a serviceIP: range is full")

    def _ip_free(self, ip: str) -> bool:
        return ip not in self._ips and self._state.store.get("ipaddresses.networking.k8s.io", "", ip) is None

    def _with_free_ports(self, ports: Iterable[Obj]) -> list[Obj]:
        done: list[Obj] = []
        for port in ports:
            if not port.get("nodePort"):
                same = next(
                    (p["nodePort"] for p in done if p["port"] == port["port"] and p.get("protocol") != port.get("protocol")), 0
                )
                port = {**port, "nodePort": same or self._free_port(port.get("protocol", "TCP"), done)}
            done.append(port)
        return done

    def _free_port(self, protocol: str, others: Iterable[Obj]) -> int:
        """A node port of the upper band, at random; of the lower one when that is full."""
        chance = self._state.streams.stream("addresses")
        used = {p.get("nodePort") for p in others}
        tried = (chance.randrange(PORTS[_STATIC_PORTS], PORTS.stop) for _ in range(_TRIES))
        for number in itertools.chain(tried, PORTS[_STATIC_PORTS:], PORTS[:_STATIC_PORTS]):
            if number not in used and (number, protocol) not in self._ports:
                return number
        raise InternalError("failed to allocate a nodePort: range is full")


def _carry_ip(spec: Obj, before: Obj) -> None:
    ip, listed = spec.get("clusterIP"), spec.get("clusterIPs")
    if not ip and not listed:
        spec.update({f: before[f] for f in ("clusterIP", "clusterIPs") if f in before})
    elif ip and ip != before.get("clusterIP") and (not listed or listed == before.get("clusterIPs")):
        spec["clusterIPs"] = [ip, *(listed or [])[1:]]
    elif ip and not listed and ip == before.get("clusterIP"):
        spec["clusterIPs"] = before.get("clusterIPs")
    elif listed and not ip:
        spec["clusterIP"] = listed[0]
    for name in ("ipFamilies", "ipFamilyPolicy"):
        if name in before and name not in spec:
            spec[name] = before[name]


_OF_TYPES = {
    "externalTrafficPolicy": ("NodePort", "LoadBalancer"),
    "healthCheckNodePort": ("LoadBalancer",),
    "allocateLoadBalancerNodePorts": ("LoadBalancer",),
    "loadBalancerClass": ("LoadBalancer",),
}
"""Fields that only some types of services have: they go with the type (as in dropTypeDependentFields)."""


def _of_type(spec: Obj, before: Obj) -> Obj:
    """The spec without what belonged to its former type and was left as it was."""
    now = spec.get("type", "ClusterIP")
    gone = [f for f, types in _OF_TYPES.items() if now not in types and f in spec and spec[f] == before.get(f)]
    return {k: v for k, v in spec.items() if k not in gone} if gone else spec


def _with_port(port: Obj, had: dict[tuple[str, int], int]) -> Obj:
    known = had.get(_port(port))
    return {**port, "nodePort": known} if known and not port.get("nodePort") else port


def _without_unchanged(port: Obj, before: Obj) -> Obj:
    """A port of a service that has no node ports any more."""
    had = {_port(p): p.get("nodePort") for p in before.get("ports") or ()}
    if port.get("nodePort") and port["nodePort"] == had.get(_port(port)):
        return {k: v for k, v in port.items() if k != "nodePort"}
    return port


def _note(taken: dict[str, Owner] | dict[tuple[int, str], Owner], what: object, owner: Owner, gone: bool) -> None:
    known: dict[object, Owner] = taken  # type: ignore[assignment]
    if not gone:
        known[what] = owner
    elif known.get(what) == owner:
        del known[what]


def _owner(service: Obj) -> Owner:
    return service["metadata"].get("namespace", ""), service["metadata"]["name"]


def _port(port: Obj) -> tuple[str, int]:
    return port.get("protocol", "TCP"), port["port"]


def _with_ports(spec: Obj) -> bool:
    """Whether the service has node ports."""
    if spec.get("type") == "LoadBalancer":
        return bool(spec.get("allocateLoadBalancerNodePorts", True)) or any(p.get("nodePort") for p in spec.get("ports") or ())
    return spec.get("type") == "NodePort"


def _ips(spec: Obj) -> list[str]:
    if spec.get("type") == "ExternalName":
        return []
    listed = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    return [ip for ip in listed if ip and ip != "None"]


def _node_ports(spec: Obj) -> list[tuple[int, str]]:
    found = [(p["nodePort"], p.get("protocol", "TCP")) for p in spec.get("ports") or () if p.get("nodePort")]
    if spec.get("healthCheckNodePort"):
        found.append((spec["healthCheckNodePort"], "TCP"))
    return found
