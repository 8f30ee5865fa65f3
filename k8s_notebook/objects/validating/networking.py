"""Rules for Ingress, IngressClass and NetworkPolicy. As in pkg/apis/networking/validation."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from k8s_notebook.objects import Obj
from k8s_notebook.objects.validating import metadata, names
from k8s_notebook.objects.validating.findings import Findings

_URL_PATH: Final = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def ingress(found: Findings, obj: Obj) -> None:
    """An Ingress."""
    spec = obj.get("spec") or {}
    rules, default = spec.get("rules") or [], spec.get("defaultBackend")
    if not rules and default is None:
        found.invalid("spec", rules or None, "either `defaultBackend` or `rules` must be specified")
    if default is not None:
        _backend(found, default, "spec.defaultBackend")
    for i, rule in enumerate(rules):
        path, host = f"spec.rules[{i}]", rule.get("host") or ""
        if host:
            _host(found, host, f"{path}.host")
        if rule.get("http") is not None:
            paths = rule["http"].get("paths") or []
            if not paths:
                found.required(f"{path}.http.paths")
            for j, entry in enumerate(paths):
                _http_path(found, entry, f"{path}.http.paths[{j}]")
    for i, tls in enumerate(spec.get("tls") or ()):
        for j, host in enumerate(tls.get("hosts") or ()):
            found.each(f"spec.tls[{i}].hosts[{j}]", host, names.wildcard(host) if "*" in host else names.subdomain(host))
    if spec.get("ingressClassName"):
        found.each("spec.ingressClassName", spec["ingressClassName"], names.subdomain(spec["ingressClassName"]))


def _host(found: Findings, host: str, path: str) -> None:
    try:
        ipaddress.ip_address(host)
        found.invalid(path, host, "must be a DNS name, not an IP address")
    except ValueError:
        pass
    found.each(path, host, names.wildcard(host) if "*" in host else names.subdomain(host))


def _http_path(found: Findings, entry: Obj, path: str) -> None:
    kind, given = entry.get("pathType"), entry.get("path") or ""
    if kind is None:
        found.required(f"{path}.pathType", "pathType must be specified")
        return
    if kind in ("Exact", "Prefix"):
        if not given.startswith("/"):
            found.invalid(f"{path}.path", given, "must be an absolute path")
        for part in ("//", "/./", "/../", "%2f", "%2F"):
            if part in given:
                found.invalid(f"{path}.path", given, f"must not contain '{part}'")
        for part in ("/..", "/."):
            if given.endswith(part):
                found.invalid(f"{path}.path", given, f"cannot end with '{part}'")
    elif kind == "ImplementationSpecific":
        if given and not given.startswith("/"):
            found.invalid(f"{path}.path", given, "must be an absolute path")
    else:
        found.unsupported(f"{path}.pathType", kind, ("Exact", "ImplementationSpecific", "Prefix"))
    _backend(found, entry.get("backend") or {}, f"{path}.backend")


def _backend(found: Findings, backend: Obj, path: str) -> None:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        found.invalid(path, "", "cannot set both resource and service backends")
    elif service is not None:
        name, port = service.get("name") or "", service.get("port") or {}
        if not name:
            found.required(f"{path}.service.name")
        else:
            found.each(f"{path}.service.name", name, names.label(name))
        if port.get("name") and port.get("number"):
            found.invalid(path, "", "cannot set both port name & port number")
        elif port.get("name"):
            found.each(f"{path}.service.port.name", port["name"], names.port_name(port["name"]))
        elif port.get("number"):
            found.each(f"{path}.service.port.number", port["number"], names.port(port["number"]))
        else:
            found.required(path, "port name or number is required")
    elif resource is None:
        found.invalid(path, "", "resource or service backend is required")


def ingress_class(found: Findings, obj: Obj) -> None:
    """An IngressClass: its controller is a path under a domain."""
    controller = (obj.get("spec") or {}).get("controller") or ""
    domain, slash, rest = controller.partition("/")
    if not controller:
        found.required("spec.controller")
    elif not slash or not domain or not rest:
        found.invalid("spec.controller", controller, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        found.each("spec.controller", domain, names.subdomain(domain))
        if not re.fullmatch(_URL_PATH, rest):
            found.invalid("spec.controller", rest, f"Invalid path (regex used for validation is '{_URL_PATH}')")


def ingress_class_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed IngressClass: its controller stays."""
    now, before = (o.get("spec") or {} for o in (new, old))
    found.immutable("spec.controller", now.get("controller"), before.get("controller"))


def network_policy(found: Findings, obj: Obj) -> None:
    """A NetworkPolicy."""
    spec = obj.get("spec") or {}
    metadata.selector(found, spec.get("podSelector"), "spec.podSelector")
    for field, peers in (("ingress", "from"), ("egress", "to")):
        for i, rule in enumerate(spec.get(field) or ()):
            path = f"spec.{field}[{i}]"
            for j, port in enumerate(rule.get("ports") or ()):
                _policy_port(found, port, f"{path}.ports[{j}]")
            for j, peer in enumerate(rule.get(peers) or ()):
                _peer(found, peer, f"{path}.{peers}[{j}]")
    types = spec.get("policyTypes") or []
    if len(types) > 2:
        found.invalid("spec.policyTypes", types, "may not specify more than two policyTypes")
        return
    for i, kind in enumerate(types):
        if kind not in ("Ingress", "Egress"):
            found.unsupported(f"spec.policyTypes[{i}]", kind, ("Ingress", "Egress"))


def _policy_port(found: Findings, port: Obj, path: str) -> None:
    if port.get("protocol") is not None and port["protocol"] not in ("TCP", "UDP", "SCTP"):
        found.unsupported(f"{path}.protocol", port["protocol"], ("TCP", "UDP", "SCTP"))
    number, end = port.get("port"), port.get("endPort")
    if number is None:
        if end is not None:
            found.invalid(f"{path}.endPort", end, "may not be specified when `port` is not specified")
    elif isinstance(number, str):
        if end is not None:
            found.invalid(f"{path}.endPort", end, "may not be specified when `port` is non-numeric")
        found.each(f"{path}.port", number, names.port_name(number))
    else:
        found.each(f"{path}.port", number, names.port(number))
        if end is not None and end < number:
            found.invalid(f"{path}.endPort", number, "must be greater than or equal to `port`")


def _peer(found: Findings, peer: Obj, path: str) -> None:
    given = [field for field in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(field) is not None]
    for field in given:
        if field != "ipBlock":
            metadata.selector(found, peer[field], f"{path}.{field}")
    if not given:
        found.required(path, "must specify a peer")
    elif "ipBlock" in given:
        _block(found, peer["ipBlock"], f"{path}.ipBlock")
        if len(given) > 1:
            found.forbidden(path, "may not specify both ipBlock and another peer")


def _block(found: Findings, block: Obj, path: str) -> None:
    cidr = block.get("cidr") or ""
    if not cidr:
        found.required(f"{path}.cidr")
        return
    try:
        ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        found.invalid(f"{path}.cidr", cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")
