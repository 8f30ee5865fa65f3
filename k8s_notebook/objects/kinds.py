"""The kinds that the API serves: one table, and the ways to look a kind up.

The table is the discovery of a Kubernetes 1.36 API server, in its order of preference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_READ_WRITE = ("get", "patch", "update")
_CONNECT = ("create", "get")
_PROXY = ("create", "delete", "get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Subresource:
    """One subresource of a kind; `group`, `version`, `kind` say what its body is."""

    name: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One served kind.

    `resource` is its name everywhere in this package: "pods", "deployments.apps".
    """

    group: str
    version: str
    plural: str
    kind: str
    singular: str = ""
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = _ALL_VERBS
    subresources: tuple[Subresource, ...] = ()

    @property
    def resource(self) -> str:
        """The plural name with its group: "pods", "deployments.apps"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """What objects carry as `apiVersion`: "v1", "apps/v1"."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def storable(self) -> bool:
        """Whether objects of this kind are kept (reviews and bindings are only asked)."""
        return "list" in self.verbs and "create" in self.verbs

    def subresource(self, name: str) -> Subresource | None:
        """The subresource of that name, or None."""
        return next((s for s in self.subresources if s.name == name), None)

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path.

        >>> of("deployments.apps").path("default", "web", "scale")
        '/apis/apps/v1/namespaces/default/deployments/web/scale'
        """
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        parts = [p for p in (self.plural, name, subresource) if p]
        return root + inside + "/" + "/".join(parts)


class Kinds:
    """The kinds of one cluster, found by any name a person or a program uses."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = tuple(kinds)
        self._by_resource: dict[str, Kind] = {}
        self._by_gvk: dict[tuple[str, str], Kind] = {}
        self._by_path: dict[tuple[str, str, str], Kind] = {}
        self._by_name: dict[str, Kind] = {}
        for kind in self._kinds:
            self._by_resource.setdefault(kind.resource, kind)
            self._by_gvk.setdefault((kind.api_version, kind.kind), kind)
            self._by_path.setdefault((kind.group, kind.version, kind.plural), kind)
        for kind in self._kinds:
            for name in (kind.plural, kind.singular, kind.kind.lower(), *kind.short_names):
                for spelled in (name, f"{name}.{kind.group}", f"{name}.{kind.version}.{kind.group}"):
                    self._by_name.setdefault(spelled, kind)

    def __iter__(self) -> Iterator[Kind]:
        """In order of preference, as discovery lists them."""
        return iter(self._kinds)

    def of(self, resource: str) -> Kind:
        """The kind of a resource name such as "deployments.apps"; KeyError if it is not served."""
        return self._by_resource[resource]

    def for_object(self, api_version: str, kind: str) -> Kind | None:
        """The kind of an object's `apiVersion` and `kind`, or None."""
        return self._by_gvk.get((api_version, kind))

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind behind a URL, or None."""
        return self._by_path.get((group, version, plural))

    def named(self, name: str) -> Kind | None:
        """The kind that a person means: plural, singular, short name, Kind, each also with `.group`.

        >>> BUILTIN.named("deploy").resource, BUILTIN.named("Pod").resource
        ('deployments.apps', 'pods')
        """
        return self._by_name.get(name.lower())

    def in_category(self, category: str) -> tuple[Kind, ...]:
        """The kinds of a category such as "all"."""
        return tuple(k for k in self._kinds if category in k.categories)

    def groups(self) -> dict[str, dict[str, tuple[Kind, ...]]]:
        """group -> version -> kinds, each in order of preference."""
        found: dict[str, dict[str, tuple[Kind, ...]]] = {}
        for kind in self._kinds:
            versions = found.setdefault(kind.group, {})
            versions[kind.version] = (*versions.get(kind.version, ()), kind)
        return found


@dataclass(slots=True)
class _Group:
    """One group-version of the table while it is written down."""

    group: str
    version: str
    kinds: list[Kind] = field(default_factory=list)

    def has(
        self,
        plural: str,
        kind: str,
        *,
        short: str = "",
        categories: str = "",
        cluster: bool = False,
        verbs: tuple[str, ...] = _ALL_VERBS,
        sub: tuple[Subresource, ...] = (),
    ) -> None:
        """Add one kind; the singular is the kind in lower case, as in Kubernetes."""
        self.kinds.append(
            Kind(
                self.group,
                self.version,
                plural,
                kind,
                kind.lower(),
                not cluster,
                tuple(short.split()),
                tuple(categories.split()),
                verbs,
                sub,
            )
        )


_STATUS = Subresource("status", _READ_WRITE)
_SCALE = Subresource("scale", _READ_WRITE, "autoscaling", "v1", "Scale")


def _table() -> list[Kind]:
    """Every kind of a default Kubernetes 1.36 server."""
    found: list[Kind] = []

    g = _Group("", "v1")
    g.has("bindings", "Binding", verbs=("create",))
    g.has("componentstatuses", "ComponentStatus", short="cs", cluster=True, verbs=("get", "list"))
    g.has("configmaps", "ConfigMap", short="cm")
    g.has("endpoints", "Endpoints", short="ep")
    g.has("events", "Event", short="ev")
    g.has("limitranges", "LimitRange", short="limits")
    g.has(
        "namespaces",
        "Namespace",
        short="ns",
        cluster=True,
        verbs=tuple(v for v in _ALL_VERBS if v != "deletecollection"),
        sub=(
            Subresource("finalize", ("update",)),
            _STATUS,
        ),
    )
    g.has(
        "nodes",
        "Node",
        short="no",
        cluster=True,
        sub=(
            Subresource("proxy", _PROXY, "", "v1", "NodeProxyOptions"),
            _STATUS,
        ),
    )
    g.has("persistentvolumeclaims", "PersistentVolumeClaim", short="pvc", sub=(_STATUS,))
    g.has("persistentvolumes", "PersistentVolume", short="pv", cluster=True, sub=(_STATUS,))
    g.has(
        "pods",
        "Pod",
        short="po",
        categories="all",
        sub=(
            Subresource("attach", _CONNECT, "", "v1", "PodAttachOptions"),
            Subresource("binding", ("create",), "", "v1", "Binding"),
            Subresource("ephemeralcontainers", _READ_WRITE),
            Subresource("eviction", ("create",), "policy", "v1", "Eviction"),
            Subresource("exec", _CONNECT, "", "v1", "PodExecOptions"),
            Subresource("log", ("get",)),
            Subresource("portforward", _CONNECT, "", "v1", "PodPortForwardOptions"),
            Subresource("proxy", _PROXY, "", "v1", "PodProxyOptions"),
            Subresource("resize", _READ_WRITE),
            _STATUS,
        ),
    )
    g.has("podtemplates", "PodTemplate")
    g.has(
        "replicationcontrollers",
        "ReplicationController",
        short="rc",
        categories="all",
        sub=(
            _SCALE,
            _STATUS,
        ),
    )
    g.has("resourcequotas", "ResourceQuota", short="quota", sub=(_STATUS,))
    g.has("secrets", "Secret")
    g.has(
        "serviceaccounts",
        "ServiceAccount",
        short="sa",
        sub=(Subresource("token", ("create",), "authentication.k8s.io", "v1", "TokenRequest"),),
    )
    g.has(
        "services",
        "Service",
        short="svc",
        categories="all",
        sub=(
            Subresource("proxy", _PROXY, "", "v1", "ServiceProxyOptions"),
            _STATUS,
        ),
    )
    found += g.kinds

    g = _Group("apiregistration.k8s.io", "v1")
    g.has("apiservices", "APIService", categories="api-extensions", cluster=True, sub=(_STATUS,))
    found += g.kinds

    g = _Group("apps", "v1")
    g.has("controllerrevisions", "ControllerRevision")
    g.has("daemonsets", "DaemonSet", short="ds", categories="all", sub=(_STATUS,))
    g.has(
        "deployments",
        "Deployment",
        short="deploy",
        categories="all",
        sub=(
            _SCALE,
            _STATUS,
        ),
    )
    g.has(
        "replicasets",
        "ReplicaSet",
        short="rs",
        categories="all",
        sub=(
            _SCALE,
            _STATUS,
        ),
    )
    g.has(
        "statefulsets",
        "StatefulSet",
        short="sts",
        categories="all",
        sub=(
            _SCALE,
            _STATUS,
        ),
    )
    found += g.kinds

    g = _Group("events.k8s.io", "v1")
    g.has("events", "Event", short="ev")
    found += g.kinds

    g = _Group("authentication.k8s.io", "v1")
    g.has("selfsubjectreviews", "SelfSubjectReview", cluster=True, verbs=("create",))
    g.has("tokenreviews", "TokenReview", cluster=True, verbs=("create",))
    found += g.kinds

    g = _Group("authorization.k8s.io", "v1")
    g.has("localsubjectaccessreviews", "LocalSubjectAccessReview", verbs=("create",))
    g.has("selfsubjectaccessreviews", "SelfSubjectAccessReview", cluster=True, verbs=("create",))
    g.has("selfsubjectrulesreviews", "SelfSubjectRulesReview", cluster=True, verbs=("create",))
    g.has("subjectaccessreviews", "SubjectAccessReview", cluster=True, verbs=("create",))
    found += g.kinds

    g = _Group("autoscaling", "v2")
    g.has("horizontalpodautoscalers", "HorizontalPodAutoscaler", short="hpa", categories="all", sub=(_STATUS,))
    found += g.kinds

    g = _Group("autoscaling", "v1")
    g.has("horizontalpodautoscalers", "HorizontalPodAutoscaler", short="hpa", categories="all", sub=(_STATUS,))
    found += g.kinds

    g = _Group("batch", "v1")
    g.has("cronjobs", "CronJob", short="cj", categories="all", sub=(_STATUS,))
    g.has("jobs", "Job", categories="all", sub=(_STATUS,))
    found += g.kinds

    g = _Group("certificates.k8s.io", "v1")
    g.has(
        "certificatesigningrequests",
        "CertificateSigningRequest",
        short="csr",
        cluster=True,
        sub=(
            Subresource("approval", _READ_WRITE),
            _STATUS,
        ),
    )
    found += g.kinds

    g = _Group("networking.k8s.io", "v1")
    g.has("ingressclasses", "IngressClass", cluster=True)
    g.has("ingresses", "Ingress", short="ing", sub=(_STATUS,))
    g.has("ipaddresses", "IPAddress", short="ip", cluster=True)
    g.has("networkpolicies", "NetworkPolicy", short="netpol")
    g.has("servicecidrs", "ServiceCIDR", cluster=True, sub=(_STATUS,))
    found += g.kinds

    g = _Group("policy", "v1")
    g.has("poddisruptionbudgets", "PodDisruptionBudget", short="pdb", sub=(_STATUS,))
    found += g.kinds

    g = _Group("rbac.authorization.k8s.io", "v1")
    g.has("clusterrolebindings", "ClusterRoleBinding", cluster=True)
    g.has("clusterroles", "ClusterRole", cluster=True)
    g.has("rolebindings", "RoleBinding")
    g.has("roles", "Role")
    found += g.kinds

    g = _Group("storage.k8s.io", "v1")
    g.has("csidrivers", "CSIDriver", cluster=True)
    g.has("csinodes", "CSINode", cluster=True)
    g.has("csistoragecapacities", "CSIStorageCapacity")
    g.has("storageclasses", "StorageClass", short="sc", cluster=True)
    g.has("volumeattachments", "VolumeAttachment", cluster=True, sub=(_STATUS,))
    g.has("volumeattributesclasses", "VolumeAttributesClass", short="vac", cluster=True)
    found += g.kinds

    g = _Group("admissionregistration.k8s.io", "v1")
    g.has("mutatingadmissionpolicies", "MutatingAdmissionPolicy", categories="api-extensions", cluster=True)
    g.has("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", categories="api-extensions", cluster=True)
    g.has("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", categories="api-extensions", cluster=True)
    g.has("validatingadmissionpolicies", "ValidatingAdmissionPolicy", categories="api-extensions", cluster=True, sub=(_STATUS,))
    g.has("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", categories="api-extensions", cluster=True)
    g.has("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", categories="api-extensions", cluster=True)
    found += g.kinds

    g = _Group("apiextensions.k8s.io", "v1")
    g.has(
        "customresourcedefinitions",
        "CustomResourceDefinition",
        short="crd crds",
        categories="api-extensions",
        cluster=True,
        sub=(_STATUS,),
    )
    found += g.kinds

    g = _Group("scheduling.k8s.io", "v1")
    g.has("priorityclasses", "PriorityClass", short="pc", cluster=True)
    found += g.kinds

    g = _Group("coordination.k8s.io", "v1")
    g.has("leases", "Lease")
    found += g.kinds

    g = _Group("node.k8s.io", "v1")
    g.has("runtimeclasses", "RuntimeClass", cluster=True)
    found += g.kinds

    g = _Group("discovery.k8s.io", "v1")
    g.has("endpointslices", "EndpointSlice")
    found += g.kinds

    g = _Group("resource.k8s.io", "v1")
    g.has("deviceclasses", "DeviceClass", cluster=True)
    g.has("resourceclaims", "ResourceClaim", sub=(_STATUS,))
    g.has("resourceclaimtemplates", "ResourceClaimTemplate")
    g.has("resourceslices", "ResourceSlice", cluster=True)
    found += g.kinds

    g = _Group("flowcontrol.apiserver.k8s.io", "v1")
    g.has("flowschemas", "FlowSchema", cluster=True, sub=(_STATUS,))
    g.has("prioritylevelconfigurations", "PriorityLevelConfiguration", cluster=True, sub=(_STATUS,))
    found += g.kinds
    return found


BUILTIN = Kinds(_table())

OWN_GROUP = "k8s-notebook.io"
"""The API group of what a notebook does to an embedded cluster beyond Kubernetes."""


def _own_table() -> list[Kind]:
    g = _Group(OWN_GROUP, "v1alpha1")
    g.has("faults", "Fault", cluster=True)
    g.has("decisions", "Decision", verbs=("get", "list"))
    return g.kinds


EMBEDDED = Kinds((*BUILTIN, *_own_table()))
"""What an embedded cluster serves: everything of Kubernetes, and our own group."""


def of(resource: str) -> Kind:
    """The built-in kind of a resource name such as "deployments.apps"; KeyError if there is none."""
    return BUILTIN.of(resource)
