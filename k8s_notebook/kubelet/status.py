"""A pod's status as its kubelet writes it: pure, from the kubelet's record and the status that is there.

As in pkg/kubelet/kubelet_pods.go and pkg/kubelet/status/generate.go of Kubernetes 1.36.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from k8s_notebook.kubelet import resources
from k8s_notebook.kubelet.runs import INIT, MAIN, SIDECAR, Container, Run
from k8s_notebook.objects import Obj
from k8s_notebook.sim import clock

KUBELETS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
"""The conditions that a kubelet writes, in its order; it leaves all others as they are."""

Reason = tuple[str, str, str]
"""Status, reason and message of a condition."""

timestamp = functools.lru_cache(maxsize=1024)(clock.timestamp)


def render(run: Run, host: str, now: float) -> Obj:
    """The status of the pod at `now`. `host`: the node's internal address."""
    old: Obj = run.obj.get("status") or {}
    phase = phase_of(run)
    address = host if run.obj["spec"].get("hostNetwork") else run.address if run.sandbox else ""
    status: Obj = {k: v for k, v in old.items() if k not in ("reason", "message", "podIP", "podIPs")}
    status["observedGeneration"] = run.obj["metadata"].get("generation") or 1
    status["phase"] = phase
    status["conditions"] = _conditions(run, old, phase, now)
    if run.reason and run.state == "stopped":
        status["reason"], status["message"] = run.reason, run.message
    if host:
        status["hostIP"], status["hostIPs"] = host, [{"ip": host}]
    if address:
        status["podIP"], status["podIPs"] = address, [{"ip": address}]
    status["startTime"] = timestamp(run.accepted)
    inits = [_container(c, "PodInitializing") for c in run.containers if c.kind != MAIN]
    if inits:
        status["initContainerStatuses"] = inits
    waiting = "PodInitializing" if inits else "ContainerCreating"
    status["containerStatuses"] = [_container(c, waiting) for c in run.containers if c.kind == MAIN]
    status.update(resources.of_pod(run.obj["spec"]))
    return status


def phase_of(run: Run) -> str:
    """The pod's phase; as getPhase in pkg/kubelet/kubelet_pods.go."""
    mains = [c for c in run.containers if c.kind == MAIN]
    if run.state == "stopped":
        failed = run.reason or any(c.code != 0 or c.run is None for c in run.containers if c.kind != SIDECAR)
        return "Failed" if failed else "Succeeded"
    if not all(_initialized(c) for c in run.containers if c.kind != MAIN):
        return "Pending"
    if any(c.run is None for c in mains):
        return "Pending"
    return "Running"


def terminated(container: Container) -> Obj:
    """The `terminated` state of a container whose run has ended."""
    span = container.run
    if span is None or span.finished is None:
        return {}
    return {
        "exitCode": container.code,
        "reason": container.ended,
        "startedAt": timestamp(span.started),
        "finishedAt": timestamp(span.finished),
        "containerID": span.id,
    }


def _initialized(container: Container) -> bool:
    if container.kind == INIT:
        return container.state == "exited" and container.code == 0
    return container.started or container.restarts > 0 or container.state == "exited"


def _container(container: Container, creating: str) -> Obj:
    if container.rendered is None:
        container.rendered = _render_container(container, creating)
    return container.rendered


def _render_container(container: Container, creating: str) -> Obj:
    span = container.run
    done = container.kind == INIT and container.state == "exited" and container.code == 0
    state, last = _states(container, creating)
    status: Obj = {
        "name": container.name,
        "state": state,
        "lastState": {"terminated": last} if last else {},
        "ready": container.ready or done,
        "restartCount": container.restarts,
        "image": container.image.asked if span is None else span.image.name,
        "imageID": "" if span is None else span.image.id,
        "started": container.started,
    }
    if span is not None:
        status["containerID"] = span.id
        status.update(resources.of_container(container.spec))
    mounts = container.spec.get("volumeMounts")
    if mounts:
        status["volumeMounts"] = [_mount(m) for m in mounts]
    return status


def _states(container: Container, creating: str) -> tuple[Obj, Obj | None]:
    """`state` and what `lastState` holds as terminated."""
    span = container.run
    if container.state == "running" and span is not None:
        return {"running": {"startedAt": timestamp(span.started)}}, container.last
    if container.state == "exited" or (span is not None and not container.reason):
        return {"terminated": terminated(container)}, container.last
    said = (("reason", container.reason or creating), ("message", container.message))
    return {"waiting": {k: v for k, v in said if v}}, terminated(container) if span is not None else container.last


def _mount(mount: Obj) -> Obj:
    found = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        found["readOnly"] = True
        found["recursiveReadOnly"] = mount.get("recursiveReadOnly") or "Disabled"
    return found


def _conditions(run: Run, old: Obj, phase: str, now: float) -> list[Obj]:
    before = {c["type"]: c for c in old.get("conditions") or ()}
    generation = run.obj["metadata"].get("generation") or 1
    wanted = _wanted(run, before, phase)
    found = [c for kind, c in before.items() if kind not in wanted]
    for kind in KUBELETS:
        value, reason, message = wanted[kind]
        known = before.get(kind)
        same = known is not None and known["status"] == value
        since = known["lastTransitionTime"] if same and known is not None else timestamp(_since(kind, run, value, now))
        found.append(_condition(kind, value, reason, message, since, generation))
    return found


def _since(kind: str, run: Run, value: str, now: float) -> float:
    return run.sandbox if kind == "PodReadyToStartContainers" and value == "True" and run.sandbox else now


@functools.lru_cache(maxsize=4096)
def _condition(kind: str, value: str, reason: str, message: str, since: str, generation: int) -> Obj:
    """One condition; pods share equal ones, nobody changes them."""
    found: dict[str, Any] = {"type": kind, "observedGeneration": generation, "status": value, "lastProbeTime": None,
                             "lastTransitionTime": since}  # fmt: skip
    if reason:
        found["reason"] = reason
    if message:
        found["message"] = message
    return found


_TRUE: Reason = ("True", "", "")


def _wanted(run: Run, before: dict[str, Obj], phase: str) -> dict[str, Reason]:
    ending = run.state == "stopping" and run.reason and not run.deleting
    over = _over(run) if ending or run.state == "stopped" else ""
    containers = _containers_ready(run, over)
    sandbox = run.state == "live" or (run.state == "stopping" and run.sandbox > 0)
    return {
        "PodReadyToStartContainers": _TRUE if sandbox else ("False", "", ""),
        "Initialized": _all_initialized(run, over),
        "Ready": containers if containers[0] != "True" else _gates(run, before),
        "ContainersReady": containers,
        "PodScheduled": _TRUE,
    }


def _over(run: Run) -> str:
    """The reason of conditions of a pod that has ended or is ending by itself."""
    failed = run.reason or any(c.code != 0 or c.run is None for c in run.containers if c.kind != SIDECAR)
    return "PodFailed" if failed else "PodCompleted"


def _containers_ready(run: Run, over: str) -> Reason:
    if over:
        return "False", over, ""
    unready = [c.name for c in run.containers if c.kind != INIT and not c.ready]
    return _lacking("ContainersNotReady", "unready", unready)


def _all_initialized(run: Run, over: str) -> Reason:
    missing = [c.name for c in run.containers if c.kind != MAIN and not _initialized(c)]
    if not missing or over == "PodCompleted":
        return "True", "PodCompleted" if over == "PodCompleted" else "", ""
    return _lacking("ContainersNotInitialized", "incomplete", missing)


def _lacking(reason: str, what: str, names: Iterable[str]) -> Reason:
    listed = " ".join(names)
    return ("False", reason, f"containers with {what} status: [{listed}]") if listed else _TRUE


def _gates(run: Run, before: dict[str, Obj]) -> Reason:
    """Whether the pod's readiness gates are open; as GeneratePodReadyCondition."""
    said = []
    for gate in run.obj["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        condition = before.get(kind)
        if condition is None:
            said.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif condition["status"] != "True":
            said.append(f'the status of pod readiness gate "{kind}" is not "True", but {condition["status"]}')
    return ("False", "ReadinessGatesNotReady", ", ".join(said)) if said else _TRUE
