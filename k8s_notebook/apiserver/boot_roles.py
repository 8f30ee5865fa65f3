"""The cluster roles and bindings that every cluster starts with (as in plugin/pkg/auth/authorizer/rbac/bootstrappolicy)."""

from __future__ import annotations

from k8s_notebook.objects import Obj

_API = "rbac.authorization.k8s.io/v1"
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_DEFAULTS = {"kubernetes.io/bootstrapping": "rbac-defaults"}

_CORE_READ = (
    "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers"
    " replicationcontrollers/scale serviceaccounts services services/status bindings events limitranges namespaces/status"
    " pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status namespaces"
)
_APPS_READ = (
    "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets"
    " replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status"
)
_APPS_WRITE = (
    "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale"
)
_NET_WRITE = "ingresses networkpolicies"


def _rule(groups: str, resources: str, verbs: list[str]) -> Obj:
    return {"apiGroups": groups.split("+"), "resources": resources.split(), "verbs": verbs}


def _view_rules() -> list[Obj]:
    return [
        _rule("", _CORE_READ, _READ),
        _rule("discovery.k8s.io", "endpointslices", _READ),
        _rule("apps", _APPS_READ, _READ),
        _rule("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", _READ),
        _rule("batch", "cronjobs cronjobs/status jobs jobs/status", _READ),
        _rule("policy", "poddisruptionbudgets poddisruptionbudgets/status", _READ),
        _rule("networking.k8s.io", "ingresses ingresses/status networkpolicies", _READ),
        _rule("resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates", _READ),
    ]


def _edit_rules() -> list[Obj]:
    return [
        _rule("", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", _READ),
        _rule("", "serviceaccounts", ["impersonate"]),
        _rule("", "pods pods/attach pods/exec pods/portforward pods/proxy pods/ephemeralcontainers pods/resize", _WRITE),
        _rule("", "pods/eviction serviceaccounts/token", ["create"]),
        _rule("", "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets"
                  " serviceaccounts services services/proxy", _WRITE),
        _rule("apps", _APPS_WRITE, _WRITE),
        _rule("autoscaling", "horizontalpodautoscalers", _WRITE),
        _rule("batch", "cronjobs jobs", _WRITE),
        _rule("policy", "poddisruptionbudgets", _WRITE),
        _rule("networking.k8s.io", _NET_WRITE, _WRITE),
        _rule("coordination.k8s.io", "leases", [*_WRITE, *_READ]),
        _rule("resource.k8s.io", "resourceclaims resourceclaimtemplates", _WRITE),
    ]  # fmt: skip


def _admin_rules() -> list[Obj]:
    return [
        _rule("authorization.k8s.io", "localsubjectaccessreviews", ["create"]),
        _rule("rbac.authorization.k8s.io", "rolebindings roles", [*_WRITE, *_READ]),
    ]


_EVERYTHING = [
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
]
_PUBLIC = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_DISCOVERY = [
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
    "/version/",
]


def _scheduler_rules() -> list[Obj]:
    return [
        _rule("+events.k8s.io", "events", ["create", "patch", "update"]),
        _rule("coordination.k8s.io", "leases", ["create", "get", "list", "patch", "update", "watch"]),
        _rule("", "nodes", _READ),
        _rule("", "pods", ["delete", *_READ]),
        _rule("", "bindings pods/binding", ["create"]),
        _rule("", "pods/status", ["patch", "update"]),
        _rule(
            "", "replicationcontrollers services namespaces persistentvolumeclaims persistentvolumes", [*_READ, "patch", "update"]
        ),
        _rule("apps", "replicasets statefulsets", _READ),
        _rule("policy", "poddisruptionbudgets", _READ),
        _rule("storage.k8s.io", "csidrivers csinodes csistoragecapacities storageclasses volumeattachments", _READ),
        _rule(
            "resource.k8s.io", "deviceclasses resourceclaims resourceclaims/status resourceslices", [*_READ, "patch", "update"]
        ),
        _rule("authentication.k8s.io", "tokenreviews", ["create"]),
        _rule("authorization.k8s.io", "subjectaccessreviews", ["create"]),
    ]


def _node_rules() -> list[Obj]:
    return [
        _rule("authentication.k8s.io", "tokenreviews", ["create"]),
        _rule("", "services configmaps secrets persistentvolumeclaims persistentvolumes", _READ),
        _rule("", "nodes nodes/status", ["create", "patch", "update", *_READ]),
        _rule("", "pods pods/status pods/eviction", ["create", "delete", "patch", "update", *_READ]),
        _rule("", "serviceaccounts/token", ["create"]),
        _rule("+events.k8s.io", "events", ["create", "patch", "update"]),
        _rule("coordination.k8s.io", "leases", ["create", "delete", "patch", "update", *_READ]),
        _rule("node.k8s.io+storage.k8s.io", "runtimeclasses csidrivers csinodes volumeattachments", _READ),
    ]


def _reviews() -> list[Obj]:
    return [
        _rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", ["create"]),
        _rule("authentication.k8s.io", "selfsubjectreviews", ["create"]),
    ]


def _paths(paths: list[str]) -> list[Obj]:
    return [{"nonResourceURLs": paths, "verbs": ["get"]}]


def roles() -> list[Obj]:
    """The ClusterRoles."""
    view, edit, admin = _view_rules(), _edit_rules(), _admin_rules()
    controller = [*_EVERYTHING[:1], {"nonResourceURLs": ["*"], "verbs": ["get"]}]
    issuer = _paths(
        ["/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks", "/openid/v1/jwks/"]
    )
    return [
        _role("cluster-admin", list(_EVERYTHING)),
        _role("admin", [*admin, *edit, *view], aggregates="admin"),
        _role("edit", [*edit, *view], aggregates="edit", joins="admin"),
        _role("view", view, aggregates="view", joins="edit"),
        _role("system:aggregate-to-admin", admin, joins="admin"),
        _role("system:aggregate-to-edit", edit, joins="edit"),
        _role("system:aggregate-to-view", view, joins="view"),
        _role("system:basic-user", _reviews()),
        _role("system:discovery", _paths(_DISCOVERY)),
        _role("system:public-info-viewer", _paths(_PUBLIC)),
        _role("system:monitoring", _paths(["/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/readyz", "/readyz/*"])),
        _role("system:service-account-issuer-discovery", issuer),
        _role("system:auth-delegator", [_rule("authentication.k8s.io", "tokenreviews", ["create"]),
                                        _rule("authorization.k8s.io", "subjectaccessreviews", ["create"])]),
        _role("system:kube-controller-manager", controller),
        _role("system:kube-scheduler", _scheduler_rules()),
        _role("system:volume-scheduler", [_rule("", "persistentvolumes persistentvolumeclaims", [*_READ, "patch", "update"]),
                                          _rule("storage.k8s.io", "storageclasses", _READ)]),
        _role("system:node", _node_rules()),
        _role("system:node-proxier", [_rule("", "endpoints services nodes", _READ),
                                      _rule("discovery.k8s.io", "endpointslices", _READ),
                                      _rule("+events.k8s.io", "events", ["create", "patch", "update"])]),
        _role("system:persistent-volume-provisioner", [_rule("", "persistentvolumes", ["create", "delete", *_READ]),
                                                       _rule("", "persistentvolumeclaims", ["update", *_READ]),
                                                       _rule("storage.k8s.io", "storageclasses", _READ)]),
    ]  # fmt: skip


def bindings() -> list[Obj]:
    """The ClusterRoleBindings."""
    return [
        _binding("cluster-admin", "Group", "system:masters"),
        _binding("system:basic-user", "Group", "system:authenticated"),
        _binding("system:discovery", "Group", "system:authenticated"),
        _binding("system:public-info-viewer", "Group", "system:authenticated", "system:unauthenticated"),
        _binding("system:monitoring", "Group", "system:monitoring"),
        _binding("system:service-account-issuer-discovery", "Group", "system:serviceaccounts"),
        _binding("system:kube-controller-manager", "User", "system:kube-controller-manager"),
        _binding("system:kube-scheduler", "User", "system:kube-scheduler"),
        _binding("system:volume-scheduler", "User", "system:kube-scheduler"),
        _binding("system:node-proxier", "User", "system:kube-proxy"),
        _binding("system:node", "Group", "system:nodes"),
    ]


def _role(name: str, rules: list[Obj], *, aggregates: str = "", joins: str = "") -> Obj:
    labels = dict(_DEFAULTS)
    if joins:
        labels[f"rbac.authorization.k8s.io/aggregate-to-{joins}"] = "true"
    meta = {"name": name, "labels": labels, "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}}
    role: Obj = {"apiVersion": _API, "kind": "ClusterRole", "metadata": meta, "rules": rules}
    if aggregates:
        label = f"rbac.authorization.k8s.io/aggregate-to-{aggregates}"
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]}
    return role


def _binding(role: str, kind: str, *subjects: str) -> Obj:
    group = "rbac.authorization.k8s.io"
    meta = {"name": role, "labels": _DEFAULTS, "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}}
    return {
        "apiVersion": _API,
        "kind": "ClusterRoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": kind, "apiGroup": group, "name": s} for s in subjects],
    }
