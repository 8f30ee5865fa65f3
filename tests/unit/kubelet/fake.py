"""A cluster in memory, just enough for kubelets: objects, versions, watches; no admission, no defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_notebook.kubelet.nodes import Shape
from k8s_notebook.kubelet.service import Kubelets
from k8s_notebook.machinery.actions import Create, Delete, Get, Patch, Request, Update
from k8s_notebook.machinery.api import Ticket, WatchEvent
from k8s_notebook.machinery.cache import Informers, name_of
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import EMBEDDED, Kinds
from k8s_notebook.sim.clock import Virtual, timestamp
from k8s_notebook.sim.loop import Loop


class FakeSubscription:
    """A watch that keeps everything until it is taken."""

    def __init__(self) -> None:
        self.events: list[WatchEvent] = []
        self.ended = False
        self._callback: Callable[[], Any] = lambda: None

    def push(self, *events: WatchEvent) -> None:
        was_empty = not self.events
        self.events += events
        if was_empty:
            self._callback()

    def take(self) -> list[WatchEvent]:
        taken, self.events = self.events, []
        return taken

    def on_ready(self, callback: Callable[[], Any]) -> None:
        self._callback = callback
        if self.events:
            callback()

    def close(self) -> None:
        self.ended = True


class FakeApi:
    """An Api over dicts. `writes` remembers (verb, resource, subresource, name)."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.revision = 0
        self.objects: dict[str, dict[tuple[str, str], Obj]] = {}
        self.watches: dict[str, list[FakeSubscription]] = {}
        self.writes: list[tuple[str, str, str, str]] = []
        self.history: dict[str, list[Obj]] = {}
        self.refuse: Callable[[Request], errors.ApiError | None] = lambda request: None

    @property
    def kinds(self) -> Kinds:
        return EMBEDDED

    def watch(self, resource: str, **_: Any) -> FakeSubscription:
        subscription = FakeSubscription()
        self.watches.setdefault(resource, []).append(subscription)
        known = [WatchEvent("ADDED", o, self.revision) for o in self.objects.get(resource, {}).values()]
        subscription.push(*known, WatchEvent("BOOKMARK", {}, self.revision, initial=True))
        return subscription

    def log(self, request: Any) -> Any:
        raise AssertionError("nobody asks the fake for logs")

    def submit(self, request: Request) -> Ticket[Obj]:
        refused = self.refuse(request)
        if refused is not None:
            return Ticket.failed(refused)
        try:
            return Ticket.of(self._do(request), self.revision)
        except errors.ApiError as error:
            return Ticket.failed(error)

    def _do(self, request: Any) -> Obj:
        found = {Create: self._create, Update: self._update, Patch: self._patch, Delete: self._delete, Get: self._get}
        return found[type(request)](request)

    def _get(self, request: Get) -> Obj:
        return self._known(request.resource, request.namespace, request.name)

    def _known(self, resource: str, namespace: str, name: str) -> Obj:
        found = self.objects.get(resource, {}).get((namespace, name))
        if found is None:
            raise errors.not_found(resource, name)
        return found

    def _create(self, request: Create) -> Obj:
        metadata = {**request.obj["metadata"], "creationTimestamp": timestamp(self.loop.now()), "generation": 1}
        metadata.setdefault("uid", f"uid-{self.revision + 1}")
        obj = {**request.obj, "metadata": metadata}
        if name_of(obj) in self.objects.get(request.resource, {}):
            raise errors.already_exists(request.resource, metadata["name"])
        return self._put("create", request.resource, "", obj, "ADDED")

    def _update(self, request: Update) -> Obj:
        known = self._known(request.resource, *name_of(request.obj))
        version = request.obj["metadata"].get("resourceVersion")
        if version and version != known["metadata"]["resourceVersion"]:
            raise errors.conflict(request.resource, known["metadata"]["name"])
        obj = {**known, "status": request.obj["status"]} if request.subresource == "status" else request.obj
        return self._put("update", request.resource, request.subresource, obj, "MODIFIED")

    def _patch(self, request: Patch) -> Obj:
        known = self._known(request.resource, request.namespace, request.name)
        return self._put("patch", request.resource, request.subresource, _merged(known, request.body), "MODIFIED")

    def _delete(self, request: Delete) -> Obj:
        known = self._known(request.resource, request.namespace, request.name)
        if request.uid and request.uid != known["metadata"]["uid"]:
            raise errors.conflict(request.resource, request.name)
        if request.resource == "pods" and request.grace != 0 and "deletionTimestamp" not in known["metadata"]:
            grace = known["spec"].get("terminationGracePeriodSeconds", 30) if request.grace is None else request.grace
            dying = {"deletionTimestamp": timestamp(self.loop.now() + grace), "deletionGracePeriodSeconds": grace,
                     "generation": known["metadata"]["generation"] + 1}  # fmt: skip
            return self._put("delete", "pods", "", _merged(known, {"metadata": dying}), "MODIFIED")
        del self.objects[request.resource][name_of(known)]
        self.revision += 1
        self.writes.append(("delete", request.resource, "", request.name))
        self._tell(request.resource, "DELETED", known)
        return known

    def _put(self, verb: str, resource: str, subresource: str, obj: Obj, event: Any) -> Obj:
        self.revision += 1
        obj = _merged(obj, {"metadata": {"resourceVersion": str(self.revision)}})
        self.objects.setdefault(resource, {})[name_of(obj)] = obj
        self.writes.append((verb, resource, subresource, obj["metadata"]["name"]))
        if resource == "pods":
            self.history.setdefault(obj["metadata"]["name"], []).append(obj)
        self._tell(resource, event, obj)
        return obj

    def _tell(self, resource: str, event: Any, obj: Obj) -> None:
        for subscription in self.watches.get(resource, ()):
            subscription.push(WatchEvent(event, obj, self.revision))


def _merged(obj: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    found = dict(obj) if isinstance(obj, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _merged(found.get(key), value)
    return found


class Cluster:
    """Kubelets on a virtual clock. Time starts at 1000."""

    def __init__(self, count: int = 1, shape: Shape | None = None) -> None:
        self.loop = Loop(Virtual(1000.0))
        self.api = FakeApi(self.loop)
        self.informers = Informers(self.api, self.loop)  # type: ignore[arg-type]
        self.users: list[str] = []
        self.kubelets = Kubelets(self._api_for, self.loop, self.informers)
        self.kubelets.start(count, shape)

    def _api_for(self, user: str) -> Any:
        self.users.append(user)
        return self.api

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        self.loop.run(self.loop.now() + seconds)

    def until(self, condition: Callable[[], Any], within: float = 60.0) -> float:
        """Let time pass until the condition holds; the seconds it took."""
        start = self.loop.now()
        while not condition():
            assert self.loop.step(start + within), f"it does not hold within {within} s"
        return self.loop.now() - start

    def create(self, resource: str, obj: Obj) -> Obj:
        """Put an object into the cluster."""
        return self.api.submit(Create(obj, resource)).result()

    def pod(self, name: str, node: str = "node-1", *, uid: str = "", annotations: Obj | None = None, **spec: Any) -> Obj:
        """Create a pod that is bound to a node."""
        spec.setdefault("containers", [container()])
        metadata: Obj = {"name": name, "namespace": "default", "uid": uid or f"uid-of-{name}"}
        if annotations:
            metadata["annotations"] = annotations
        scheduled = {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": timestamp(self.loop.now()),
        }
        status = {"phase": "Pending", "qosClass": "BestEffort", "conditions": [scheduled]}
        body = {"nodeName": node, "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, **spec}
        return self.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body, "status": status})

    def get(self, name: str) -> Obj:
        """The pod as it is now."""
        return self.api.objects["pods"]["default", name]

    def has(self, name: str) -> bool:
        """Whether the pod is there."""
        return ("default", name) in self.api.objects.get("pods", {})

    def phase(self, name: str) -> str:
        """The pod's phase."""
        return str(self.get(name)["status"]["phase"])

    def condition(self, name: str, kind: str) -> Obj:
        """One condition of the pod."""
        return next(c for c in self.get(name)["status"]["conditions"] if c["type"] == kind)

    def ready(self, name: str) -> bool:
        """Whether the pod is Ready."""
        return any(c["type"] == "Ready" and c["status"] == "True" for c in self.get(name)["status"]["conditions"])

    def waiting(self, name: str, number: int = 0) -> str:
        """The reason why the pod's container waits, or ""."""
        listed = self.get(name)["status"].get("containerStatuses") or []
        return str(listed[number]["state"].get("waiting", {}).get("reason", "")) if listed else ""

    def state(self, name: str, number: int = 0, of: str = "containerStatuses") -> Obj:
        """The status of the pod's container."""
        found: Obj = self.get(name)["status"][of][number]
        return found

    def events(self, name: str) -> list[tuple[str, str]]:
        """(reason, message) of the events about an object, in order."""
        found = self.api.objects.get("events", {}).values()
        return [(e["reason"], e["message"]) for e in found if e["involvedObject"]["name"] == name]

    def delete(self, name: str, grace: int | None = None) -> None:
        """Delete a pod, as a user does."""
        self.api.submit(Delete("pods", name, "default", grace=grace)).result()

    def annotate(self, name: str, **said: str | None) -> None:
        """Set (None: remove) annotations of a pod; `exit_code` means k8s-notebook.io/exit-code."""
        body = {"metadata": {"annotations": {f"k8s-notebook.io/{k.replace('_', '-')}": v for k, v in said.items()}}}
        self.api.submit(Patch("pods", name, "default", body)).result()

    def fault(self, name: str, node: str) -> None:
        """Stop the kubelet of a node."""
        spec = {"target": {"kind": "Node", "name": node}, "action": "Stop"}
        obj = {"apiVersion": "k8s-notebook.io/v1alpha1", "kind": "Fault", "metadata": {"name": name}, "spec": spec}
        self.create("faults.k8s-notebook.io", obj)

    def heal(self, name: str) -> None:
        """Take a fault back."""
        self.api.submit(Delete("faults.k8s-notebook.io", name)).result()

    def config_map(self, name: str, **data: str) -> None:
        """Create a ConfigMap."""
        self.create(
            "configmaps",
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data},
        )


def container(name: str = "c", image: str = "nginx:1.27", *script: str, **more: Any) -> Obj:
    """A container; with a script it runs `sh -c script`."""
    found: Obj = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", **more}
    if script:
        found["command"] = ["sh", "-c", *script]
    return found
