"""The row of a pod, as in kubernetes/pkg/printers/internalversion: printPod."""

from __future__ import annotations

from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.objects.tables import ages
from k8s_notebook.objects.tables.getters import NONE, Cell, Printer, columns

CONDITIONS: dict[str, list[Obj]] = {
    phase: [{"type": "Completed", "status": "True", "reason": phase, "message": message}]
    for phase, message in (("Succeeded", "The pod has completed successfully."), ("Failed", "The pod failed."))
}
"""What rows of pods in these phases say beside their cells."""

_EMPTY: Obj = {}
_FINISHED = ("Succeeded", "Failed")


class _Tally:
    """What the containers of a pod add up to."""

    __slots__ = ("last_restart", "ready", "reason", "restarts")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.ready = self.restarts = 0
        self.last_restart = ""

    def restarted(self, status: Obj) -> None:
        """Count the restarts of one container."""
        self.restarts += status.get("restartCount", 0)
        last = status.get("lastState")
        finished = (last.get("terminated") or _EMPTY).get("finishedAt") if last else None
        if finished and (not self.last_restart or ages.moment(finished) > ages.moment(self.last_restart)):
            self.last_restart = finished

    def restart_text(self, now: float) -> str:
        """`5 (74m ago)`."""
        if self.restarts and self.last_restart:
            return f"{self.restarts} ({ages.since(self.last_restart, now)} ago)"
        return str(self.restarts)


def row(pod: Obj, now: float) -> list[Cell]:
    """The cells of a pod."""
    metadata, spec, status = pod["metadata"], pod.get("spec", _EMPTY), pod.get("status", _EMPTY)
    tally = tallied(pod)
    total = len(spec.get("containers") or ()) + (len(_restartable(spec)) if "initContainers" in spec else 0)
    return [
        metadata.get("name", ""),
        f"{tally.ready}/{total}",
        tally.reason,
        tally.restart_text(now),
        ages.since(metadata.get("creationTimestamp"), now),
        _first_ip(status) or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(spec, status) if spec.get("readinessGates") else NONE,
    ]


def tallied(pod: Obj) -> _Tally:
    """Ready containers, restarts, and the word in the STATUS column."""
    status = pod.get("status", _EMPTY)
    conditions = {c.get("type"): c for c in status.get("conditions") or ()}
    phase = status.get("phase", "")
    tally = _Tally(status.get("reason") or phase)
    if conditions.get("PodScheduled", _EMPTY).get("reason") == "SchedulingGated":
        tally.reason = "SchedulingGated"
    initializing = False
    if status.get("initContainerStatuses"):
        initializing, tally = _initialized(pod, tally, conditions.get("Initialized", _EMPTY).get("status") == "True")
    if not initializing:
        _running(status, tally, conditions.get("Ready", _EMPTY).get("status") == "True")
    if pod["metadata"].get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            tally.reason = "Unknown"
        elif phase not in _FINISHED:
            tally.reason = "Terminating"
    return tally


def _restartable(spec: Obj) -> set[str]:
    """The init containers that keep running: sidecars."""
    return {c.get("name", "") for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}


def _initialized(pod: Obj, tally: _Tally, passed: bool) -> tuple[bool, _Tally]:
    """Whether init containers still hold the pod up, and the tally with what they say."""
    spec, sidecars = pod.get("spec", _EMPTY), _restartable(pod.get("spec", _EMPTY))
    counted_later = _Tally(tally.reason)
    total = len(spec.get("initContainers") or ())
    for place, status in enumerate(pod["status"]["initContainerStatuses"]):
        sidecar = status.get("name") in sidecars
        tally.restarted(status)
        if sidecar:
            counted_later.restarted(status)
        if _exit_code(status) == 0:
            continue
        if sidecar and status.get("started"):
            counted_later.ready += bool(status.get("ready"))
            continue
        tally.reason = counted_later.reason = _init_reason(status, place, total)
        if passed:
            break
        tally.ready = counted_later.ready
        return True, tally
    return False, counted_later


def _exit_code(status: Obj) -> Any:
    terminated = (status.get("state") or _EMPTY).get("terminated")
    return None if terminated is None else terminated.get("exitCode", 0)


def _init_reason(status: Obj, place: int, total: int) -> str:
    state = status.get("state") or _EMPTY
    terminated, waiting = state.get("terminated"), (state.get("waiting") or _EMPTY).get("reason")
    if terminated is not None:
        return f"Init:{_ended(terminated)}"
    return f"Init:{waiting}" if waiting and waiting != "PodInitializing" else f"Init:{place}/{total}"


def _ended(terminated: Obj) -> str:
    """Why a container ended."""
    if terminated.get("reason"):
        return str(terminated["reason"])
    return f"Signal:{terminated['signal']}" if terminated.get("signal") else f"ExitCode:{terminated.get('exitCode', 0)}"


def _running(status: Obj, tally: _Tally, pod_ready: bool) -> None:
    """Add the ordinary containers; the first one that does not run names the reason."""
    running, error = False, ""
    for container in reversed(status.get("containerStatuses") or ()):
        tally.restarted(container)
        state = container.get("state") or _EMPTY
        waiting, terminated = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason"):
            tally.reason = waiting["reason"]
        elif terminated is not None:
            tally.reason = _ended(terminated)
            if terminated.get("exitCode", 0) != 0:
                error = tally.reason
        elif container.get("ready") and state.get("running") is not None:
            running = True
            tally.ready += 1
    if tally.reason == "Completed":
        tally.reason = "Running" if running and pod_ready else error or ("NotReady" if running else "Completed")


def _first_ip(status: Obj) -> str:
    addresses = status.get("podIPs")
    found: str = addresses[0].get("ip", "") if addresses else status.get("podIP", "")
    return found


def _gates(spec: Obj, status: Obj) -> str:
    conditions = {c.get("type"): c.get("status") for c in reversed(status.get("conditions") or ())}
    open_gates = sum(conditions.get(gate.get("conditionType")) == "True" for gate in spec["readinessGates"])
    return f"{open_gates}/{len(spec['readinessGates'])}"


PRINTERS = {
    "pods": Printer(columns("Name|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*"), row),
}
