"""What a kubelet remembers about the pods it runs: records, and how to make them from a pod and from what its status tells."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from k8s_notebook.kubelet import backoff, commands, images
from k8s_notebook.machinery.cache import Name
from k8s_notebook.objects import Obj
from k8s_notebook.sim import clock
from k8s_notebook.sim.loop import Handle

INIT, SIDECAR, MAIN = "init", "sidecar", "main"
_FIELD = {INIT: "initContainers", SIDECAR: "initContainers", MAIN: "containers"}


@dataclass(slots=True)
class Span:
    """One run of a container: for its log. `finished` is None while it runs."""

    id: str
    image: images.Image
    plan: commands.Plan
    started: float
    finished: float | None = None


@dataclass(slots=True)
class Container:
    """One container. `state` is a state of stages/container.yaml, `since` when it was entered (seconds since the epoch)."""

    name: str
    spec: Obj
    kind: str
    image: images.Image
    plan: commands.Plan
    state: str = "new"
    since: float = 0.0
    reason: str = ""
    message: str = ""
    restarts: int = 0
    code: int = 0
    ended: str = ""
    run: Span | None = None
    previous: Span | None = None
    last: Obj | None = None
    crashes: backoff.Backoff | None = None
    pulls: backoff.Backoff | None = None
    started: bool = False
    ready: bool = False
    stop_at: float | None = None
    failing: dict[str, float] = field(default_factory=dict)
    probed: dict[str, float] = field(default_factory=dict)
    rendered: Obj | None = None

    @property
    def path(self) -> str:
        """Its place in the pod, as events name it: `spec.containers{web}`."""
        return f"spec.{_FIELD[self.kind]}{{{self.name}}}"


@dataclass(slots=True)
class Run:
    """One pod on its node. `state` is a state of stages/pod.yaml; `obj` the newest pod that is known.

    `over`: it had ended before we saw it, nothing is done about it but to remember its logs.
    """

    key: Name
    uid: str
    obj: Obj
    node: str
    containers: tuple[Container, ...]
    state: str = "bound"
    since: float = 0.0
    reason: str = ""
    message: str = ""
    accepted: float = 0.0
    sandbox: float = 0.0
    stopped: float = 0.0
    stop_by: float | None = None
    address: str = ""
    mounts: int = 0
    written: Obj | None = None
    stored: Obj | None = None
    refusals: int = 0
    handle: Handle | None = None
    over: bool = False
    gone: bool = False

    @property
    def deleting(self) -> bool:
        """Whether the pod is being deleted."""
        return "deletionTimestamp" in self.obj["metadata"]

    @property
    def policy(self) -> str:
        """Its restartPolicy."""
        return self.obj["spec"].get("restartPolicy") or "Always"

    def restarts(self, container: Container) -> bool:
        """Whether the container that has exited is started again, once nothing speaks against it."""
        policy = container.spec.get("restartPolicy") or self.policy
        return (policy == "Always" and container.kind != INIT) or (policy != "Never" and container.code != 0)


def new_run(pod: Obj, now: float) -> Run:
    """The record of a pod that came to a node; one that ran before (its status says so) goes on."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    policy = spec.get("restartPolicy") or "Always"
    containers = [
        _container(c, SIDECAR if c.get("restartPolicy") == "Always" else INIT, policy) for c in spec.get("initContainers") or ()
    ]
    containers += [_container(c, MAIN, policy) for c in spec["containers"]]
    run = Run((metadata.get("namespace", ""), metadata["name"]), metadata["uid"], pod, spec["nodeName"], tuple(containers))
    run.since = run.accepted = now
    if "startTime" in status:
        _take_up(run, status, now)
    return run


def _container(spec: Obj, kind: str, policy: str) -> Container:
    image = images.image(spec.get("image") or "")
    command, args = tuple(spec.get("command") or ()), tuple(spec.get("args") or ())
    must_end = kind == INIT or (kind == MAIN and policy != "Always")
    plan = commands.plan(image, command, args, must_end)
    if kind == INIT and plan.lasts is None and not plan.every and not command:
        plan = commands.Plan(plan.lines, 0.5)
    return Container(spec["name"], spec, kind, image, plan)


def refresh(run: Run, now: float) -> list[Container]:
    """Take in what changed in the pod's containers; those whose image changed while they run (they are told to stop)."""
    spec = run.obj["spec"]
    wanted = {c["name"]: c for field_name in ("initContainers", "containers") for c in spec.get(field_name) or ()}
    found = []
    for container in run.containers:
        new = wanted.get(container.name)
        if new is None or new is container.spec or new == container.spec:
            continue
        fresh = _container(new, container.kind, run.policy)
        changed = fresh.image.asked != container.image.asked
        container.spec, container.rendered = new, None
        if changed:
            container.image, container.plan, container.crashes, container.pulls = fresh.image, fresh.plan, None, None
            if container.state == "running" and container.stop_at is None:
                container.stop_at = now + container.image.stops.after
                found.append(container)
            elif container.run is None:
                container.state, container.since, container.reason = "new", now, ""
    return found


def container_id(run: Run, container: Container) -> str:
    """The id of the container's present run: 64 hexadecimal digits that follow from the pod's uid, name and restart count."""
    return "containerd://" + hashlib.sha256(f"{run.uid}/{container.name}/{container.restarts}".encode()).hexdigest()


def _take_up(run: Run, status: Obj, now: float) -> None:
    run.accepted = clock.seconds(status["startTime"])
    said = {c["name"]: c for f in ("initContainerStatuses", "containerStatuses") for c in status.get(f) or ()}
    for container in run.containers:
        if container.name in said:
            _continue(container, said[container.name], now)
    if any(c.run is not None or c.restarts for c in run.containers):
        run.state, run.since, run.sandbox = "live", now, run.accepted
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodReadyToStartContainers":
            run.sandbox = clock.seconds(condition["lastTransitionTime"])
    run.address = "" if run.obj["spec"].get("hostNetwork") else status.get("podIP") or ""


def _continue(container: Container, said: Obj, now: float) -> None:
    state = said.get("state") or {}
    container.restarts = said.get("restartCount") or 0
    container.last = (said.get("lastState") or {}).get("terminated")
    container.crashes = backoff.after(container.restarts, now)
    container.started, container.ready = bool(said.get("started")), bool(said.get("ready"))
    ident = said.get("containerID") or ""
    if container.last:
        container.previous = _span(container, container.last)
    if "running" in state:
        container.state = "running"
        container.run = Span(ident, container.image, container.plan, clock.seconds(state["running"]["startedAt"]))
        container.since = container.run.started
    elif "terminated" in state:
        container.state, container.since = "exited", now
        container.run = _span(container, state["terminated"])
        container.code, container.ended = state["terminated"]["exitCode"], state["terminated"].get("reason", "")
    elif container.last:
        container.state, container.since = "exited", now
        container.run, container.code = container.previous, container.last["exitCode"]
        container.ended = container.last.get("reason", "")


def _span(container: Container, terminated: Obj) -> Span:
    started = clock.seconds(terminated["startedAt"])
    return Span(
        terminated.get("containerID", ""), container.image, container.plan, started, clock.seconds(terminated["finishedAt"])
    )


def unblock(run: Run) -> None:
    """Let the pod try at once what it would try again later."""
    if run.state == "unmounted":
        run.state = "mounting"
    for container in run.containers:
        if container.state == "refused":
            container.state = "new"
