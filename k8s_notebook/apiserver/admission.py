"""Admission: what the cluster adds to objects and what it forbids, in Kubernetes' order, before they are stored."""

from __future__ import annotations

from k8s_notebook.apiserver import pod_admission
from k8s_notebook.apiserver.calls import Call
from k8s_notebook.apiserver.limits import LimitRanger
from k8s_notebook.apiserver.quota import Quotas
from k8s_notebook.apiserver.services import ServiceAddresses
from k8s_notebook.apiserver.state import State, metadata
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.errors import Cause
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.store.watches import Entry

PROTECTED = ("default", "kube-system", "kube-public")
"""Namespaces that may not be deleted."""

_RULES = (
    "limitranges", "serviceaccounts", "priorityclasses.scheduling.k8s.io", "runtimeclasses.node.k8s.io",
)  # fmt: skip
"""Resources whose objects decide how a pod comes out of admission."""

_DEFAULT_CLASS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"
_NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


class Admission:
    """The plugins of one server. `epoch` changes with every object that decides how a pod comes out."""

    def __init__(self, state: State) -> None:
        self.epoch = 0
        self.evicted_after = pod_admission.EVICTED_AFTER
        self._state = state
        self._limits = LimitRanger(state)
        self._quotas = Quotas(state)
        self.addresses = ServiceAddresses(state)
        for resource in _RULES:
            state.store.listen(resource, self._rules_changed)

    def enter(self, kind: Kind, namespace: str, obj: Obj) -> None:
        """NamespaceLifecycle: the namespace must be there and stay."""
        if not kind.namespaced:
            return
        found = self._state.object("namespaces", "", namespace)
        if found is None:
            raise errors.not_found("namespaces", namespace)
        if "deletionTimestamp" in found["metadata"]:
            raise _terminating(kind, namespace, obj["metadata"].get("name") or "")

    def admit(self, kind: Kind, namespace: str, obj: Obj, call: Call) -> Obj:
        """A new object as admission leaves it; refuses it with the plugin's sentence."""
        self.enter(kind, namespace, obj)
        plugin = _ON_CREATE.get(kind.resource)
        return plugin(self, obj, call) if plugin is not None else obj

    def readmit(self, kind: Kind, new: Obj, old: Obj, call: Call) -> Obj:
        """A changed object as admission leaves it."""
        if kind.resource == "namespaces":
            return _named_namespace(new)
        if kind.resource == "pods":
            return pod_admission.readmitted(new, old)
        if kind.resource == "services":
            return self.addresses.carried(new, old)
        if kind.resource == "persistentvolumeclaims" and new.get("spec") is not old.get("spec"):
            self._may_grow(new, old)
        return new

    def invalid(self, kind: Kind, obj: Obj, old: Obj | None) -> list[Cause]:
        """What is wrong with the addresses that a service asks for."""
        return self.addresses.invalid(obj, old) if kind.resource == "services" else []

    def check(self, kind: Kind, obj: Obj, old: Obj | None) -> None:
        """ResourceQuota: Forbidden when the namespace would use more than it may."""
        self._quotas.check(kind, obj, old)

    def allocate(self, kind: Kind, obj: Obj, old: Obj | None) -> Obj:
        """The object with the addresses that are given to it; nothing is taken before it is stored."""
        if kind.resource == "namespaces":
            return _named_namespace(obj)
        return self.addresses.allocated(obj) if kind.resource == "services" else obj

    def stored(self, kind: Kind, obj: Obj | None, old: Obj | None) -> None:
        """What follows from a write (`obj` None: the object is gone): address objects, a namespace's first account."""
        if kind.resource == "services":
            self.addresses.stored(obj, old)
        elif kind.resource == "namespaces" and obj is not None and old is None:
            self._first_account(obj["metadata"]["name"])

    def deleting(self, kind: Kind, entry: Entry) -> None:
        """Refuse to delete what must stay."""
        name = entry.obj["metadata"]["name"]
        if kind.resource == "namespaces" and name in PROTECTED:
            raise errors.forbidden("namespaces", name, "this namespace may not be deleted")

    def bound(self, pod: Obj, node: str) -> Obj:
        """PodTopologyLabels: the labels of a pod once it is on a node."""
        found = self._state.object("nodes", "", node)
        return pod_admission.with_topology(pod, found) if found is not None else pod

    def _rules_changed(self, old: Entry | None, new: Entry | None) -> None:
        self.epoch += 1

    def _first_account(self, namespace: str) -> None:
        """Pods can start at once: the account that the controller would make is made with the namespace."""
        if self._state.store.get("serviceaccounts", namespace, "default") is None:
            meta = {"name": "default", "namespace": namespace, "uid": self._state.streams.uid(),
                    "creationTimestamp": self._state.stamp()}  # fmt: skip
            self._state.store.put("serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})

    def _pod(self, obj: Obj, call: Call) -> Obj:
        obj = self._limits.limited(obj)
        obj = pod_admission.with_account(self._state, obj)
        obj = pod_admission.with_priority(self._state, obj)
        obj = pod_admission.with_tolerations(obj, self.evicted_after)
        return pod_admission.with_runtime(self._state, obj)

    def _namespace(self, obj: Obj, call: Call) -> Obj:
        return _named_namespace(obj)

    def _claim(self, obj: Obj, call: Call) -> Obj:
        self._limits.check_claim(obj)
        spec = obj.get("spec") or {}
        if "storageClassName" not in spec:
            name = self._default_class("storageclasses.storage.k8s.io", _DEFAULT_CLASS)
            if name:
                obj = {**obj, "spec": {**spec, "storageClassName": name}}
        return _with_finalizer(obj, "kubernetes.io/pvc-protection")

    def _volume(self, obj: Obj, call: Call) -> Obj:
        return _with_finalizer(obj, "kubernetes.io/pv-protection")

    def _node(self, obj: Obj, call: Call) -> Obj:
        spec = obj.get("spec") or {}
        taints = spec.get("taints") or []
        if any(t.get("key") == _NOT_READY["key"] and t.get("effect") == "NoSchedule" for t in taints):
            return obj
        return {**obj, "spec": {**spec, "taints": [*taints, _NOT_READY]}}

    def _ingress(self, obj: Obj, call: Call) -> Obj:
        spec = obj.get("spec") or {}
        if spec.get("ingressClassName") or "kubernetes.io/ingress.class" in (obj["metadata"].get("annotations") or {}):
            return obj
        name = self._default_class("ingressclasses.networking.k8s.io", (_DEFAULT_INGRESS,))
        return {**obj, "spec": {**spec, "ingressClassName": name}} if name else obj

    def _signing_request(self, obj: Obj, call: Call) -> Obj:
        return {**obj, "spec": {**(obj.get("spec") or {}), "username": call.user}}

    def _default_class(self, resource: str, notes: tuple[str, ...]) -> str:
        """The class that is marked as the default: the newest one, then by name."""
        marked = [
            c["metadata"]
            for c in self._state.objects(resource)
            if any((c["metadata"].get("annotations") or {}).get(n) == "true" for n in notes)
        ]
        marked.sort(key=lambda m: m["name"])
        marked.sort(key=lambda m: m["creationTimestamp"], reverse=True)
        return str(marked[0]["name"]) if marked else ""

    def _may_grow(self, new: Obj, old: Obj) -> None:
        """PersistentVolumeClaimResize: only where the class allows it."""
        wanted = ((new["spec"].get("resources") or {}).get("requests") or {}).get("storage")
        had = ((old["spec"].get("resources") or {}).get("requests") or {}).get("storage")
        if wanted == had:
            return
        name = new["metadata"]["name"]
        if (old.get("status") or {}).get("phase") != "Bound":
            raise errors.forbidden("persistentvolumeclaims", name, "Only bound persistent volume claims can be expanded")
        chosen = self._state.object("storageclasses.storage.k8s.io", "", new["spec"].get("storageClassName") or "")
        if chosen is None or not chosen.get("allowVolumeExpansion"):
            why = (
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
            )
            raise errors.forbidden("persistentvolumeclaims", name, why)


_ON_CREATE = {
    "pods": Admission._pod,
    "namespaces": Admission._namespace,
    "persistentvolumeclaims": Admission._claim,
    "persistentvolumes": Admission._volume,
    "nodes": Admission._node,
    "ingresses.networking.k8s.io": Admission._ingress,
    "certificatesigningrequests.certificates.k8s.io": Admission._signing_request,
}
"""resource -> what happens to a new object of it."""


def _terminating(kind: Kind, namespace: str, name: str) -> errors.Forbidden:
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    error = errors.forbidden(kind.resource, name, why)
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    return errors.Forbidden(error.message, details={**error.details, "causes": [cause]})


def _named_namespace(obj: Obj) -> Obj:
    meta = obj["metadata"]
    labels = meta.get("labels") or {}
    if not meta.get("name") or labels.get("kubernetes.io/metadata.name") == meta["name"]:
        return obj
    return metadata(obj, labels={**labels, "kubernetes.io/metadata.name": meta["name"]})


def _with_finalizer(obj: Obj, finalizer: str) -> Obj:
    finalizers = obj["metadata"].get("finalizers") or []
    return obj if finalizer in finalizers else metadata(obj, finalizers=[*finalizers, finalizer])
