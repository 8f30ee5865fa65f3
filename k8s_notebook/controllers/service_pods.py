"""What a Service and its pods have to do with each other: shared by EndpointSlices and Endpoints.

As in endpointslice/util: controller_utils.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from k8s_notebook.controllers import pods
from k8s_notebook.machinery.cache import Name, View, name_of
from k8s_notebook.objects import Obj

HEADLESS = "service.kubernetes.io/headless"
PACE = 100e-6
"""Seconds between two looks, per endpoint: 5,000 are looked at every half second while their pods change."""


def key_of_service(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    """The key of the Service itself."""
    obj = new or old
    return (name_of(obj),) if obj is not None else ()


def keys_of_pod(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    """The Services that select a pod, or did, if something about it changed that endpoints show."""
    if old is not None and new is not None and _same(old, new):
        return ()
    described = [o["metadata"] for o in (old, new) if o is not None]
    labels = [d.get("labels") or {} for d in described]
    if len(labels) == 2 and labels[0] == labels[1]:
        labels.pop()
    services = view.all("services", described[0]["namespace"])
    return [name_of(s) for s in services if any(selects(s, found) for found in labels)]


def selects(service: Obj, labels: dict[str, str]) -> bool:
    """Whether pods with these labels belong to the Service; an empty selector selects all, none at all selects none."""
    wanted = service["spec"].get("selector")
    return wanted is not None and wanted.items() <= labels.items()


def selected(view: View, service: Obj) -> Iterator[Obj]:
    """The Service's pods that have an address and have not finished."""
    wanted = service["spec"]["selector"].items()
    for pod in view.all("pods", service["metadata"]["namespace"]):
        if wanted <= (pod["metadata"].get("labels") or {}).items():
            status = pod.get("status") or {}
            if (status.get("podIP") or status.get("podIPs")) and status.get("phase") not in pods.FINISHED:
                yield pod


def served_here(service: Obj) -> bool:
    """Whether its endpoints are made by controllers: it has a selector and is no alias."""
    return service["spec"].get("type") != "ExternalName" and service["spec"].get("selector") is not None


def headless(service: Obj) -> bool:
    """Whether it has no address of its own."""
    return service["spec"].get("clusterIP") in (None, "", "None")


def families(service: Obj) -> list[str]:
    """The address families: "IPv4", "IPv6"."""
    found = service["spec"].get("ipFamilies")
    if found:
        return list(found)
    if headless(service):
        return ["IPv4", "IPv6"]
    return ["IPv6" if ":" in service["spec"]["clusterIP"] else "IPv4"]


def addresses(pod: Obj, family: str) -> list[str]:
    """The pod's addresses of a family."""
    status = pod["status"]
    listed = status.get("podIPs") or [{"ip": status["podIP"]}]
    return [a["ip"] for a in listed if (":" in a["ip"]) == (family == "IPv6")]


def hostname(pod: Obj, service: Obj) -> str:
    """The name under which DNS finds the pod below the Service, "" if none."""
    spec = pod["spec"]
    found: str = spec.get("hostname", "")
    return found if spec.get("subdomain") == service["metadata"]["name"] else ""


def ports(service: Obj) -> Callable[[Obj], list[Obj]]:
    """pod -> the Service's ports as that pod offers them; ports that it does not name are left out."""
    wanted = service["spec"].get("ports") or ()
    if all(isinstance(p.get("targetPort", 0), int) for p in wanted):
        same = [_port(p, p.get("targetPort") or p["port"]) for p in wanted]
        return lambda pod: same
    return lambda pod: [_port(p, number) for p in wanted if (number := _number(p, pod)) is not None]


def _port(port: Obj, number: int) -> Obj:
    protocol = {"appProtocol": port["appProtocol"]} if port.get("appProtocol") else {}
    return {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP"), **protocol}


def portless(service: Obj) -> bool:
    """Whether it is a headless Service without ports, which still has endpoints."""
    return not service["spec"].get("ports") and service["spec"].get("clusterIP") == "None"


def target(pod: Obj) -> Obj:
    """The reference by which an endpoint names its pod."""
    metadata = pod["metadata"]
    return {"kind": "Pod", "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}


def _number(port: Obj, pod: Obj) -> int | None:
    """The port number; a name is looked up in containers, then in sidecars."""
    wanted = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted or int(port["port"])
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in (*spec["containers"], *sidecars):
        for offered in container.get("ports") or ():
            if offered.get("name") == wanted and offered.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return int(offered["containerPort"])
    return None


def _same(old: Obj, new: Obj) -> bool:
    """Whether endpoints would show both alike."""
    before, after = old["metadata"], new["metadata"]
    if before.get("deletionTimestamp") != after.get("deletionTimestamp") or before.get("labels") != after.get("labels"):
        return False
    status, other = old.get("status") or {}, new.get("status") or {}
    if status.get("podIP") != other.get("podIP") or status.get("podIPs") != other.get("podIPs"):
        return False
    ended = (status.get("phase") in pods.FINISHED) == (other.get("phase") in pods.FINISHED)
    return ended and pods.ready(old) == pods.ready(new)
