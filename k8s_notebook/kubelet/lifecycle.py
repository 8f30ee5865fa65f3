"""What a kubelet does about one pod now: it moves the pod's record along its stages and says what is to be told.

The record (runs.Run) is what the node really runs; here is the only door through which it changes. Time is an argument, the
cluster a view. As in pkg/kubelet/kuberuntime: init containers one after the other, sidecars stay, then all main containers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field

from k8s_notebook.kubelet import backoff, facts, probing, stages, status, stopping
from k8s_notebook.kubelet.runs import INIT, MAIN, SIDECAR, Container, Run, Span, container_id
from k8s_notebook.machinery.actions import Emit
from k8s_notebook.machinery.cache import View

MOST_ROUNDS = 1000
"""Rounds over a pod and its containers in one look: more would be an endless circle of stages."""


@dataclass(slots=True)
class Outcome:
    """What came of one look at a pod: when to look again, the events, the runs of containers that ended."""

    due: float | None = None
    events: list[Emit] = field(default_factory=list)
    ended: list[Span] = field(default_factory=list)

    def by(self, when: float | None) -> None:
        """Look again at `when` or earlier."""
        if when is not None and (self.due is None or when < self.due):
            self.due = when


@functools.cache
def pod_stages() -> stages.Stages:
    """The stages of stages/pod.yaml."""
    return stages.parse(stages.table("pod"), facts.POD_FACTS, "stages/pod.yaml")


@functools.cache
def container_stages() -> stages.Stages:
    """The stages of stages/container.yaml."""
    return stages.parse(stages.table("container"), facts.CONTAINER_FACTS, "stages/container.yaml")


@dataclass(slots=True)
class _Look:
    """One look at a pod. `present`: image -> when it is on the node."""

    run: Run
    present: MutableMapping[str, float]
    view: View
    now: float
    outcome: Outcome


def advance(run: Run, present: MutableMapping[str, float], view: View, now: float) -> Outcome:
    """Move the pod on as far as it is due at `now`. `present`: image -> when it is on the node; a pull adds to it."""
    look = _Look(run, present, view, now, Outcome())
    for _ in range(MOST_ROUNDS):
        look.outcome.due = None
        moved = _advance_pod(look)
        for container in _at_turn(run):
            moved = _advance_container(look, container) or moved
        if not moved:
            break
    if run.state in ("mounting", "unmounted", "sandbox", "live"):
        look.outcome.by(facts.deadline(run))
    return look.outcome


def _advance_pod(look: _Look) -> bool:
    run = look.run
    known = facts.PodFacts(run, look.view, look.now)
    found = stages.next_stage(pod_stages(), run.state, known, run.since)
    if found is None or found[1] > look.now:
        look.outcome.by(found and found[1])
        return False
    stage = found[0]
    look.outcome.events += [Emit(run.obj, s.reason, text, s.type) for s in stage.events for text in s.sentences(known)]
    if stage.reason:
        run.reason, run.message = stage.reason, stage.message
    run.state, run.since = stage.to, look.now
    enter = _ENTER_POD.get(stage.to)
    if enter is not None:
        enter(look)
    return True


def _advance_container(look: _Look, container: Container) -> bool:
    if container.state == "running":
        look.outcome.events += probing.note(look.run, container, look.now)
        look.outcome.by(probing.next_change(container, look.now))
    known = facts.ContainerFacts(look.run, container, look.present, look.view, look.now)
    found = stages.next_stage(container_stages(), container.state, known, container.since)
    if found is None or found[1] > look.now:
        look.outcome.by(found and found[1])
        return False
    stage, when = found
    for said in stage.events:
        for text in said.sentences(known):
            look.outcome.events.append(Emit(look.run.obj, said.reason, text, said.type, container.path))
    if stage.reason or stage.to in ("running", "exited"):
        container.reason, container.message = stage.reason, stages.fill(stage.message, known)
    container.state, container.since, container.rendered = stage.to, look.now, None
    enter = _ENTER.get(stage.to)
    if enter is not None:
        enter(look, container, _Step(stage, when))
    return True


@dataclass(slots=True)
class _Step:
    """One step of a container: the stage and when it was due."""

    stage: stages.Stage
    due: float


def _at_turn(run: Run) -> Iterator[Container]:
    """The containers that may do something now, in order."""
    if run.state == "stopping":
        yield from [c for c in run.containers if c.state == "running"]
    if run.state != "live":
        return
    for container in run.containers:
        if container.kind == INIT and container.state == "exited" and container.code == 0:
            continue
        yield container
        passed = container.started if container.kind == SIDECAR else container.state == "exited" and container.code == 0
        if container.kind != MAIN and not passed:
            return


def _unmounted(look: _Look) -> None:
    look.run.mounts += 1


def _live(look: _Look) -> None:
    look.run.sandbox = look.now


def _stopping(look: _Look) -> None:
    look.outcome.events += stopping.begin(look.run, look.now)


def _stopped(look: _Look) -> None:
    look.run.stopped = look.now


_ENTER_POD: dict[str, Callable[[_Look], None]] = {
    "unmounted": _unmounted,
    "live": _live,
    "stopping": _stopping,
    "stopped": _stopped,
}


def _pulling(look: _Look, container: Container, step: _Step) -> None:
    if not container.image.pull_error:
        look.present.setdefault(container.image.name, look.now + container.image.pull)


def _unpulled(look: _Look, container: Container, step: _Step) -> None:
    container.pulls = backoff.grant(container.pulls, look.now, look.now)


def _running(look: _Look, container: Container, step: _Step) -> None:
    before = container.run
    if before is not None and before.finished is not None:
        container.crashes = backoff.grant(container.crashes, before.finished, look.now)
        container.last = status.terminated(container)
        container.restarts += 1
    container.previous = before
    container.run = Span(container_id(look.run, container), container.image, container.plan, look.now)
    container.started = container.ready = False
    container.failing, container.probed = {}, {}
    look.outcome.events += probing.note(look.run, container, look.now)


def _exited(look: _Look, container: Container, step: _Step) -> None:
    span = container.run
    if span is None:
        return
    span.finished = max(span.started, min(step.due, look.now))
    container.started = container.ready = False
    container.code, container.ended = _ending(look.run, container, step.stage)
    container.stop_at = None
    look.outcome.ended.append(span)


_ENTER: dict[str, Callable[[_Look, Container, _Step], None]] = {
    "pulling": _pulling,
    "unpulled": _unpulled,
    "running": _running,
    "exited": _exited,
}


def _ending(run: Run, container: Container, stage: stages.Stage) -> tuple[int, str]:
    """Exit code and reason of a container that has ended."""
    if container.stop_at is not None:
        asked = container.image.stops.code if container.plan.on_term is None else container.plan.on_term
        return _named(137 if stopping.killed(run, container) else asked)
    if stage.code is not None:
        return _named(stage.code)
    override = facts.exit_override(run, container)
    if override is None:
        return _named(container.plan.code)
    code, reason = _named(override[1])
    return code, facts.notes(run).get(facts.WHY, reason)


def _named(code: int) -> tuple[int, str]:
    return code, "Error" if code else "Completed"
