"""Things that another thread delivers: the one implementation of `machinery.api.Stream`."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """What arrived and was not taken yet; safe between threads.

    `trouble` is why nothing can arrive just now. Call `on_close` to learn that the reader lost interest, `on_taken` that there is room again.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self.trouble = ""
        self._limit = limit
        self._lock = threading.Lock()
        self._items: deque[T] = deque()
        self._error: Exception | None = None
        self._over = False
        self._closed = False
        self._ready: list[Callable[[], None]] = []
        self._taken: Callable[[], None] | None = None
        self._on_close: Callable[[], None] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more (what has arrived may still be taken)."""
        return self._over

    @property
    def full(self) -> bool:
        """Whether the sender should wait until something was taken."""
        return len(self._items) >= self._limit

    def take(self) -> list[T]:
        """What arrived since the last call; raises the error that ended the stream once everything was taken."""
        with self._lock:
            items = list(self._items)
            self._items.clear()
            error = self._error if not items else None
        if items and self._taken is not None:
            self._taken()
        if error is not None:
            raise error
        return items

    def on_ready(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever something can be taken from an empty inbox, and at the end."""
        with self._lock:
            self._ready.append(callback)
            now = bool(self._items) or self._over
        if now:
            callback()

    def on_taken(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the reader took something."""
        self._taken = callback

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the reader lets go; at once if that is so already."""
        with self._lock:
            self._on_close = callback
            now = self._closed
        if now:
            callback()

    def put(self, items: Iterable[T]) -> None:
        """Deliver; nothing happens once the stream is over."""
        with self._lock:
            if self._over:
                return
            was_empty = not self._items
            self._items.extend(items)
            callbacks = list(self._ready) if was_empty and self._items else []
        for callback in callbacks:
            callback()

    def say(self, trouble: str) -> None:
        """Tell the reader why nothing can arrive just now; "" when that is over."""
        with self._lock:
            if self._over or trouble == self.trouble:
                return
            self.trouble = trouble
            callbacks = list(self._ready)
        for callback in callbacks:
            callback()

    def end(self, error: Exception | None = None) -> None:
        """Nothing will come any more; `error` is what the reader meets at the end."""
        with self._lock:
            if self._over:
                return
            self._over, self._error = True, error
            callbacks = list(self._ready)
        for callback in callbacks:
            callback()

    def close(self) -> None:
        """Let go; nothing arrives afterwards."""
        with self._lock:
            first = not self._closed
            self._closed = self._over = True
            self._error = None
            self._items.clear()
            told = self._on_close if first else None
        if told is not None:
            told()
