"""`logs`: what containers wrote, of a pod, of a workload's pods, or of all pods with a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from k8s_notebook.client import waiting
from k8s_notebook.machinery.actions import Get
from k8s_notebook.machinery.api import LogRequest, Stream
from k8s_notebook.objects import Obj, selectors
from k8s_notebook.objects.errors import ApiError
from k8s_notebook.session import reading, targets
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import K8sError, error
from k8s_notebook.session.results import Result, Said
from k8s_notebook.sim import clock

SELECTED_TAIL = 10
"""Lines of each pod that `-l` shows unless told otherwise, as kubectl."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which logs. `since` and `timeout` in seconds."""

    words: tuple[str, ...] = ()
    namespace: str | None = None
    selector: str = ""
    container: str = ""
    all_containers: bool = False
    follow: bool = False
    previous: bool = False
    tail: int | None = None
    since: int | None = None
    timestamps: bool = False
    prefix: bool = False
    timeout: float | None = None


def logs(door: Door, wanted: Wanted, say: Callable[[str], None] | None = None) -> Result:
    """The lines; with `follow` each is said as it comes, until the container ends, the time is over or an interrupt."""
    pods, notes = _pods(door, wanted)
    requests = [r for pod in pods for r in _requests(pod, wanted)]
    if wanted.follow:
        return _follow(door, requests, wanted, notes, say)
    lines: list[str] = []
    for request in requests:
        lines += _whole(door, request, wanted)
    return Result("\n".join(lines), notes=tuple(notes), label="logs")


def _pods(door: Door, wanted: Wanted) -> tuple[list[Obj], list[str]]:
    scope = wanted.namespace or door.namespace
    pod_kind = door.kind("pods")
    if wanted.selector:
        pods = reading.items(door, pod_kind, scope, wanted.selector)
        return pods, [] if pods else [f"No resources found in {scope} namespace."]
    if not wanted.words:
        raise error("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'")
    words = wanted.words
    container = words[1] if len(words) == 2 and "/" not in words[1] else ""
    kind, name = targets.one(door, words[:1] if container else words, default="pods")
    if kind.resource == "pods":
        return [door.ask(Get("pods", name, scope))], []
    owner = door.ask(Get(door.resource(kind), name, scope))
    selector = (owner.get("spec") or {}).get("selector")
    if not selector:
        raise error(f"no pods are known of {targets.spelled(kind)}/{name}: name a pod")
    matching = (
        selectors.from_spec(selector)
        if kind.resource not in {"services", "replicationcontrollers"}
        else selectors.from_map(selector)
    )
    pods = reading.items(door, pod_kind, scope, str(matching))
    if not pods:
        raise K8sError(f"error: no pods of {targets.spelled(kind)}/{name} in namespace {scope}", reason="NotFound")
    first = sorted(pods, key=_readiness)[0]
    notes = [f"Found {len(pods)} pods, using pod/{first['metadata']['name']}"] if len(pods) > 1 else []
    return [first], notes


def _readiness(pod: Obj) -> tuple[bool, bool, str, str]:
    """Bound, running, old ones first."""
    status = pod.get("status") or {}
    metadata = pod["metadata"]
    return (
        not pod["spec"].get("nodeName"),
        status.get("phase") != "Running",
        metadata.get("creationTimestamp", ""),
        metadata["name"],
    )


def _requests(pod: Obj, wanted: Wanted) -> list[LogRequest]:
    metadata, spec = pod["metadata"], pod["spec"]
    request = LogRequest(
        metadata["namespace"],
        metadata["name"],
        _container(pod, wanted),
        wanted.follow,
        wanted.previous,
        wanted.tail,
        wanted.since,
        wanted.timestamps,
    )
    if wanted.selector and wanted.tail is None:
        request = replace(request, tail=SELECTED_TAIL)
    if not wanted.all_containers:
        return [request]
    names = [c["name"] for c in [*(spec.get("initContainers") or ()), *spec["containers"]]]
    return [replace(request, container=n) for n in names]


def _container(pod: Obj, wanted: Wanted) -> str:
    """The container: the one named, the pod's default, or its first."""
    if wanted.container:
        return wanted.container
    if len(wanted.words) == 2 and "/" not in wanted.words[1]:
        return wanted.words[1]
    annotations = pod["metadata"].get("annotations") or {}
    return str(annotations.get("kubectl.kubernetes.io/default-container") or pod["spec"]["containers"][0]["name"])


def _prefixed(request: LogRequest, wanted: Wanted) -> str:
    return f"[pod/{request.pod}/{request.container}] " if wanted.prefix else ""


def _whole(door: Door, request: LogRequest, wanted: Wanted) -> list[str]:
    stream = door.api.log(request)
    deadline = clock.monotonic() + waiting.PATIENCE
    lines: list[str] = []
    try:
        while True:
            taken = waiting.arrivals(stream, deadline)
            lines += taken
            if not taken:
                return [_prefixed(request, wanted) + line for line in lines]
    finally:
        stream.close()


def _follow(
    door: Door, requests: Sequence[LogRequest], wanted: Wanted, notes: list[str], say: Callable[[str], None] | None
) -> Result:
    streams = [(r, door.api.log(r)) for r in requests]
    deadline = None if wanted.timeout is None else clock.monotonic() + wanted.timeout
    lines: list[str] = []
    for note in notes if say is not None else ():
        say(note)  # type: ignore[misc]
    try:
        while streams and (deadline is None or clock.monotonic() < deadline):
            streams = [(r, s) for r, s in streams if not _drained(r, s, wanted, lines, say)]
            if streams:
                waiting.pause(0.05)
    except KeyboardInterrupt:
        pass
    finally:
        for _, stream in streams:
            stream.close()
    return (Result if say is None else Said)("\n".join(lines), label="logs")


def _drained(
    request: LogRequest, stream: Stream[str], wanted: Wanted, lines: list[str], say: Callable[[str], None] | None
) -> bool:
    """Take what came; whether the stream is over. A refusal of the server is raised."""
    over = stream.ended
    for line in stream.take():
        said = _prefixed(request, wanted) + line
        lines.append(said)
        if say is not None:
            say(said)
    if over:
        try:
            lines += stream.take()
        except ApiError:
            if not lines:
                raise
    return over
