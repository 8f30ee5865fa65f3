"""Pods that are alike to the scheduler: all pods of one template are one `PodClass` and share its work."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import requests

Port = tuple[str, str, int]
"""(protocol, host IP, port) that a pod takes on its node."""

_READ = ("nodeSelector", "affinity", "tolerations", "overhead", "resources")
_READ_OF_CONTAINER = ("image", "resources", "ports", "restartPolicy")


def signature(spec: Obj) -> bytes:
    """Equal for specs between which no plugin sees a difference.

    Marshal's format 2 writes values only (later formats also say which of them are the same object), and is several times faster
    than `repr`.
    """
    read = spec.get
    parts = (
        [read(field) for field in _READ],
        [[c.get(f) for f in _READ_OF_CONTAINER] for c in read("containers") or ()],
        [[c.get(f) for f in _READ_OF_CONTAINER] for c in read("initContainers") or ()],
        [v["image"] for v in read("volumes") or () if "image" in v],
    )
    return marshal.dumps(parts, 2)


@dataclass(slots=True, eq=False)
class PodClass:
    """What the scheduler reads of a pod's spec."""

    spec: Obj
    requests: requests.Requests
    ports: tuple[Port, ...]
    node_name: str = ""

    @classmethod
    def of(cls, spec: Obj) -> PodClass:
        """The class of a spec, wherever its pod runs."""
        return cls(spec, requests.of_pod(spec), tuple(_ports(spec)))

    @property
    def tolerations(self) -> list[Obj]:
        """The tolerations."""
        return self.spec.get("tolerations") or []

    @property
    def node_affinity(self) -> dict[str, Any]:
        """The stanza `affinity.nodeAffinity`."""
        return (self.spec.get("affinity") or {}).get("nodeAffinity") or {}

    def images(self) -> Iterator[str]:
        """Every image reference: init containers, containers, image volumes."""
        for container in (*(self.spec.get("initContainers") or ()), *(self.spec.get("containers") or ())):
            yield container.get("image") or ""
        for volume in self.spec.get("volumes") or ():
            if "image" in volume:
                yield volume["image"].get("reference") or ""


def _ports(spec: Obj) -> Iterator[Port]:
    """The host ports of containers and sidecars."""
    sidecars = (c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always")
    for container in (*(spec.get("containers") or ()), *sidecars):
        for port in container.get("ports") or ():
            if (port.get("hostPort") or 0) > 0:
                yield port.get("protocol") or "TCP", port.get("hostIP") or "0.0.0.0", int(port["hostPort"])


def assigned_requests(pod_class: PodClass, status: Obj) -> requests.Requests:
    """What an assigned pod occupies: its class's requests, unless a resize is in its status."""
    if (status.get("resources") is None or pod_class.spec.get("resources") is None) and not any(
        _resized(container, said)
        for containers, statuses in _SIDES
        for container, said in zip(pod_class.spec.get(containers) or (), status.get(statuses) or (), strict=False)
    ):
        return pod_class.requests
    return requests.of_pod(pod_class.spec, status)


_SIDES = (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses"))


def _resized(container: Obj, said: Obj) -> bool:
    """Whether a container's status says other resources than its specification asks for."""
    now, wanted = said.get("resources"), container.get("resources") or {}
    given = said.get("allocatedResources")
    return (
        (now is not None and now != wanted)
        or (given is not None and given != wanted.get("requests", {}))
        or (now is not None and said.get("name") != container.get("name"))
    )


def ended(pod: Obj) -> bool:
    """Whether a pod is over: it occupies nothing any more."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
