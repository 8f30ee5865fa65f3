"""Events live for an hour."""

from __future__ import annotations

from collections import deque

from k8s_notebook.apiserver.state import State
from k8s_notebook.store.watches import Entry

LIFETIME = 3600.0
_EVERY = 60.0


class EventExpiry:
    """Deletes each event an hour after its last write."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._due: deque[tuple[float, str, str, int]] = deque()
        self._planned = False
        state.store.listen("events", self._changed)

    def _changed(self, old: Entry | None, new: Entry | None) -> None:
        if new is None:
            return
        meta = new.obj["metadata"]
        self._due.append((self._state.now() + LIFETIME, meta["namespace"], meta["name"], new.revision))
        if not self._planned:
            self._planned = True
            self._state.loop.after(LIFETIME, self._sweep)

    def _sweep(self) -> None:
        now = self._state.now()
        while self._due and self._due[0][0] <= now:
            _, namespace, name, revision = self._due.popleft()
            entry = self._state.store.get("events", namespace, name)
            if entry is not None and entry.revision == revision:
                self._state.store.delete("events", namespace, name)
        self._planned = bool(self._due)
        if self._planned:
            self._state.loop.at(max(self._due[0][0], now + _EVERY), self._sweep)
