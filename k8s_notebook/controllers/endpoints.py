"""Endpoints, the older form of EndpointSlices (as in pkg/controller/endpoint: endpoints_controller.go)."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence

from k8s_notebook.controllers import pods, service_pods
from k8s_notebook.machinery.actions import Action, Create, Delete, Emit, Update, Write
from k8s_notebook.machinery.cache import Name, View, name_of
from k8s_notebook.machinery.reconcile import Watch
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
CAPACITY = 1000
"""Addresses in one Endpoints object."""


class Endpoints:
    """Keeps one Endpoints object for every Service with a selector."""

    name = "endpoint-controller"

    def watches(self) -> Sequence[Watch]:
        """Services, their pods, and Endpoints."""
        return (
            Watch("services", service_pods.key_of_service),
            Watch("pods", service_pods.keys_of_pod),
            Watch("endpoints", _key_of_lost),
        )

    def pace(self, view: View, key: Name) -> float:
        """A pause that grows with the number of addresses."""
        found = view.get("endpoints", *key)
        count = sum(_size(s) for s in found.get("subsets") or ()) if found else 0
        return count * service_pods.PACE * (10 if count >= CAPACITY else 1) if count > 100 else 0.0

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """The creation, change or deletion of the Endpoints object."""
        service, found = view.get("services", *key), view.get("endpoints", *key)
        if service is None:
            return [Delete("endpoints", key[1], key[0])] if found is not None and _managed(found) else []
        if not service_pods.served_here(service):
            return []
        subsets, truncated = _truncated(_subsets(view, service))
        labels = {k: v for k, v in (service["metadata"].get("labels") or {}).items() if k != service_pods.HEADLESS}
        if service_pods.headless(service):
            labels[service_pods.HEADLESS] = ""
        labels[MANAGED_BY] = MANAGER
        old: Obj = found["metadata"] if found else {"name": key[1], "namespace": key[0]}
        annotations = {k: v for k, v in (old.get("annotations") or {}).items() if k != OVER_CAPACITY}
        if truncated:
            annotations[OVER_CAPACITY] = "truncated"
        metadata = {**{k: v for k, v in old.items() if k != "annotations"}, "labels": labels}
        if annotations:
            metadata["annotations"] = annotations
        made: Obj = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
        if subsets:
            made["subsets"] = subsets
        if found is None:
            return [Create(made, "endpoints", key[0])]
        return [] if made == found else [Update({**found, **made, "subsets": subsets}, "endpoints")]

    def refused(self, view: View, key: Name, action: Write, error: ApiError, now: float) -> list[Action]:
        """The event on the Endpoints."""
        if not isinstance(action, Create | Update):
            return []
        if any(c.get("reason") == "NamespaceTerminating" for c in error.details.get("causes") or ()):
            return []
        where = "/".join(key)
        if isinstance(action, Create):
            return [
                Emit(action.obj, "FailedToCreateEndpoint", f"Failed to create endpoint for service {where}: {error}", "Warning")
            ]
        return [Emit(action.obj, "FailedToUpdateEndpoint", f"Failed to update endpoint {where}: {error}", "Warning")]


def _managed(found: Obj) -> bool:
    return (found["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER


def _key_of_lost(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    """Endpoints that someone deleted, and ones whose Service is gone."""
    obj = new or old
    if obj is None or (new is not None and view.get("services", *name_of(obj)) is not None and old is not None):
        return ()
    return (name_of(obj),)


def _subsets(view: View, service: Obj) -> list[Obj]:
    """The addresses, grouped by the ports that they offer."""
    groups: dict[tuple[tuple[object, ...], ...], Obj] = {}
    family = service_pods.families(service)[0]
    anyway = bool(service["spec"].get("publishNotReadyAddresses"))
    ports_of = service_pods.ports(service)
    for pod in service_pods.selected(view, service):
        found = service_pods.addresses(pod, family)
        leaving = "deletionTimestamp" in pod["metadata"] and not anyway
        ports = ports_of(pod)
        if not found or leaving or not (ports or service_pods.portless(service)):
            continue
        address: Obj = {"ip": found[0], "targetRef": service_pods.target(pod)}
        if pod["spec"].get("nodeName"):
            address["nodeName"] = pod["spec"]["nodeName"]
        if hostname := service_pods.hostname(pod, service):
            address["hostname"] = hostname
        ports = [{k: v for k, v in p.items() if v != ""} for p in ports]
        key = tuple(sorted((p.get("name", ""), p["port"], p["protocol"]) for p in ports))
        group = groups.setdefault(key, {"ports": ports} if ports else {})
        group.setdefault("addresses" if anyway or pods.ready(pod) else "notReadyAddresses", []).append(address)
    return [_sorted(groups[key]) for key in sorted(groups)]


def _sorted(subset: Obj) -> Obj:
    """The subset with its addresses in numerical order."""
    lists: Obj = {k: sorted(subset[k], key=_order) for k in ("addresses", "notReadyAddresses") if k in subset}
    return {**lists, **({"ports": subset["ports"]} if "ports" in subset else {})}


def _order(address: Obj) -> tuple[tuple[int, ...], str, str]:
    return _numbers(address["ip"]), address["ip"], address["targetRef"]["uid"]


@functools.lru_cache(maxsize=16_384)
def _numbers(ip: str) -> tuple[int, ...]:
    return tuple(map(int, ip.split("."))) if ":" not in ip else ()


def _size(subset: Obj) -> int:
    return len(subset.get("addresses") or ()) + len(subset.get("notReadyAddresses") or ())


def _truncated(subsets: list[Obj]) -> tuple[list[Obj], bool]:
    """(the subsets with at most 1,000 addresses, ready ones preferred; whether some were left out)."""
    if sum(map(_size, subsets)) <= CAPACITY:
        return subsets, False
    ready = sum(len(s.get("addresses") or ()) for s in subsets)
    cut = "addresses" if ready > CAPACITY else "notReadyAddresses"
    most = CAPACITY if ready > CAPACITY else CAPACITY - ready
    everyone = sum(len(s.get(cut) or ()) for s in subsets)
    left = most
    found = []
    for subset in subsets:
        share = min(left, math.ceil(len(subset.get(cut) or ()) / everyone * most))
        taken = (subset.get(cut) or [])[:share]
        left -= len(taken)
        kept = {k: v for k, v in subset.items() if k != cut and not (cut == "addresses" and k == "notReadyAddresses")}
        found.append({**kept, **({cut: taken} if taken else {})})
    return found, True
