"""NodeDeclaredFeatures: some pods need a kubelet that declares a feature (as in plugins/nodedeclaredfeatures)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.plugins import plugin
from k8s_notebook.scheduler.pods import PodClass


def fails(pod: PodClass, cluster: Cluster, at: Ints) -> plugin.Bools | None:
    """Which slots do not declare every feature that the pod needs."""
    needed = {name for name, needs in FEATURES.items() if needs(pod.spec)}
    if not needed:
        return None
    declared = ((cluster.objects[slot].get("status") or {}).get("declaredFeatures") or () for slot in at)
    return np.array([not needed.issubset(features) for features in declared], np.bool_)


def _containers(spec: Obj) -> Iterable[Obj]:
    return (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))


def _restarts_all(spec: Obj) -> bool:
    rules = (rule for container in _containers(spec) for rule in container.get("restartPolicyRules") or ())
    return any(rule.get("action") == "RestartAllContainers" for rule in rules)


def _maps_users_on_host_network(spec: Obj) -> bool:
    return bool(spec.get("hostNetwork")) and spec.get("hostUsers") is False


FEATURES: dict[str, Callable[[Obj], bool]] = {
    "RestartAllContainersOnContainerExits": _restarts_all,
    "UserNamespacesHostNetworkSupport": _maps_users_on_host_network,
}
"""feature -> whether a pod's spec needs it. Others that nodes declare matter for updates of pods only."""

PLUGIN = plugin.Plugin(
    "NodeDeclaredFeatures",
    fails=fails,
    reasons=plugin.says("node(s) didn't match Pod's required features", final=True),
)
