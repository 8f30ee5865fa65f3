"""Random label selectors and topology spread constraints."""

from __future__ import annotations

from tests.oracles.random_clusters.dice import LABELS, Dice, Json

KEYS = ["kubernetes.io/hostname", "topology.kubernetes.io/zone", "rack", "topology.kubernetes.io/region"]


def selector(dice: Dice, labels: dict[str, str]) -> Json | None:
    """A label selector that often matches the pod's own labels; {} and None now and then."""
    if dice.often(0.04):
        return None
    if dice.often(0.05):
        return {}
    own = {key: value for key, value in labels.items() if key in LABELS}
    if own and dice.often(0.6):
        keys = dice.some(sorted(own), 2)
        return {"matchLabels": {key: own[key] for key in keys}}
    if dice.often(0.5):
        key = dice.choice(sorted(LABELS))
        return {"matchLabels": {key: dice.choice(LABELS[key])}}
    return {"matchExpressions": [_expression(dice) for _ in range(dice.randint(1, 2))]}


def _expression(dice: Dice) -> Json:
    key, operator = dice.choice(sorted(LABELS)), dice.choice(["In", "NotIn", "Exists", "DoesNotExist"])
    found: Json = {"key": key, "operator": operator}
    if operator in ("In", "NotIn"):
        found["values"] = dice.some(LABELS[key], 2)
    return found


def merge(selector: Json, key: str, operator: str, labels: dict[str, str]) -> None:
    """Add to a selector what the API server adds for a key of matchLabelKeys (In) or mismatchLabelKeys (NotIn)."""
    if key in labels:
        selector.setdefault("matchExpressions", []).append({"key": key, "operator": operator, "values": [labels[key]]})


def constraints(dice: Dice, labels: dict[str, str]) -> list[Json]:
    """A pod's own spread constraints, [] for none."""
    if not dice.uses("spread", 0.4):
        return []
    found: dict[tuple[str, str], Json] = {}
    for _ in range(dice.choice([1, 1, 2, 3])):
        made = _constraint(dice, labels)
        found[made["topologyKey"], made["whenUnsatisfiable"]] = made
    return list(found.values())


def _constraint(dice: Dice, labels: dict[str, str]) -> Json:
    made: Json = {
        "maxSkew": dice.choice([1, 1, 2, 3, 5]),
        "topologyKey": dice.choice([*KEYS, KEYS[1]]),
        "whenUnsatisfiable": dice.choice(["DoNotSchedule", "ScheduleAnyway"]),
    }
    chosen = selector(dice, labels)
    if chosen is not None:
        made["labelSelector"] = chosen
    if made["whenUnsatisfiable"] == "DoNotSchedule" and dice.often(0.25):
        made["minDomains"] = dice.randint(1, 5)
    if dice.often(0.3):
        made["nodeAffinityPolicy"] = dice.choice(["Honor", "Ignore"])
    if dice.often(0.3):
        made["nodeTaintsPolicy"] = dice.choice(["Honor", "Ignore"])
    if chosen is not None and dice.often(0.25):
        made["matchLabelKeys"] = ["pod-template-hash"]
        merge(made["labelSelector"], "pod-template-hash", "In", labels)
    return made
