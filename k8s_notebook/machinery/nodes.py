"""What a node offers to the API server: the logs of its containers. Kubelets implement it, the API server calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from k8s_notebook.machinery.api import Stream


class LogLine(NamedTuple):
    """One line that a container wrote; `when` in seconds since the epoch."""

    when: float
    text: str
    stream: str = "stdout"


class NodeRuntime(Protocol):
    """One node's containers."""

    def logs(self, namespace: str, pod: str, container: str, *, previous: bool = False, follow: bool = False) -> Stream[LogLine]:
        """What the container (or its previous run) has written so far, and with `follow` what it will write.

        Raises BadRequest with kubelet's sentence if there is no such run.
        """
        ...


Runtimes = Callable[[str], NodeRuntime | None]
"""Node name -> its runtime, or None if the node cannot be reached."""
