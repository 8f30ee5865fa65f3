"""What holds a pod back before it is tried (the PreEnqueue plugins)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from k8s_notebook.scheduler import hints
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.plugins import dynamic_resources

if TYPE_CHECKING:
    from k8s_notebook.scheduler.queue import Entry


class Gates:
    """`preempting(uid)` says whether a pod still asks others to make room; `claims`, whether device claims are looked at."""

    def __init__(self, cluster: Cluster, preempting: Callable[[str], bool], *, claims: bool) -> None:
        self._cluster = cluster
        self._preempting = preempting
        self._claims = claims

    def gate(self, entry: Entry) -> str:
        """The plugin that holds a pod back, or ""."""
        spec = entry.pod["spec"]
        if spec.get("schedulingGates"):
            return hints.SCHEDULING_GATES
        if self._claims and spec.get("resourceClaims") and dynamic_resources.waits(entry.pod, self._cluster.beside):
            return hints.DYNAMIC_RESOURCES
        return hints.DEFAULT_PREEMPTION if self._preempting(entry.uid) else ""
