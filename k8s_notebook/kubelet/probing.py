"""What the probes of running containers change in a kubelet's records: started, ready, failing, and the complaints."""

from __future__ import annotations

from k8s_notebook.kubelet import probes
from k8s_notebook.kubelet.runs import INIT, Container, Run
from k8s_notebook.machinery.actions import Emit

KINDS = ("startup", "readiness", "liveness")


def note(run: Run, container: Container, now: float) -> list[Emit]:
    """Take in what the probes of a running container say at `now`; the events about failures."""
    if container.run is None:
        return []
    spec, since, said = container.spec, container.run.started, run.obj["metadata"].get("annotations")
    events: list[Emit] = []
    for kind in KINDS if said or container.failing else ():
        events += _failure(run, container, kind, now)
    started = "startup" not in container.failing and now >= probes.first_success(spec.get("startupProbe"), since)
    passed = "readiness" not in container.failing and now >= probes.first_success(spec.get("readinessProbe"), since)
    ready = started and passed and container.kind != INIT
    if (started, ready) != (container.started, container.ready):
        container.started, container.ready, container.rendered = started, ready, None
    return events


def next_change(container: Container, now: float) -> float | None:
    """When a probe of a running container may say something new, or None."""
    if container.run is None:
        return None
    since, spec = container.run.started, container.spec
    found = [probes.next_attempt(spec[kind + "Probe"], since, now) for kind in container.failing]
    found += [probes.first_success(spec[name], since) for name in ("startupProbe", "readinessProbe") if name in spec]
    return min((when for when in found if when > now), default=None)


def killed_by(container: Container) -> tuple[str, float] | None:
    """("liveness" or "startup", when the container is killed for it) if such a probe fails now, or None."""
    if container.failing:
        kind = "liveness" if container.started else "startup"
        since = container.failing.get(kind)
        if since is not None:
            return kind, probes.last_failure(container.spec[kind + "Probe"], since)
    return None


def _failure(run: Run, container: Container, kind: str, now: float) -> list[Emit]:
    if not probes.fails(run.obj["metadata"].get("annotations"), kind, container.spec):
        container.failing.pop(kind, None)
        container.probed.pop(kind, None)
        return []
    since = container.failing.setdefault(kind, now)
    if container.run is None or (kind == "startup") == container.started:
        return []
    probe, seen = container.spec[kind + "Probe"], container.probed.get(kind, since - 1e-6)
    container.probed[kind] = now
    message = probes.complaint(kind, probe, run.address)
    times = probes.attempts(probe, container.run.started, seen, now)
    return [Emit(run.obj, "Unhealthy", message, "Warning", container.path)] * times
