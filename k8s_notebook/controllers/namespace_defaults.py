"""What every namespace has from the start: the ServiceAccount `default` and the ConfigMap with the cluster's CA.

As in pkg/controller/serviceaccount: serviceaccounts_controller.go, pkg/controller/certificates/rootcacertpublisher.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8s_notebook.machinery.actions import Action, Create, Update
from k8s_notebook.machinery.cache import Name, View
from k8s_notebook.machinery.reconcile import Keys, Watch
from k8s_notebook.objects import Obj

CA_CONFIGMAP = "kube-root-ca.crt"
DESCRIPTION = "kubernetes.io/description"
DESCRIBED = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal "
    "service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
)


class ServiceAccounts:
    """Keeps the ServiceAccount `default` in every namespace."""

    name = "serviceaccount-controller"

    def watches(self) -> Sequence[Watch]:
        """Namespaces, and ServiceAccounts that go."""
        return (Watch("namespaces", _itself), Watch("serviceaccounts", _namespace_of("default")))

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """The creation of what is missing."""
        if not _active(view, key) or view.get("serviceaccounts", key[1], "default") is not None:
            return []
        metadata = {"name": "default", "namespace": key[1]}
        return [Create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}, "serviceaccounts", key[1])]


class RootCertificates:
    """Keeps the ConfigMap kube-root-ca.crt in every namespace."""

    name = "root-ca-certificate-publisher-controller"

    def __init__(self, ca: str) -> None:
        self._data = {"ca.crt": ca}

    def watches(self) -> Sequence[Watch]:
        """Namespaces, and the ConfigMaps of that name."""
        return (Watch("namespaces", _itself), Watch("configmaps", _namespace_of(CA_CONFIGMAP)))

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """The creation, or the repair, of the ConfigMap."""
        if not _active(view, key):
            return []
        found = view.get("configmaps", key[1], CA_CONFIGMAP)
        if found is None:
            metadata = {"name": CA_CONFIGMAP, "namespace": key[1], "annotations": {DESCRIPTION: DESCRIBED}}
            made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": self._data}
            return [Create(made, "configmaps", key[1])]
        annotations = found["metadata"].get("annotations") or {}
        if found.get("data") == self._data and annotations.get(DESCRIPTION):
            return []
        metadata = {**found["metadata"], "annotations": {DESCRIPTION: DESCRIBED, **annotations}}
        return [Update({**found, "metadata": metadata, "data": self._data}, "configmaps")]


def _active(view: View, key: Name) -> bool:
    namespace = view.get("namespaces", *key)
    return (
        namespace is not None
        and "deletionTimestamp" not in namespace["metadata"]
        and (namespace.get("status") or {}).get("phase", "Active") == "Active"
    )


def _itself(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
    return (("", new["metadata"]["name"]),) if new is not None else ()


def _namespace_of(name: str) -> Keys:
    """The keys of namespaces in which the object of this name changed or went."""

    def keys(view: View, old: Obj | None, new: Obj | None) -> Iterable[Name]:
        obj = new or old
        if old is None or obj is None or obj["metadata"]["name"] != name:
            return ()
        return (("", obj["metadata"]["namespace"]),)

    return keys
