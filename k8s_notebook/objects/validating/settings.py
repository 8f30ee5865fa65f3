"""Rules for what pods and people are given: ConfigMap, Secret, Namespace, Node, PriorityClass, Lease, RBAC, RuntimeClass.

As in pkg/apis/core/validation, pkg/apis/rbac/validation, pkg/apis/scheduling/validation.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from k8s_notebook.objects import Obj, jsontext
from k8s_notebook.objects.validating import metadata, names, scheduling
from k8s_notebook.objects.validating.findings import Findings, Struct

_MOST: Final = 1024 * 1024
_RBAC: Final = "rbac.authorization.k8s.io"
_FROZEN: Final = "field is immutable when `immutable` is set"
_SYSTEM: Final = {"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}
_HIGHEST: Final = 1000000000
_SECRET_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def config_map(found: Findings, obj: Obj) -> None:
    """A ConfigMap: keys, and 1 MiB in all."""
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    size = 0
    for key, value in data.items():
        found.each(f"data[{key}]", key, names.config_key(key))
        if key in binary:
            found.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
        size += len(value.encode())
    for key, value in binary.items():
        found.each(f"binaryData[{key}]", key, names.config_key(key))
        size += len(value) * 3 // 4
    if size > _MOST:
        found.too_long("[]", _MOST)


def config_map_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed ConfigMap: an immutable one keeps its data."""
    _frozen(found, new, old, ("data", "binaryData"))


def _frozen(found: Findings, new: Obj, old: Obj, fields: tuple[str, ...]) -> None:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        found.forbidden("immutable", _FROZEN)
    for field in fields:
        if (new.get(field) or {}) != (old.get(field) or {}):
            found.forbidden(field, _FROZEN)


def secret(found: Findings, obj: Obj) -> None:
    """A Secret: keys, size, and what its type asks for."""
    data, kind = obj.get("data") or {}, obj.get("type") or ""
    for key in data:
        found.each(f"data[{key}]", key, names.config_key(key))
    if sum(len(value or "") * 3 // 4 for value in data.values()) > _MOST:
        found.too_long("data", _MOST)
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    if kind == "kubernetes.io/service-account-token" and not annotations.get("kubernetes.io/service-account.name"):
        found.required("metadata.annotations[kubernetes.io/service-account.name]")
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        found.required("data[username]")
        found.required("data[password]")
    for key in _SECRET_KEYS.get(kind, ()):
        if key not in data:
            found.required(f"data[{key}]")
        elif key.startswith(".docker") and (wrong := _not_json(data[key])):
            found.invalid(f"data[{key}]", "<secret contents redacted>", wrong)


def _not_json(encoded: str) -> str:
    """Why the bytes are no JSON object; empty if they are."""
    try:
        value, _ = jsontext.parse_json(base64.b64decode(encoded))
    except ValueError as error:
        return str(error)
    return "" if isinstance(value, dict) else "json: cannot unmarshal into Go value of type map[string]interface {}"


def secret_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed Secret: the type stays, an immutable one keeps its data."""
    found.immutable("type", new.get("type"), old.get("type"))
    _frozen(found, new, old, ("data",))


def namespace(found: Findings, obj: Obj) -> None:
    """A Namespace: finalizers in its spec."""
    for finalizer in (obj.get("spec") or {}).get("finalizers") or ():
        if finalizer != "kubernetes" and "/" not in finalizer:
            found.invalid("spec.finalizers", finalizer, "name is neither a standard finalizer name nor is it fully qualified")
        found.each("spec.finalizers", finalizer, names.qualified(finalizer))


def node(found: Findings, obj: Obj) -> None:
    """A Node: its taints."""
    scheduling.taints(found, (obj.get("spec") or {}).get("taints") or [], "metadata.taints")


def node_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed Node: addresses of pods and the provider's id stay once set."""
    now, before = new.get("spec") or {}, old.get("spec") or {}
    if before.get("podCIDRs") and now.get("podCIDRs") != before["podCIDRs"]:
        found.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid')
    if before.get("providerID") and now.get("providerID") != before["providerID"]:
        found.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid')


def priority_class(found: Findings, obj: Obj) -> None:
    """A PriorityClass: the system's names and numbers are taken."""
    name, value = (obj.get("metadata") or {}).get("name") or "", obj.get("value") or 0
    if name.startswith("system-"):
        wrong = _not_system(name, value, bool(obj.get("globalDefault")))
        if wrong:
            said = "priority class names with 'system-' prefix are reserved for system use only. error: "
            found.forbidden("metadata.name", said + wrong)
    elif value > _HIGHEST:
        found.forbidden("value", f"maximum allowed value of a user defined priority is {_HIGHEST}")
    policy = obj.get("preemptionPolicy")
    if policy is not None and policy not in ("PreemptLowerPriority", "Never"):
        found.unsupported("preemptionPolicy", policy, ("PreemptLowerPriority", "Never"))


def _not_system(name: str, value: int, default: bool) -> str:
    if name not in _SYSTEM:
        return f"{name} is not a known system priority class"
    if value != _SYSTEM[name]:
        return f"value of {name} PriorityClass must be {_SYSTEM[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if default else ""


def priority_class_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed PriorityClass: its number and its policy stay."""
    if (new.get("value") or 0) != (old.get("value") or 0):
        found.forbidden("value", "may not be changed in an update.")
    found.immutable("preemptionPolicy", new.get("preemptionPolicy"), old.get("preemptionPolicy"))


def lease(found: Findings, obj: Obj) -> None:
    """A Lease."""
    spec = obj.get("spec") or {}
    duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if duration is not None and duration <= 0:
        found.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")
    found.not_negative("spec.leaseTransitions", transitions)


def runtime_class(found: Findings, obj: Obj) -> None:
    """A RuntimeClass."""
    handler = obj.get("handler") or ""
    if not handler:
        found.required("handler")
    else:
        found.each("handler", handler, names.label(handler))


def role(found: Findings, obj: Obj) -> None:
    """A Role: rules about resources in its namespace."""
    _rules(found, obj, True)


def cluster_role(found: Findings, obj: Obj) -> None:
    """A ClusterRole: rules about resources or URLs, and whom it collects."""
    _rules(found, obj, False)
    aggregation = obj.get("aggregationRule")
    if aggregation is None:
        return
    path, selectors = "aggregationRule.clusterRoleSelectors", aggregation.get("clusterRoleSelectors") or ()
    if not selectors:
        found.required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for i, selector in enumerate(selectors):
        metadata.selector(found, selector, f"{path}[{i}]")


def _rules(found: Findings, obj: Obj, namespaced: bool) -> None:
    for i, rule in enumerate(obj.get("rules") or ()):
        path, urls = f"rules[{i}]", rule.get("nonResourceURLs")
        if not rule.get("verbs"):
            found.required(f"{path}.verbs", "verbs must contain at least one value")
        if urls:
            if namespaced:
                found.invalid(f"{path}.nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs")
            if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
                why = "rules cannot apply to both regular resources and non-resource URLs"
                found.invalid(f"{path}.nonResourceURLs", urls, why)
            continue
        if not rule.get("apiGroups"):
            found.required(f"{path}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            found.required(f"{path}.resources", "resource rules must supply at least one resource")


def role_binding(found: Findings, obj: Obj) -> None:
    """A RoleBinding."""
    _binding(found, obj, ("Role", "ClusterRole"), True)


def cluster_role_binding(found: Findings, obj: Obj) -> None:
    """A ClusterRoleBinding."""
    _binding(found, obj, ("ClusterRole",), False)


def _binding(found: Findings, obj: Obj, kinds: tuple[str, ...], namespaced: bool) -> None:
    reference = obj.get("roleRef") or {}
    if reference.get("apiGroup") != _RBAC:
        found.unsupported("roleRef.apiGroup", reference.get("apiGroup") or "", (_RBAC,))
    if reference.get("kind") not in kinds:
        found.unsupported("roleRef.kind", reference.get("kind") or "", kinds)
    if not reference.get("name"):
        found.required("roleRef.name")
    else:
        found.each("roleRef.name", reference["name"], names.path_segment(reference["name"]))
    for i, subject in enumerate(obj.get("subjects") or ()):
        _subject(found, subject, f"subjects[{i}]", namespaced)


def _subject(found: Findings, subject: Obj, path: str, namespaced: bool) -> None:
    name, kind, group = subject.get("name") or "", subject.get("kind") or "", subject.get("apiGroup") or ""
    if not name:
        found.required(f"{path}.name")
    if kind == "ServiceAccount":
        if name:
            found.each(f"{path}.name", name, names.subdomain(name))
        if group:
            found.unsupported(f"{path}.apiGroup", group, ("",))
        if not namespaced and not subject.get("namespace"):
            found.required(f"{path}.namespace")
    elif kind in ("User", "Group"):
        if group != _RBAC:
            found.unsupported(f"{path}.apiGroup", group, (_RBAC,))
    else:
        found.unsupported(f"{path}.kind", kind, ("ServiceAccount", "User", "Group"))


def binding_update(found: Findings, new: Obj, old: Obj) -> None:
    """A changed binding: the role stays."""
    now: Any = new.get("roleRef") or {}
    if now != old.get("roleRef"):
        shown = {"APIGroup": now.get("apiGroup") or "", "Kind": now.get("kind") or "", "Name": now.get("name") or ""}
        found.invalid("roleRef", Struct(shown), "cannot change roleRef")
