"""The values that the API server fills in when a field was left out.

Two tables: constants by struct (`CONSTANTS`), and rules that look at other fields (`defaultrules.RULES`). Both are applied along
the schema: for each kind only the paths that lead to a struct with defaults are walked. Admission (service accounts, tolerations,
cluster IPs, storage classes) is not here.

As in pkg/apis/*/v1/defaults.go and zz_generated.defaults.go.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from k8s_notebook.objects import Obj, defaultrules, kinds, schema, typetable

_SCALE_IO: Final = {"storageMode": "ThinProvisioned", "fsType": "xfs"}
_RBD: Final = {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}
_MODE: Final = {"defaultMode": 0o644}
_ROUTE: Final = {"port": 443}
_VALIDATING: Final[Obj] = {
    "failurePolicy": "Fail", "matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}, "timeoutSeconds": 10,
}  # fmt: skip

CONSTANTS: Final[dict[str, Obj]] = {
    "core.v1.PodSpec": {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
    },
    "core.v1.Container": {"resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"},
    "core.v1.EphemeralContainer": {
        "resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    },
    "core.v1.ContainerPort": {"protocol": "TCP"},
    "core.v1.Probe": {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
    "core.v1.HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    "core.v1.GRPCAction": {"service": ""},
    "core.v1.ObjectFieldSelector": {"apiVersion": "v1"},
    "core.v1.ResourceFieldSelector": {"divisor": "0"},
    "core.v1.SecretVolumeSource": _MODE,
    "core.v1.ConfigMapVolumeSource": _MODE,
    "core.v1.DownwardAPIVolumeSource": _MODE,
    "core.v1.ProjectedVolumeSource": _MODE,
    "core.v1.ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    "core.v1.HostPathVolumeSource": {"type": ""},
    "core.v1.ISCSIVolumeSource": {"iscsiInterface": "default"},
    "core.v1.ISCSIPersistentVolumeSource": {"iscsiInterface": "default"},
    "core.v1.RBDVolumeSource": _RBD,
    "core.v1.RBDPersistentVolumeSource": _RBD,
    "core.v1.ScaleIOVolumeSource": _SCALE_IO,
    "core.v1.ScaleIOPersistentVolumeSource": _SCALE_IO,
    "core.v1.AzureDiskVolumeSource": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"},
    "core.v1.ReplicationControllerSpec": {"replicas": 1},
    "core.v1.EndpointPort": {"protocol": "TCP"},
    "core.v1.PersistentVolumeSpec": {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"},
    "core.v1.PersistentVolumeStatus": {"phase": "Pending"},
    "core.v1.PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    "core.v1.NamespaceStatus": {"phase": "Active"},
    "core.v1.Secret": {"type": "Opaque"},
    "apps.v1.ReplicaSetSpec": {"replicas": 1},
    "apps.v1.DeploymentSpec": {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "strategy": {}},
    "apps.v1.DaemonSetSpec": {"revisionHistoryLimit": 10, "updateStrategy": {}},
    "apps.v1.StatefulSetSpec": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {},
        "persistentVolumeClaimRetentionPolicy": {},
    },
    "apps.v1.DeploymentStrategy": {"type": "RollingUpdate"},
    "apps.v1.DaemonSetUpdateStrategy": {"type": "RollingUpdate"},
    "apps.v1.RollingUpdateDeployment": {"maxUnavailable": "25%", "maxSurge": "25%"},
    "apps.v1.RollingUpdateDaemonSet": {"maxUnavailable": 1, "maxSurge": 0},
    "apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    "batch.v1.CronJobSpec": {
        "concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
    },
    "batch.v1.PodFailurePolicyOnPodConditionsPattern": {"status": "True"},
    "autoscaling.v1.HorizontalPodAutoscalerSpec": {"minReplicas": 1, "targetCPUUtilizationPercentage": 80},
    "autoscaling.v2.HorizontalPodAutoscalerSpec": {"minReplicas": 1},
    "networking.v1.NetworkPolicyPort": {"protocol": "TCP"},
    "networking.v1.IngressClassParametersReference": {"scope": "Cluster"},
    "discovery.v1.EndpointPort": {"name": "", "protocol": "TCP"},
    "storage.v1.StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    "storage.v1.CSIDriverSpec": {
        "attachRequired": True, "podInfoOnMount": False, "volumeLifecycleModes": ["Persistent"], "storageCapacity": False,
        "fsGroupPolicy": "ReadWriteOnceWithFSType", "requiresRepublish": False, "seLinuxMount": False,
    },
    "scheduling.v1.PriorityClass": {"preemptionPolicy": "PreemptLowerPriority"},
    "rbac.v1.RoleRef": {"apiGroup": "rbac.authorization.k8s.io"},
    "resource.v1.ExactDeviceRequest": {"allocationMode": "ExactCount"},
    "resource.v1.DeviceSubRequest": {"allocationMode": "ExactCount"},
    "resource.v1.DeviceToleration": {"operator": "Equal"},
    "admissionregistration.v1.ValidatingWebhook": _VALIDATING,
    "admissionregistration.v1.MutatingWebhook": {**_VALIDATING, "reinvocationPolicy": "Never"},
    "admissionregistration.v1.RuleWithOperations": {"scope": "*"},
    "admissionregistration.v1.NamedRuleWithOperations": {"scope": "*"},
    "admissionregistration.v1.ServiceReference": _ROUTE,
    "admissionregistration.v1.ValidatingAdmissionPolicySpec": {"failurePolicy": "Fail"},
    "admissionregistration.v1.MutatingAdmissionPolicySpec": {"failurePolicy": "Fail"},
    "admissionregistration.v1.MatchResources": {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}},
    "apiextensions.v1.ServiceReference": _ROUTE,
    "apiextensions.v1.CustomResourceDefinitionSpec": {"conversion": {"strategy": "None"}},
    "apiregistration.v1.ServiceReference": _ROUTE,
    "flowcontrol.v1.FlowSchemaSpec": {"matchingPrecedence": 1000},
    "flowcontrol.v1.ExemptPriorityLevelConfiguration": {"nominalConcurrencyShares": 0, "lendablePercent": 0},
    "flowcontrol.v1.LimitedPriorityLevelConfiguration": {"nominalConcurrencyShares": 30, "lendablePercent": 0},
    "flowcontrol.v1.QueuingConfiguration": {"handSize": 8, "queues": 64, "queueLengthLimit": 50},
}  # fmt: skip
"""struct -> field -> value if the field is absent."""


class _Plan:
    """What to fill in for one struct, and where inside of it to go on."""

    __slots__ = ("children", "constants", "rule", "written")

    def __init__(self, node: typetable.Node) -> None:
        name = short_name(node)
        self.constants = CONSTANTS.get(name)
        self.written = tuple(key for key in self.constants or () if node.fields[key].mode.startswith("!"))
        """Fields that are always written, so null or empty when unset."""
        self.rule: Callable[[Obj], Obj] | None = defaultrules.RULES.get(name)
        self.children: dict[str, tuple[str, _Plan]] = {}

    def fill(self, obj: Obj) -> Obj:
        """The object with its defaults: the same dict if nothing was missing."""
        if self.constants is not None and not self.constants.keys() <= obj.keys():
            obj = {**self.constants, **obj}
        for key in self.written:
            obj = _where_unset(obj, key, self.constants or {})
        if self.rule is not None:
            obj = self.rule(obj)
        return self._inside(obj) if self.children else obj

    def _inside(self, obj: Obj) -> Obj:
        changes: Obj | None = None
        children = self.children
        for key, old in obj.items():
            child = children.get(key)
            if child is None or old is None:
                continue
            shape, plan = child
            new = plan.fill(old) if shape == "" else plan.each(old) if shape == "[]" else plan.values(old)
            if new is not old:
                changes = {} if changes is None else changes
                changes[key] = new
        return obj if changes is None else {**obj, **changes}

    def each(self, items: list[Obj]) -> list[Obj]:
        """The list with every element filled."""
        filled = [self.fill(item) for item in items]
        return filled if any(new is not old for new, old in zip(filled, items, strict=True)) else items

    def values(self, items: dict[str, Obj]) -> dict[str, Obj]:
        """The map with every value filled."""
        filled = {key: self.fill(item) for key, item in items.items()}
        return filled if any(filled[key] is not items[key] for key in items) else items


def _where_unset(obj: Obj, key: str, constants: Obj) -> Obj:
    return {**obj, key: constants[key]} if obj[key] in (None, "", 0) and obj[key] != constants[key] else obj


def _target(node: typetable.Node) -> tuple[str, typetable.Node]:
    """How a struct hangs on a field: directly, in a list, in a map."""
    if node.items is not None:
        return "[]", node.items
    if node.values is not None:
        return "{}", node.values
    return "", node


def short_name(node: typetable.Node) -> str:
    """The key of the tables: "core.v1.Container"."""
    return ".".join(node.name.split(".")[-3:])


def _plan_of(node: typetable.Node, open_plans: dict[str, _Plan]) -> _Plan | None:
    """The plan of a struct, or None if nothing in it has defaults. Recursive types (CRD schemas) have none."""
    name = short_name(node)
    if name in open_plans:
        return None
    plan = open_plans[name] = _Plan(node)
    for key, field in node.fields.items():
        shape, inner = _target(field)
        child = _plan_of(inner, open_plans) if inner.code.startswith("#") else None
        if child is not None:
            plan.children[key] = (shape, child)
    del open_plans[name]
    return plan if plan.children or plan.constants or plan.rule else None


@functools.cache
def _plan(api_version: str, kind: str) -> _Plan | None:
    node = schema.of(api_version, kind)
    return _plan_of(node, {}) if node is not None else None


def defaulted(kind: kinds.Kind, obj: Obj) -> Obj:
    """The object with the API's defaults: the same dict if none was missing, sharing all that did not change.

    >>> defaulted(kinds.of("services"), {"spec": {"ports": [{"port": 80}]}})["spec"]["ports"]
    [{'protocol': 'TCP', 'port': 80, 'targetPort': 80}]
    """
    plan = _plan(kind.api_version, kind.kind)
    return obj if plan is None else plan.fill(obj)
