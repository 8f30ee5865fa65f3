"""Random objects beside nodes and pods: namespaces, services, owners, disruption budgets, priority classes."""

from __future__ import annotations

from tests.oracles.random_clusters import containers, spreading
from tests.oracles.random_clusters.dice import LABELS, NAMESPACES, Dice, Json
from tests.oracles.random_clusters.pods import PRIORITIES

OWNERS = [("v1", "ReplicationController"), ("apps/v1", "ReplicaSet"), ("apps/v1", "StatefulSet")]
OTHERS = [("apps/v1", "DaemonSet"), ("batch/v1", "Job")]


def objects(dice: Dice) -> list[Json]:
    """Everything but volumes."""
    found = [_namespace(dice, name) for name in NAMESPACES]
    if "spread" in dice.features:
        found += [_service(dice, f"svc-{i}") for i in range(dice.randint(0, 4))]
        found += [_owner(dice, kind, f"{kind[1].lower()}-{i}") for kind in OWNERS for i in range(dice.randint(1, 2))]
    if "resources" in dice.features:
        found.append(_runtime_class())
    if {"preemption", "nominated"} & dice.features:
        found += [_priority_class(name, value, quiet) for value, name in PRIORITIES.items() for quiet in (False, True)]
    if "preemption" in dice.features:
        found += [_budget(dice, f"pdb-{i}") for i in range(dice.randint(0, 5))]
    return found


def own(dice: Dice, pod: Json, objects: list[Json]) -> None:
    """Now and then, give a pod a controller: one of the objects in its namespace, or a kind that selects nothing."""
    if not dice.uses("spread", 0.5):
        return
    kinds = {kind for _, kind in OWNERS}
    near = [o for o in objects if o["kind"] in kinds and o["metadata"]["namespace"] == pod["metadata"]["namespace"]]
    if near and dice.often(0.8):
        owner = dice.choice(near)
        reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"]}
        _wear(dice, pod, owner)
    else:
        version, kind = dice.choice([*OWNERS, *OTHERS])
        reference = {"apiVersion": version, "kind": kind, "name": "gone"}
    reference |= {"uid": f"uid-{reference['name']}", "controller": True, "blockOwnerDeletion": True}
    pod["metadata"]["ownerReferences"] = [reference]


def _wear(dice: Dice, pod: Json, owner: Json) -> None:
    """Mostly, let the pod carry the labels that its owner selects."""
    selector = owner["spec"].get("selector") or {}
    labels = selector.get("matchLabels", {}) if owner["kind"] != "ReplicationController" else selector
    if dice.often(0.8) and "affinity" not in pod["spec"] and "topologySpreadConstraints" not in pod["spec"]:
        pod["metadata"].setdefault("labels", {}).update(labels)


def _namespace(dice: Dice, name: str) -> Json:
    labels = {"kubernetes.io/metadata.name": name}
    if dice.often(0.6):
        labels["team"] = dice.choice(["a", "b"])
    if dice.often(0.3):
        labels["shared"] = "yes"
    metadata = {"name": name, "uid": f"uid-{name}", "labels": labels}
    spec = {"finalizers": ["kubernetes"]}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "spec": spec, "status": {"phase": "Active"}}


def _match(dice: Dice) -> dict[str, str]:
    key = dice.choice(sorted(LABELS))
    return {key: dice.choice(LABELS[key])}


def _place(dice: Dice, name: str) -> Json:
    namespace = "default" if dice.often(0.6) else dice.choice(NAMESPACES)
    return {"name": name, "namespace": namespace, "uid": f"uid-{name}"}


def _service(dice: Dice, name: str) -> Json:
    spec: Json = {"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"]}
    spec["ports"] = [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    if dice.often(0.9):
        spec["selector"] = _match(dice)
    return {"apiVersion": "v1", "kind": "Service", "metadata": _place(dice, name), "spec": spec}


def _owner(dice: Dice, kind: tuple[str, str], name: str) -> Json:
    labels = _match(dice)
    selector: Json = dict(labels) if kind[1] == "ReplicationController" else {"matchLabels": labels}
    if kind[1] != "ReplicationController" and dice.often(0.3):
        key = dice.choice(sorted(LABELS))
        selector = {"matchLabels": dict(labels)}
        selector["matchExpressions"] = [{"key": key, "operator": "Exists"}]
        labels = {key: LABELS[key][0], **labels}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}}
    spec: Json = {"replicas": 3, "selector": selector, "template": template}
    if kind[1] == "StatefulSet":
        spec["serviceName"] = name
    return {"apiVersion": kind[0], "kind": kind[1], "metadata": _place(dice, name), "spec": spec}


def _priority_class(name: str, value: int, quiet: bool) -> Json:
    name += "-quietly" if quiet else ""
    made = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name, "uid": f"uid-{name}"}}
    return {**made, "value": value, "preemptionPolicy": "Never" if quiet else "PreemptLowerPriority"}


def _runtime_class() -> Json:
    made = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "sandbox", "uid": "uid-sandbox"}}
    return {**made, "handler": "sandbox", "overhead": {"podFixed": containers.OVERHEAD}}


def _budget(dice: Dice, name: str) -> Json:
    spec: Json = {"minAvailable": 1}
    chosen = spreading.selector(dice, {})
    if chosen is not None:
        spec["selector"] = chosen
    status = {"disruptionsAllowed": dice.choice([0, 0, 0, 1, 2]), "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _place(dice, name),
        "spec": spec,
        "status": status,
    }
