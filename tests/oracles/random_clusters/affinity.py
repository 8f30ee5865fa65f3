"""Random affinity: of pods to nodes, and of pods to pods."""

from __future__ import annotations

from tests.oracles.random_clusters import spreading
from tests.oracles.random_clusters.dice import NAMESPACES, Dice, Json

REQUIRED, PREFERRED = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
EXPRESSIONS = [
    {"key": "disk", "operator": "In", "values": ["ssd", ""]},
    {"key": "disk", "operator": "NotIn", "values": ["hdd"]},
    {"key": "disk", "operator": "Exists"},
    {"key": "cores", "operator": "DoesNotExist"},
    {"key": "cores", "operator": "Gt", "values": ["4"]},
    {"key": "cores", "operator": "Lt", "values": ["8"]},
    {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a", "b"]},
    {"key": "rack", "operator": "NotIn", "values": ["1", "2"]},
]


def stanza(dice: Dice, labels: dict[str, str], nodes: list[Json]) -> Json:
    """A pod's affinity, {} if it has none."""
    found: Json = {}
    if dice.uses("affinity", 0.35):
        found["nodeAffinity"] = _to_nodes(dice, nodes)
    if dice.uses("interpod", 0.3):
        found["podAffinity"] = _to_pods(dice, labels, 0.35)
    if dice.uses("interpod", 0.35):
        found["podAntiAffinity"] = _to_pods(dice, labels, 0.6)
    return {name: part for name, part in found.items() if part}


def node_term(dice: Dice, nodes: list[Json]) -> Json:
    """A term over node labels, now and then over names."""
    term: Json = {"matchExpressions": dice.some(EXPRESSIONS, 2)}
    if nodes and dice.often(0.1):
        name = dice.choice(nodes)["metadata"]["name"]
        term["matchFields"] = [{"key": "metadata.name", "operator": dice.choice(["In", "NotIn"]), "values": [name]}]
    return term


def _to_nodes(dice: Dice, nodes: list[Json]) -> Json:
    found: Json = {}
    if dice.often(0.4):
        found[REQUIRED] = {"nodeSelectorTerms": [node_term(dice, nodes) for _ in range(dice.randint(1, 2))]}
    elif dice.often(0.25):
        found[REQUIRED] = {"nodeSelectorTerms": [_named(dice, nodes) for _ in range(dice.randint(1, 2))]}
    if dice.often(0.7):
        count = dice.randint(1, 3)
        found[PREFERRED] = [{"weight": dice.randint(1, 100), "preference": node_term(dice, nodes)} for _ in range(count)]
    return found


def _named(dice: Dice, nodes: list[Json]) -> Json:
    """A term that names a node as DaemonSet pods do; the node need not exist, and two names contradict each other."""
    names = [n["metadata"]["name"] for n in nodes] + ["absent"]
    count = 2 if dice.often(0.1) else 1
    fields = [{"key": "metadata.name", "operator": "In", "values": [dice.choice(names)]} for _ in range(count)]
    return {"matchFields": fields, **({"matchExpressions": [dice.choice(EXPRESSIONS)]} if dice.often(0.2) else {})}


def _to_pods(dice: Dice, labels: dict[str, str], required: float) -> Json:
    found: Json = {}
    if dice.often(required):
        found[REQUIRED] = [_pod_term(dice, labels) for _ in range(dice.choice([1, 1, 2]))]
    if dice.often(0.5):
        terms = [_pod_term(dice, labels) for _ in range(dice.choice([1, 1, 2]))]
        found[PREFERRED] = [{"weight": dice.randint(1, 100), "podAffinityTerm": t} for t in terms]
    return found


def _pod_term(dice: Dice, labels: dict[str, str]) -> Json:
    keys = ["kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/zone", "rack"]
    term: Json = {"topologyKey": dice.choice([*keys, "topology.kubernetes.io/region"])}
    selector = spreading.selector(dice, labels)
    if selector is not None:
        term["labelSelector"] = selector
    if dice.often(0.2):
        term["namespaces"] = dice.some(NAMESPACES, 2)
    if dice.often(0.3):
        term["namespaceSelector"] = dice.choice([
            {},
            {"matchLabels": {"team": "a"}},
            {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]},
            {"matchExpressions": [{"key": "team", "operator": "Exists"}]},
            {"matchExpressions": [{"key": "shared", "operator": "DoesNotExist"}]},
        ])  # fmt: skip
    if selector is not None and dice.often(0.15):
        field, operator = dice.choice([("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")])
        term[field] = ["pod-template-hash"]
        spreading.merge(term["labelSelector"], "pod-template-hash", operator, labels)
    return term
