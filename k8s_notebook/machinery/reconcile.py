"""The one loop that runs reconcilers: changes become keys, a key becomes actions, actions go to the cluster.

A key is not looked at again before the view shows what was last done for it: a reconciler always reads its own writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from k8s_notebook.machinery.actions import Action, Bind, Create, Emit, RequeueAfter, Write
from k8s_notebook.machinery.api import Api, Ticket
from k8s_notebook.machinery.cache import Informers, Name, View
from k8s_notebook.machinery.recorder import Recorder
from k8s_notebook.machinery.workqueue import WorkQueue
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError
from k8s_notebook.sim.loop import Loop

Keys = Callable[[View, Obj | None, Obj | None], Iterable[Name]]
"""(view, old, new) -> the keys that a change concerns."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A resource that a controller reads, and the keys that its changes concern."""

    resource: str
    keys: Keys


class Controller(Protocol):
    """Decides what to do about one key; pure: it reads the view and the time, and returns actions."""

    name: str

    def watches(self) -> Sequence[Watch]:
        """What it reads. Every resource that `reconcile` asks the view for is named here."""
        ...

    def reconcile(self, view: View, key: Name, now: float) -> list[Action]:
        """The actions that bring the key closer to what it should be; empty when it is."""
        ...


@runtime_checkable
class Tells(Protocol):
    """A controller that also says something when an action went well: a generated name is known only then."""

    def done(self, view: View, key: Name, action: Write, answer: Obj, now: float) -> list[Action]:
        """The actions (usually an event) that tell the user."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A controller that looks at a key with many parts only so often; in between, changes gather."""

    def pace(self, view: View, key: Name) -> float:
        """The seconds between two looks at a key; 0: none."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A controller that also says something when an action was refused."""

    def refused(self, view: View, key: Name, action: Write, error: ApiError, now: float) -> list[Action]:
        """The actions (usually an event and a condition) that tell the user."""
        ...


@dataclass(slots=True)
class _Pending:
    """What was done for a key and is not over: tickets under way, revisions that the view must reach."""

    tickets: int = 0
    again: bool = False
    failed: bool = False
    revisions: dict[str, int] = field(default_factory=dict)


class ControllerLoop:
    """Runs one controller on `loop`."""

    def __init__(self, api: Api, loop: Loop, informers: Informers, controller: Controller, recorder: Recorder) -> None:
        self.controller = controller
        self.last_reconcile: float | None = None
        self.reconciled = 0
        self.last_error = ""
        self._paced = controller if isinstance(controller, Paced) else None
        self._tells = controller if isinstance(controller, Tells) else None
        self._explains = controller if isinstance(controller, Explains) else None
        self._api = api
        self._loop = loop
        self._informers = informers
        self._recorder = recorder
        self._queue: WorkQueue[Name] = WorkQueue(loop, self._plan)
        self._pending: dict[Name, _Pending] = {}
        self._looked: dict[Name, float] = {}
        informers.on_drained(self._drained)
        for watch in controller.watches():
            informers.listen(watch.resource, lambda old, new, keys=watch.keys: self._changed(keys, old, new))  # type: ignore[misc]

    def status(self) -> dict[str, object]:
        """Queue length, keys that wait, last reconcile (seconds since the epoch), last error."""
        return {
            "queue": len(self._queue),
            "waiting": self._queue.waiting,
            "reconciled": self.reconciled,
            "lastReconcile": self.last_reconcile,
            "lastError": self.last_error,
        }

    def enqueue(self, key: Name) -> None:
        """Look at a key soon."""
        pending = self._pending.get(key)
        if pending is not None:
            pending.again = True
        else:
            self._queue.add(key)

    def _changed(self, keys: Keys, old: Obj | None, new: Obj | None) -> None:
        for key in keys(self._informers, old, new):
            self.enqueue(key)

    def _plan(self) -> None:
        self._loop.soon(self._turn)

    def _turn(self) -> None:
        if not self._informers.synced():
            self._loop.after(0.01, self._turn)
            return
        key = self._queue.take()
        if key is None:
            return
        try:
            self._look(key)
        finally:
            if len(self._queue):
                self._plan()

    def _look(self, key: Name) -> None:
        if key in self._pending:
            self._pending[key].again = True
        elif (wait := self._pause(key)) > 0:
            self._queue.add_after(key, wait)
        else:
            self._reconcile(key)

    def _pause(self, key: Name) -> float:
        """The seconds until a key may be looked at again; when it may, that is noted."""
        if self._paced is None:
            return 0.0
        now = self._loop.now()
        wait = self._looked.pop(key, now) - now
        every = self._paced.pace(self._informers, key)
        if wait > 0:
            self._looked[key] = now + wait
        elif every > 0:
            self._looked[key] = now + every
        return wait

    def _reconcile(self, key: Name) -> None:
        now = self._loop.now()
        self.last_reconcile = now
        self.reconciled += 1
        pending = self._pending[key] = _Pending()
        try:
            for action in self.controller.reconcile(self._informers, key, now):
                if pending.failed:
                    break
                self._act(key, action, pending)
        except Exception as error:
            self._mistaken(pending, error)
            raise
        finally:
            self._settle(key)

    def _mistaken(self, pending: _Pending, error: Exception) -> None:
        """A mistake of ours must not cost a key: it is looked at again, and whoever drives the loop says what it was."""
        pending.failed = True
        self.last_error = f"{type(error).__name__}: {error}"

    def _act(self, key: Name, action: Action, pending: _Pending) -> None:
        if isinstance(action, RequeueAfter):
            self._queue.add_after(key, action.seconds)
        elif isinstance(action, Emit):
            self._recorder.record(action)
        else:
            pending.tickets += 1
            ticket = self._api.submit(action)
            if ticket.done:
                self._answered(key, action, ticket)
            else:
                ticket.on_done(lambda t: self._answered_soon(key, action, t))

    def _answered_soon(self, key: Name, action: Write, ticket: Ticket[Obj]) -> None:
        self._loop.soon(lambda: self._answered_later(key, action, ticket))

    def _answered_later(self, key: Name, action: Write, ticket: Ticket[Obj]) -> None:
        try:
            self._answered(key, action, ticket)
        except Exception as error:
            self._mistaken(self._pending[key], error)
            raise
        finally:
            self._settle(key)

    def _answered(self, key: Name, action: Write, ticket: Ticket[Obj]) -> None:
        pending = self._pending[key]
        pending.tickets -= 1
        error = ticket.error
        if error is None:
            resource = _resource_of(action)
            if ticket.revision is not None and resource in self._informers:
                pending.revisions[resource] = max(ticket.revision, pending.revisions.get(resource, 0))
            if self._tells is not None:
                self._say(self._tells.done(self._informers, key, action, ticket.result(), self._loop.now()))
            return
        if not isinstance(error, ApiError):
            raise error
        pending.failed = True
        self.last_error = str(error)
        if self._explains is not None:
            self._say(self._explains.refused(self._informers, key, action, error, self._loop.now()))

    def _say(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Emit):
                self._recorder.record(action)
            elif not isinstance(action, RequeueAfter):
                self._api.submit(action)

    def _drained(self, resource: str) -> None:
        for key in [k for k, p in self._pending.items() if resource in p.revisions]:
            self._settle(key)

    def _settle(self, key: Name) -> None:
        pending = self._pending.get(key)
        if pending is None or pending.tickets:
            return
        behind = {r: v for r, v in pending.revisions.items() if self._informers.revision(r) < v}
        if behind and not pending.failed:
            pending.revisions = behind
            return
        del self._pending[key]
        if pending.failed:
            self._queue.fail(key)
        else:
            self._queue.forget(key)
            if pending.again:
                self._queue.add(key)


def _resource_of(action: Write) -> str:
    if isinstance(action, Bind):
        return "pods"
    if isinstance(action, Create) and action.subresource:
        return ""
    return action.resource
