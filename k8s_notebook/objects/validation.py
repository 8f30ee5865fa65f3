"""What is wrong with an object: the rules that people meet most, in the API server's words and order.

Two tables say which rules a kind has; the rules are in `objects/validating`. An object is given as it will be stored: decoded,
defaulted, prepared. An empty answer means that nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from k8s_notebook.objects import Obj, kinds
from k8s_notebook.objects.errors import Cause
from k8s_notebook.objects.validating import (
    jobs,
    metadata,
    names,
    networking,
    pods,
    podupdates,
    resources,
    scaling,
    services,
    settings,
    storage,
    workloads,
)
from k8s_notebook.objects.validating.findings import Findings

_RBAC: Final = "rbac.authorization.k8s.io"

_NAMES: Final[dict[str, names.Check]] = {
    "namespaces": names.label,
    "services": names.label,
    "statefulsets.apps": names.label,
    f"roles.{_RBAC}": names.path_segment,
    f"clusterroles.{_RBAC}": names.path_segment,
    f"rolebindings.{_RBAC}": names.path_segment,
    f"clusterrolebindings.{_RBAC}": names.path_segment,
    "poddisruptionbudgets.policy": names.path_segment,
    "certificatesigningrequests.certificates.k8s.io": names.path_segment,
    "events": names.path_segment,
    "events.events.k8s.io": names.path_segment,
    "flowschemas.flowcontrol.apiserver.k8s.io": names.path_segment,
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": names.path_segment,
    "apiservices.apiregistration.k8s.io": names.path_segment,
    "ipaddresses.networking.k8s.io": names.path_segment,
}
"""Names are RFC 1123 subdomains, except for these kinds."""

Rule = Callable[[Findings, Obj], None]
UpdateRule = Callable[[Findings, Obj, Obj], None]

_RULES: Final[dict[str, Rule]] = {
    "pods": pods.create,
    "podtemplates": workloads.pod_template,
    "deployments.apps": workloads.deployment,
    "replicasets.apps": workloads.replica_set,
    "statefulsets.apps": workloads.stateful_set,
    "daemonsets.apps": workloads.daemon_set,
    "replicationcontrollers": workloads.replication_controller,
    "jobs.batch": jobs.job,
    "cronjobs.batch": jobs.cron_job,
    "services": services.service,
    "endpoints": services.endpoints,
    "endpointslices.discovery.k8s.io": services.slice_,
    "configmaps": settings.config_map,
    "secrets": settings.secret,
    "namespaces": settings.namespace,
    "nodes": settings.node,
    "priorityclasses.scheduling.k8s.io": settings.priority_class,
    "leases.coordination.k8s.io": settings.lease,
    "runtimeclasses.node.k8s.io": settings.runtime_class,
    f"roles.{_RBAC}": settings.role,
    f"clusterroles.{_RBAC}": settings.cluster_role,
    f"rolebindings.{_RBAC}": settings.role_binding,
    f"clusterrolebindings.{_RBAC}": settings.cluster_role_binding,
    "resourcequotas": resources.quota,
    "limitranges": resources.limit_range,
    "persistentvolumeclaims": storage.claim,
    "persistentvolumes": storage.volume,
    "storageclasses.storage.k8s.io": storage.storage_class,
    "poddisruptionbudgets.policy": scaling.budget,
    "horizontalpodautoscalers.autoscaling": scaling.autoscaler,
    "ingresses.networking.k8s.io": networking.ingress,
    "ingressclasses.networking.k8s.io": networking.ingress_class,
    "networkpolicies.networking.k8s.io": networking.network_policy,
}
"""resource -> the rules of a whole object, its metadata aside."""

_UPDATE_RULES: Final[dict[str, UpdateRule]] = {
    "pods": podupdates.update,
    "deployments.apps": workloads.same_selector,
    "replicasets.apps": workloads.same_selector,
    "daemonsets.apps": workloads.same_selector,
    "statefulsets.apps": workloads.stateful_update,
    "jobs.batch": jobs.job_update,
    "services": services.service_update,
    "endpointslices.discovery.k8s.io": services.slice_update,
    "configmaps": settings.config_map_update,
    "secrets": settings.secret_update,
    "nodes": settings.node_update,
    "priorityclasses.scheduling.k8s.io": settings.priority_class_update,
    f"rolebindings.{_RBAC}": settings.binding_update,
    f"clusterrolebindings.{_RBAC}": settings.binding_update,
    "persistentvolumeclaims": storage.claim_update,
    "persistentvolumes": storage.volume_update,
    "storageclasses.storage.k8s.io": storage.storage_class_update,
    "ingressclasses.networking.k8s.io": networking.ingress_class_update,
    "runtimeclasses.node.k8s.io": lambda found, new, old: found.immutable("handler", new.get("handler"), old.get("handler")),
}
"""resource -> what an update may not do, besides making an object that breaks the rules above."""

_UPDATES_FIRST: Final = frozenset({"secrets", "configmaps", "services", "nodes"})
"""Kinds whose update rules speak before the rules of the whole object."""

_WHOLLY_OTHER: Final = frozenset({"pods", "namespaces"})
"""Kinds whose update rules cover everything (pods), or that are not looked at again (namespaces)."""


def name_check(kind: kinds.Kind) -> names.Check:
    """What the names of a kind must look like."""
    return _NAMES.get(kind.resource, names.subdomain)


def validate(kind: kinds.Kind, obj: Obj) -> list[Cause]:
    """What is wrong with a new object.

    >>> [c.sentence() for c in validate(kinds.of("configmaps"), {"metadata": {"name": "x"}})]
    ['metadata.namespace: Required value']
    """
    found = Findings()
    metadata.created(found, obj.get("metadata") or {}, kind.namespaced, name_check(kind))
    rule = _RULES.get(kind.resource)
    if rule is not None:
        rule(found, obj)
    return found


_BESIDE: Final = frozenset({"metadata", "status"})


def validate_update(kind: kinds.Kind, new: Obj, old: Obj) -> list[Cause]:
    """What is wrong with the new version of an object; what did not change is not looked at again."""
    found = Findings()
    metadata.updated(found, new.get("metadata") or {}, old.get("metadata") or {})
    if all(new.get(key) is old.get(key) for key in new.keys() | old.keys() if key not in _BESIDE):
        return found
    update = _UPDATE_RULES.get(kind.resource)
    rule = None if kind.resource in _WHOLLY_OTHER else _RULES.get(kind.resource)
    if update is not None and kind.resource in _UPDATES_FIRST:
        update(found, new, old)
    if rule is not None:
        rule(found, new)
    if update is not None and kind.resource not in _UPDATES_FIRST:
        update(found, new, old)
    return found
