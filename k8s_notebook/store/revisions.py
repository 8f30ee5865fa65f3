"""The versioned map: a head that changes at once, commits that make it durable, and the history that watches need."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator

from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError, Expired, InternalError
from k8s_notebook.sim.clock import Clock
from k8s_notebook.store import watches
from k8s_notebook.store.journal import Journal, JournalError, Row
from k8s_notebook.store.watches import Change, Convert, Entry, Matches, Subscription

WINDOW = 50_000
"""Revisions of history that can be asked for; what is older is Expired."""
IN_MEMORY = 24 << 20
"""Bytes of history that are kept in memory; older history is read from the journal."""
SWEEP = 1000
"""Superseded rows that are given up in one go."""
COLD = frozenset({"events"})
"""Resources that are many and rarely read: their versions are kept as JSON only."""

Listener = Callable[[Entry | None, Entry | None], None]
"""Called with (old, new) the moment the head changes, also when a failed commit changes it back."""


class _Shelf:
    """All objects of one resource: namespace -> name -> entry, and their order."""

    __slots__ = ("count", "namespaces", "sorted")

    def __init__(self) -> None:
        self.namespaces: dict[str, dict[str, Entry]] = {}
        self.sorted: dict[str, list[str]] = {}
        self.count = 0

    def set(self, namespace: str, name: str, entry: Entry | None) -> None:
        """Put an entry in its place, or with None take out the one that is there."""
        inside = self.namespaces.get(namespace)
        if inside is None:
            inside = self.namespaces[namespace] = {}
        if entry is None:
            del inside[name]
            self.count -= 1
            self.sorted.pop(namespace, None)
            if not inside:
                del self.namespaces[namespace]
            return
        if name not in inside:
            self.count += 1
            self.sorted.pop(namespace, None)
        inside[name] = entry

    def inside(self, namespace: str) -> list[Entry]:
        """The entries of one namespace, by name."""
        inside = self.namespaces.get(namespace)
        if inside is None:
            return []
        names = self.sorted.get(namespace)
        if names is None:
            names = self.sorted[namespace] = sorted(inside)
        return [inside[n] for n in names]


class Store:
    """All objects of one cluster.

    `put` and `delete` change the head at once. `commit()` makes everything written since the last one durable, shows it to
    watchers and then tells those who asked by `on_commit`. The host says by `on_dirty` how a commit is planned.
    """

    def __init__(self, clock: Clock, journal: Journal | None = None, *, window: int = WINDOW, in_memory: int = IN_MEMORY) -> None:
        self.clock = clock
        self.revision = 0
        self.on_dirty: Callable[[], None] | None = None
        self.commits = 0
        self._journal = journal
        self._window = window
        self._in_memory = in_memory
        self._shelves: dict[str, _Shelf] = {}
        self._watches = watches.Watches()
        self._listeners: dict[str, list[Listener]] = {}
        self._pending: list[Change] = []
        self._waiting: list[Callable[[ApiError | None], None]] = []
        self._history: deque[Change] = deque()
        self._history_bytes = 0
        self._history_floor = 0
        self._by_resource: dict[str, deque[Change]] = {}
        self._superseded: deque[tuple[int, int]] = deque()
        if journal is not None:
            self._recover(journal)

    @property
    def dirty(self) -> bool:
        """Whether there are writes that are not committed: an answer over the wire waits for `on_commit` then."""
        return bool(self._pending)

    @property
    def floor(self) -> int:
        """The oldest revision from which one can watch."""
        return self._history_floor if self._journal is None else min(self._history_floor, self._journal.floor)

    @property
    def watchers(self) -> int:
        """How many subscriptions are open."""
        return self._watches.count()

    def get(self, resource: str, namespace: str, name: str) -> Entry | None:
        """The current version of one object, or None."""
        shelf = self._shelves.get(resource)
        if shelf is None:
            return None
        inside = shelf.namespaces.get(namespace)
        return inside.get(name) if inside is not None else None

    def entries(self, resource: str, namespace: str = "") -> list[Entry]:
        """The current versions of all objects of a resource (or of one namespace), by (namespace, name)."""
        shelf = self._shelves.get(resource)
        if shelf is None:
            return []
        if namespace:
            return shelf.inside(namespace)
        return [e for n in sorted(shelf.namespaces) for e in shelf.inside(n)]

    def count(self, resource: str, namespace: str = "") -> int:
        """How many objects there are."""
        shelf = self._shelves.get(resource)
        if shelf is None:
            return 0
        return len(shelf.namespaces.get(namespace, ())) if namespace else shelf.count

    def resources(self) -> Iterator[str]:
        """The resources that have objects."""
        return iter(sorted(r for r, s in self._shelves.items() if s.count))

    def listen(self, resource: str, listener: Listener) -> None:
        """Call `listener(old, new)` on every change of the head; for what is there at once, with old None."""
        for entry in self.entries(resource):
            listener(None, entry)
        self._listeners.setdefault(resource, []).append(listener)

    def put(self, resource: str, obj: Obj) -> Entry:
        """Write an object under its namespace and name; the entry carries it with its new resourceVersion."""
        metadata = obj["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        old = self.get(resource, namespace, name)
        self.revision += 1
        obj = {**obj, "metadata": {**metadata, "resourceVersion": str(self.revision)}}
        entry = Entry(obj, watches.encode(obj), self.revision)
        self._change(Change(resource, namespace, name, "MODIFIED" if old is not None else "ADDED", old, entry), entry)
        return entry

    def delete(self, resource: str, namespace: str, name: str, last: Obj | None = None) -> Entry:
        """Take an object out; the entry carries its last state (`last`, else as stored) with the revision of the deletion."""
        old = self.get(resource, namespace, name)
        if old is None:
            raise KeyError((resource, namespace, name))
        self.revision += 1
        obj = old.obj if last is None else last
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision)}}
        entry = Entry(obj, watches.encode(obj), self.revision)
        self._change(Change(resource, namespace, name, "DELETED", old, entry), None)
        return entry

    def on_commit(self, callback: Callable[[ApiError | None], None]) -> None:
        """Call `callback(None)` once what is written is durable, `callback(error)` if it was undone; at once if nothing waits."""
        if self._pending:
            self._waiting.append(callback)
        else:
            callback(None)

    def commit(self) -> None:
        """Make the pending writes durable, then show them; if that fails, undo them. What this causes is the next commit's."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        waiting, self._waiting = self._waiting, []
        revision = self.revision
        self.commits += 1
        error = self._write(pending, revision)
        if error is not None:
            self._undo(pending)
            self._watches.fail(Expired(error.message), revision)
        else:
            self._remember(pending)
            self._watches.deliver(pending, revision)
            for change in pending:
                change.forget(cold=change.resource in COLD)
        for callback in waiting:
            callback(error)

    def watch(
        self,
        resource: str,
        *,
        since: int | None = None,
        namespace: str = "",
        matches: Matches | None = None,
        convert: Convert | None = None,
        about: tuple[str, str] = ("", ""),
        initial_end: bool = True,
        limit: int = watches.LIMIT,
    ) -> Subscription:
        """Changes after `since`; without it first everything that is there (and, with `initial_end`, its bookmark).

        `about` is the (apiVersion, kind) that bookmarks carry. Raises Expired if `since` is before the window.
        """
        start = self.revision if since is None else since
        subscription = Subscription(
            self._watches, resource, start, namespace=namespace, matches=matches, convert=convert, about=about, limit=limit
        )
        if since is None:
            subscription.begin(self.entries(resource, namespace), start, ends=initial_end)
        else:
            for change in self._since(resource, since):
                subscription.offer(change)
        self._watches.join(subscription)
        return subscription

    def at(self, resource: str, revision: int, namespace: str = "") -> list[Entry]:
        """The versions of all objects as they were at `revision`, by (namespace, name); raises Expired before the window."""
        changes = [c for c in self._pending if c.resource == resource and c.shown.revision > revision]
        changes = self._since(resource, revision) + changes
        if not changes:
            return self.entries(resource, namespace)
        found = dict(self._placed(resource))
        for change in reversed(changes):
            if change.old is None:
                found.pop((change.namespace, change.name), None)
            else:
                found[change.namespace, change.name] = change.old
        return [found[k] for k in sorted(found) if not namespace or k[0] == namespace]

    def close(self) -> None:
        """Commit what is pending and let go of the journal."""
        self.commit()
        if self._journal is not None:
            self._journal.close()

    def _placed(self, resource: str) -> Iterator[tuple[tuple[str, str], Entry]]:
        shelf = self._shelves.get(resource) or _Shelf()
        for namespace, inside in shelf.namespaces.items():
            for name, entry in inside.items():
                yield (namespace, name), entry

    def _change(self, change: Change, new: Entry | None) -> None:
        self._set(change.resource, change.namespace, change.name, change.old, new)
        self._pending.append(change)
        if len(self._pending) == 1 and self.on_dirty is not None:
            self.on_dirty()

    def _set(self, resource: str, namespace: str, name: str, old: Entry | None, new: Entry | None) -> None:
        shelf = self._shelves.get(resource)
        if shelf is None:
            shelf = self._shelves[resource] = _Shelf()
        shelf.set(namespace, name, new)
        for listener in self._listeners.get(resource, ()):
            listener(old, new)

    def _write(self, pending: list[Change], revision: int) -> InternalError | None:
        if self._journal is None:
            return None
        rows = [
            Row(c.shown.revision, c.resource, c.namespace, c.name, c.type, c.old.revision if c.old else 0, c.shown.encoded)
            for c in pending
        ]
        floor = revision - self._window
        expired = self._expired(floor)
        try:
            self._journal.append(rows, expired, floor if expired else None)
        except JournalError as error:
            return InternalError(f"the store could not be written: {error}; free some space and try again")
        for _ in expired:
            self._superseded.popleft()
        return None

    def _expired(self, floor: int) -> list[int]:
        """The superseded rows that nobody may ask for any more, once there are enough of them to be worth it."""
        if len(self._superseded) < SWEEP or self._superseded[SWEEP - 1][0] > floor:
            return []
        return [old for _, old in itertools.takewhile(lambda pair: pair[0] <= floor, self._superseded)]

    def _undo(self, pending: list[Change]) -> None:
        for change in reversed(pending):
            new = None if change.type == "DELETED" else change.shown
            self._set(change.resource, change.namespace, change.name, new, change.old)

    def _remember(self, changes: list[Change]) -> None:
        for change in changes:
            self._history.append(change)
            self._history_bytes += len(change.shown.encoded)
            self._by_resource.setdefault(change.resource, deque()).append(change)
            if self._journal is not None:
                self._supersede(change.type, change.shown.revision, change.old.revision if change.old else 0)
        floor = self.revision - self._window
        while self._history and (self._history_bytes > self._in_memory or self._history[0].shown.revision <= floor):
            gone = self._history.popleft()
            self._by_resource[gone.resource].popleft()
            self._history_bytes -= len(gone.shown.encoded)
            self._history_floor = gone.shown.revision

    def _supersede(self, type_: str, revision: int, previous: int) -> None:
        if previous:
            self._superseded.append((revision, previous))
        if type_ == "DELETED":
            self._superseded.append((revision, revision))

    def _since(self, resource: str, revision: int) -> list[Change]:
        """The committed changes of a resource after `revision`, from memory or the journal."""
        if revision >= self._history_floor:
            found: list[Change] = []
            for change in reversed(self._by_resource.get(resource, ())):
                if change.shown.revision <= revision:
                    break
                found.append(change)
            found.reverse()
            return found
        if self._journal is None or revision < self._journal.floor:
            raise watches.too_old(revision, self.floor)
        return [self._read(row) for row in self._journal.since(resource, revision)]

    def _read(self, row: Row) -> Change:
        before = self._journal.value(row.previous) if self._journal is not None and row.previous else None
        old = Entry(None, before, row.previous, keep=False) if before is not None else None
        shown = Entry(None, row.value, row.revision, keep=False)
        type_: watches.EventType = "DELETED" if row.type == "DELETED" else "ADDED" if old is None else "MODIFIED"
        return Change(row.resource, row.namespace, row.name, type_, old, shown)

    def _recover(self, journal: Journal) -> None:
        for row in journal.recover():
            entry = None if row.type == "DELETED" else Entry(None, row.value, row.revision, keep=row.resource not in COLD)
            shelf = self._shelves.setdefault(row.resource, _Shelf())
            if entry is not None or self.get(row.resource, row.namespace, row.name) is not None:
                shelf.set(row.namespace, row.name, entry)
            self._supersede(row.type, row.revision, row.previous)
            self.revision = row.revision
        self._history_floor = self._watches.committed = self.revision
