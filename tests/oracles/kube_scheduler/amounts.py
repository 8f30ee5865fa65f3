"""Quantities, and what a pod asks for."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

SUFFIXES = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "k": 10**3, "M": 10**6, "G": 10**9,
            "T": 10**12, "P": 10**15, "E": 10**18,
            "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}  # fmt: skip
MIB = 2**20
UNSTATED = {"cpu": Fraction(1, 10), "memory": Fraction(200 * MIB)}
"""what the score of NodeResourcesFit counts for a container that does not say"""


@functools.cache
def amount(text: str) -> Fraction:
    """The number that a quantity stands for."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if text.endswith(suffix):
            return Fraction(text[: -len(suffix)]) * SUFFIXES[suffix]
    return Fraction(text)


def whole(resource: str, number: Fraction) -> int:
    """Rounded up: cpu to thousandths, anything else to ones."""
    return math.ceil(number * 1000) if resource == "cpu" else math.ceil(number)


def allocatable(node: dict, resource: str) -> int:
    """What a node has of one resource."""
    return whole(resource, amount(str(node["status"].get("allocatable", {}).get(resource, "0"))))


def is_scalar(resource: str) -> bool:
    """Whether a resource is neither cpu, memory, ephemeral-storage nor pods."""
    return resource not in ("cpu", "memory", "ephemeral-storage", "pods")


def is_sidecar(container: dict) -> bool:
    """Whether an init container keeps running."""
    return container.get("restartPolicy") == "Always"


def pod_request(
    pod: dict,
    resource: str,
    unstated: dict[str, Fraction] | None = None,
    *,
    whole_pod: bool = True,
    running: bool = False,
) -> int:
    """What a pod needs of one resource.

    `unstated` is counted for containers that do not say; `whole_pod` minds spec.resources; `running` minds what the status says
    about a resize.
    """
    needed = _containers_together(pod, resource, unstated or {}, running)
    if whole_pod and resource in requests_of_whole(pod):
        needed = requests_of_whole(pod)[resource]
        if running:
            needed = resized(pod, requests_of_whole(pod), pod.get("status", {})).get(resource, Fraction(0))
    if resource in pod["spec"].get("overhead", {}):
        needed += amount(str(pod["spec"]["overhead"][resource]))
    return whole(resource, needed)


def counted_request(pod: dict, resource: str) -> int:
    """What a pod on a node counts in the score of NodeResourcesFit: with amounts for containers that do not say.

    A pod with requests of its own gets such an amount only for a resource that nothing in it mentions.
    """
    mentioned = set(requests_of_whole(pod)) | set(pod["spec"].get("overhead", {}))
    for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
        mentioned |= set(requests_of(pod, container, running=True))
    if requests_of_whole(pod) and resource in mentioned:
        return pod_request(pod, resource, running=True)
    return pod_request(pod, resource, UNSTATED, running=True)


def resources_of(pod: dict) -> list[str]:
    """Every resource that the pod mentions."""
    names = set(pod["spec"].get("overhead", {})) | set(requests_of_whole(pod))
    for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
        names |= set(container.get("resources", {}).get("requests", {}))
    return sorted(names)


def requests_of_whole(pod: dict) -> dict[str, Fraction]:
    """What spec.resources asks for, as far as it may."""
    own = pod["spec"].get("resources", {}).get("requests", {})
    return {r: amount(str(a)) for r, a in own.items() if r in ("cpu", "memory") or r.startswith("hugepages-")}


def requests_of(pod: dict, container: dict, running: bool) -> dict[str, Fraction]:
    """What a container asks for."""
    stated = {r: amount(str(a)) for r, a in container.get("resources", {}).get("requests", {}).items()}
    if not running or (container in pod["spec"].get("initContainers", []) and not is_sidecar(container)):
        return stated
    status = pod.get("status", {})
    for known in status.get("containerStatuses", []) + status.get("initContainerStatuses", []):
        if known["name"] == container["name"]:
            return resized(pod, stated, known)
    return stated


def resized(pod: dict, stated: dict[str, Fraction], status: dict) -> dict[str, Fraction]:
    """While a resize is under way: the largest of what is wanted (unless that is impossible), in force, and promised."""
    if "resources" not in status:
        return stated
    in_force = {r: amount(str(a)) for r, a in status["resources"].get("requests", {}).items()}
    promised = {r: amount(str(a)) for r, a in status.get("allocatedResources", {}).items()}
    pending = [c for c in pod["status"].get("conditions", []) if c["type"] == "PodResizePending"]
    if pending and pending[0].get("reason") == "Infeasible":
        stated = {}
    names = {*stated, *in_force, *promised}
    return {r: max(amounts[r] for amounts in (stated, in_force, promised) if r in amounts) for r in names}


def _containers_together(pod: dict, resource: str, unstated: dict[str, Fraction], running: bool) -> Fraction:
    """The most that the containers need at any one time."""

    def of(container: dict) -> Fraction:
        return requests_of(pod, container, running).get(resource, unstated.get(resource, Fraction(0)))

    together = sum((of(c) for c in pod["spec"]["containers"]), Fraction(0))
    sidecars = Fraction(0)
    starting = Fraction(0)
    for container in pod["spec"].get("initContainers", []):
        if is_sidecar(container):
            together += of(container)
            sidecars += of(container)
            starting = max(starting, sidecars)
        else:
            starting = max(starting, sidecars + of(container))
    return max(together, starting)
