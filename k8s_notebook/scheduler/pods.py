"""Pods that are alike to the scheduler: all pods of one template are one `PodClass` and share its work."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import requests, terms
from k8s_notebook.scheduler.terms import Term

Port = tuple[str, str, int]
"""(protocol, host IP, port) that a pod takes on its node."""

_READ = (
    "nodeSelector", "affinity", "tolerations", "overhead", "resources", "topologySpreadConstraints", "hostNetwork", "hostUsers",
    "resourceClaims",
)  # fmt: skip
_READ_OF_CONTAINER = ("image", "resources", "ports", "restartPolicy", "restartPolicyRules")
_UNREAD_VOLUMES = frozenset(("configMap", "secret", "emptyDir", "projected", "downwardAPI", "hostPath", "nfs"))
ANY_NODE = "*"
"""Stands for the name in the node affinity of pods that name their node, so that all pods of a DaemonSet are one class."""


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
        read_volumes(spec),
    )
    return marshal.dumps(parts, 2)


def read_volumes(spec: Obj) -> list[Obj]:
    """The volumes that can matter to where a pod runs."""
    return [v for v in spec.get("volumes") or () if not _UNREAD_VOLUMES & v.keys()]


@dataclass(slots=True, eq=False)
class PodClass:
    """What the scheduler reads of a pod. Of the labels only those that some selector reads."""

    spec: Obj
    requests: requests.Requests
    ports: tuple[Port, ...]
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    name: str = ""
    """The pod's name, if its claims are named after it."""
    node_name: str = ""
    terms: tuple[Term, ...] = ()
    """Its affinity to other pods."""
    generation: int = 0

    @classmethod
    def of(
        cls, spec: Obj, namespace: str = "", labels: dict[str, str] | None = None, name: str = "", generation: int = 0
    ) -> PodClass:
        """The class of a spec, wherever its pod runs."""
        return cls(
            spec, requests.of_pod(spec), tuple(_ports(spec)), namespace, labels or {}, name,
            terms=terms.affinity_terms(spec, namespace), generation=generation,
        )  # fmt: skip

    @property
    def keys(self) -> Iterator[str]:
        """The label keys that its own terms and constraints read, of its own labels and of other pods'."""
        for term in self.terms:
            yield from (requirement.key for requirement in term.selector.requirements)
        stated = self.spec.get("topologySpreadConstraints") or ()
        for constraint in terms.constraints(stated, {}):
            yield from (requirement.key for requirement in constraint.selector.requirements)
        for each in stated:
            yield from each.get("matchLabelKeys") or ()

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


def named_apart(spec: Obj) -> bool:
    """Whether the pod's own name matters: claims made for it are named after it."""
    return bool(spec.get("resourceClaims")) or any("ephemeral" in v for v in spec.get("volumes") or ())


def named_nodes(spec: Obj) -> frozenset[str] | None:
    """The only nodes that can match, if every required term names its nodes (DaemonSet pods do); else None.

    Of a term's own names only those count that all its fields share; a term may so name none.
    """
    stated = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    found: set[str] = set()
    for term in stated.get("nodeSelectorTerms") or ():
        named = [frozenset(f.get("values") or ()) for f in term.get("matchFields") or () if _names(f)]
        if not named:
            return None
        found |= frozenset.intersection(*named)
    return frozenset(found) if stated.get("nodeSelectorTerms") else None


def shares_name(spec: Obj, named: frozenset[str]) -> bool:
    """Whether the pod differs from those of other nodes in one name only, and no constraint depends on where they can go."""
    if len(named) != 1 or spec.get("topologySpreadConstraints"):
        return False
    stated = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    return all(len(t["matchFields"]) == 1 and t["matchFields"][0].get("values") == [*named] for t in stated)


def _names(field: Obj) -> bool:
    return field.get("key") == "metadata.name" and field.get("operator") == "In"


def without_name(spec: Obj, node: str) -> Obj:
    """The spec of a pod that names its one node in every required term, with `ANY_NODE` in place of the name."""
    affinity = spec["affinity"]["nodeAffinity"]
    required = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
    stripped = [
        {**term, "matchFields": [{**f, "values": [ANY_NODE]} if f.get("values") == [node] else f for f in term["matchFields"]]}
        for term in required["nodeSelectorTerms"]
    ]
    stanza = {**affinity, "requiredDuringSchedulingIgnoredDuringExecution": {**required, "nodeSelectorTerms": stripped}}
    return {**spec, "affinity": {**spec["affinity"], "nodeAffinity": stanza}}


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
