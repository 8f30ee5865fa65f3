"""The one door to any cluster: the embedded one, a minikube or kind or company cluster, a simulation in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from k8s_notebook.machinery.actions import Request
from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kinds

T = TypeVar("T")
EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change. `object` is shared and read-only; `revision` is its resourceVersion as a number.

    A BOOKMARK says that all events up to `revision` were seen; `initial` is true for the one that ends the initial state.
    """

    type: EventType
    object: Obj
    revision: int
    initial: bool = False


class Stream(Protocol[T]):
    """Things that arrive over time, without blocking anybody."""

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more (what has arrived may still be taken)."""
        ...

    def take(self) -> list[T]:
        """What arrived since the last call, in order.

        Raises the ApiError that ended the stream, once everything before it was taken (`Expired`: list again).
        """
        ...

    def on_ready(self, callback: Callable[[], None]) -> None:
        """Call `callback` when something can be taken or the stream ended; at once if that is so already.

        It is called at least once after each `take()` that emptied the stream; it may come from another thread.
        """
        ...

    def close(self) -> None:
        """Let go; nothing arrives afterwards."""
        ...


class Subscription(Stream[WatchEvent], Protocol):
    """The changes of one kind."""

    @property
    def trouble(self) -> str:
        """Why nothing can arrive just now, "" while the cluster is heard; `on_ready` tells when that changes."""
        ...


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Which log of which container. `since` is in seconds; `tail` in lines (None: all)."""

    namespace: str
    pod: str
    container: str = ""
    follow: bool = False
    previous: bool = False
    tail: int | None = None
    since: int | None = None
    timestamps: bool = False


class Ticket(Generic[T]):
    """The receipt of a request: done or not yet, then a value or an ApiError. Safe between threads."""

    __slots__ = ("_callbacks", "_error", "_value", "done", "revision")
    _lock = threading.Lock()

    def __init__(self) -> None:
        self.done = False
        self.revision: int | None = None
        self._value: Any = None
        self._error: Exception | None = None
        self._callbacks: list[Callable[[Ticket[T]], None]] = []

    @classmethod
    def of(cls, value: T, revision: int | None = None) -> Ticket[T]:
        """A ticket that is done. `revision`: the watch will have shown the effect once it has reached this."""
        ticket = cls()
        ticket._value, ticket.revision, ticket.done = value, revision, True
        return ticket

    @classmethod
    def failed(cls, error: Exception) -> Ticket[T]:
        """A ticket that is done with an error."""
        ticket = cls()
        ticket._error, ticket.done = error, True
        return ticket

    @property
    def error(self) -> Exception | None:
        """The error, if it is done and failed."""
        return self._error

    def result(self) -> T:
        """The value; raises the error. RuntimeError while it is not done."""
        if not self.done:
            raise RuntimeError("the request is not done yet")
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value

    def complete(self, value: T, revision: int | None = None) -> None:
        """Finish with a value; nothing happens if it is done already."""
        self._finish(value, None, revision)

    def fail(self, error: Exception) -> None:
        """Finish with an error; nothing happens if it is done already."""
        self._finish(None, error, None)

    def on_done(self, callback: Callable[[Ticket[T]], None]) -> None:
        """Call `callback(ticket)` when it is done: at once if it is, else in the thread that finishes it."""
        with self._lock:
            if not self.done:
                self._callbacks.append(callback)
                return
        callback(self)

    def _finish(self, value: T | None, error: Exception | None, revision: int | None) -> None:
        with self._lock:
            if self.done:
                return
            self._value, self._error, self.revision = value, error, revision
            self.done = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)


class Api(Protocol):
    """A cluster. Nothing here blocks: in memory a ticket is done when it is handed out, over the wire it completes later."""

    @property
    def kinds(self) -> Kinds:
        """The kinds that this cluster serves."""
        ...

    def submit(self, request: Request) -> Ticket[Obj]:
        """Ask for something; the ticket's value is the object, list, Table or Status that the server answers."""
        ...

    def watch(
        self, resource: str, *, since: int | None = None, namespace: str = "", labels: str = "", fields: str = ""
    ) -> Subscription:
        """Changes after revision `since`; without it first an ADDED for everything that is there, then the initial BOOKMARK."""
        ...

    def log(self, request: LogRequest) -> Stream[str]:
        """The lines of a container's log, without line ends."""
        ...
