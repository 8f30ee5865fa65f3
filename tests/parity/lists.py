"""Lists of objects as the harness has them, some written as a template and a count: see `harness.py` for the language."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]


def many(
    template: Json, count: int, names: str, *, zones: Sequence[str] = (), namespaces: Sequence[str] = (), assign: bool = False
) -> Json:
    """An item that stands for `count` objects made from a template."""
    item: Json = {"template": template, "count": count, "names": names}
    more = {"zones": list(zones), "namespaces": list(namespaces), "assign": assign}
    return item | {name: value for name, value in more.items() if value}


def expand(items: Iterable[Json], nodes: Sequence[Json] = (), *, kind: str) -> Iterator[Json]:
    """The objects that a list stands for, as the program has them; `kind` is "Node", "Pod" or another."""
    for item in items:
        if "template" not in item or not item.get("names"):
            yield copy.deepcopy(item)
            continue
        for number in range(item["count"]):
            yield _copied(item, number, nodes, kind)


def _copied(item: Json, number: int, nodes: Sequence[Json], kind: str) -> Json:
    made: Json = copy.deepcopy(item["template"])
    metadata = made.setdefault("metadata", {})
    metadata["name"] = f"{item['names']}{number}"
    if item.get("namespaces"):
        metadata["namespace"] = item["namespaces"][number % len(item["namespaces"])]
    if kind == "Node":
        labels = metadata["labels"] = metadata.get("labels") or {}
        labels["kubernetes.io/hostname"] = metadata["name"]
        if item.get("zones"):
            labels["topology.kubernetes.io/zone"] = item["zones"][number % len(item["zones"])]
    if kind == "Pod" and item.get("assign"):
        made["spec"]["nodeName"] = nodes[number % len(nodes)]["metadata"]["name"]
    return made


def complete(pod: Json, profile: str = "default-scheduler") -> Json:
    """The pod with the namespace, UID and scheduler that the program gives one that lacks them."""
    metadata = {"namespace": "default", **pod["metadata"]}
    metadata.setdefault("uid", f"{metadata['namespace']}/{metadata['name']}")
    return {**pod, "metadata": metadata, "spec": {"schedulerName": profile, **pod["spec"]}}


def expanded(request: Mapping[str, Any]) -> dict[str, list[Json]]:
    """The lists of a request with every object written out and every pod completed, for our own side."""
    nodes = list(expand(request.get("nodes", ()), kind="Node"))
    pods = {
        name: [complete(pod) for pod in expand(request.get(name, ()), nodes, kind="Pod")]
        for name in ("pods", "nominated", "pending", "measured")
    }
    return {"objects": list(expand(request.get("objects", ()), kind="")), "nodes": nodes, **pods}
