"""What a decision rests on, in columns that need no cluster any more: per node and plugin the verdict, its reasons, the scores."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from k8s_notebook.scheduler import messages, packing

if TYPE_CHECKING:
    from k8s_notebook.scheduler.arrays import Incoming
    from k8s_notebook.scheduler.columns import Columns
    from k8s_notebook.scheduler.cycle import Cycle

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

OUTSIDE = messages.OUTSIDE.format("NodeAffinity")
"""The reason of nodes that a pod excludes by naming others."""
HELD = "node(s) hold the room for nominated pods"
"""The reason of nodes that fit but for the pods for which room was made there."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row per node: those that were looked at in that order, then those that were not.

    Scores are [plugin, node] and 0 where a node was not scored.
    """

    nodes: list[str]
    filters: tuple[str, ...]
    scores: tuple[str, ...]
    weights: tuple[int, ...]
    fails: Bools
    """[node, filter]"""
    scored: Bools
    """[node]: took part in the scoring"""
    raw: Ints
    normalised: Ints
    chosen: int
    """The row of the chosen node, or -1."""
    texts: tuple[str, ...]
    given: Ints
    """[any, 3]: (row, filter, text): who refused whom with which words; by row, then by filter"""

    def __len__(self) -> int:
        """How many nodes there are."""
        return len(self.nodes)

    @property
    def feasible(self) -> Bools:
        """[node]: no filter refuses it."""
        found: Bools = np.logical_not(np.any(self.fails, axis=1))
        return found

    @property
    def weighted(self) -> Ints:
        """[plugin, node]: normalised scores times the plugin's weight."""
        return self.normalised * np.array(self.weights, np.int64).reshape(-1, 1)

    @property
    def total(self) -> Ints:
        """[node]: the sum of the weighted scores."""
        found: Ints = self.weighted.sum(axis=0)
        return found

    @property
    def stopped(self) -> Ints:
        """[node]: the first filter that refuses the node, or -1."""
        return np.where(self.fails.any(axis=1), self.fails.argmax(axis=1) if len(self.filters) else 0, -1)

    def order(self) -> Ints:
        """Rows, best first: the chosen one, then by total, then as they were looked at; refused nodes last."""
        rows = np.arange(len(self))
        return np.lexsort((rows, -self.total, ~self.scored, rows != self.chosen, ~self.feasible))

    def reasons(self, row: int, filter_: int = -1) -> list[str]:
        """Why a node was refused: by its first filter, or by the one that is named."""
        by = int(self.stopped[row]) if filter_ < 0 else filter_
        start, end = np.searchsorted(self.given[:, 0], (row, row + 1))
        return [self.texts[text] for _, f, text in self.given[start:end].tolist() if f == by]

    def first_reasons(self) -> list[tuple[int, int, Ints]]:
        """(filter, text, rows): the reasons of the first filter that refuses each node, the most frequent first."""
        first = self.given[self.stopped[self.given[:, 0]] == self.given[:, 1]]
        pairs = Counter((f, t) for f, t in first[:, 1:].tolist())
        ordered = sorted(pairs, key=lambda p: (-pairs[p], p))
        return [(f, t, first[(first[:, 1] == f) & (first[:, 2] == t), 0]) for f, t in ordered]

    def pack(self) -> dict[str, Any]:
        """The same as a JSON object."""
        return {
            "nodes": packing.words(self.nodes), "filters": list(self.filters), "scores": list(self.scores),
            "weights": list(self.weights), "fails": packing.array(self.fails), "scored": packing.array(self.scored),
            "raw": packing.array(self.raw), "normalised": packing.array(self.normalised), "chosen": self.chosen,
            "texts": list(self.texts), "given": packing.array(self.given.T),
        }  # fmt: skip


def unpack(packed: dict[str, Any]) -> Evidence:
    """What `pack` made a JSON object of."""
    return Evidence(
        packing.read_words(packed["nodes"]), tuple(packed["filters"]), tuple(packed["scores"]), tuple(packed["weights"]),
        packing.read(packed["fails"]).astype(np.bool_), packing.read(packed["scored"]).astype(np.bool_),
        packing.read(packed["raw"]), packing.read(packed["normalised"]), int(packed["chosen"]), tuple(packed["texts"]),
        packing.read(packed["given"]).T,
    )  # fmt: skip


def of(cycle: Cycle, incoming: Incoming, *, node: str | None = None) -> Evidence:
    """The evidence for a decision about a pod now; it changes nothing. `node` is what was chosen, if that is known."""
    columns = cycle.columns(incoming)
    texts: dict[str, int] = {}
    rejected, inside = _rejected(cycle, incoming), set(columns.nodes)
    given = _refusals(cycle, incoming, columns, texts) if rejected is None else []
    names = [name for name in cycle.cluster.slots if name not in inside]
    looked_at, size = len(columns.nodes), len(columns.nodes) + len(names)
    filters, scores = cycle.profile.filters, cycle.profile.scores
    fails, scored = np.zeros((size, len(filters)), np.bool_), np.zeros(size, np.bool_)
    fails[:looked_at], scored[:looked_at] = columns.fails & (rejected is None), columns.scored
    held = np.flatnonzero(~columns.feasible & ~columns.fails.any(axis=1)) if rejected is None else np.zeros(0, np.int64)
    others = np.arange(looked_at if rejected is None else 0, size)
    for rows, (blamed, why) in (
        (held, (_position(filters, "NodeResourcesFit"), HELD)), (others, rejected or (_position(filters, "NodeAffinity"), OUTSIDE)),
    ):  # fmt: skip
        if len(rows):
            fails[rows, blamed] = True
            given.append(_triples(rows, blamed, np.full(len(rows), texts.setdefault(why, len(texts)))))
    raw, each = np.zeros((2, len(scores), size), np.int64)
    raw[:, :looked_at], each[:, :looked_at] = columns.raw, columns.normalised
    chosen = columns.chosen if node is None else (columns.nodes.index(node) if node in columns.nodes else -1)
    triples = np.concatenate(given) if given else np.zeros((0, 3), np.int64)
    order = np.lexsort((triples[:, 2], triples[:, 1], triples[:, 0]))
    weights = tuple(int(w) for w in cycle.profile.weights)
    return Evidence(
        [*columns.nodes, *names], tuple(p.name for p in filters), tuple(p.name for p in scores), weights, fails, scored, raw, each,
        chosen, tuple(texts), triples[order],
    )  # fmt: skip


def _refusals(cycle: Cycle, incoming: Incoming, columns: Columns, texts: dict[str, int]) -> list[Ints]:
    """(row, filter, text) of every filter's reasons, and the texts by number."""
    rows, found = cycle.rows(incoming), []
    positions = cycle.cluster.positions[columns.slots]
    for bit, plugin in enumerate(cycle.profile.filters):
        refused = np.flatnonzero(columns.fails[:, bit])
        if len(refused):
            said = rows.reasons(plugin, positions[refused])
            if not said.texts:
                number = texts.setdefault(f"refused by {plugin.name}", len(texts))
                found.append(_triples(refused, bit, np.full(len(refused), number)))
                continue
            numbers = np.array([texts.setdefault(text, len(texts)) for text in said.texts], np.int64)
            at, which = np.nonzero(said.given)
            found.append(_triples(refused[at], bit, numbers[which]))
    return found


def _triples(rows: Ints, filter_: int, texts: Ints) -> Ints:
    return np.column_stack((rows, np.full(len(rows), filter_, np.int64), texts)).astype(np.int64)


def _rejected(cycle: Cycle, incoming: Incoming) -> tuple[int, str] | None:
    """(filter, sentence) of the plugin that refuses the whole pod, if one does."""
    rows = cycle.rows(incoming)
    return (_position(cycle.profile.filters, rows.rejector), rows.rejected) if rows.rejected else None


def _position(filters: tuple[Any, ...], name: str) -> int:
    return next((bit for bit, plugin in enumerate(filters) if plugin.name == name), 0)
