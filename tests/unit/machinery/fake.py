"""A cluster that a test plays itself: it says what watches tell and when requests are answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_notebook.machinery.actions import Request
from k8s_notebook.machinery.api import EventType, LogRequest, Stream, Ticket, WatchEvent
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import EMBEDDED, Kinds


class Told:
    """A subscription: what the test tells it."""

    def __init__(self, namespace: str = "") -> None:
        self.namespace = namespace
        self.closed = False
        self.trouble = ""
        self._events: list[WatchEvent] = []
        self._error: Exception | None = None
        self._callback: Callable[[], None] = lambda: None

    @property
    def ended(self) -> bool:
        return self.closed or self._error is not None

    def tell(self, type_: EventType, obj: Obj, revision: int) -> None:
        self._put(WatchEvent(type_, obj, revision))

    def bookmark(self, revision: int, *, initial: bool = False) -> None:
        self._put(WatchEvent("BOOKMARK", {}, revision, initial))

    def say(self, trouble: str) -> None:
        self.trouble = trouble
        self._callback()

    def end(self, error: Exception) -> None:
        self._error = error
        self._callback()

    def take(self) -> list[WatchEvent]:
        taken, self._events = self._events, []
        if self._error is not None:
            if not taken:
                raise self._error
            self._callback()
        return taken

    def on_ready(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        if self._events or self.ended:
            callback()

    def close(self) -> None:
        self.closed = True

    def _put(self, event: WatchEvent) -> None:
        self._events.append(event)
        if len(self._events) == 1:
            self._callback()


class Played:
    """An Api. `requests` are what was asked; `answer` decides, None leaves the ticket open in `tickets`."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.tickets: list[Ticket[Obj]] = []
        self.watches: dict[str, list[Told]] = {}
        self.answer: Callable[[Any], Ticket[Obj] | None] = lambda request: Ticket.of({})
        self.refuse_watch: Callable[[str], errors.ApiError | None] = lambda resource: None

    @property
    def kinds(self) -> Kinds:
        return EMBEDDED

    def submit(self, request: Request) -> Ticket[Obj]:
        self.requests.append(request)
        ticket = self.answer(request)
        if ticket is None:
            ticket = Ticket()
            self.tickets.append(ticket)
        return ticket

    def watch(self, resource: str, *, namespace: str = "", **_: Any) -> Told:
        refused = self.refuse_watch(resource)
        if refused is not None:
            raise refused
        told = Told(namespace)
        self.watches.setdefault(resource, []).append(told)
        return told

    def log(self, request: LogRequest) -> Stream[str]:
        raise AssertionError("nobody asks for logs")

    def told(self, resource: str) -> Told:
        """The newest watch of a resource."""
        return self.watches[resource][-1]
