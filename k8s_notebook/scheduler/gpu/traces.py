"""Traces of GPU clusters: nodes and pods as arrays, and the orders in which pods arrive.

The files are laid out as in the OpenB trace (alibaba/clusterdata, cluster-trace-gpu-v2023): one CSV of nodes, CSVs of pods, and in
`golden/` the arrival orders and the ranks that break ties, one column per seed. Each file may be compressed (`.gz`).
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

WHOLE = 1000
"""Thousandths of a GPU."""
NODES = "openb_node_list_gpu_node.csv"
PODS = "openb_pod_list_{name}.csv"
PREFIX = "openb_pod_list_"
MOST_MODELS = 62
MOST_GPUS = 62


class Nodes(NamedTuple):
    """The machines, one row each."""

    cpu: Ints
    """thousandths of a CPU"""
    memory: Ints
    """MiB"""
    gpus: Ints
    """how many"""
    model: Ints
    """the number of the GPU's model in `Trace.models`, -1 without GPU"""


class Pods(NamedTuple):
    """What the pods ask for, one row each."""

    cpu: Ints
    memory: Ints
    gpus: Ints
    """how many GPUs"""
    milli: Ints
    """thousandths of each of them; less than 1000 only of a single one"""
    spec: Ints
    """the number in `Trace.specs` of the text that names the allowed models"""


@dataclass(frozen=True)
class Trace:
    """Nodes, pods, and what each seed stands for."""

    name: str
    nodes: Nodes
    pods: Pods
    models: tuple[str, ...]
    specs: tuple[str, ...]
    """As written: names joined by `|`; empty is any model."""
    orders: Mapping[int, Ints] = field(default_factory=dict, repr=False)
    """seed -> the rows of the pods as they arrive"""
    ranks: Mapping[int, Ints] = field(default_factory=dict, repr=False)
    """seed -> the rank of each node; of equally good nodes the lowest rank wins"""

    @property
    def capacity(self) -> int:
        """Thousandths of a GPU in the whole cluster."""
        return WHOLE * int(self.nodes.gpus.sum())

    def allowed(self) -> Ints:
        """For each of `specs` the models that it allows, as a bit set."""
        return np.array([self._models(spec) for spec in self.specs], np.int64)

    def order(self, seed: int) -> Ints:
        """Rows of pods in the order of arrival: the stored one of this seed, else `drawn_order`."""
        stored = self.orders.get(seed)
        return drawn_order(self.pods, self.capacity, seed) if stored is None else stored

    def rank(self, seed: int) -> Ints:
        """The ranks of the nodes: the stored ones of this seed, else drawn."""
        stored = self.ranks.get(seed)
        return np.random.default_rng([seed, 1]).permutation(len(self.nodes.cpu)) if stored is None else stored

    def _models(self, spec: str) -> int:
        if not spec:
            return (1 << MOST_MODELS) - 1
        return sum(1 << self.models.index(name) for name in set(spec.split("|")) if name in self.models)


def trace(folder: str | Path, name: str = "default") -> Trace:
    """The trace of that name (`default`, `cpu050`, `openb_pod_list_multigpu20`, …) with all seeds that `folder`/golden has.

    Raises FileNotFoundError or ValueError, in one sentence, for a folder or a file that is not as it should be.
    """
    folder = Path(folder)
    name = name.removeprefix(PREFIX)
    nodes, pods = folder / NODES, folder / PODS.format(name=name)
    if not _found(pods):
        known = ", ".join(names(folder)) or "none"
        raise FileNotFoundError(f"there is no pod list of a trace {name!r} in {folder}; there are: {known}")
    made = of(rows(nodes), rows(pods), name)
    orders = _seeds(folder / "golden" / f"order_{name}.csv", len(made.pods.cpu))
    ranks = _seeds(folder / "golden" / f"noderank_{name}.csv", len(made.nodes.cpu))
    return Trace(name, made.nodes, made.pods, made.models, made.specs, orders, ranks)


def names(folder: str | Path) -> list[str]:
    """The names of the traces in a folder, sorted."""
    found = Path(folder).glob(PODS.format(name="*") + "*")
    return sorted({p.name.removeprefix(PREFIX).removesuffix(".gz").removesuffix(".csv") for p in found})


def of(nodes: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]], name: str = "own") -> Trace:
    """A trace from rows with OpenB's columns: `cpu_milli memory_mib gpu model` and `cpu_milli memory_mib num_gpu gpu_milli gpu_spec`.

    `model`, `gpu_spec` and the columns about GPUs may be missing. Raises ValueError for what the model cannot express.
    """
    nodes, pods = list(nodes), list(pods)
    models = tuple(sorted({_text(row, "model") for row in nodes} - {""}))
    specs = tuple(sorted({_text(row, "gpu_spec") for row in pods} | {""}))
    numbers, places = {m: i for i, m in enumerate(models)}, {s: i for i, s in enumerate(specs)}
    machines = Nodes(
        _column(nodes, "cpu_milli"),
        _column(nodes, "memory_mib"),
        _column(nodes, "gpu"),
        np.array([numbers.get(_text(row, "model"), -1) for row in nodes], np.int64),
    )
    gpus = _column(pods, "num_gpu")
    wanted = Pods(
        _column(pods, "cpu_milli"),
        _column(pods, "memory_mib"),
        gpus,
        np.where(gpus > 0, _column(pods, "gpu_milli"), 0),
        np.array([places[_text(row, "gpu_spec")] if n else places[""] for row, n in zip(pods, gpus, strict=True)], np.int64),
    )
    _check(machines, wanted, models)
    return Trace(name, machines, wanted, models, specs)


def drawn_order(pods: Pods, capacity: int, seed: int, arriving: float = 1.3) -> Ints:
    """An order by the published protocol, with NumPy's random numbers instead of Go's.

    All pods shuffled, then copies of random ones as long as they stay below `arriving` times the capacity (the last one counts as
    one of its GPUs there, as published); or, where there are too many, random ones taken away.
    """
    chance = np.random.default_rng([seed, 0])
    total, wanted = int((pods.gpus * pods.milli).sum()), arriving * capacity
    order = list(chance.permutation(len(pods.cpu)))
    while total > wanted:
        row = order.pop(int(chance.integers(len(order))))
        total -= int(pods.gpus[row] * pods.milli[row])
    while pods.milli.any():
        row = int(chance.integers(len(pods.cpu)))
        if total + pods.milli[row] > wanted:
            break
        total += int(pods.gpus[row] * pods.milli[row])
        order.append(row)
    return np.array(order, np.int64)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, plain or compressed."""
    found = _found(path)
    if found is None:
        raise FileNotFoundError(f"there is no {path.name} (or {path.name}.gz) in {path.parent}")
    if found.suffix == ".gz":
        with gzip.open(found, "rt", newline="") as packed:
            return list(csv.DictReader(packed))
    with found.open(newline="") as plain:
        return list(csv.DictReader(plain))


def _found(path: Path) -> Path | None:
    for candidate in (path, path.with_name(f"{path.name}.gz")):
        if candidate.is_file():
            return candidate
    return None


def _seeds(path: Path, length: int) -> dict[int, Ints]:
    """The columns `s42`, `s43`, … by seed. A column may be shorter than the others."""
    if _found(path) is None:
        return {}
    table = rows(path)
    seeds = [column for column in table[0] if column[:1] == "s" and column[1:].isdigit()] if table else []
    found = {int(column[1:]): np.array([int(row[column]) for row in table if row[column]], np.int64) for column in seeds}
    for seed, values in found.items():
        if len(values) and not 0 <= values.min() <= values.max() < length:
            raise ValueError(f"{path.name}: seed {seed} names a row that is not in the list")
    return found


def _column(table: Sequence[Mapping[str, Any]], name: str) -> Ints:
    try:
        return np.array([int(row.get(name) or 0) for row in table], np.int64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {name}: {error}") from None


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _check(nodes: Nodes, pods: Pods, models: Sequence[str]) -> None:
    """Raise ValueError for what the kernels could not tell apart or would compute wrongly."""
    if any((column < 0).any() for column in (*nodes[:3], *pods)):
        raise ValueError("a node or a pod has a negative amount")
    least = np.select([pods.gpus > 1, pods.gpus == 1], [WHOLE, 1], 0)
    if (pods.milli > WHOLE).any() or (pods.milli < least).any():
        raise ValueError("gpu_milli is 1 to 1000, and 1000 for a pod with several GPUs")
    if len(models) > MOST_MODELS or (nodes.gpus > MOST_GPUS).any():
        raise ValueError(f"at most {MOST_MODELS} GPU models and {MOST_GPUS} GPUs per node")
