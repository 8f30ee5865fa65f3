"""Logs of containers: which container is meant, and the lines that a request selects."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from k8s_notebook.apiserver.state import State
from k8s_notebook.machinery.api import LogRequest, Stream
from k8s_notebook.machinery.nodes import LogLine, Runtimes
from k8s_notebook.objects import Obj, errors, kinds
from k8s_notebook.sim.clock import timestamp

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


def opened(state: State, runtimes: Runtimes | None, request: LogRequest) -> Logs:
    """The selected lines; NotFound (pod), BadRequest with the API server's sentences."""
    pod = state.find(kinds.of("pods"), request.namespace, request.pod).obj
    container = _container(pod, request.container)
    _check(pod, container, request)
    node = (pod.get("spec") or {}).get("nodeName") or ""
    runtime = runtimes(node) if runtimes is not None and node else None
    if runtime is None:
        url = f"https://{node}:10250/containerLogs/{request.namespace}/{request.pod}/{container}"
        raise errors.InternalError(f'Internal error occurred: Get "{url}": the kubelet of node {node} does not answer')
    lines = runtime.logs(request.namespace, request.pod, container, previous=request.previous, follow=request.follow)
    return Logs(lines, request, state.now())


class Logs:
    """A stream of text lines, without line ends: see `machinery.api.Stream`."""

    def __init__(self, lines: Stream[LogLine], request: LogRequest, now: float) -> None:
        self._lines = lines
        self._tail = request.tail
        self._since = now - request.since if request.since is not None else None
        self._stamped = request.timestamps
        self._first = True

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""
        return self._lines.ended

    def take(self) -> list[str]:
        """What arrived since the last call; `tail` counts in what was there at the first one."""
        lines = self._lines.take()
        if self._since is not None:
            lines = [line for line in lines if line.when >= self._since]
        if self._first and self._tail is not None:
            lines = list(deque(lines, maxlen=max(self._tail, 0)))
        self._first = False
        return [f"{_nanoseconds(line.when)} {line.text}" if self._stamped else line.text for line in lines]

    def on_ready(self, callback: Callable[[], None]) -> None:
        """Call `callback` when something can be taken or the log ended."""
        self._lines.on_ready(callback)

    def close(self) -> None:
        """Let go."""
        self._lines.close()


def _nanoseconds(when: float) -> str:
    """RFC 3339 with nanoseconds, as kubelets stamp lines."""
    whole = int(when // 1)
    return timestamp(whole)[:-1] + f".{min(int((when - whole) * 1e9), 999_999_999):09d}Z"


def _container(pod: Obj, wanted: str) -> str:
    spec, name = pod.get("spec") or {}, pod["metadata"]["name"]
    normal = [c["name"] for c in spec.get("containers") or ()]
    everything = [c["name"] for f in ("initContainers", "containers", "ephemeralContainers") for c in spec.get(f) or ()]
    if wanted:
        if wanted not in everything:
            raise errors.BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(normal) == 1:
        return str(normal[0])
    chosen = (pod["metadata"].get("annotations") or {}).get(_DEFAULT_CONTAINER)
    if chosen in normal:
        return str(chosen)
    raise errors.BadRequest(_choose(pod, name, normal))


def _choose(pod: Obj, name: str, normal: list[str]) -> str:
    said = f"a container name must be specified for pod {name}, choose one of: [{' '.join(normal)}]"
    init = [c["name"] for c in (pod.get("spec") or {}).get("initContainers") or ()]
    return f"{said} or one of the init containers: [{' '.join(init)}]" if init else said


def _check(pod: Obj, container: str, request: LogRequest) -> None:
    """BadRequest while the container has not run."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    if not (pod.get("spec") or {}).get("nodeName"):
        raise errors.BadRequest(f"pod {name} does not have a host assigned")
    states = [
        s for f in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses") for s in status.get(f) or ()
    ]
    found = next((s for s in states if s.get("name") == container), None)
    if found is None:
        raise errors.BadRequest(f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating')
    before = (found.get("lastState") or {}).get("terminated")
    if request.previous:
        if before is None:
            raise errors.BadRequest(f'previous terminated container "{container}" in pod "{name}" not found')
        return
    waiting = (found.get("state") or {}).get("waiting")
    if waiting is None or before is not None:
        return
    reason = waiting.get("reason") or "ContainerCreating"
    if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
        said = f'container "{container}" in pod "{name}" is waiting to start: trying and failing to pull image'
        raise errors.BadRequest(
            said if reason != "InvalidImageName" else said.replace("trying and failing to pull image", "InvalidImageName")
        )
    raise errors.BadRequest(f'container "{container}" in pod "{name}" is waiting to start: {reason}')
