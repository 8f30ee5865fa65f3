"""Random configurations of kube-scheduler: the arguments of its plugins."""

from __future__ import annotations

from tests.oracles.random_clusters import affinity
from tests.oracles.random_clusters.dice import Dice, Json

API = "kubescheduler.config.k8s.io/v1"
SWITCHED = [
    "ImageLocality",
    "NodePorts",
    "DynamicResources",
    "VolumeZone",
    "VolumeRestrictions",
    "DefaultPreemption",
    "InterPodAffinity",
]


def configuration(dice: Dice) -> Json:
    """A KubeSchedulerConfiguration; without the family "strategies" everything is at its default."""
    profile: Json = {"schedulerName": "default-scheduler"}
    if "strategies" in dice.features:
        profile["pluginConfig"] = [{"name": name, "args": args} for name, args in _arguments(dice).items()]
        plugins = _plugins(dice)
        if plugins:
            profile["plugins"] = plugins
    return {"apiVersion": API, "kind": "KubeSchedulerConfiguration", "parallelism": 1, "profiles": [profile]}


def _arguments(dice: Dice) -> dict[str, Json]:
    makers = {
        "NodeResourcesFit": _fit,
        "NodeResourcesBalancedAllocation": _balanced,
        "InterPodAffinity": _inter_pod,
        "PodTopologySpread": _spread,
        "NodeAffinity": _node_affinity,
        "DefaultPreemption": _preemption,
    }
    return {name: {"apiVersion": API, "kind": f"{name}Args", **make(dice)} for name, make in makers.items() if dice.often(0.5)}


def _resources(dice: Dice) -> list[Json]:
    names = dice.sample(["cpu", "memory", "ephemeral-storage", "example.com/gpu"], dice.randint(1, 4))
    return [{"name": name, "weight": dice.choice([1, 1, 2, 5])} for name in names]


def _fit(dice: Dice) -> Json:
    kind = dice.choice(["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"])
    strategy: Json = {"type": kind, "resources": _resources(dice)}
    if kind == "RequestedToCapacityRatio":
        points = sorted(dice.sample(range(101), dice.randint(1, 4)))
        shape = [{"utilization": u, "score": dice.randint(0, 10)} for u in points]
        strategy["requestedToCapacityRatio"] = {"shape": shape}
    found: Json = {"scoringStrategy": strategy}
    if dice.often(0.2):
        found["ignoredResources"] = ["other.example/widget"]
    if dice.often(0.2):
        found["ignoredResourceGroups"] = ["example.com"]
    return found


def _balanced(dice: Dice) -> Json:
    return {"resources": [{**r, "weight": 1} for r in _resources(dice)]}


def _inter_pod(dice: Dice) -> Json:
    return {"hardPodAffinityWeight": dice.choice([0, 1, 50]), "ignorePreferredTermsOfExistingPods": dice.often(0.5)}


def _spread(dice: Dice) -> Json:
    if dice.often(0.2):
        return {"defaultingType": "List", "defaultConstraints": []}
    when = dice.choice(["ScheduleAnyway", "DoNotSchedule"])
    keys = dice.some(["topology.kubernetes.io/zone", "kubernetes.io/hostname", "rack"], 2)
    made = [{"maxSkew": dice.randint(1, 3), "topologyKey": key, "whenUnsatisfiable": when} for key in keys]
    return {"defaultingType": "List", "defaultConstraints": made}


def _node_affinity(dice: Dice) -> Json:
    found: Json = {}
    if dice.often(0.2):
        found[affinity.REQUIRED] = {"nodeSelectorTerms": [affinity.node_term(dice, []) for _ in range(2)]}
    if dice.often(0.6) or not found:
        found[affinity.PREFERRED] = [{"weight": dice.randint(1, 100), "preference": affinity.node_term(dice, [])}]
    return {"addedAffinity": found}


def _preemption(dice: Dice) -> Json:
    return {"minCandidateNodesPercentage": dice.choice([1, 20]), "minCandidateNodesAbsolute": dice.randint(1, 5)}


def _plugins(dice: Dice) -> Json:
    """Another weight, or a plugin that is off."""
    found: Json = {}
    if dice.often(0.3):
        name = dice.choice(["NodeResourcesFit", "ImageLocality", "PodTopologySpread", "TaintToleration", "InterPodAffinity"])
        found["score"] = {"disabled": [{"name": name}], "enabled": [{"name": name, "weight": dice.randint(1, 9)}]}
    elif dice.often(0.2):
        found["multiPoint"] = {"disabled": [{"name": dice.choice(SWITCHED)}]}
    return found
