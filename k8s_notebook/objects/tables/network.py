"""The rows of Services, Ingresses, endpoints and their kin."""

from __future__ import annotations

from k8s_notebook.objects import Obj
from k8s_notebook.objects.tables.getters import (
    NONE,
    UNSET,
    Cell,
    age,
    at,
    joined,
    labels,
    name,
    printer,
    selector,
    text,
    value,
    with_more,
)


def _addresses(obj: Obj, now: float) -> Cell:
    """The addresses of a load balancer, sorted."""
    ingress = at(obj, "status.loadBalancer.ingress") or ()
    return ",".join(sorted({i.get("ip") or i.get("hostname") or "" for i in ingress} - {""}))


def _balanced(service: Obj, now: float) -> Cell:
    balancers = str(_addresses(service, now))
    return ",".join([*filter(None, [balancers]), *(at(service, "spec.externalIPs") or ())]) or "<pending>"


_EXTERNAL = {
    **dict.fromkeys(("ClusterIP", "NodePort"), joined("spec.externalIPs", NONE)),
    "LoadBalancer": _balanced,
    "ExternalName": text("spec.externalName"),
}


def _external(service: Obj, now: float) -> Cell:
    shown = _EXTERNAL.get(at(service, "spec.type"))
    return shown(service, now) if shown else "<unknown>"


def _cluster_ip(service: Obj, now: float) -> Cell:
    addresses = at(service, "spec.clusterIPs")
    found: str = addresses[0] if addresses else at(service, "spec.clusterIP") or NONE
    return found


def _service_ports(service: Obj, now: float) -> Cell:
    ports = at(service, "spec.ports") or ()
    return ",".join(_service_port(port) for port in ports) or NONE


def _service_port(port: Obj) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port', 0)}{node}/{port.get('protocol', '')}"


def _hosts(ingress: Obj, now: float) -> Cell:
    """The hosts of the first rules."""
    rules = at(ingress, "spec.rules") or ()
    hosts = [rule["host"] for rule in rules if rule.get("host")]
    third = [place for place, rule in enumerate(rules) if rule.get("host")][2:3]
    if third and third[0] < len(rules) - 1:
        return f"{','.join(hosts[:3])} + {len(rules) - 3} more..."
    return ",".join(hosts) or "*"


def _ingress_ports(ingress: Obj, now: float) -> Cell:
    return "80, 443" if at(ingress, "spec.tls") else "80"


def _default_name(obj: Obj, now: float) -> Cell:
    annotations = obj["metadata"].get("annotations") or {}
    default = annotations.get("ingressclass.kubernetes.io/is-default-class") == "true"
    return f"{name(obj, now)} (default)" if default else name(obj, now)


def _parameters(obj: Obj, now: float) -> Cell:
    found = at(obj, "spec.parameters")
    if found is None:
        return NONE
    group = f".{found['apiGroup']}" if found.get("apiGroup") is not None else ""
    return f"{found.get('kind', '')}{group}/{found.get('name', '')}"


def _endpoints(obj: Obj, now: float) -> Cell:
    """`10.0.0.1:80` of every address and port."""
    shown: list[str] = []
    for subset in obj.get("subsets") or ():
        addresses = [a.get("ip", "") for a in subset.get("addresses") or ()]
        ports = subset.get("ports")
        shown += [_host_port(ip, port["port"]) for port in ports for ip in addresses] if ports else addresses
    return with_more(shown, 3, "" if obj.get("subsets") else NONE)


def _host_port(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _slice_ports(obj: Obj, now: float) -> Cell:
    ports = [str(p["port"]) if p.get("port") is not None else p.get("name", "*") for p in obj.get("ports") or ()]
    return with_more(ports, 3, UNSET)


def _slice_endpoints(obj: Obj, now: float) -> Cell:
    return with_more([a for endpoint in obj.get("endpoints") or () for a in endpoint.get("addresses") or ()], 3, UNSET)


def _parent(obj: Obj, now: float) -> Cell:
    """What an IPAddress belongs to: `services/default/kubernetes`."""
    found = at(obj, "spec.parentRef")
    if found is None:
        return NONE
    resource = ".".join(filter(None, [found.get("resource", ""), found.get("group", "")])).lower()
    return "/".join(filter(None, [resource, found.get("namespace", ""), found.get("name", "")]))


PRINTERS = {
    "services": printer(
        "Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector*",
        name,
        text("spec.type"),
        _cluster_ip,
        _external,
        _service_ports,
        age,
        labels("spec.selector"),
    ),
    "endpoints": printer("Name|Endpoints|Age", name, _endpoints, age),
    "endpointslices.discovery.k8s.io": printer(
        "Name|AddressType|Ports|Endpoints|Age", name, text("addressType"), _slice_ports, _slice_endpoints, age
    ),
    "ingresses.networking.k8s.io": printer(
        "Name|Class|Hosts|Address|Ports|Age", name, value("spec.ingressClassName", NONE), _hosts, _addresses, _ingress_ports, age
    ),
    "ingressclasses.networking.k8s.io": printer(
        "Name|Controller|Parameters|Age", _default_name, text("spec.controller"), _parameters, age
    ),
    "networkpolicies.networking.k8s.io": printer("Name|Pod-Selector|Age", name, selector("spec.podSelector"), age),
    "servicecidrs.networking.k8s.io": printer("Name|CIDRs|Age", name, joined("spec.cidrs"), age),
    "ipaddresses.networking.k8s.io": printer("Name|ParentRef", name, _parent, age),
}
