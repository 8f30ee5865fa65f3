"""PodTopologySpread: pods of a kind spread evenly over zones, hosts or any other groups of nodes."""

from __future__ import annotations

import math

from tests.oracles.kube_scheduler import labels
from tests.oracles.kube_scheduler.cluster import Cluster, Verdict
from tests.oracles.kube_scheduler.plugin import Plugin, name_of, namespace_of

HOSTNAME = "kubernetes.io/hostname"
SYSTEM = [
    {"topologyKey": HOSTNAME, "maxSkew": 3, "whenUnsatisfiable": "ScheduleAnyway"},
    {"topologyKey": "topology.kubernetes.io/zone", "maxSkew": 5, "whenUnsatisfiable": "ScheduleAnyway"},
]
MISSING = "node(s) didn't match pod topology spread constraints (missing required label)"
UNEVEN = "node(s) didn't match pod topology spread constraints"


def rounded(number: float) -> int:
    """The nearest integer, halves away from zero."""
    whole = math.floor(abs(number))
    whole += abs(number) - whole >= 0.5
    return int(math.copysign(whole, number))


class PodTopologySpread(Plugin):
    """Counts matching pods per domain; `counts[i][value]` belongs to the i-th hard constraint."""

    name = "PodTopologySpread"

    def begin(self) -> str:
        self.hard = self._constraints("DoNotSchedule")
        self.skips = not self.hard
        self.counts: list[dict[str, int]] = [{} for _ in self.hard]
        for node in self.cluster.nodes:
            if not self._has_all_keys(node, self.hard):
                continue
            for constraint, counts in zip(self.hard, self.counts, strict=True):
                if self._includes(constraint, node):
                    value = labels.labels_of(node)[constraint["topologyKey"]]
                    counts[value] = counts.get(value, 0) + self._matching(constraint, node)
        return ""

    def copied(self) -> PodTopologySpread:
        twin = PodTopologySpread(self.cluster, self.pod, self.args)
        twin.hard, twin.skips = self.hard, self.skips
        twin.counts = [dict(counts) for counts in self.counts]
        return twin

    def moved(self, other: dict, node: dict, by: int) -> None:
        """Counts a pod in or out. kube-scheduler remembers only the two emptiest domains, which is enough: one node at a time."""
        if namespace_of(other) != namespace_of(self.pod) or not self._has_all_keys(node, self.hard):
            return
        for constraint, counts in zip(self.hard, self.counts, strict=True):
            if labels.selects(constraint["labelSelector"], labels.labels_of(other)) and self._includes(constraint, node):
                value = labels.labels_of(node)[constraint["topologyKey"]]
                counts[value] = counts.get(value, 0) + by

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        for constraint, counts in zip(self.hard, self.counts, strict=True):
            value = labels.labels_of(node).get(constraint["topologyKey"])
            if value is None:
                return self.no(MISSING, final=True)
            least = min(counts.values()) if len(counts) >= (constraint.get("minDomains") or 1) else 0
            itself = labels.selects(constraint["labelSelector"], labels.labels_of(self.pod))
            if counts.get(value, 0) + itself - least > constraint["maxSkew"]:
                return self.no(UNEVEN)
        return None

    def raw_scores(self, feasible: list[dict]) -> dict[str, int] | None:
        soft = self._constraints("ScheduleAnyway")
        if not soft:
            return None
        own = bool(self.pod["spec"].get("topologySpreadConstraints"))
        self.needs_keys = own or self.args.get("defaultingType") == "List"
        self.ignored = {name_of(n) for n in feasible if self.needs_keys and not self._has_all_keys(n, soft)}
        judged = [n for n in feasible if name_of(n) not in self.ignored]
        tables = [self._domains(constraint, soft, judged) for constraint in soft]
        found = {}
        for node in feasible:
            total = 0.0
            for constraint, table in zip(soft, tables, strict=True):
                key = constraint["topologyKey"]
                if name_of(node) in self.ignored or key not in labels.labels_of(node):
                    continue
                if key == HOSTNAME:
                    count, groups = self._matching(constraint, node), len(judged)
                else:
                    count, groups = table[labels.labels_of(node)[key]], len(table)
                total += float(count) * math.log(float(groups + 2)) + float(constraint["maxSkew"] - 1)
            found[name_of(node)] = rounded(total)
        return found

    def normalised(self, raw: dict[str, int]) -> dict[str, int]:
        scores = [score for name, score in raw.items() if name not in self.ignored]
        least, most = min(scores, default=0), max(scores, default=0)
        found = {}
        for name, score in raw.items():
            if name in self.ignored:
                found[name] = 0
            else:
                found[name] = 100 * (most + least - score) // most if most else 100
        return found

    def _domains(self, constraint: dict, soft: list[dict], judged: list[dict]) -> dict[str, int]:
        """How many matching pods each domain of the judged nodes has."""
        key = constraint["topologyKey"]
        if key == HOSTNAME:
            return {}
        table = {labels.labels_of(node).get(key, ""): 0 for node in judged}
        for node in self.cluster.nodes:
            if self.needs_keys and not self._has_all_keys(node, soft):
                continue
            value = labels.labels_of(node).get(key, "")
            if value in table and self._includes(constraint, node):
                table[value] += self._matching(constraint, node)
        return table

    def _constraints(self, when: str) -> list[dict]:
        """The pod's own constraints of one kind, or else the default ones; each with a labelSelector, None for nothing."""
        own = self.pod["spec"].get("topologySpreadConstraints")
        if own:
            return [self._with_label_keys(c) for c in own if c["whenUnsatisfiable"] == when]
        listed = self.args.get("defaultingType") == "List"
        default = self.args.get("defaultConstraints", []) if listed else SYSTEM
        selector = default_selector(self.cluster, self.pod)
        if labels.is_everything(selector):
            return []
        return [{**c, "labelSelector": selector} for c in default if c["whenUnsatisfiable"] == when]

    def _with_label_keys(self, constraint: dict) -> dict:
        selector = constraint.get("labelSelector")
        own = labels.labels_of(self.pod)
        keys = [key for key in constraint.get("matchLabelKeys", []) if key in own]
        if selector is not None:
            added = [{"key": key, "operator": "In", "values": [own[key]]} for key in keys]
            selector = {"matchExpressions": labels.requirements(selector) + added}
        return {**constraint, "labelSelector": selector}

    def _has_all_keys(self, node: dict, constraints: list[dict]) -> bool:
        return all(c["topologyKey"] in labels.labels_of(node) for c in constraints)

    def _includes(self, constraint: dict, node: dict) -> bool:
        """Whether the pods of a node count."""
        if constraint.get("nodeAffinityPolicy", "Honor") == "Honor" and not labels.wants_node(self.pod, node):
            return False
        return constraint.get("nodeTaintsPolicy", "Ignore") == "Ignore" or not labels.is_kept_away(self.pod, node)

    def _matching(self, constraint: dict, node: dict) -> int:
        """How many pods on a node match; a selector that matches everything counts none."""
        selector = constraint["labelSelector"]
        if labels.is_everything(selector):
            return 0
        near = [p for p in self.cluster.on(node) if namespace_of(p) == namespace_of(self.pod)]
        staying = [p for p in near if not p["metadata"].get("deletionTimestamp")]
        return sum(labels.selects(selector, labels.labels_of(p)) for p in staying)


def default_selector(cluster: Cluster, pod: dict) -> dict:
    """What selects the pods that belong together with this one: its services and its owner."""
    namespace, own = namespace_of(pod), labels.labels_of(pod)
    merged: dict[str, str] = {}
    for service in cluster.kind("Service", namespace):
        selector = service["spec"].get("selector")
        if selector is not None and labels.selects({"matchLabels": selector}, own):
            merged.update(selector)
    expressions: list[dict] = []
    owner = next((o for o in pod["metadata"].get("ownerReferences", []) if o.get("controller")), None)
    if owner and (owner["apiVersion"], owner["kind"]) == ("v1", "ReplicationController"):
        found = cluster.get(owner["kind"], owner["name"], namespace)
        merged.update((found or {}).get("spec", {}).get("selector") or {})
    elif owner and owner["apiVersion"] == "apps/v1" and owner["kind"] in ("ReplicaSet", "StatefulSet"):
        found = cluster.get(owner["kind"], owner["name"], namespace)
        expressions = labels.requirements((found or {}).get("spec", {}).get("selector") or {})
    return {"matchLabels": merged, "matchExpressions": expressions}
