"""A loop on the wall clock in a thread of its own, for what works on a cluster over the wire: a scheduler, an observer.

All that works on the loop belongs to that thread. Answers and events come from the feed's thread and are posted to it, through
`Driver.door(api)`; nobody else touches the loop.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from k8s_notebook.machinery.actions import Bind, Request
from k8s_notebook.machinery.api import Api, LogRequest, Stream, Subscription, Ticket, WatchEvent
from k8s_notebook.objects import Obj
from k8s_notebook.objects.kinds import Kinds
from k8s_notebook.sim import clock
from k8s_notebook.sim.loop import Loop

SLICE = 0.02
"""Seconds of work after which is looked what was posted meanwhile."""
LONGEST_SLEEP = 1.0
"""Seconds: the machine may have been suspended."""

T = TypeVar("T")
Asked = tuple[Request, Ticket[Obj]]
log = logging.getLogger(__name__)


class Driver:
    """Steps `loop` in a thread until `stop()`."""

    def __init__(self, name: str) -> None:
        self.loop = Loop(clock.Wall())
        self.stopping = False
        self._posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def post(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the thread; from any thread."""
        self._posted.put(callback)

    def stop(self, seconds: float = 5.0) -> None:
        """End the thread, and return when it has ended."""
        self.stopping = True
        self.post(lambda: None)
        if threading.current_thread() is not self._thread:
            self._thread.join(seconds)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def door(self, api: Api, most: int = 0) -> Door:
        """The same cluster, whose answers and events come in the thread; at most so many requests are under way (0: any)."""
        return Door(api, self.post, most)

    def _run(self) -> None:
        while not self.stopping:
            self._take_in()
            ends = clock.monotonic() + SLICE
            while self._step() and clock.monotonic() < ends:
                pass

    def _take_in(self) -> None:
        """Call what was posted; wait for something if nothing is due."""
        with contextlib.suppress(queue.Empty):
            self._call(self._posted.get(timeout=self._pause()) if self._pause() > 0 else self._posted.get_nowait())
            while True:
                self._call(self._posted.get_nowait())

    def _pause(self) -> float:
        due = self.loop.peek()
        return LONGEST_SLEEP if due is None else min(max(due - self.loop.now(), 0.0), LONGEST_SLEEP)

    def _step(self) -> bool:
        try:
            return self.loop.step(self.loop.now())
        except Exception:
            # One callback's mistake must not stop the others.
            log.exception("something that works on a cluster failed")
            return True

    @staticmethod
    def _call(callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            log.exception("something that works on a cluster failed")


class Posted(Generic[T]):
    """A Subscription or another Stream whose readers are called where `post` calls them."""

    def __init__(self, stream: Stream[T], post: Callable[[Callable[[], None]], None]) -> None:
        self._stream = stream
        self._post = post

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""
        return self._stream.ended

    @property
    def trouble(self) -> str:
        """Why nothing can arrive just now."""
        return str(getattr(self._stream, "trouble", ""))

    def take(self) -> list[T]:
        """What arrived since the last call."""
        return self._stream.take()

    def on_ready(self, callback: Callable[[], None]) -> None:
        """Call `callback`, where posts are called, when there is something to take."""
        self._stream.on_ready(lambda: self._post(callback))

    def close(self) -> None:
        """Let go."""
        self._stream.close()


class Door:
    """An Api whose answers and events come where `post` calls them; it is used there only.

    Of the requests that wait because `most` are under way, bindings go first.
    """

    def __init__(self, api: Api, post: Callable[[Callable[[], None]], None], most: int = 0) -> None:
        self._api = api
        self._post = post
        self._most = most
        self._open = 0
        self._waiting: tuple[deque[Asked], deque[Asked]] = (deque(), deque())
        self._watches: list[Posted[WatchEvent]] = []

    @property
    def kinds(self) -> Kinds:
        """The kinds that this cluster serves."""
        return self._api.kinds

    @property
    def trouble(self) -> str:
        """Why the cluster is not heard just now, "" while it is."""
        self._watches = [w for w in self._watches if not w.ended]
        return next((w.trouble for w in self._watches if w.trouble), "")

    def submit(self, request: Request) -> Ticket[Obj]:
        """Ask for something; the ticket is done where posts are called."""
        posted: Ticket[Obj] = Ticket()
        if self._most and self._open >= self._most:
            self._waiting[0 if isinstance(request, Bind) else 1].append((request, posted))
        else:
            self._ask(request, posted)
        return posted

    def _ask(self, request: Request, posted: Ticket[Obj]) -> None:
        self._open += 1
        self._api.submit(request).on_done(lambda ticket: self._post(lambda: self._answered(ticket, posted)))

    def _answered(self, ticket: Ticket[Obj], posted: Ticket[Obj]) -> None:
        self._open -= 1
        waiting = self._waiting[0] or self._waiting[1]
        if waiting:
            self._ask(*waiting.popleft())
        if ticket.error is not None:
            posted.fail(ticket.error)
        else:
            posted.complete(ticket.result(), ticket.revision)

    def watch(
        self, resource: str, *, since: int | None = None, namespace: str = "", labels: str = "", fields: str = ""
    ) -> Subscription:
        """Changes of a kind."""
        found = Posted(self._api.watch(resource, since=since, namespace=namespace, labels=labels, fields=fields), self._post)
        self._watches.append(found)
        return found

    def log(self, request: LogRequest) -> Stream[str]:
        """The lines of a container's log."""
        return Posted(self._api.log(request), self._post)
