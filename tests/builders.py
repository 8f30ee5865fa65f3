"""Builders of Kubernetes objects that read like speech: `deployment("web").replicas(3).image("nginx:1.14.2").obj()`.

`obj()` is what a user would write; `stored()` adds what an API server adds (uid, creationTimestamp, resourceVersion,
generation), with values that follow from the name, so that tests are repeatable.
"""

from __future__ import annotations

from typing import Any, Self

from k8s_notebook.objects import Obj
from k8s_notebook.sim.clock import timestamp

Json = Any


def copied(value: Json) -> Json:
    """A copy of a JSON value that shares nothing with it."""
    if isinstance(value, dict):
        return {k: copied(v) for k, v in value.items()}
    if isinstance(value, list):
        return [copied(v) for v in value]
    return value


class Builder:
    """Any object; the subclasses add words for their kind. Every word returns the builder itself."""

    namespaced = True

    def __init__(self, api_version: str, kind: str, name: str) -> None:
        self._obj: Obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
        self._created = 0.0
        if self.namespaced:
            self.set("metadata.namespace", "default")

    def obj(self) -> Obj:
        """The object as a user writes it; a new one each time."""
        found: Obj = copied(self._obj)
        return found

    def stored(self) -> Obj:
        """The object as an API server hands it out."""
        obj = self.obj()
        name = obj["metadata"]["name"]
        obj["metadata"] = {
            "uid": f"uid-{name}",
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": timestamp(self._created),
            **obj["metadata"],
        }
        return obj

    def set(self, path: str, value: Json) -> Self:
        """Put `value` at a path of dotted names: `set("spec.paused", True)`."""
        *parents, last = path.split(".")
        place = self._obj
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
        return self

    def add(self, path: str, value: Json) -> Self:
        """Append `value` to the list at a path of dotted names."""
        *parents, last = path.split(".")
        place = self._obj
        for parent in parents:
            place = place.setdefault(parent, {})
        place.setdefault(last, []).append(value)
        return self

    def namespace(self, name: str) -> Self:
        """In namespace `name` (default: "default")."""
        return self.set("metadata.namespace", name)

    def uid(self, uid: str) -> Self:
        """With this uid."""
        return self.set("metadata.uid", uid)

    def created(self, seconds: float) -> Self:
        """Created at `seconds` since the epoch; also in `obj()`."""
        self._created = seconds
        return self.set("metadata.creationTimestamp", timestamp(seconds))

    def deleted(self, seconds: float = 0.0, grace: int = 30) -> Self:
        """Being deleted: deletionTimestamp is `seconds` since the epoch."""
        self.set("metadata.deletionTimestamp", timestamp(seconds))
        return self.set("metadata.deletionGracePeriodSeconds", grace)

    def labels(self, **labels: str) -> Self:
        """With these labels; `__` stands for `/`, `_` for `-`."""
        for key, value in labels.items():
            self._obj["metadata"].setdefault("labels", {})[key.replace("__", "/").replace("_", "-")] = value
        return self

    def label(self, key: str, value: str) -> Self:
        """With one label, key as it is."""
        self._obj["metadata"].setdefault("labels", {})[key] = value
        return self

    def annotation(self, key: str, value: str) -> Self:
        """With one annotation."""
        self._obj["metadata"].setdefault("annotations", {})[key] = value
        return self

    def finalizer(self, name: str) -> Self:
        """With one more finalizer."""
        return self.add("metadata.finalizers", name)

    def owned_by(self, owner: Obj, *, controller: bool = True, block: bool = True) -> Self:
        """With an owner reference to a stored object."""
        reference: Obj = {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
        }
        flags = {"controller": controller, "blockOwnerDeletion": block}
        return self.add("metadata.ownerReferences", {**reference, **{k: v for k, v in flags.items() if v}})

    def status(self, **fields: Json) -> Self:
        """With these status fields."""
        self._obj.setdefault("status", {}).update(fields)
        return self

    def condition(self, type: str, status: str = "True", *, at: float = 0.0, **fields: Json) -> Self:
        """With a status condition whose last transition was `at`."""
        conditions = self._obj.setdefault("status", {}).setdefault("conditions", [])
        conditions[:] = [c for c in conditions if c["type"] != type]
        conditions.append({"type": type, "status": status, "lastTransitionTime": timestamp(at), **fields})
        return self


class ClusterBuilder(Builder):
    """An object without a namespace."""

    namespaced = False


class PodBuilder(Builder):
    """A pod with one container `c` of image nginx, unless told otherwise."""

    def __init__(self, name: str) -> None:
        super().__init__("v1", "Pod", name)
        self.set("spec", {"containers": [{"name": "c", "image": "nginx:1.14.2"}]})

    def image(self, image: str) -> Self:
        """Its first container runs `image`."""
        self._obj["spec"]["containers"][0]["image"] = image
        return self

    def container(self, name: str, image: str = "nginx:1.14.2", **fields: Json) -> Self:
        """One more container."""
        return self.add("spec.containers", {"name": name, "image": image, **fields})

    def port(self, number: int, name: str = "", protocol: str = "TCP") -> Self:
        """Its first container listens on a port."""
        named = {"name": name} if name else {}
        self._obj["spec"]["containers"][0].setdefault("ports", []).append(
            {**named, "containerPort": number, "protocol": protocol}
        )
        return self

    def requests(self, **amounts: str) -> Self:
        """Its first container asks for `cpu="2", memory="1Gi"`."""
        resources = self._obj["spec"]["containers"][0].setdefault("resources", {})
        resources.setdefault("requests", {}).update(amounts)
        return self

    def on(self, node: str) -> Self:
        """Bound to a node."""
        return self.set("spec.nodeName", node)

    def tolerates(
        self, key: str, effect: str = "", seconds: int | None = None, operator: str = "Exists", value: str = ""
    ) -> Self:
        """With a toleration; `seconds` is tolerationSeconds."""
        toleration: Obj = {"key": key, "operator": operator, "effect": effect, "value": value, "tolerationSeconds": seconds}
        return self.add("spec.tolerations", {k: v for k, v in toleration.items() if v not in ("", None)})

    def phase(self, phase: str) -> Self:
        """In a phase."""
        return self.status(phase=phase)

    def ready(self, at: float = 0.0, ip: str = "10.244.0.1") -> Self:
        """Running and Ready since `at`."""
        self.status(phase="Running", podIP=ip, podIPs=[{"ip": ip}])
        return self.condition("Ready", "True", at=at)

    def restarts(self, count: int) -> Self:
        """Its first container was restarted `count` times."""
        return self.status(containerStatuses=[{"name": self._obj["spec"]["containers"][0]["name"], "restartCount": count}])


class TemplateBuilder(Builder):
    """A workload: something with spec.replicas, spec.selector and spec.template; its pods carry the label app=<name>."""

    def __init__(self, api_version: str, kind: str, name: str) -> None:
        super().__init__(api_version, kind, name)
        labels = {"app": name}
        self.set("spec.selector", {"matchLabels": labels})
        container = {"name": name, "image": "nginx:1.14.2"}
        self.set("spec.template", {"metadata": {"labels": labels}, "spec": {"containers": [container]}})

    def replicas(self, count: int) -> Self:
        """With `count` pods wanted."""
        return self.set("spec.replicas", count)

    def image(self, image: str) -> Self:
        """The pods' first container runs `image`."""
        self._obj["spec"]["template"]["spec"]["containers"][0]["image"] = image
        return self

    def requests(self, **amounts: str) -> Self:
        """The pods' first container asks for `cpu="2", memory="1Gi"`."""
        resources = self._obj["spec"]["template"]["spec"]["containers"][0].setdefault("resources", {})
        resources.setdefault("requests", {}).update(amounts)
        return self

    def pod_labels(self, **labels: str) -> Self:
        """Pods (and selector) carry exactly these labels."""
        self.set("spec.selector.matchLabels", labels)
        return self.set("spec.template.metadata.labels", labels)


class DeploymentBuilder(TemplateBuilder):
    """A Deployment."""

    def __init__(self, name: str) -> None:
        super().__init__("apps/v1", "Deployment", name)

    def rolling(self, surge: int | str = "25%", unavailable: int | str = "25%") -> Self:
        """Replaces pods step by step."""
        return self.set(
            "spec.strategy", {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
        )

    def recreate(self) -> Self:
        """Stops all old pods before it starts new ones."""
        return self.set("spec.strategy", {"type": "Recreate"})

    def stored(self) -> Obj:
        """The Deployment as an API server hands it out, defaults included."""
        obj = super().stored()
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
        obj["spec"] = {
            "replicas": 1,
            "strategy": rolling,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
            **obj["spec"],
        }
        return obj


class NodeBuilder(ClusterBuilder):
    """A node with 4 CPUs, 16 GiB and room for 110 pods."""

    def __init__(self, name: str) -> None:
        super().__init__("v1", "Node", name)
        self.set("metadata.labels", {"kubernetes.io/hostname": name})
        self.capacity(cpu="4", memory="16Gi", pods="110")

    def capacity(self, **amounts: str) -> Self:
        """With this capacity, all of it allocatable."""
        status = self._obj.setdefault("status", {})
        status["capacity"] = {**status.get("capacity", {}), **amounts}
        status["allocatable"] = dict(status["capacity"])
        return self

    def zone(self, name: str) -> Self:
        """In an availability zone."""
        return self.label("topology.kubernetes.io/zone", name)

    def taint(self, key: str, effect: str, value: str = "", **fields: Json) -> Self:
        """With a taint."""
        return self.add("spec.taints", {"key": key, **({"value": value} if value else {}), "effect": effect, **fields})

    def ready(self, status: str = "True", at: float = 0.0) -> Self:
        """With a Ready condition."""
        return self.condition("Ready", status, at=at, lastHeartbeatTime=timestamp(at))


class ServiceBuilder(Builder):
    """A ClusterIP service."""

    def __init__(self, name: str) -> None:
        super().__init__("v1", "Service", name)
        self.set("spec.type", "ClusterIP")

    def selects(self, **labels: str) -> Self:
        """For pods with these labels."""
        return self.set("spec.selector", labels)

    def port(self, number: int, target: int | str | None = None, name: str = "", protocol: str = "TCP") -> Self:
        """With one more port."""
        port: Obj = {**({"name": name} if name else {}), "protocol": protocol, "port": number}
        return self.add("spec.ports", {**port, "targetPort": number if target is None else target})


class DataBuilder(Builder):
    """A ConfigMap or Secret."""

    def data(self, **entries: str) -> Self:
        """With these entries."""
        self._obj.setdefault("data", {}).update(entries)
        return self


def pod(name: str = "pod") -> PodBuilder:
    """A pod."""
    return PodBuilder(name)


def deployment(name: str = "web") -> DeploymentBuilder:
    """A Deployment."""
    return DeploymentBuilder(name)


def replicaset(name: str = "web-1") -> TemplateBuilder:
    """A ReplicaSet."""
    return TemplateBuilder("apps/v1", "ReplicaSet", name)


def statefulset(name: str = "db") -> TemplateBuilder:
    """A StatefulSet."""
    return TemplateBuilder("apps/v1", "StatefulSet", name)


def daemonset(name: str = "agent") -> TemplateBuilder:
    """A DaemonSet."""
    return TemplateBuilder("apps/v1", "DaemonSet", name)


def job(name: str = "job") -> TemplateBuilder:
    """A Job; without a selector, which the API server makes."""
    builder = TemplateBuilder("batch/v1", "Job", name)
    del builder._obj["spec"]["selector"]
    return builder.set("spec.template.spec.restartPolicy", "Never")


def node(name: str = "node-1") -> NodeBuilder:
    """A node."""
    return NodeBuilder(name)


def service(name: str = "web") -> ServiceBuilder:
    """A service."""
    return ServiceBuilder(name)


def configmap(name: str = "config") -> DataBuilder:
    """A ConfigMap."""
    return DataBuilder("v1", "ConfigMap", name)


def secret(name: str = "secret") -> DataBuilder:
    """A Secret."""
    return DataBuilder("v1", "Secret", name)


def namespace(name: str = "default") -> ClusterBuilder:
    """A namespace that is in use."""
    builder = ClusterBuilder("v1", "Namespace", name)
    return builder.set("spec.finalizers", ["kubernetes"]).status(phase="Active")


def anything(api_version: str, kind: str, name: str) -> Builder:
    """An object of any namespaced kind."""
    return Builder(api_version, kind, name)


def cluster_wide(api_version: str, kind: str, name: str) -> ClusterBuilder:
    """An object of any kind without namespaces."""
    return ClusterBuilder(api_version, kind, name)
