"""When the containers of a pod that ends stop: main containers at once, sidecars after them, all within the grace period."""

from __future__ import annotations

from k8s_notebook.kubelet import commands
from k8s_notebook.kubelet.runs import SIDECAR, Container, Run
from k8s_notebook.machinery.actions import Emit

LEAST_TERM = 2.0
"""Seconds that a container gets for SIGTERM even if its preStop hook used up the grace period."""


def grace(run: Run) -> float:
    """Seconds that the pod's containers have to stop."""
    asked = run.obj["metadata"].get("deletionGracePeriodSeconds")
    if asked is None:
        asked = run.obj["spec"].get("terminationGracePeriodSeconds")
    return 30.0 if asked is None else float(asked)


def begin(run: Run, now: float) -> list[Emit]:
    """Tell every running container to stop; the events that say so."""
    run.stop_by = now + grace(run)
    last = now
    running = [c for c in run.containers if c.state == "running"]
    for container in [c for c in running if c.kind != SIDECAR]:
        container.stop_at = _stop_at(container, now, run.stop_by)
        last = max(last, container.stop_at)
    for container in [c for c in reversed(running) if c.kind == SIDECAR]:
        container.stop_at = last = _stop_at(container, last, run.stop_by)
    return [Emit(run.obj, "Killing", f"Stopping container {c.name}", field_path=c.path) for c in running]


def shorten(run: Run, now: float) -> None:
    """Take a shorter grace period into account: a second delete may have brought one."""
    if run.state != "stopping" or run.stop_by is None or not run.deleting:
        return
    stop_by = now + grace(run)
    if stop_by < run.stop_by:
        run.stop_by = stop_by
        for container in run.containers:
            if container.stop_at is not None:
                container.stop_at = min(container.stop_at, stop_by)


def killed(run: Run, container: Container) -> bool:
    """Whether SIGKILL ends the container that was told to stop: SIGTERM would have taken longer than the grace period."""
    return run.stop_by is not None and container.stop_at is not None and container.image.stops.after > grace(run)


def _stop_at(container: Container, since: float, stop_by: float) -> float:
    """When the container has stopped, told at `since`: after its preStop hook and SIGTERM, or by SIGKILL."""
    before = _hook(container)
    latest = max(stop_by, since)
    if before > latest - since:
        return latest + (LEAST_TERM if stop_by > since else 0.0)
    return min(since + before + container.image.stops.after, latest)


def _hook(container: Container) -> float:
    hook = (container.spec.get("lifecycle") or {}).get("preStop") or {}
    command = (hook.get("exec") or {}).get("command")
    return commands.hook_seconds(tuple(command)) if command else float((hook.get("sleep") or {}).get("seconds") or 0)
