"""How one object points at others: a table from kind to the functions that find its edges.

Every relation names its evidence in `Edge.via`: the field that says so. Edges point from the one that owns, runs, selects or
uses to what is owned, run on, selected or used; a target may not exist (a Secret that nobody made).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from k8s_notebook.objects import Obj, kinds, selectors


class Key(NamedTuple):
    """The name of a graph node: kind, namespace ("" for cluster-scoped kinds), name. Prints as `Pod/default/web-0`."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(p for p in self if p)


class Edge(NamedTuple):
    """One relation. `via` says which field declares it, `known` how we know: "declared" or "observed"."""

    source: Key
    target: Key
    relation: str
    via: str
    known: str = "declared"


RELATIONS = {
    "owner": "owns",
    "runs-on": "placed on",
    "selects": "selects",
    "routes": "routes to",
    "mounts": "mounts",
    "env": "reads as environment",
    "uses": "acts as",
    "scales": "scales",
}
"""Relation id -> the words that a legend or a tooltip uses."""

Lookup = Callable[[str, str], Iterable[Obj]]
"""(kind, namespace) -> the objects of that kind there."""
Finder = Callable[[Obj, Lookup], Iterator[Edge]]


def key_of(obj: Obj) -> Key:
    """The graph node of an object."""
    metadata = obj["metadata"]
    return Key(obj["kind"], metadata.get("namespace", ""), metadata["name"])


def edges_of(obj: Obj, lookup: Lookup) -> list[Edge]:
    """Every relation that this object declares, in the order in which it declares them, without repetition."""
    found: dict[Edge, None] = dict.fromkeys(_owners(obj))
    for finder in _FINDERS.get(obj["kind"], ()):
        found.update(dict.fromkeys(finder(obj, lookup)))
    return list(found)


def _owners(obj: Obj) -> Iterator[Edge]:
    namespace = obj["metadata"].get("namespace", "")
    for reference in obj["metadata"].get("ownerReferences") or ():
        kind = kinds.BUILTIN.for_object(reference["apiVersion"], reference["kind"])
        inside = namespace if kind is None or kind.namespaced else ""
        yield Edge(Key(reference["kind"], inside, reference["name"]), key_of(obj), "owner", "metadata.ownerReferences")


def _placement(pod: Obj, _: Lookup) -> Iterator[Edge]:
    node = pod["spec"].get("nodeName")
    if node:
        yield Edge(key_of(pod), Key("Node", "", node), "runs-on", "spec.nodeName", "observed")


def _containers(pod: Obj) -> Iterator[tuple[str, Obj]]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for container in pod["spec"].get(field) or ():
            yield f"spec.{field}[{container['name']}]", container


def _environment(pod: Obj, _: Lookup) -> Iterator[Edge]:
    here = key_of(pod)
    for where, container in _containers(pod):
        for variable in container.get("env") or ():
            source = variable.get("valueFrom") or {}
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                if field in source:
                    target = Key(kind, here.namespace, source[field].get("name", ""))
                    yield Edge(here, target, "env", f"{where}.env[{variable['name']}]")
        for source in container.get("envFrom") or ():
            for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if field in source:
                    yield Edge(here, Key(kind, here.namespace, source[field].get("name", "")), "env", f"{where}.envFrom")


_VOLUMES = (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName"),
            ("persistentVolumeClaim", "PersistentVolumeClaim", "claimName"))  # fmt: skip
_PROJECTED = (("configMap", "ConfigMap"), ("secret", "Secret"))
_INJECTED = "kube-api-access-"
"""The volume that every pod gets for its service account: it says nothing about this pod."""


def _volumes(pod: Obj, _: Lookup) -> Iterator[Edge]:
    here = key_of(pod)
    for volume in pod["spec"].get("volumes") or ():
        if volume["name"].startswith(_INJECTED):
            continue
        via = f"spec.volumes[{volume['name']}]"
        for field, kind, name in _VOLUMES:
            if field in volume:
                yield Edge(here, Key(kind, here.namespace, volume[field].get(name, "")), "mounts", via)
        for source in (volume.get("projected") or {}).get("sources") or ():
            for field, kind in _PROJECTED:
                if field in source:
                    yield Edge(here, Key(kind, here.namespace, source[field].get("name", "")), "mounts", via)


def _account(pod: Obj, _: Lookup) -> Iterator[Edge]:
    name = pod["spec"].get("serviceAccountName")
    if name and name != "default":
        here = key_of(pod)
        yield Edge(here, Key("ServiceAccount", here.namespace, name), "uses", "spec.serviceAccountName")


def _selected(service: Obj, lookup: Lookup) -> Iterator[Edge]:
    wanted = service["spec"].get("selector")
    here = key_of(service)
    if wanted:
        for pod in lookup("Pod", here.namespace):
            if wanted.items() <= (pod["metadata"].get("labels") or {}).items():
                yield Edge(here, key_of(pod), "selects", "spec.selector")


def _endpoints(slice_: Obj, _: Lookup) -> Iterator[Edge]:
    namespace = slice_["metadata"]["namespace"]
    service = (slice_["metadata"].get("labels") or {}).get("kubernetes.io/service-name")
    if not service:
        return
    for endpoint in slice_.get("endpoints") or ():
        target = endpoint.get("targetRef") or {}
        if target.get("kind") == "Pod" and (endpoint.get("conditions") or {}).get("ready", True):
            via = f"EndpointSlice/{slice_['metadata']['name']}"
            yield Edge(Key("Service", namespace, service), Key("Pod", namespace, target["name"]), "routes", via, "observed")


def _backends(ingress: Obj, _: Lookup) -> Iterator[Edge]:
    here, spec = key_of(ingress), ingress.get("spec") or {}
    found = [(spec.get("defaultBackend"), "spec.defaultBackend")]
    for rule in spec.get("rules") or ():
        via = f"spec.rules[{rule.get('host', '*')}]"
        found += [(path.get("backend"), via) for path in (rule.get("http") or {}).get("paths") or ()]
    for backend, via in found:
        service = ((backend or {}).get("service") or {}).get("name")
        if service:
            yield Edge(here, Key("Service", here.namespace, service), "routes", via)


def _scaled(autoscaler: Obj, _: Lookup) -> Iterator[Edge]:
    here, target = key_of(autoscaler), autoscaler["spec"]["scaleTargetRef"]
    yield Edge(here, Key(target["kind"], here.namespace, target["name"]), "scales", "spec.scaleTargetRef")


def _protected(budget: Obj, lookup: Lookup) -> Iterator[Edge]:
    here = key_of(budget)
    selector = selectors.from_spec((budget.get("spec") or {}).get("selector") or {})
    for pod in lookup("Pod", here.namespace):
        if selector.matches(pod["metadata"].get("labels") or {}):
            yield Edge(here, key_of(pod), "selects", "spec.selector")


def _bound(claim: Obj, _: Lookup) -> Iterator[Edge]:
    volume = (claim.get("spec") or {}).get("volumeName")
    if volume:
        yield Edge(key_of(claim), Key("PersistentVolume", "", volume), "uses", "spec.volumeName")


_FINDERS: dict[str, tuple[Finder, ...]] = {
    "Pod": (_placement, _environment, _volumes, _account),
    "Service": (_selected,),
    "EndpointSlice": (_endpoints,),
    "Ingress": (_backends,),
    "HorizontalPodAutoscaler": (_scaled,),
    "PodDisruptionBudget": (_protected,),
    "PersistentVolumeClaim": (_bound,),
}
READ = ("pods", "services", "endpointslices.discovery.k8s.io", "ingresses.networking.k8s.io", "nodes", "configmaps", "secrets",
        "serviceaccounts", "persistentvolumeclaims", "persistentvolumes", "deployments.apps", "replicasets.apps",
        "statefulsets.apps", "daemonsets.apps", "jobs.batch", "cronjobs.batch", "replicationcontrollers",
        "horizontalpodautoscalers.autoscaling", "poddisruptionbudgets.policy")  # fmt: skip
"""The resources that a graph is made from."""
KINDS = frozenset(kinds.of(r).kind for r in READ)
"""The same as kinds: a reference to one of these that is not there points at nothing."""
