"""From the decision to the node: what must be written before, the wait for it, the binding (as bindingCycle in schedule_one.go)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from k8s_notebook.machinery.actions import Action, Bind, Emit, RequeueAfter, Write
from k8s_notebook.machinery.api import Api, Ticket
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError
from k8s_notebook.scheduler import conditions
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.plugins import dynamic_resources, volume_binding
from k8s_notebook.scheduler.profiles import Profile
from k8s_notebook.scheduler.queue import Entry
from k8s_notebook.sim.loop import Handle, Loop

BINDER = 'running Bind plugin "DefaultBinder"'


class Step(NamedTuple):
    """What a plugin does before a pod is bound."""

    prebind: Callable[[Obj, str, Cluster, float], list[Action]]
    """what to write, in order; arguments: pod, node, cluster, now"""
    prebound: Callable[[Obj, str, Cluster, list[Action]], bool | str]
    """whether it is in effect; a sentence if it never will be"""
    unreserve: Callable[[Obj, Cluster], Sequence[Action]]
    """what to write if the pod is not bound after all"""


STEPS: dict[str, Step] = {
    "VolumeBinding": Step(
        lambda pod, node, cluster, _: volume_binding.prebind(pod, node, cluster), volume_binding.prebound, lambda *_: ()
    ),
    "DynamicResources": Step(dynamic_resources.prebind, dynamic_resources.prebound, dynamic_resources.unreserve),
}
"""The plugins that do something then, in their order."""


@dataclass(slots=True)
class Binding:
    """A pod on its way to a node, on which it counts already."""

    entry: Entry
    node: str
    limit: float
    """Seconds that what is written before may take to come true."""
    steps: list[tuple[str, list[Action]]] = field(default_factory=list)
    done: list[tuple[str, list[Action]]] = field(default_factory=list)
    deadline: Handle | None = None
    waits_for: str = ""
    """The plugin whose writes are not seen to be in effect yet."""
    sent: bool = False
    """Whether it cannot be cancelled any more."""


class Binder:
    """Binds pods. `bound(binding)` and `failed(binding, sentence, error)` are called with the outcome."""

    def __init__(
        self, api: Api, loop: Loop, cluster: Cluster,
        bound: Callable[[Binding], None], failed: Callable[[Binding, str, ApiError | None], None],
    ) -> None:  # fmt: skip
        self._api = api
        self._loop = loop
        self._cluster = cluster
        self._bound = bound
        self._failed = failed
        self._bindings: dict[str, Binding] = {}
        self._slow: dict[str, Binding] = {}

    def __len__(self) -> int:
        """How many pods are on their way."""
        return len(self._bindings)

    def __contains__(self, uid: str) -> bool:
        return uid in self._bindings

    def begin(self, entry: Entry, node: str, profile: Profile) -> None:
        """Bind a pod, once what its volumes and devices need is done."""
        binding = self._bindings[entry.uid] = Binding(entry, node, profile.args.bind_timeout)
        if needs_more(entry.pod["spec"]):
            used = {p.name for p in profile.filters}
            self._reserve(binding, [name for name in STEPS if name in used])
        if binding.steps:
            self._prepare(binding)
        else:
            self._bind(binding)

    def pop(self, uid: str) -> Binding | None:
        """Forget a pod: it has its node, or is gone."""
        binding = self._bindings.pop(uid, None)
        if binding is not None:
            self._end_wait(binding)
            for _, actions in binding.steps:
                self._cluster.beside.forget(actions)
        return binding

    def cancel(self, uid: str, why: str = "preempted by DefaultPreemption") -> bool:
        """End the binding of a pod that is not bound yet; whether it could be ended."""
        binding = self._bindings.get(uid)
        if binding is None or binding.sent:
            return False
        self._fail(binding, why)
        return True

    def look(self) -> None:
        """Something changed beside nodes and pods: go on with those that waited for it."""
        for binding in list(self._slow.values()):
            self._check(binding)

    def _reserve(self, binding: Binding, names: Sequence[str]) -> None:
        """Find out what must be written, and let no other pod take it."""
        for name in names:
            actions = STEPS[name].prebind(binding.entry.pod, binding.node, self._cluster, self._loop.now())
            if actions:
                binding.steps.append((name, actions))
                self._cluster.beside.assume(actions)

    def _prepare(self, binding: Binding) -> None:
        """Write all that is needed, and where the pod is expected, which others may want to know."""
        expected = conditions.patch(binding.entry.pod, self._loop.now(), nominated=binding.node)
        if expected is not None:
            self._api.submit(expected)
        binding.deadline = self._loop.after(binding.limit, lambda: self._late(binding))
        self._slow[binding.entry.uid] = binding
        self._step(binding)

    def _step(self, binding: Binding) -> None:
        """Begin to write what the next plugin needs; when there is none left, bind."""
        if not binding.steps:
            self._end_wait(binding)
            self._bind(binding)
            return
        _, actions = binding.steps[0]
        self._write(binding, writes(actions))

    def _write(self, binding: Binding, left: Sequence[Write]) -> None:
        """Write one after the other."""
        if self._bindings.get(binding.entry.uid) is not binding:
            return
        name = binding.steps[0][0]
        if not left:
            binding.waits_for = name
            self._check(binding)
            return
        ticket = self._api.submit(left[0])

        def answered() -> None:
            if isinstance(ticket.error, ApiError):
                self._broken(binding, f'running PreBind plugin "{name}": {ticket.error}', ticket.error)
            elif ticket.error is not None:
                raise ticket.error
            else:
                self._write(binding, left[1:])

        _when_done(ticket, self._loop, answered)

    def _broken(self, binding: Binding, why: str, error: ApiError | None = None) -> None:
        if self._bindings.get(binding.entry.uid) is binding:
            self._fail(binding, why, error)

    def _check(self, binding: Binding) -> None:
        """Whether what was written is in effect."""
        name = binding.waits_for
        if not name:
            return
        seen = STEPS[name].prebound(binding.entry.pod, binding.node, self._cluster, binding.steps[0][1])
        if seen is True:
            binding.waits_for = ""
            binding.done.append(binding.steps.pop(0))
            self._step(binding)
        elif seen:
            self._fail(binding, f'running PreBind plugin "{name}": {seen}')

    def _late(self, binding: Binding) -> None:
        self._fail(binding, f'running PreBind plugin "{binding.steps[0][0]}": {volume_binding.TIMED_OUT}')

    def _bind(self, binding: Binding) -> None:
        binding.sent = True
        metadata = binding.entry.pod["metadata"]
        ticket = self._api.submit(Bind(metadata["namespace"], metadata["name"], binding.entry.uid, binding.node))
        _when_done(ticket, self._loop, lambda: self._answered(binding, ticket))

    def _answered(self, binding: Binding, ticket: Ticket[Obj]) -> None:
        if ticket.error is None:
            self._bound(binding)
        elif not isinstance(ticket.error, ApiError):
            raise ticket.error
        else:
            self._fail(binding, f"{BINDER}: {ticket.error}", ticket.error)

    def _fail(self, binding: Binding, why: str, error: ApiError | None = None) -> None:
        """Let go of what was reserved, and tell; the pod itself still counts on its node."""
        self._end_wait(binding)
        for name, actions in (*binding.done, *binding.steps):
            self._cluster.beside.forget(actions)
            for request in writes(STEPS[name].unreserve(binding.entry.pod, self._cluster)):
                self._api.submit(request)
        if self._bindings.get(binding.entry.uid) is binding:
            del self._bindings[binding.entry.uid]
        self._failed(binding, why, error)

    def _end_wait(self, binding: Binding) -> None:
        self._slow.pop(binding.entry.uid, None)
        if binding.deadline is not None:
            binding.deadline.cancel()


def needs_more(spec: Obj) -> bool:
    """Whether a pod has claims, of volumes or of devices."""
    if spec.get("resourceClaims"):
        return True
    return any("persistentVolumeClaim" in v or "ephemeral" in v for v in spec.get("volumes") or ())


def writes(actions: Sequence[Action]) -> list[Write]:
    """Those of the actions that are requests."""
    return [a for a in actions if not isinstance(a, (Emit, RequeueAfter))]


def _when_done(ticket: Ticket[Obj], loop: Loop, then: Callable[[], None]) -> None:
    """Call `then` once the ticket is done: at once if it is, else on the loop."""

    def later(_: Ticket[Obj]) -> None:
        loop.soon(then)

    if ticket.done:
        then()
    else:
        ticket.on_done(later)
