"""LimitRanger: default requests and limits of containers, and the smallest and largest that a namespace allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from k8s_notebook.apiserver.state import State, metadata
from k8s_notebook.objects import Obj, errors, quantity

_NOTE = "kubernetes.io/limit-ranger"


class LimitRanger:
    """The limit ranges of one cluster."""

    def __init__(self, state: State) -> None:
        self._state = state

    def limited(self, pod: Obj) -> Obj:
        """The pod with the namespace's default requests and limits; Forbidden if it is beyond what is allowed."""
        items = list(self._items(pod["metadata"]["namespace"]))
        if not items:
            return pod
        pod = _with_defaults(pod, [i for i in items if i.get("type") == "Container"])
        spec = pod["spec"]
        wrong: list[str] = []
        for item in items:
            if item.get("type") == "Container":
                for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
                    wrong += _violations(item, "Container", container.get("resources") or {})
            elif item.get("type") == "Pod":
                wrong += _violations(item, "Pod", _summed(spec))
        _refuse("pods", pod, wrong)
        return pod

    def check_claim(self, claim: Obj) -> None:
        """Forbidden if the claim asks for less or more storage than is allowed."""
        resources = (claim.get("spec") or {}).get("resources") or {}
        wrong: list[str] = []
        for item in self._items(claim["metadata"]["namespace"]):
            if item.get("type") == "PersistentVolumeClaim":
                wrong += _violations(
                    item, "PersistentVolumeClaim", {"requests": resources.get("requests") or {}}, requests_only=True
                )
        _refuse("persistentvolumeclaims", claim, wrong)

    def _items(self, namespace: str) -> Iterator[Obj]:
        for found in self._state.objects("limitranges", namespace):
            yield from (found.get("spec") or {}).get("limits") or ()


def _refuse(resource: str, obj: Obj, wrong: list[str]) -> None:
    if wrong:
        said = wrong[0] if len(wrong) == 1 else f"[{', '.join(dict.fromkeys(wrong))}]"
        name = obj["metadata"].get("name") or obj["metadata"].get("generateName") or ""
        raise errors.forbidden(resource, name, said)


def _with_defaults(pod: Obj, items: Iterable[Obj]) -> Obj:
    limits: Obj = {}
    requests: Obj = {}
    for item in items:
        limits.update(item.get("default") or {})
        requests.update(item.get("defaultRequest") or {})
    notes: list[str] = []
    changed: Obj = {}
    for field, word in (("initContainers", "init container"), ("containers", "container")):
        given = pod["spec"].get(field)
        if given:
            changed[field] = [_defaulted(c, limits, requests, word, notes) for c in given]
    if not notes:
        return pod
    annotations = {**(pod["metadata"].get("annotations") or {}), _NOTE: "LimitRanger plugin set: " + "; ".join(notes)}
    return metadata({**pod, "spec": {**pod["spec"], **changed}}, annotations=annotations)


def _defaulted(container: Obj, limits: Obj, requests: Obj, word: str, notes: list[str]) -> Obj:
    resources = dict(container.get("resources") or {})
    said = []
    for field, wanted in (("requests", requests), ("limits", limits)):
        missing = {k: v for k, v in wanted.items() if k not in (resources.get(field) or {})}
        if missing:
            resources[field] = {**(resources.get(field) or {}), **missing}
            said.append(f"{', '.join(sorted(missing))} {field.removesuffix('s')} for {word} {container['name']}")
    notes.extend(said)
    return {**container, "resources": resources} if said else container


def _violations(item: Obj, type_: str, resources: Obj, *, requests_only: bool = False) -> list[str]:
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    wrong: list[str] = []
    for name, least in sorted((item.get("min") or {}).items()):
        wrong += _too_small(name, type_, least, requests.get(name), limits.get(name))
    for name, most in sorted((item.get("max") or {}).items()):
        wrong += _too_large(name, type_, most, requests.get(name), limits.get(name), requests_only)
    for name, ratio in sorted((item.get("maxLimitRequestRatio") or {}).items()):
        wrong += _too_far_apart(name, type_, ratio, requests.get(name), limits.get(name))
    return wrong


def _too_small(name: str, type_: str, least: Any, request: Any, limit: Any) -> list[str]:
    start = f"minimum {name} usage per {type_} is {least}"
    if request is None:
        return [f"{start}.  No request is specified"]
    if quantity.parse(request) < quantity.parse(least):
        return [f"{start}, but request is {request}"]
    if limit is not None and quantity.parse(limit) < quantity.parse(least):
        return [f"{start}, but limit is {limit}"]
    return []


def _too_large(name: str, type_: str, most: Any, request: Any, limit: Any, requests_only: bool) -> list[str]:
    start = f"maximum {name} usage per {type_} is {most}"
    if requests_only:
        if request is None:
            return [f"{start}.  No request is specified"]
        return [f"{start}, but request is {request}"] if quantity.parse(request) > quantity.parse(most) else []
    if limit is None:
        return [f"{start}.  No limit is specified"]
    if quantity.parse(limit) > quantity.parse(most):
        return [f"{start}, but limit is {limit}"]
    if request is not None and quantity.parse(request) > quantity.parse(most):
        return [f"{start}, but request is {request}"]
    return []


def _too_far_apart(name: str, type_: str, ratio: Any, request: Any, limit: Any) -> list[str]:
    start = f"{name} max limit to request ratio per {type_} is {ratio}"
    if request is None or quantity.parse(request) == 0:
        return [f"{start}, but no request is specified or request is 0"]
    if limit is None or quantity.parse(limit) == 0:
        return [f"{start}, but no limit is specified or limit is 0"]
    found = quantity.parse(limit) / quantity.parse(request)
    return [f"{start}, but provided ratio is {float(found):f}"] if found > quantity.parse(ratio) else []


def _summed(spec: Obj) -> Obj:
    """What all containers of a pod ask for together, where every one of them says it."""
    found: Obj = {}
    for field in ("requests", "limits"):
        parts = [(c.get("resources") or {}).get(field) or {} for c in spec.get("containers") or ()]
        names = sorted({n for p in parts for n in p})
        found[field] = {
            n: quantity.show(sum((quantity.parse(p[n]) for p in parts if n in p), Fraction(0)), _like(parts, n)) for n in names
        }
    return found


def _like(parts: list[Obj], name: str) -> str:
    return str(next(p[name] for p in parts if name in p))
