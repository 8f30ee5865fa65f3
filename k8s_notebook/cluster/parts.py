"""What works behind the API of every cluster, on the wall clock and in a simulation alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_notebook.apiserver.verbs import Server
from k8s_notebook.machinery.cache import Informers
from k8s_notebook.machinery.reconcile import Controller, ControllerLoop
from k8s_notebook.machinery.recorder import Recorder

if TYPE_CHECKING:
    from k8s_notebook.kubelet.service import Kubelets
    from k8s_notebook.scheduler.history import History
    from k8s_notebook.scheduler.service import Scheduler

MANAGER = "system:kube-controller-manager"
SCHEDULER = "system:kube-scheduler"
HEARTBEAT = 10.0
"""Seconds between two leases of a kubelet."""
TIDY, TIDY_ON = 10.0, 0.1
"""Seconds between two looks at old decisions, and while there is more to forget."""


def informers(server: Server) -> Informers:
    """The caches that all parts share."""
    return Informers(server.api(MANAGER), server.loop)


def control(server: Server, shared: Informers, controller: Controller) -> ControllerLoop:
    """Run a controller."""
    api = server.api(MANAGER)
    return ControllerLoop(api, server.loop, shared, controller, Recorder(api, server.loop, controller.name))


def kubelets(server: Server, shared: Informers, count: int, heartbeat: float = HEARTBEAT) -> Kubelets:
    """Play `count` nodes, and all others that are annotated as simulated."""
    from k8s_notebook.kubelet.service import Kubelets

    played = Kubelets(server.api, server.loop, shared, heartbeat=heartbeat)
    played.start(count)
    server.runtimes = played.runtime
    return played


def scheduler(server: Server, shared: Informers) -> Scheduler:
    """Place pods. What this imports takes longest of all."""
    from k8s_notebook.scheduler.decisions import Remembered
    from k8s_notebook.scheduler.history import History
    from k8s_notebook.scheduler.service import Scheduler

    made = Scheduler(server.api(SCHEDULER), server.loop, shared)
    history = History(made.cluster)
    made.decided.append(history.decided)
    server.decisions = Remembered(history)
    _tidy(server, history)
    return made


def _tidy(server: Server, history: History) -> None:
    """Let the history forget what is too old, a little at a time."""
    more = history.tidy()
    server.loop.after(TIDY_ON if more else TIDY, lambda: _tidy(server, history))
