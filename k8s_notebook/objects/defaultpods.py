"""Defaults of pods that depend on other fields: pull policies, volumes, requests from limits.

As in pkg/apis/core/v1/defaults.go.
"""

from __future__ import annotations

import functools
import re

from k8s_notebook.objects import Obj, quantity


@functools.lru_cache(maxsize=4096)
def pull_policy(image: str) -> str:
    """`Always` for the tag latest or no tag at all, else `IfNotPresent`.

    >>> [pull_policy(image) for image in ("nginx", "nginx:1.2", "localhost:5000/a", "a@sha256:0")]
    ['Always', 'IfNotPresent', 'Always', 'IfNotPresent']
    """
    last = image.rpartition("/")[2]
    if not image or image != image.strip() or "@" in last:
        return "IfNotPresent"
    name, _, tag = last.partition(":")
    plain = name == name.lower() and (not tag or re.fullmatch(r"\w[\w.-]{0,127}", tag))
    return "Always" if plain and name and tag in ("", "latest") and not last.endswith(":") else "IfNotPresent"


def container(obj: Obj) -> Obj:
    """The container with its pull policy."""
    return obj if obj.get("imagePullPolicy") else {**obj, "imagePullPolicy": pull_policy(obj.get("image") or "")}


def volume(obj: Obj) -> Obj:
    """The volume with a source: an empty directory if it had none."""
    if obj.keys() <= {"name"}:
        return {**obj, "emptyDir": {}}
    image = obj.get("image")
    if image is not None and not image.get("pullPolicy"):
        return {**obj, "image": {**image, "pullPolicy": pull_policy(image.get("reference") or "")}}
    return obj


def account(spec: Obj) -> Obj:
    """The pod's spec with its service account under both names; as Convert_core_PodSpec_To_v1_PodSpec in pkg/apis/core/v1.

    >>> account({"serviceAccount": "old"})
    {'serviceAccount': 'old', 'serviceAccountName': 'old'}
    """
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if not name or (spec.get("serviceAccountName") == name and spec.get("serviceAccount") == name):
        return spec
    return {**spec, "serviceAccount": name, "serviceAccountName": name}


def pod(obj: Obj) -> Obj:
    """Requests from limits, service links, host ports, requests of the whole pod."""
    spec = obj.get("spec")
    if not spec:
        return obj
    new = spec if spec.get("enableServiceLinks") is not None else {**spec, "enableServiceLinks": True}
    host = bool(spec.get("hostNetwork"))
    for field in ("containers", "initContainers"):
        old = spec.get(field)
        if old:
            filled = [_pod_container(c, host) for c in old]
            if any(a is not b for a, b in zip(filled, old, strict=True)):
                new = {**new, field: filled}
    if (spec.get("resources") or {}).get("limits"):
        new = {**new, "resources": _pod_resources(new)}
    return obj if new is spec else {**obj, "spec": new}


def _pod_container(container: Obj, host_network: bool) -> Obj:
    resources = container.get("resources")
    if resources:
        limits = resources.get("limits")
        requests = resources.get("requests") or {}
        if limits and not limits.keys() <= requests.keys():
            container = {**container, "resources": {**resources, "requests": {**limits, **requests}}}
    if host_network and any(not port.get("hostPort") for port in container.get("ports") or ()):
        ports = [p if p.get("hostPort") else {**p, "hostPort": p.get("containerPort")} for p in container["ports"]]
        container = {**container, "ports": ports}
    return container


def _pod_resources(spec: Obj) -> Obj:
    """Pod-level requests: what the containers request together, else the pod's limit."""
    resources = spec["resources"]
    requests = dict(resources.get("requests") or {})
    together = _together(spec)
    for name in ("cpu", "memory"):
        if name in together:
            requests.setdefault(name, together[name])
    for name, limit in resources["limits"].items():
        if name in ("cpu", "memory") or name.startswith("hugepages-"):
            requests.setdefault(name, limit)
    return {**resources, "requests": requests}


def _together(spec: Obj) -> dict[str, str]:
    """What all containers of a pod request: the sum, or the largest init container where that is more."""
    sidecars: list[Obj] = []
    largest: dict[str, str] = {}
    for container in spec.get("initContainers") or ():
        mine = _requests(container)
        if container.get("restartPolicy") == "Always":
            sidecars.append(mine)
            mine = {}
        for name in mine.keys() | {n for s in sidecars for n in s}:
            needed = quantity.total([s[name] for s in sidecars if name in s] + ([mine[name]] if name in mine else []))
            largest[name] = _more(largest.get(name), needed)
    running = [*sidecars, *map(_requests, spec.get("containers") or ())]
    sums = {name: quantity.total([r[name] for r in running if name in r]) for name in sorted({n for r in running for n in r})}
    return {name: _more(sums.get(name), largest.get(name) or "0") for name in {**sums, **largest}}


def _requests(container: Obj) -> dict[str, str]:
    resources = container.get("resources") or {}
    return {**(resources.get("limits") or {}), **(resources.get("requests") or {})}


def _more(one: str | None, other: str) -> str:
    return one if one is not None and quantity.parse(one) >= quantity.parse(other) else other
