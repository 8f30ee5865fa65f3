"""Plugins that look at a node alone: NodeUnschedulable, NodeName, TaintToleration, NodeAffinity, NodeDeclaredFeatures."""

from __future__ import annotations

from tests.oracles.kube_scheduler import labels
from tests.oracles.kube_scheduler.cluster import Verdict
from tests.oracles.kube_scheduler.plugin import Plugin, name_of

REQUIRED, PREFERRED = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


class NodeUnschedulable(Plugin):
    """Keeps pods off cordoned nodes."""

    name = "NodeUnschedulable"

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        if not node.get("spec", {}).get("unschedulable"):
            return None
        if any(labels.tolerates(t, CORDON) for t in self.pod["spec"].get("tolerations", [])):
            return None
        return self.no("node(s) were unschedulable", final=True)


class NodeName(Plugin):
    """Keeps a pod that names its node off others."""

    name = "NodeName"

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        if self.pod["spec"].get("nodeName") in (None, "", name_of(node)):
            return None
        return self.no("node(s) didn't match the requested node name", final=True)


class TaintToleration(Plugin):
    """Hard taints keep pods off, soft ones count against a node."""

    name = "TaintToleration"

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        return self.no("node(s) had untolerated taint(s)", final=True) if labels.is_kept_away(self.pod, node) else None

    def raw_scores(self, feasible: list[dict]) -> dict[str, int]:
        soft = [t for t in self.pod["spec"].get("tolerations", []) if t.get("effect", "") in ("", "PreferNoSchedule")]
        found = {}
        for node in feasible:
            taints = [t for t in node.get("spec", {}).get("taints", []) if t["effect"] == "PreferNoSchedule"]
            found[name_of(node)] = sum(not any(labels.tolerates(t, taint) for t in soft) for taint in taints)
        return found

    def normalised(self, raw: dict[str, int]) -> dict[str, int]:
        most = max(raw.values())
        return {name: 100 - 100 * score // most if most else 100 for name, score in raw.items()}


class NodeAffinity(Plugin):
    """The pod's wishes about node labels, and those that the configuration adds."""

    name = "NodeAffinity"

    def begin(self) -> str:
        required = labels.node_affinity(self.pod).get(REQUIRED)
        self.skips = required is None and not self._added_terms() and self.pod["spec"].get("nodeSelector") is None
        names = self.named_nodes()
        return "pod affinity terms conflict" if names is not None and not names else ""

    def named_nodes(self) -> set[str] | None:
        """The nodes that all required terms name, None if some term does not."""
        terms = (labels.node_affinity(self.pod).get(REQUIRED) or {}).get("nodeSelectorTerms") or []
        found: set[str] = set()
        for term in terms:
            fields = [f for f in term.get("matchFields", []) if f["key"] == "metadata.name" and f["operator"] == "In"]
            if not fields:
                return None
            found |= set.intersection(*[set(f["values"]) for f in fields])
        return found if terms else None

    def _added_terms(self) -> list[dict]:
        return ((self.args.get("addedAffinity") or {}).get(REQUIRED) or {}).get("nodeSelectorTerms") or []

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        added = self._added_terms()
        if added and not any(labels.term_holds(term, node) for term in added):
            return self.no("node(s) didn't match scheduler-enforced node affinity", final=True)
        if not labels.wants_node(self.pod, node):
            return self.no("node(s) didn't match Pod's node affinity/selector", final=True)
        return None

    def raw_scores(self, feasible: list[dict]) -> dict[str, int] | None:
        terms = labels.node_affinity(self.pod).get(PREFERRED) or []
        added = (self.args.get("addedAffinity") or {}).get(PREFERRED) or []
        if not terms and not added:
            return None
        found = {}
        for node in feasible:
            found[name_of(node)] = sum(t["weight"] for t in terms + added if labels.term_holds(t["preference"], node))
        return found

    def normalised(self, raw: dict[str, int]) -> dict[str, int]:
        most = max(raw.values())
        return {name: 100 * score // most if most else score for name, score in raw.items()}


class NodeDeclaredFeatures(Plugin):
    """Some pods need a kubelet that can do more than others."""

    name = "NodeDeclaredFeatures"

    def begin(self) -> str:
        spec = self.pod["spec"]
        self.needed = set()
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            if any(rule["action"] == "RestartAllContainers" for rule in container.get("restartPolicyRules", [])):
                self.needed.add("RestartAllContainersOnContainerExits")
        if spec.get("hostNetwork") and spec.get("hostUsers") is False:
            self.needed.add("UserNamespacesHostNetworkSupport")
        self.skips = not self.needed
        return ""

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        if self.needed <= set(node["status"].get("declaredFeatures", [])):
            return None
        return self.no("node(s) didn't match Pod's required features", final=True)
