"""What a claim asks for, read once for all nodes: requests with their alternatives, classes, selectors, constraints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.claims import selectors
from k8s_notebook.scheduler.surroundings import Surroundings

CLASSES = "deviceclasses.resource.k8s.io"


@dataclass(frozen=True, slots=True)
class Wish:
    """One request, or one alternative of a request."""

    name: str
    base: str
    """the name of the request that it belongs to"""
    rank: int
    """which alternative it is, from 0; -1 for a request without alternatives"""
    device_class: Obj
    obj: Obj

    @property
    def reference(self) -> str:
        """How results name it: `request`, or `request/alternative`."""
        return self.name if self.rank < 0 else f"{self.base}/{self.name}"

    @property
    def everything(self) -> bool:
        """Whether it wants all devices that match."""
        return self.obj.get("allocationMode") == "All"

    @property
    def count(self) -> int:
        """How many devices it wants, if not all."""
        return int(self.obj.get("count") or 1)

    @property
    def admin(self) -> bool:
        """Whether it looks at devices that others use."""
        return bool(self.obj.get("adminAccess"))

    @property
    def shares(self) -> Obj:
        """capacity -> how much of it, where a share is enough."""
        return (self.obj.get("capacity") or {}).get("requests") or {}

    def selects(self, device: Obj, driver: str, claim: str) -> bool:
        """Whether the selectors of its class and its own match a device; Broken if one fails."""
        places = ((f"class {self.device_class['metadata']['name']}", self.device_class["spec"]), (f"claim {claim}", self.obj))
        return all(
            _selects(selector, device, driver, f"{place}: selector #{i}")
            for place, spec in places
            for i, selector in enumerate(spec.get("selectors") or ())
        )

    def tolerates(self, device: Obj) -> bool:
        """Whether no taint keeps the device from it."""
        taints = (t for t in device.get("taints") or () if t.get("effect") in ("NoSchedule", "NoExecute"))
        return all(any(_tolerates(tol, taint) for tol in self.obj.get("tolerations") or ()) for taint in taints)


@dataclass(frozen=True, slots=True)
class Want:
    """One claim that has to get devices."""

    claim: Obj
    requests: tuple[tuple[Wish, ...], ...]
    """the alternatives of each request, best first"""

    @property
    def name(self) -> str:
        """namespace/name."""
        metadata = self.claim["metadata"]
        return f"{metadata.get('namespace') or ''}/{metadata['name']}"

    @property
    def devices(self) -> Obj:
        """The stanza `spec.devices`."""
        return self.claim["spec"].get("devices") or {}


def read(claim: Obj, beside: Surroundings) -> Want:
    """What a claim asks for; Broken with kube-scheduler's sentence if that cannot be met whatever the nodes."""
    name = f"{claim['metadata'].get('namespace') or ''}/{claim['metadata']['name']}"
    want = Want(claim, tuple(_alternatives(r, name, beside) for r in (claim["spec"].get("devices") or {}).get("requests") or ()))
    for constraint in want.devices.get("constraints") or ():
        if not constraint.get("matchAttribute") and not constraint.get("distinctAttribute"):
            raise selectors.Broken(f"claim {name}: empty constraint (unsupported constraint type?)")
    return want


def _alternatives(request: Obj, claim: str, beside: Surroundings) -> tuple[Wish, ...]:
    if request.get("exactly") is not None:
        return (_wish(request["name"], request["name"], -1, request["exactly"], beside),)
    if not request.get("firstAvailable"):
        raise selectors.Broken(f"resource claim {claim}, request {request['name']}: unknown request type")
    return tuple(_wish(sub["name"], request["name"], i, sub, beside) for i, sub in enumerate(request["firstAvailable"]))


def _wish(name: str, base: str, rank: int, obj: Obj, beside: Surroundings) -> Wish:
    reference = name if rank < 0 else f"{base}/{name}"
    found = beside.get(CLASSES, "", obj.get("deviceClassName") or "")
    if found is None:
        raise selectors.Broken(f"request {reference}: device class {obj.get('deviceClassName', '')} does not exist")
    return Wish(name, base, rank, found, obj)


def _selects(selector: Obj, device: Obj, driver: str, place: str) -> bool:
    expression: str | None = (selector.get("cel") or {}).get("expression")
    try:
        if expression is None:
            raise selectors.Broken("CEL expression empty (unsupported selector type?)")
        return selectors.compiled(expression).matches(device, driver)
    except selectors.Broken as error:
        raise selectors.Broken(f"{place}: {error}") from error


def _tolerates(toleration: Obj, taint: Obj) -> bool:
    """As resourceclaim.ToleratesTaint."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    same = (toleration.get("value") or "") == (taint.get("value") or "")
    return toleration.get("operator") == "Exists" or (toleration.get("operator") in (None, "", "Equal") and same)


def attribute(device: Obj, driver: str, name: str) -> Any:
    """(type, value) of an attribute by its full name, None if the device does not have it."""
    attributes = device.get("attributes") or {}
    domain, _, identifier = name.partition("/")
    found = attributes.get(name, attributes.get(identifier) if domain == driver else None)
    known = ("string", "int", "bool", "version")
    return None if found is None else next(((k, found[k]) for k in known if found.get(k) is not None), ("", None))
