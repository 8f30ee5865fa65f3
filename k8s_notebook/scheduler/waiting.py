"""Pods that wait for a change, filed by the plugins that refused them, so that a change is put to few of them.

Pods that are alike to all hints (most pods of one template) form a group, which is asked about once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from k8s_notebook.scheduler import hints
from k8s_notebook.scheduler.happenings import Event

if TYPE_CHECKING:
    from k8s_notebook.scheduler.queue import Entry

Group = dict[str, "Entry"]


class Waiting:
    """The waiting pods; iterating gives those that are not held back, in the order in which they were refused."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._held: dict[str, Entry] = {}
        self._groups: dict[str, dict[Hashable, Group]] = {}
        self._filed: dict[str, tuple[Hashable, tuple[str, ...]]] = {}

    def __len__(self) -> int:
        return len(self._entries) + len(self._held)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def put(self, entry: Entry) -> None:
        """File a pod under all plugins that refused it, and the one that holds it back."""
        self._unfile(entry.uid)
        key = _key(entry)
        rejectors = tuple(sorted(entry.rejectors | {entry.gate} if entry.gate else entry.rejectors))
        mine, other = (self._held, self._entries) if entry.gate else (self._entries, self._held)
        mine[entry.uid] = entry
        other.pop(entry.uid, None)
        self._filed[entry.uid] = key, rejectors
        for plugin in rejectors:
            self._groups.setdefault(plugin, {}).setdefault(key, {})[entry.uid] = entry

    def drop(self, uid: str) -> None:
        """Take a pod out; harmless if it is not in."""
        self._unfile(uid)
        self._entries.pop(uid, None)
        self._held.pop(uid, None)

    def helped(self, event: Event) -> list[Entry]:
        """The pods that a change may help, in the order in which they were queued."""
        found: dict[str, Entry] = {}
        for plugin, groups in self._groups.items():
            if hints.of(plugin, event.kind) is not None:
                for group in groups.values():
                    one = next(iter(group.values()))
                    if _reaches(one, event) and hints.helps(one, plugin, event):
                        found |= group
        return sorted(found.values(), key=lambda entry: entry.sequence)

    def _unfile(self, uid: str) -> None:
        key, rejectors = self._filed.pop(uid, (None, ()))
        for plugin in rejectors:
            groups = self._groups[plugin]
            del groups[key][uid]
            if not groups[key]:
                del groups[key]
            if not groups:
                del self._groups[plugin]


def helps(entry: Entry, event: Event) -> bool:
    """Whether a change may help one pod."""
    return _reaches(entry, event) and any(hints.helps(entry, p, event) for p in {*entry.rejectors, entry.gate} - {""})


def _reaches(entry: Entry, event: Event) -> bool:
    """Whether a pod that is held back hears of such a change at all."""
    return not entry.gate or hints.of(entry.gate, event.kind) is not None


def _key(entry: Entry) -> Hashable:
    """Equal for pods between which no hint sees a difference: one class, and what a class leaves out."""
    spec, labels = entry.pod["spec"], entry.pod["metadata"].get("labels") or {}
    apart = [labels.get(k) for c in spec.get("topologySpreadConstraints") or () for k in c.get("matchLabelKeys") or ()]
    named = entry.incoming.named if entry.incoming is not None else None
    return entry.pod_class, entry.gate, named, tuple(apart)
