"""Services, with the addresses behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8s_notebook.objects import Obj, errors
from k8s_notebook.session import reading
from k8s_notebook.session.describe.lines import Page, head, selector
from k8s_notebook.session.door import Door

MOST = 3
"""Addresses of one port that are written out."""


def describe(door: Door, page: Page, obj: Obj) -> None:
    """Type, addresses, ports and endpoints."""
    spec = obj.get("spec") or {}
    head(page, obj)
    page.pair(0, "Selector", selector(spec.get("selector")))
    page.pair(0, "Type", spec.get("type"))
    page.pair(0, "IP Family Policy", spec.get("ipFamilyPolicy"))
    page.pair(0, "IP Families", ",".join(spec.get("ipFamilies") or ()))
    page.pair(0, "IP", spec.get("clusterIP"))
    page.pair(0, "IPs", ",".join(spec.get("clusterIPs") or ()))
    _addresses(page, spec, obj.get("status") or {})
    slices = _slices(door, obj)
    for port in spec.get("ports") or ():
        page.add(0, "Port:", port.get("name") or "<unset>", f"{port['port']}/{port.get('protocol', 'TCP')}")
        page.add(0, "TargetPort:", f"{port.get('targetPort', port['port'])}/{port.get('protocol', 'TCP')}")
        if port.get("nodePort"):
            page.add(0, "NodePort:", port.get("name") or "<unset>", f"{port['nodePort']}/{port.get('protocol', 'TCP')}")
        page.pair(0, "Endpoints", _endpoints(slices, port.get("name") or ""))
    page.pair(0, "Session Affinity", spec.get("sessionAffinity", "None"))
    if spec.get("externalTrafficPolicy"):
        page.pair(0, "External Traffic Policy", spec["externalTrafficPolicy"])
    page.pair(0, "Internal Traffic Policy", spec.get("internalTrafficPolicy"))


def _addresses(page: Page, spec: Obj, status: Obj) -> None:
    if spec.get("externalIPs"):
        page.pair(0, "External IPs", ",".join(spec["externalIPs"]))
    if spec.get("externalName"):
        page.pair(0, "External Name", spec["externalName"])
    ingress = (status.get("loadBalancer") or {}).get("ingress") or ()
    if ingress:
        page.pair(0, "LoadBalancer Ingress", ", ".join(i.get("ip") or i.get("hostname") or "" for i in ingress))


def _slices(door: Door, obj: Obj) -> list[Obj]:
    metadata = obj["metadata"]
    try:
        kind = door.kind("endpointslices.discovery.k8s.io")
        return reading.items(door, kind, metadata["namespace"], f"kubernetes.io/service-name={metadata['name']}")
    except errors.ApiError:
        return []


def _endpoints(slices: list[Obj], port: str) -> str:
    found = list(_addressed(slices, port))
    more = f" + {len(found) - MOST} more..." if len(found) > MOST else ""
    return ",".join(found[:MOST]) + more


def _addressed(slices: list[Obj], port: str) -> Iterator[str]:
    for one in slices:
        numbers: list[Any] = [p.get("port") for p in one.get("ports") or () if (p.get("name") or "") == port]
        for endpoint in one.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is False:
                continue
            for address in endpoint.get("addresses") or ():
                yield from (f"{address}:{n}" for n in numbers)
