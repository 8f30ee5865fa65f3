"""Random nodes and pods for the plugins that look at one node and its own pods alone."""

from __future__ import annotations

import random

from tests.oracles.random_clusters.affinity import EXPRESSIONS

TAINTS = [("gpu", "yes"), ("team", "red"), ("team", "blue"), ("old", "")]
EFFECTS = ["NoSchedule", "NoExecute", "PreferNoSchedule", "PreferNoSchedule"]
IMAGES = ["nginx:1.27", "registry:5000/app", "busybox@sha256:12", "big/model:v2"]


def node(draw: random.Random, number: int) -> dict:
    """A node with some labels, taints, images and any size."""
    name = f"node-{number}"
    labels = {"kubernetes.io/hostname": name}
    if draw.random() < 0.8:
        labels["topology.kubernetes.io/zone"] = draw.choice("abc")
    if draw.random() < 0.6:
        labels["disk"] = draw.choice(["ssd", "hdd", ""])
    if draw.random() < 0.6:
        labels["cores"] = draw.choice(["2", "8", "64", "many", "007"])
    spec: dict = {}
    if draw.random() < 0.4:
        pairs = draw.sample(TAINTS, draw.randint(1, 2))
        taints = [{"key": k, "effect": draw.choice(EFFECTS), **({"value": v} if v else {})} for k, v in pairs]
        spec["taints"] = [t for t in taints if t["effect"] != "NoExecute" or draw.random() < 0.5] or taints[:1]
    if draw.random() < 0.1:
        spec["unschedulable"] = True
    room = {
        "cpu": draw.choice(["1", "1500m", "4", "8"]),
        "memory": draw.choice(["2Gi", "4Gi", "8Gi", "16384Mi"]),
        "pods": draw.choice(["3", "10", "110"]),
        "ephemeral-storage": draw.choice(["1Gi", "100Gi"]),
    }
    if draw.random() < 0.3:
        room["example.com/gpu"] = draw.choice(["1", "4"])
    images = [
        {"names": [i if ":" in i.split("/")[-1] else f"{i}:latest"], "sizeBytes": draw.randint(10, 900) * 2**20}
        for i in draw.sample(IMAGES, draw.randint(0, 3))
    ]
    status = {"allocatable": room, "capacity": room, "images": images}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec, "status": status}


def pod(draw: random.Random, name: str, nodes: int) -> dict:
    """A pod with any requests, tolerations, affinity and ports."""
    containers = [_container(draw, f"c{i}") for i in range(draw.choice([1, 1, 1, 2]))]
    spec: dict = {"containers": containers, "priority": draw.choice([0, 0, 0, 10])}
    if draw.random() < 0.2:
        spec["initContainers"] = [_container(draw, f"i{i}") for i in range(draw.randint(1, 3))]
        for container in spec["initContainers"]:
            if draw.random() < 0.5:
                container["restartPolicy"] = "Always"
    if draw.random() < 0.1:
        spec["overhead"] = {"cpu": "50m", "memory": "64Mi"}
    if draw.random() < 0.4:
        spec["tolerations"] = [_toleration(draw) for _ in range(draw.randint(1, 2))]
    if draw.random() < 0.2:
        spec["nodeSelector"] = {"disk": draw.choice(["ssd", "hdd"])}
    if draw.random() < 0.4:
        spec["affinity"] = {"nodeAffinity": _affinity(draw, nodes)}
    if draw.random() < 0.1:
        spec["preemptionPolicy"] = "Never"
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _container(draw: random.Random, name: str) -> dict:
    requests = {}
    if draw.random() < 0.7:
        requests["cpu"] = draw.choice(["0", "1u", "100m", "250m", "0.5", "2"])
    if draw.random() < 0.7:
        requests["memory"] = draw.choice(["0", "64Mi", "500M", "1Gi", "3Gi"])
    if draw.random() < 0.1:
        requests["ephemeral-storage"] = "600Mi"
    if draw.random() < 0.1:
        requests["example.com/gpu"] = "1"
    made = {"name": name, "image": draw.choice(IMAGES), "resources": {"requests": requests} if requests else {}}
    if draw.random() < 0.15:
        port = {"containerPort": 80, "hostPort": draw.choice([80, 8080]), "protocol": draw.choice(["TCP", "UDP"])}
        made["ports"] = [{**port, **({"hostIP": draw.choice(["127.0.0.1", "10.0.0.1"])} if draw.random() < 0.5 else {})}]
    return made


def _toleration(draw: random.Random) -> dict:
    key, value = draw.choice(TAINTS)
    effect = draw.choice(["", *EFFECTS])
    chosen = {"key": key, "operator": "Exists"} if draw.random() < 0.5 else {"key": key, "value": value}
    if draw.random() < 0.1:
        chosen = {"operator": "Exists"}
    return {**chosen, **({"effect": effect} if effect else {})}


def _term(draw: random.Random) -> dict:
    return {"matchExpressions": draw.sample(EXPRESSIONS[:-1], draw.randint(1, 2))}  # these nodes have no racks


def _affinity(draw: random.Random, nodes: int) -> dict:
    found: dict = {}
    if draw.random() < 0.3:
        terms = [_term(draw) for _ in range(draw.randint(1, 2))]
        found["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": terms}
    elif draw.random() < 0.2:
        named = {"key": "metadata.name", "operator": "In", "values": [f"node-{draw.randint(1, nodes + 1)}"]}
        found["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [{"matchFields": [named]}]}
    if draw.random() < 0.7:
        found["preferredDuringSchedulingIgnoredDuringExecution"] = [
            {"weight": draw.randint(1, 100), "preference": _term(draw)} for _ in range(draw.randint(1, 3))
        ]
    return found
