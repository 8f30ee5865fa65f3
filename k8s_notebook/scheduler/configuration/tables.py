"""What a KubeSchedulerConfiguration can say: its fields, the plugins of kube-scheduler 1.36 and where each of them works.

As in k8s.io/kube-scheduler/config/v1 and pkg/scheduler/apis/config/v1.
"""

from __future__ import annotations

from typing import Any, Final

API_VERSION: Final = "kubescheduler.config.k8s.io/v1"
KIND: Final = "KubeSchedulerConfiguration"

POINTS: Final = (
    "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score", "reserve", "permit", "preBind",
    "bind", "postBind", "placementGenerate", "placementScore",
)  # fmt: skip
"""The extension points, as the file names them."""

_SCORER = ("preFilter", "filter", "preScore", "score")

PLUGINS: Final[dict[str, tuple[str, ...]]] = {
    "SchedulingGates": ("preEnqueue",),
    "PrioritySort": ("queueSort",),
    "NodeUnschedulable": ("filter",),
    "NodeName": ("filter",),
    "TaintToleration": ("filter", "preScore", "score"),
    "NodeAffinity": _SCORER,
    "NodePorts": ("preFilter", "filter"),
    "NodeResourcesFit": (*_SCORER, "placementScore"),
    "VolumeRestrictions": ("preFilter", "filter"),
    "NodeVolumeLimits": ("preFilter", "filter"),
    "VolumeBinding": (*_SCORER, "reserve", "preBind"),
    "VolumeZone": ("preFilter", "filter"),
    "PodTopologySpread": _SCORER,
    "InterPodAffinity": _SCORER,
    "DynamicResources": ("preEnqueue", "preFilter", "filter", "postFilter", "score", "reserve", "preBind"),
    "DefaultPreemption": ("preEnqueue", "postFilter"),
    "NodeResourcesBalancedAllocation": ("preScore", "score"),
    "ImageLocality": ("score",),
    "DefaultBinder": ("bind",),
    "NodeDeclaredFeatures": ("preFilter", "filter"),
}
"""Plugin -> its extension points, in the order in which all are enabled by default."""

WEIGHTS: Final = {
    "TaintToleration": 3, "NodeAffinity": 2, "NodeResourcesFit": 1, "PodTopologySpread": 2, "InterPodAffinity": 2,
    "DynamicResources": 2, "NodeResourcesBalancedAllocation": 1, "ImageLocality": 1,
}  # fmt: skip
"""The weights that are set by default; any other plugin has 1."""

ALPHA: Final = frozenset(("GangScheduling", "TopologyPlacementGenerator", "PodGroupPodsCount"))
"""Plugins of 1.36 that are off unless an alpha feature is switched on."""

REMOVED: Final = {
    "AzureDiskLimits": "NodeVolumeLimits counts the volumes of every driver",
    "CinderLimits": "NodeVolumeLimits counts the volumes of every driver",
    "EBSLimits": "NodeVolumeLimits counts the volumes of every driver",
    "GCEPDLimits": "NodeVolumeLimits counts the volumes of every driver",
    "NodeLabel": "NodeAffinity with the argument addedAffinity does its work",
    "NodePreferAvoidPods": "a taint with the effect PreferNoSchedule does its work",
    "NodeResourcesLeastAllocated": "NodeResourcesFit with the scoringStrategy LeastAllocated does its work",
    "NodeResourcesMostAllocated": "NodeResourcesFit with the scoringStrategy MostAllocated does its work",
    "RequestedToCapacityRatio": "NodeResourcesFit with the scoringStrategy RequestedToCapacityRatio does its work",
    "SelectorSpread": "PodTopologySpread does its work",
    "ServiceAffinity": "InterPodAffinity does its work",
}
"""Plugins of older versions, and what to use instead."""

_VOLUMES_AND_CLAIMS = frozenset(("VolumeBinding", "DynamicResources"))

NEEDS: Final = (
    ("filter", "preFilter", _VOLUMES_AND_CLAIMS | {
        "NodePorts", "NodeResourcesFit", "VolumeRestrictions", "PodTopologySpread", "InterPodAffinity", "NodeDeclaredFeatures",
    }),
    ("postFilter", "preFilter", frozenset(("DynamicResources",))),
    ("score", "preScore", frozenset(("TaintToleration", "PodTopologySpread", "InterPodAffinity"))),
    ("score", "preFilter", _VOLUMES_AND_CLAIMS),
    ("reserve", "preFilter", _VOLUMES_AND_CLAIMS),
    ("preBind", "preFilter", _VOLUMES_AND_CLAIMS),
)  # fmt: skip
"""(point, the point before it, plugins that fail for every pod there if they did not run before)."""

_PLUGIN: Final = {"name": "string", "weight": "int32"}
_SET: Final = {"enabled": [_PLUGIN], "disabled": [_PLUGIN]}
_TYPE: Final = {"apiVersion": "string", "kind": "string"}
_RESOURCES: Final = [{"name": "string", "weight": "int64"}]
_SHAPE: Final = [{"utilization": "int32", "score": "int32"}]

FIELDS: Final[dict[str, Any]] = {
    **_TYPE,
    "parallelism": "int32",
    "leaderElection": {
        "leaderElect": "bool", "leaseDuration": "duration", "renewDeadline": "duration", "retryPeriod": "duration",
        "resourceLock": "string", "resourceName": "string", "resourceNamespace": "string",
    },
    "clientConnection": {
        "kubeconfig": "string", "acceptContentTypes": "string", "contentType": "string", "qps": "float", "burst": "int32",
    },
    "enableProfiling": "bool",
    "enableContentionProfiling": "bool",
    "percentageOfNodesToScore": "int32",
    "podInitialBackoffSeconds": "int64",
    "podMaxBackoffSeconds": "int64",
    "profiles": [{
        "schedulerName": "string",
        "percentageOfNodesToScore": "int32",
        "plugins": dict.fromkeys((*POINTS, "multiPoint"), _SET),
        "pluginConfig": [{"name": "string", "args": "any"}],
    }],
    "extenders": ["any"],
    "delayCacheUntilActive": "bool",
}  # fmt: skip
"""Field -> type: a name, a list of one type, or a map of fields."""

ARGS: Final[dict[str, Any]] = {
    "DefaultPreemption": {**_TYPE, "minCandidateNodesPercentage": "int32", "minCandidateNodesAbsolute": "int32"},
    "DynamicResources": {**_TYPE, "filterTimeout": "duration", "bindingTimeout": "duration"},
    "InterPodAffinity": {**_TYPE, "hardPodAffinityWeight": "int32", "ignorePreferredTermsOfExistingPods": "bool"},
    "NodeAffinity": {**_TYPE, "addedAffinity": "v1.NodeAffinity"},
    "NodeResourcesBalancedAllocation": {**_TYPE, "resources": _RESOURCES},
    "NodeResourcesFit": {
        **_TYPE,
        "ignoredResources": ["string"],
        "ignoredResourceGroups": ["string"],
        "scoringStrategy": {"type": "string", "resources": _RESOURCES, "requestedToCapacityRatio": {"shape": _SHAPE}},
    },
    "PodTopologySpread": {**_TYPE, "defaultConstraints": ["v1.TopologySpreadConstraint"], "defaultingType": "string"},
    "VolumeBinding": {**_TYPE, "bindTimeoutSeconds": "int64", "shape": _SHAPE},
}
"""Plugin -> the fields of its arguments."""
