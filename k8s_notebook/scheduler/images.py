"""Which images are on which nodes, as kube-scheduler remembers it (as in pkg/scheduler/backend/cache/cache.go).

Two habits of its cache show in its scores and are kept here. The size of an image is what the first node that had it said. And a
node's view of how many nodes have an image is as old as the last change of that node or of its pods.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from k8s_notebook.objects import Obj

Ints = npt.NDArray[np.int64]
LONG_HISTORY = 1000
LONGEST_MOVED = 50_000


class _Image:
    """One image name: its size, its nodes, and how many there were when."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.slots: dict[int, None] = {}
        self.epochs: list[int] = []
        self.counts: list[int] = []

    def note(self, epoch: int) -> None:
        """Remember how many nodes have it from `epoch` on."""
        if self.epochs and self.epochs[-1] == epoch:
            self.counts[-1] = len(self.slots)
        else:
            self.epochs.append(epoch)
            self.counts.append(len(self.slots))

    def trim(self, oldest: int) -> None:
        """Forget what was before `oldest`."""
        keep = max(int(np.searchsorted(self.epochs, oldest, "right")) - 1, 0)
        del self.epochs[:keep], self.counts[:keep]


class Images:
    """The images of all nodes. `version` goes up whenever a score may change."""

    def __init__(self, slots: int) -> None:
        self.version = 0
        self.moved: list[int] = []
        """The slots whose score may have changed, in the order in which that was seen."""
        self.forgotten = 0
        """How many of them are not in `moved` any more."""
        self._epoch = 0
        self._images: dict[str, _Image] = {}
        self._names: list[tuple[str, ...]] = [()] * slots
        self._seen: Ints = np.zeros(slots, np.int64)
        self._touched: set[int] = set()

    def put(self, slot: int, reported: Iterable[Obj]) -> None:
        """Replace the images of one node by those of its `status.images`."""
        sizes: dict[str, int] = {}
        for entry in reported:
            for name in entry.get("names") or ():
                sizes.setdefault(name, int(entry.get("sizeBytes") or 0))
        self._epoch += 1
        for name in self._names[slot]:
            image = self._images[name]
            del image.slots[slot]
            if not image.slots:
                del self._images[name]
        for name, size in sizes.items():
            self._images.setdefault(name, _Image(size)).slots[slot] = None
        for name in {*self._names[slot], *sizes} & self._images.keys():
            self._note(self._images[name])
        self._names[slot] = tuple(sizes)
        self.touch(slot)

    def touch(self, slot: int) -> None:
        """Note that a node, or what runs there, changed: from the next decision on it knows today's counts."""
        self._touched.add(slot)

    def look(self) -> None:
        """Let the nodes that changed know today's counts; a decision begins with this."""
        stale = [slot for slot in self._touched if self._seen[slot] != self._epoch]
        self._touched.clear()
        if stale:
            self._seen[stale] = self._epoch
            self.version += 1
            self.moved += stale
            if len(self.moved) > LONGEST_MOVED:
                self.forgotten += len(self.moved) // 2
                del self.moved[: len(self.moved) // 2]

    def behind(self) -> bool:
        """Whether some node does not know today's counts yet."""
        return bool(self._images) and bool((self._seen != self._epoch).any())

    def worth(self, name: str, nodes: int) -> tuple[Ints, Ints] | None:
        """(slots that have an image, what it is worth there): its bytes times the share of the `nodes` that have it."""
        image = self._images.get(name)
        if image is None:
            return None
        slots = np.fromiter(image.slots, np.int64, len(image.slots))
        known = np.searchsorted(image.epochs, self._seen[slots], "right") - 1
        counts = np.array(image.counts, np.int64)[np.maximum(known, 0)]
        return slots, (float(image.size) * (counts / float(nodes))).astype(np.int64)

    def worth_at(self, name: str, nodes: int, slots: Iterable[int]) -> list[int]:
        """The same for a few slots; 0 where the image is not."""
        image = self._images.get(name)
        if image is None:
            return [0 for _ in slots]
        return [self._worth(image, nodes, slot) if slot in image.slots else 0 for slot in slots]

    def _worth(self, image: _Image, nodes: int, slot: int) -> int:
        known = max(bisect.bisect_right(image.epochs, int(self._seen[slot])) - 1, 0)
        return int(float(image.size) * (image.counts[known] / float(nodes)))

    def grow(self) -> None:
        """Twice as many slots."""
        self._names += [()] * len(self._names)
        self._seen = np.concatenate((self._seen, np.zeros_like(self._seen)))

    def _note(self, image: _Image) -> None:
        image.note(self._epoch)
        if len(image.epochs) > LONG_HISTORY + 2 * len(self._names):
            image.trim(int(self._seen[list(image.slots)].min()))
