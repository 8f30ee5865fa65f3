"""Random nodes."""

from __future__ import annotations

from tests.oracles.random_clusters.dice import Dice, Json, timestamp

ZONES = ["a", "b", "c"]
TAINTS = [("gpu", "yes"), ("team", "red"), ("team", "blue"), ("old", "")]
EFFECTS = ["NoSchedule", "NoExecute", "PreferNoSchedule", "PreferNoSchedule"]
IMAGES = ["nginx:1.27", "registry:5000/app:latest", "busybox@sha256:12", "big/model:v2", "alpine:latest"]
DECLARED = ["ExtendWebSocketsToKubelet", "RestartAllContainersOnContainerExits", "UserNamespacesHostNetworkSupport"]
CORDON = "node.kubernetes.io/unschedulable"


def node(dice: Dice, number: int) -> Json:
    """One node; its name does not sort like its number."""
    name = f"{dice.choice('mnx')}{number}"
    metadata = {"name": name, "uid": f"uid-{name}", "labels": _labels(dice, name), "creationTimestamp": timestamp(number)}
    spec: Json = {}
    taints = _taints(dice)
    if dice.uses("taints", 0.08):
        spec["unschedulable"] = True
        if dice.often(0.5):
            taints.append({"key": CORDON, "effect": "NoSchedule"})
    if taints:
        spec["taints"] = taints
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": _status(dice, name)}


def _labels(dice: Dice, name: str) -> dict[str, str]:
    labels = {}
    if dice.often(0.95):
        labels["kubernetes.io/hostname"] = name
    if dice.often(0.85):
        labels["topology.kubernetes.io/zone"] = dice.choice(ZONES)
    elif dice.often(0.2):
        labels["failure-domain.beta.kubernetes.io/zone"] = dice.choice(ZONES)
    if dice.often(0.5):
        labels["topology.kubernetes.io/region"] = dice.choice(["east", "west"])
    elif dice.often(0.2):
        labels["failure-domain.beta.kubernetes.io/region"] = dice.choice(["east", "west"])
    for key, values in {
        "disk": ["ssd", "hdd", ""],
        "cores": ["2", "8", "64", "many", "007"],
        "rack": ["1", "2", "3", "4"],
    }.items():
        if dice.often(0.6):
            labels[key] = dice.choice(values)
    return labels


def _taints(dice: Dice) -> list[Json]:
    if not dice.uses("taints", 0.3):
        return []
    found: dict[tuple[str, str], Json] = {}
    for key, value in dice.some(TAINTS, 3):
        effect = dice.choice(EFFECTS)
        found[key, effect] = {"key": key, "effect": effect, **({"value": value} if value else {})}
    return list(found.values())


def _status(dice: Dice, name: str) -> Json:
    capacity = {
        "cpu": dice.choice(["1", "2", "2"] if dice.crowded else ["1", "2", "4", "8", "16"]),
        "memory": dice.choice(["2Gi", "4Gi", "8Gi", "16384Mi", "32000000Ki"]),
        "pods": dice.choice(["4", "10", "110"]) if dice.uses("resources") else "110",
        "ephemeral-storage": dice.choice(["1Gi", "100Gi"]),
    }
    if dice.uses("resources", 0.6):
        capacity["example.com/gpu"] = dice.choice(["0", "1", "4", "8"])
    if dice.uses("resources", 0.4):
        capacity["hugepages-2Mi"] = dice.choice(["0", "64Mi", "1Gi"])
    if dice.uses("resources", 0.1):
        capacity["other.example/widget"] = "2"
    allocatable = dict(capacity)
    if dice.uses("resources"):
        allocatable["cpu"] = dice.choice(["900m", "1500m", "3920m", "7"])
        allocatable["memory"] = dice.choice(["1500Mi", "3870Mi", "7G", "16000000001"])
    status: Json = {"capacity": capacity, "allocatable": allocatable}
    status["conditions"] = [{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": timestamp(0)}]
    status["addresses"] = [{"type": "Hostname", "address": name}]
    if "images" in dice.features and dice.often(0.9):
        images = dice.sample(IMAGES, dice.randint(0, 4))
        status["images"] = [
            {"names": _names(dice, i), "sizeBytes": dice.randint(10, 900) * 2**20 + dice.randint(0, 999)} for i in images
        ]
    if dice.uses("declared", 0.5):
        status["declaredFeatures"] = sorted(dice.some(DECLARED, 3))
    return status


def _names(dice: Dice, image: str) -> list[str]:
    return [image, f"{image.split(':')[0]}@sha256:abc"] if dice.often(0.3) and "@" not in image else [image]
