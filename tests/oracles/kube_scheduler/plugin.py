"""The shape of a plugin: what it thinks about one pod in one cluster."""

from __future__ import annotations

from tests.oracles.kube_scheduler.cluster import Cluster, Verdict


class Plugin:
    """Thinks nothing; the plugins say what they think differently."""

    name = ""

    def __init__(self, cluster: Cluster, pod: dict, args: dict) -> None:
        self.cluster = cluster
        self.pod = pod
        self.args = args
        self.skips = False
        """after `begin`: it has nothing to say about this pod on any node"""

    def begin(self) -> str:
        """PreFilter: look at the whole cluster; a reason means that no node will do and nothing can be done about it."""
        return ""

    def copied(self) -> Plugin:
        """A plugin that thinks the same and can be moved on its own; one that remembers no pods is its own copy."""
        return self

    def moved(self, other: dict, node: dict, by: int) -> None:
        """What if another pod came to a node (1) or left it (-1)."""

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        """Filter: why the pod cannot run on a node with these pods, None if it can."""
        return None

    def raw_scores(self, feasible: list[dict]) -> dict[str, int] | None:
        """PreScore and Score: node name -> score, None if it has nothing to say about this pod."""
        return None

    def normalised(self, raw: dict[str, int]) -> dict[str, int]:
        """NormalizeScore: scores from 0 to 100."""
        return raw

    def no(self, *reasons: str, final: bool = False) -> Verdict:
        """A refusal; `final` if no preemption can help."""
        return Verdict(self.name, list(reasons), final)


def name_of(obj: dict) -> str:
    """The name of an object."""
    return str(obj["metadata"]["name"])


def namespace_of(obj: dict) -> str:
    """The namespace of an object, "" if it has none."""
    return str(obj["metadata"].get("namespace", ""))


def priority_of(pod: dict) -> int:
    """A pod's priority, 0 if it has none."""
    return pod["spec"].get("priority") or 0
