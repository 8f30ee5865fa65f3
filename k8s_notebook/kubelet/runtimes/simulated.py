"""The logs of simulated containers: what their plan says they have written by now. Lines are made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8s_notebook.kubelet import commands
from k8s_notebook.kubelet.runs import Container, Run, Span
from k8s_notebook.machinery.api import Stream
from k8s_notebook.machinery.cache import Name
from k8s_notebook.machinery.nodes import LogLine
from k8s_notebook.objects.errors import BadRequest
from k8s_notebook.sim import clock
from k8s_notebook.sim.loop import Handle, Loop

_NO_IMAGE = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}


class LogStream:
    """The lines of one run of a container; with `follow` the later ones too, until it ends. Implements machinery.api.Stream."""

    def __init__(self, loop: Loop, span: Span, names: Mapping[str, str], follow: bool) -> None:
        self._loop = loop
        self._span = span
        self._names = names
        self._until = -1.0
        self._follow = follow and span.finished is None
        self._closed = False
        self._callback: Callable[[], None] | None = None
        self._handle: Handle | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more (what has arrived may still be taken)."""
        return self._closed or not self._follow

    def take(self) -> list[LogLine]:
        """The lines since the last call."""
        if self._closed:
            return []
        end = self._loop.now() if self._span.finished is None else self._span.finished
        elapsed = end - self._span.started
        lines = [line for line in self._span.plan.written(elapsed) if line[0] > self._until]
        self._until = max(self._until, elapsed)
        self._plan()
        return [LogLine(self._span.started + offset, text) for offset, raw in lines for text in self._filled(offset, raw)]

    def on_ready(self, callback: Callable[[], None]) -> None:
        """Call `callback` when something can be taken or the stream ended; at once if that is so already."""
        self._callback = callback
        if self._until < 0 or self.ended:
            callback()
        else:
            self._plan()

    def close(self) -> None:
        """Let go."""
        self._closed = True
        self._callback = None
        self._unplan()

    def end(self) -> None:
        """The container has stopped: nothing follows."""
        self._follow = False
        self._unplan()
        if self._callback is not None:
            self._callback()

    def _plan(self) -> None:
        self._unplan()
        if self.ended or self._callback is None:
            return
        offset = self._span.plan.next_line(self._until)
        if offset is not None:
            self._handle = self._loop.at(self._span.started + offset, self._ready)

    def _unplan(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ready(self) -> None:
        self._handle = None
        if self._callback is not None:
            self._callback()

    def _filled(self, offset: float, raw: str) -> list[str]:
        text = commands.expanded(raw, {**self._names, "date": _date(self._span.started + offset)}) if "$" in raw else raw
        if "{" in text:
            for name, value in _stamps(self._span.started + offset, self._names).items():
                text = text.replace("{" + name + "}", value)
        return [text]


class SimulatedRuntime:
    """One simulated node's containers. `runs`: the pods that the kubelet runs; `streams`: container id -> followers."""

    def __init__(self, node: str, loop: Loop, runs: Mapping[Name, Run], streams: dict[str, list[LogStream]]) -> None:
        self._node = node
        self._loop = loop
        self._runs = runs
        self._streams = streams

    def logs(self, namespace: str, pod: str, container: str, *, previous: bool = False, follow: bool = False) -> Stream[LogLine]:
        """What the container (or its previous run) has written so far, and with `follow` what it will write.

        Raises BadRequest with kubelet's sentence if there is no such run.
        """
        run = self._runs.get((namespace, pod))
        if run is None or run.node != self._node:
            raise BadRequest(f'pod "{pod}" cannot be found - no logs available')
        found = next((c for c in run.containers if c.name == container), None)
        if found is None:
            raise BadRequest(f'container "{container}" in pod "{pod}" is not available')
        span = _span(run, found, previous)
        stream = LogStream(self._loop, span, _names(run, found), follow)
        if follow and span.finished is None:
            self._streams.setdefault(span.id, []).append(stream)
        return stream


def _span(run: Run, container: Container, previous: bool) -> Span:
    """The run whose log is meant; as validateContainerLogStatus in pkg/kubelet/kubelet_pods.go."""
    pod = run.key[1]
    present, before = container.run, container.previous
    if container.state != "running" and container.state != "exited" and container.reason:
        before = present
    if previous:
        if before is None:
            raise BadRequest(f'previous terminated container "{container.name}" in pod "{pod}" not found')
        return before
    if present is None:
        inits = any(c.kind != "main" for c in run.containers)
        reason = container.reason or ("PodInitializing" if inits else "ContainerCreating")
        raise BadRequest(f'container "{container.name}" in pod "{pod}" is waiting to start: {_NO_IMAGE.get(reason, reason)}')
    return present


def _names(run: Run, container: Container) -> dict[str, str]:
    """What a script may ask the environment for: plain variables, HOSTNAME, and what downward references hold."""
    metadata = run.obj["metadata"]
    found = {"HOSTNAME": run.obj["spec"].get("hostname") or metadata["name"], "image": container.image.asked}
    found["hostname"] = found["HOSTNAME"]
    fields = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", ""), "metadata.uid": run.uid,
              "spec.nodeName": run.node, "status.podIP": run.address}  # fmt: skip
    for variable in container.spec.get("env") or ():
        path = ((variable.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath")
        value = fields.get(path, "") if path else variable.get("value")
        if value is not None:
            found[variable["name"]] = commands.expanded(str(value), found)
    return found


def _date(when: float) -> str:
    day, time = clock.timestamp(when).rstrip("Z").split("T")
    return f"{day} {time} UTC"


def _stamps(when: float, names: Mapping[str, str]) -> dict[str, str]:
    day, time = clock.timestamp(when).rstrip("Z").split("T")
    return {
        "stamp": f"{day.replace('-', '/')} {time}",
        "clock": f"{day} {time}.000",
        "iso": clock.micro_timestamp(when),
        "date": f"{day} {time} UTC",
        "image": names.get("image", ""),
    }
