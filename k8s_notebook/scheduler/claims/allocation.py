"""The allocation of a claim as its status says it (as AllocationResult)."""

from __future__ import annotations

import uuid

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.claims import search, shares, wishes

_CONDITIONS = ("bindingConditions", "bindingFailureConditions")


def made(want: wishes.Want, results: list[search.Result], node: str) -> Obj:
    """`status.allocation` of a claim that gets these devices for a pod on `node`."""
    devices: Obj = {"results": [_result(r, f"{want.claim['metadata'].get('uid')}/{i}") for i, r in enumerate(results)]}
    chosen = {r.wish.base: r.wish for r in results}
    config = [*_of_classes(want, chosen), *_of_claim(want, chosen)]
    if config:
        devices["config"] = config
    selector = search.selector_of(results, node)
    return {"devices": devices, **({"nodeSelector": selector} if selector else {})}


def _result(result: search.Result, identity: str) -> Obj:
    driver, pool, device = result.device.id
    found: Obj = {"request": result.wish.reference, "driver": driver, "pool": pool, "device": device}
    if result.wish.admin:
        found["adminAccess"] = True
    if result.wish.obj.get("tolerations"):
        found["tolerations"] = result.wish.obj["tolerations"]
    found |= {field: result.device.obj[field] for field in _CONDITIONS if result.device.obj.get(field)}
    if result.device.obj.get("allowMultipleAllocations"):
        found["shareID"] = str(uuid.uuid5(uuid.NAMESPACE_URL, identity))
        if consumed := shares.consumed(result.wish.shares, result.device.obj):
            found["consumedCapacity"] = consumed
    return found


def _of_classes(want: wishes.Want, chosen: dict[str, wishes.Wish]) -> list[Obj]:
    """The settings of each class once, with the requests that they are for."""
    requests: dict[str, list[str]] = {}
    classes: dict[str, Obj] = {}
    for alternatives in want.requests:
        wish = chosen.get(alternatives[0].base, alternatives[0])
        name = wish.device_class["metadata"]["name"]
        classes.setdefault(name, wish.device_class)
        requests.setdefault(name, []).append(wish.reference)
    return [
        {"source": "FromClass", "requests": requests[name], **config}
        for name, found in classes.items()
        for config in found["spec"].get("config") or ()
    ]


def _of_claim(want: wishes.Want, chosen: dict[str, wishes.Wish]) -> list[Obj]:
    """The settings of the claim, once for each request that they name."""
    found = []
    for config in want.devices.get("config") or ():
        named = config.get("requests") or []
        times = 1
        if named:
            wanted = [chosen.get(alternatives[0].base, alternatives[0]) for alternatives in want.requests]
            times = sum(wish.base in named or (wish.rank >= 0 and wish.reference in named) for wish in wanted)
        found += [{"source": "FromClaim", **config}] * times
    return found


def score(claim: Obj, allocation: Obj) -> int:
    """How good the alternatives are that a claim got: 8 for each first one, 7 for each second one, …"""
    got = {r["request"] for r in allocation["devices"].get("results") or ()}
    requests = (claim["spec"].get("devices") or {}).get("requests") or ()
    return sum(
        8 - i for r in requests for i, sub in enumerate(r.get("firstAvailable") or ()) if f"{r['name']}/{sub['name']}" in got
    )


def ready(claim: Obj) -> bool | str:
    """Whether the devices of a claim can be used; a sentence if one of them failed (as isClaimReadyForBinding).

    Some devices must be attached to the node first. Their drivers tell by conditions in `status.devices`.
    """
    status = claim.get("status") or {}
    if status.get("allocation") is None:
        return False
    told = {(d["driver"], d["pool"], d["device"]): d.get("conditions") or () for d in status.get("devices") or ()}
    for result in status["allocation"]["devices"].get("results") or ():
        if result.get("bindingConditions"):
            conditions = {c["type"]: c for c in told.get((result["driver"], result["pool"], result["device"]), ())}
            true = {name for name, condition in conditions.items() if condition.get("status") == "True"}
            failed = next((conditions[c] for c in result.get("bindingFailureConditions") or () if c in true), None)
            if failed is not None:
                why = f'reason={failed.get("reason", "")}, message="{failed.get("message", "")}"'
                return f"device binding failed: claim={claim['metadata']['name']}, {why}"
            if not true.issuperset(result["bindingConditions"]):
                return False
    return True
