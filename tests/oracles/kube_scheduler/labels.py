"""Label selectors, node selectors and tolerations."""

from __future__ import annotations

import re

INTEGER = re.compile(r"[+-]?[0-9]+")


def holds(requirement: dict, value: str | None) -> bool:
    """Whether a label value (None: no such label) meets a requirement."""
    operator, values = requirement["operator"], requirement.get("values", [])
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    return value is not None and _compares(operator, value, values)


def _compares(operator: str, value: str, values: list[str]) -> bool:
    if not INTEGER.fullmatch(value) or len(values) != 1 or not INTEGER.fullmatch(values[0]):
        return False
    if max(abs(int(value)), abs(int(values[0]))) >= 2**63:
        return False
    return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])


def selects(selector: dict | None, labels: dict[str, str]) -> bool:
    """Whether a label selector matches: {} everything, None nothing."""
    if selector is None:
        return False
    return all(holds(requirement, labels.get(requirement["key"])) for requirement in requirements(selector))


def requirements(selector: dict) -> list[dict]:
    """A label selector as a list of requirements."""
    equal = [{"key": k, "operator": "In", "values": [v]} for k, v in selector.get("matchLabels", {}).items()]
    return equal + selector.get("matchExpressions", [])


def is_everything(selector: dict | None) -> bool:
    """Whether a selector has no requirement at all."""
    return selector is not None and not requirements(selector)


def labels_of(obj: dict) -> dict[str, str]:
    """The labels of an object."""
    return obj["metadata"].get("labels") or {}


def term_holds(term: dict, node: dict) -> bool:
    """Whether a node matches a node selector term."""
    expressions, fields = term.get("matchExpressions", []), term.get("matchFields", [])
    if not expressions and not fields:
        return False
    name = node["metadata"]["name"]
    by_label = all(holds(e, labels_of(node).get(e["key"])) for e in expressions)
    return by_label and all(f["key"] == "metadata.name" and holds(f, name) for f in fields)


def node_affinity(pod: dict) -> dict:
    """The node affinity of a pod, {} for none."""
    return (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}


def wants_node(pod: dict, node: dict) -> bool:
    """Whether a node matches the pod's nodeSelector and its required node affinity."""
    for key, value in (pod["spec"].get("nodeSelector") or {}).items():
        if labels_of(node).get(key) != value:
            return False
    required = node_affinity(pod).get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or any(term_holds(term, node) for term in required["nodeSelectorTerms"])


def tolerates(toleration: dict, taint: dict) -> bool:
    """Whether a toleration covers a taint."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    return operator == "Equal" and toleration.get("value", "") == taint.get("value", "")


def is_kept_away(pod: dict, node: dict) -> bool:
    """Whether a NoSchedule or NoExecute taint of the node is not tolerated."""
    tolerations = pod["spec"].get("tolerations", [])
    hard = [t for t in node.get("spec", {}).get("taints", []) if t["effect"] in ("NoSchedule", "NoExecute")]
    return any(not any(tolerates(t, taint) for t in tolerations) for taint in hard)
