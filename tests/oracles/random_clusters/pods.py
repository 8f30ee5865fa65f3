"""Random pods, with every field that the API server fills in."""

from __future__ import annotations

from tests.oracles.random_clusters import affinity, containers, spreading
from tests.oracles.random_clusters.dice import NAMESPACES, Dice, Json
from tests.oracles.random_clusters.nodes import CORDON, EFFECTS, TAINTS

PRIORITIES = {0: "zero", 10: "ten", 100: "hundred", -5: "minus-five"}
DEFAULTS = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "serviceAccountName": "default",
    "serviceAccount": "default",
    "securityContext": {},
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
    "preemptionPolicy": "PreemptLowerPriority",
}
ADMITTED = [
    {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
    {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
]


def pod(dice: Dice, name: str, nodes: list[Json], *, modest: bool = False) -> Json:
    """One pod as the API server hands it out; a modest one asks for little, so that nodes can hold several."""
    labels = dice.labels()
    metadata: Json = {"name": name, "namespace": _namespace(dice), "uid": f"uid-{name}"}
    if labels:
        metadata["labels"] = labels
    spec: Json = {**DEFAULTS, **containers.stanza(dice, modest)}
    spec["tolerations"] = [*_tolerations(dice), *ADMITTED]
    if dice.uses("affinity", 0.15):
        spec["nodeSelector"] = {"disk": dice.choice(["ssd", "hdd"])}
    stanza = affinity.stanza(dice, labels, nodes)
    if stanza:
        spec["affinity"] = stanza
    constraints = spreading.constraints(dice, labels)
    if constraints:
        spec["topologySpreadConstraints"] = constraints
    _priority(dice, spec, modest)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def _namespace(dice: Dice) -> str:
    return "default" if dice.often(0.6) else dice.choice(NAMESPACES)


def _priority(dice: Dice, spec: Json, modest: bool) -> None:
    """Any priority; who asks for little is mostly worth little."""
    spec["priority"] = 0
    if "preemption" in dice.features and dice.often(0.8):
        policy = "Never" if dice.often(0.08) else "PreemptLowerPriority"
        prioritise(spec, dice.choice([-5, 0, 0, 10, 10, 100] if modest else [0, 10, 100, 100]), policy)


def prioritise(spec: Json, priority: int, policy: str = "PreemptLowerPriority") -> None:
    """Gives a pod a priority, as its PriorityClass would."""
    name = PRIORITIES[priority] + ("-quietly" if policy == "Never" else "")
    spec |= {"priority": priority, "priorityClassName": name, "preemptionPolicy": policy}


def _tolerations(dice: Dice) -> list[Json]:
    if not dice.uses("taints", 0.5):
        return []
    found = [_toleration(dice) for _ in range(dice.randint(1, 3))]
    if dice.often(0.3):
        found.append({"key": CORDON, "operator": "Exists", "effect": "NoSchedule"})
    return found


def _toleration(dice: Dice) -> Json:
    key, value = dice.choice(TAINTS)
    effect = dice.choice(["", "", *EFFECTS])
    if dice.often(0.1):
        chosen: Json = {"operator": "Exists"}
    elif dice.often(0.5):
        chosen = {"key": key, "operator": "Exists"}
    else:
        chosen = {"key": key, "operator": "Equal", **({"value": value} if value else {})}
    return {**chosen, **({"effect": effect} if effect else {})}
