"""What the stages may ask about a pod and its containers: each method is a fact, worked out when a stage asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8s_notebook.kubelet import backoff, images, probing, references
from k8s_notebook.kubelet.runs import MAIN, Container, Run
from k8s_notebook.machinery.cache import View

CODE, AFTER, WHY = "k8s-notebook.io/exit-code", "k8s-notebook.io/exit-after", "k8s-notebook.io/exit-reason"
"""Annotations of a pod that let its main containers end: exit code, seconds after the start (default 1), reason (OOMKilled)."""

AGAIN = 0.15
"""Seconds in which a registry says that an image has not changed."""
_FIRST_MOUNT, _LAST_MOUNT = 0.5, 122.0


def notes(run: Run) -> Mapping[str, str]:
    """The pod's annotations."""
    return run.obj["metadata"].get("annotations") or {}


def exit_override(run: Run, container: Container) -> tuple[float, int] | None:
    """(seconds after the start, exit code) that annotations ask for, or None."""
    said = notes(run)
    if container.kind != MAIN or not (CODE in said or AFTER in said):
        return None
    return _number(said.get(AFTER), 1.0), int(_number(said.get(CODE), 0.0))


def deadline(run: Run) -> float | None:
    """When the pod has been active for too long, or None."""
    seconds = run.obj["spec"].get("activeDeadlineSeconds")
    return None if seconds is None else run.accepted + seconds


class PodFacts:
    """Facts about a pod, by name."""

    def __init__(self, run: Run, view: View, now: float) -> None:
        self._run, self._view, self._now = run, view, now

    def __getitem__(self, name: str, /) -> Any:
        return _POD[name](self)

    def _overdue(self) -> bool:
        when = deadline(self._run)
        return when is not None and self._now >= when

    def _volume_errors(self) -> list[str]:
        return references.missing_for_volumes(self._view, self._run.obj)

    def _volumes(self) -> str:
        return "missing" if self._volume_errors() else "complete"

    def _mount_wait(self) -> float:
        return min(_FIRST_MOUNT * 2.0 ** min(self._run.mounts - 1, 20), _LAST_MOUNT)

    def _finished(self) -> bool:
        run, mains = self._run, True
        for container in run.containers:
            over = container.state == "exited" and not run.restarts(container)
            if container.kind == "init" and over and container.code != 0:
                return True
            mains = mains and (over or container.kind != MAIN)
        return mains

    def _quiet(self) -> bool:
        return not any(c.state == "running" for c in self._run.containers)


_POD: dict[str, Callable[[PodFacts], Any]] = {
    "deleting": lambda f: f._run.deleting,
    "overdue": PodFacts._overdue,
    "volumes": PodFacts._volumes,
    "volume_errors": PodFacts._volume_errors,
    "mount_wait": PodFacts._mount_wait,
    "finished": PodFacts._finished,
    "quiet": PodFacts._quiet,
}


class ContainerFacts:
    """Facts about one container of a pod, by name. `present`: image name -> when it is (or will be) on the node."""

    def __init__(self, run: Run, container: Container, present: Mapping[str, float], view: View, now: float) -> None:
        self._run, self._it, self._present, self._view, self._now = run, container, present, view, now

    def __getitem__(self, name: str, /) -> Any:
        return _CONTAINER[name](self)

    def _image(self) -> str:
        image = self._it.image
        if image.error:
            return "invalid"
        policy = self._it.spec.get("imagePullPolicy") or "IfNotPresent"
        arrival = self._present.get(image.name)
        if arrival is not None and arrival > self._now and policy != "Never":
            return "arriving"
        if policy == "Always" or arrival is None:
            return "forbidden" if policy == "Never" else "absent"
        return "forbidden" if arrival > self._now else "present"

    def _arrival(self) -> float:
        return self._present[self._it.image.name] - self._it.since

    def _pull(self) -> float:
        return max(self._present.get(self._it.image.name, 0.0) - self._it.since, AGAIN)

    def _pull_wait(self) -> float:
        held = self._it.pulls
        return 0.0 if held is None else max(0.0, held.granted + held.seconds - self._it.since)

    def _config_error(self) -> str:
        return references.missing_for_container(self._view, self._run.key[0], self._it.spec)

    def _alive(self) -> tuple[str, float] | None:
        return probing.killed_by(self._it)

    def _patience(self) -> float:
        found = self._alive()
        return 0.0 if found is None else found[1] - self._it.since

    def _stop(self) -> float:
        return 0.0 if self._it.stop_at is None else max(0.0, self._it.stop_at - self._it.since)

    def _ends(self) -> bool:
        return self._it.plan.lasts is not None or exit_override(self._run, self._it) is not None

    def _lasts(self) -> float:
        override = exit_override(self._run, self._it)
        return override[0] if override is not None else self._it.plan.lasts or 0.0

    def _wait(self) -> float:
        it = self._it
        return 0.0 if it.run is None or it.run.finished is None else backoff.wait(it.crashes, it.run.finished)

    def _crash_wait(self) -> float:
        run = self._it.run
        return 0.0 if run is None or run.finished is None else max(0.0, run.finished + self._wait() - self._it.since)


_CONTAINER: dict[str, Callable[[ContainerFacts], Any]] = {
    "container": lambda f: f._it.name,
    "full_name": lambda f: f"{f._run.key[1]}_{f._run.key[0]}({f._run.uid})",
    "image": ContainerFacts._image,
    "image_name": lambda f: f._it.image.asked,
    "image_error": lambda f: f._it.image.error,
    "size": lambda f: f._it.image.size,
    "arrival": ContainerFacts._arrival,
    "pullable": lambda f: not f._it.image.pull_error,
    "pull": ContainerFacts._pull,
    "pull_error": lambda f: f._it.image.pull_error,
    "took": lambda f: images.go_seconds(f._pull()),
    "pull_wait": ContainerFacts._pull_wait,
    "config": lambda f: "missing" if f._config_error() else "complete",
    "config_error": ContainerFacts._config_error,
    "told": lambda f: f._it.stop_at is not None,
    "stop": ContainerFacts._stop,
    "healthy": lambda f: f._alive() is None,
    "probe": lambda f: (f._alive() or ("liveness",))[0],
    "patience": ContainerFacts._patience,
    "ends": ContainerFacts._ends,
    "lasts": ContainerFacts._lasts,
    "again": lambda f: f._run.state == "live" and f._run.restarts(f._it),
    "waits": lambda f: f._wait() > 0,
    "wait_text": lambda f: images.go_seconds(f._wait()),
    "crash_wait": ContainerFacts._crash_wait,
}

POD_FACTS = tuple(_POD)
CONTAINER_FACTS = tuple(_CONTAINER)


def _number(text: str | None, otherwise: float) -> float:
    try:
        return float(text) if text is not None else otherwise
    except ValueError:
        return otherwise
