"""A person's own policies: a score or a filter as a small function, compiled, and used like a plugin of kube-scheduler.

    @score(weight=2)
    def prefers_full_nodes(node, pod):
        return 100 * node.requested_cpu // node.allocatable_cpu

`node` has allocatable_cpu, requested_cpu and free_cpu in thousandths, the same three for memory and storage in bytes, and
allocatable_pods, pods and free_pods; `pod` has cpu, memory and storage. More is declared: with resources={"gpu": "nvidia.com/gpu"}
there are allocatable_gpu, requested_gpu, free_gpu and pod.gpu; with labels={"cost": "cost", "ssd": "disk=ssd"} node.cost is the
label's value as a number (not a number, `nan`, where there is none), and node.ssd tells whether the label has that value.

A score is 0 to 100, a larger one is better; other numbers need normalise="highest" (the largest becomes 100) or "lowest" (the
smallest is best, the largest becomes 0). Fractions are cut off. A filter returns whether the pod may go to the node.

A policy runs in the process that defines it and nowhere else: it is never sent to a cluster.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from k8s_notebook.objects import quantity
from k8s_notebook.scheduler import own_loops
from k8s_notebook.scheduler.arrays import Cluster, Ints
from k8s_notebook.scheduler.mistakes import Mistake
from k8s_notebook.scheduler.own_loops import AMOUNTS, MISTAKE, RAISED, Fields, Loop
from k8s_notebook.scheduler.plugins import plugin as rows
from k8s_notebook.scheduler.plugins.plugin import Plugin, says
from k8s_notebook.scheduler.pods import PodClass

Declared = Mapping[str, str] | Iterable[str]
Point = Literal["score", "filter"]
Normalise = Literal["", "highest", "lowest"]

_MODES: Final = {"": rows.RAW, "highest": rows.HIGHEST_IS_100, "lowest": rows.LOWEST_IS_100}
_RESOURCES: Final = ("cpu", "memory", "ephemeral-storage")


class Bound(Protocol):
    """A policy for one class of pods in one cluster."""

    def fill(self, changed: Ints, out: Ints) -> None:
        """Answer for the slots in `changed`: out[slot] is a raw score, or 0 (passes), 1 (refuses) or 2 (raised) of a filter."""

    def trouble(self, slots: Ints, out: Ints) -> str:
        """The sentence about an answer for one of these slots that is not allowed, "" if all are."""


class Own(Protocol):
    """What the cycle knows of a policy."""

    @property
    def filters(self) -> bool:
        """Whether it refuses nodes; if not, it scores them."""

    def bind(self, pod_class: PodClass, cluster: Cluster) -> Bound:
        """The policy for a class of pods."""


class Policy:
    """A function of a node and a pod, as a plugin. Calling it calls the function."""

    def __init__(
        self, function: Callable[..., Any], point: Point, weight: int = 1, *, labels: Declared = (), resources: Declared = (),
        normalise: Normalise = "", reason: str = "", compile: bool = True,
    ) -> None:  # fmt: skip
        self.function = getattr(function, "py_func", function)
        if not inspect.isfunction(self.function):
            raise Mistake(f"a policy is a function of (node, pod) written with def, not {function!r}")
        self.name: str = self.function.__name__
        self.point = point
        self.weight = weight
        self.normalise = normalise
        self._check()
        self.resources = _declared(resources, "resources")
        self.labels = _declared(labels, "labels")
        flags = tuple(field for field, label in self.labels.items() if "=" in label)
        numbers = tuple(field for field in self.labels if field not in flags)
        self.fields = Fields(tuple(self.resources), flags, numbers)
        _distinct(self.fields)
        self._loop = self._made(compile and own_loops.available())
        self.plugin = Plugin(
            self.name, weight if point == "score" else 0, mode=_MODES[normalise], own=self,
            reasons=says(reason or f"node(s) were refused by {self.name}", final=False) if self.filters else None,
        )  # fmt: skip

    @property
    def filters(self) -> bool:
        """Whether it refuses nodes; if not, it scores them."""
        return self.point == "filter"

    @property
    def scores(self) -> bool:
        """Whether it weighs nodes."""
        return not self.filters

    def bind(self, pod_class: PodClass, cluster: Cluster) -> BoundPolicy:
        """The policy for a class of pods in a cluster."""
        return BoundPolicy(self, self._loop, pod_class, cluster)

    def interpreted(self) -> Policy:
        """The same policy without compiled code."""
        made = object.__new__(Policy)
        made.__dict__.update(self.__dict__)
        made._loop = own_loops.written(self.function, self.fields, filters=self.filters)
        return made

    def __call__(self, node: Any, pod: Any) -> Any:
        """What the function itself returns."""
        return self.function(node, pod)

    def __repr__(self) -> str:
        """What it is, for people."""
        return f"<{self.point} {self.name}{f', weight {self.weight}' if self.scores else ''}>"

    def _made(self, compile: bool) -> Loop:
        if not compile:
            own_loops.tried(self.function, self.fields, filters=self.filters)
            return own_loops.written(self.function, self.fields, filters=self.filters)
        table = np.zeros((1, len(AMOUNTS)), np.int64)
        ints = np.zeros(1, np.int64)
        example = (table, table, ints, ints, ints, np.zeros((1, 1), np.bool_), np.zeros((1, 1)), ints, ints, ints)
        return own_loops.compiled(self.function, self.fields, example, filters=self.filters)

    def _check(self) -> None:
        if not self.name.isidentifier():
            raise Mistake("a policy needs a name; write it with def")
        if len(inspect.signature(self.function).parameters) != 2:
            raise Mistake(f"{self.name} must take two arguments, (node, pod)")
        if type(self.weight) is not int or self.weight < 1:
            raise Mistake(f"{self.name}: weight must be a whole number from 1, not {self.weight!r}")
        if self.normalise not in _MODES:
            raise Mistake(f'{self.name}: normalise must be "highest" or "lowest", not {self.normalise!r}')


class BoundPolicy:
    """A policy for one class of pods in one cluster. It reads the cluster's arrays anew each time."""

    def __init__(self, policy: Policy, loop: Loop, pod_class: PodClass, cluster: Cluster) -> None:
        self._policy, self._loop, self._cluster = policy, loop, cluster
        wanted = pod_class.requests.exact
        self._asked: Ints = np.array([wanted.get(name, 0) for name in (*_RESOURCES, *policy.resources.values())], np.int64)
        self._version = self._width = -1
        self._columns: Ints = np.zeros(0, np.int64)
        self._flags: npt.NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._numbers: npt.NDArray[np.float64] = np.zeros((0, 0))

    def fill(self, changed: Ints, out: Ints) -> None:
        """Answer for the slots in `changed`: out[slot] is a raw score, or 0 (passes), 1 (refuses) or 2 (raised) of a filter."""
        self._loop.fill(*self._arrays(), changed, out)

    def trouble(self, slots: Ints, out: Ints) -> str:
        """The sentence about an answer for one of these slots that is not allowed, "" if all are."""
        given = out[slots]
        policy = self._policy
        if policy.filters:
            bad = given == RAISED
        elif policy.normalise:
            bad = given < 0
        else:
            bad = (given < 0) | (given > 100)
        return self._sentence(int(slots[np.flatnonzero(bad)[0]]), out) if np.any(bad) else ""

    def _arrays(self) -> tuple[Any, ...]:
        """What the loop reads, up to date."""
        cluster, policy, arrays = self._cluster, self._policy, self._cluster.arrays
        if self._width != len(cluster.resources):
            self._width = len(cluster.resources)
            self._columns = np.array([cluster.resources.get(name, -1) for name in policy.resources.values()], np.int64)
        if self._version != cluster.version or len(self._flags) != len(cluster.names):
            self._version = cluster.version
            self._flags, self._numbers = self._labels()
        return (
            arrays.allocatable, arrays.requested, arrays.room, arrays.pods, self._columns, self._flags, self._numbers, self._asked,
        )  # fmt: skip

    def _labels(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
        """[slot, field] of the declared labels."""
        cluster, policy = self._cluster, self._policy
        flags = np.zeros((len(cluster.names), len(policy.fields.flags)), np.bool_)
        numbers = np.zeros((len(cluster.names), len(policy.fields.numbers)))
        for i, field in enumerate(policy.fields.flags):
            key, _, value = policy.labels[field].partition("=")
            column = cluster.labels.column(key)
            flags[:, i] = column.ids == column.number(value)
        for i, field in enumerate(policy.fields.numbers):
            column = cluster.labels.column(policy.labels[field])
            numbers[:, i] = np.array([_number(value) for value in column.values])[column.ids]
        return flags, numbers

    def _sentence(self, slot: int, out: Ints) -> str:
        """What is wrong with the answer for a node; the function is asked again, as it is written."""
        policy, name = self._policy, f"node {self._cluster.names[slot]}"
        seen: list[BaseException | Any] = []
        again = own_loops.written(_remembering(policy.function, seen), policy.fields, filters=policy.filters)
        again.fill(*self._arrays(), np.array([slot]), out.copy())
        answer = seen[0] if seen else None
        if isinstance(answer, BaseException):
            return own_loops.raised(policy.function, answer, name)
        if policy.filters:
            return f"{policy.name} raised an exception on {name}"
        shown = repr(answer if out[slot] == MISTAKE else int(out[slot]))
        wanted = "a number from 0 on" if policy.normalise else 'a number from 0 to 100 (or say normalise="highest" or "lowest")'
        return f"{policy.name} returned {shown} for {name}; a score must be {wanted}"


def score(
    function: Callable[..., Any] | None = None, /, *, weight: int = 1, labels: Declared = (), resources: Declared = (),
    normalise: Normalise = "",
) -> Any:  # fmt: skip
    """Decorator: the function as a score policy. Mistake, one sentence with the line, if it cannot be compiled."""

    def made(written: Callable[..., Any]) -> Policy:
        return Policy(written, "score", weight, labels=labels, resources=resources, normalise=normalise)

    return made if function is None else made(function)


def filter(
    function: Callable[..., Any] | None = None, /, *, reason: str = "", labels: Declared = (), resources: Declared = ()
) -> Any:
    """Decorator: the function as a filter policy; `reason` is what is said of the nodes that it refuses."""

    def made(written: Callable[..., Any]) -> Policy:
        return Policy(written, "filter", labels=labels, resources=resources, reason=reason)

    return made if function is None else made(function)


def _declared(given: Declared, what: str) -> dict[str, str]:
    """Field -> label or resource; the fields of a plain list are made from what stands after the last slash."""
    if isinstance(given, str):
        given = (given,)
    pairs = dict(given) if isinstance(given, Mapping) else {re.sub(r"\W", "_", each.rpartition("/")[2]): each for each in given}
    for field, each in pairs.items():
        if not field.isidentifier() or field.startswith("_"):
            raise Mistake(f'{what}: "{field}" cannot be a field; give "{each}" a name: {what}={{"name": "{each}"}}')
    return pairs


def _distinct(fields: Fields) -> None:
    names = fields.node
    for field in (*fields.flags, *fields.numbers, *fields.resources):
        if names.count(field) > 1 or field in AMOUNTS:
            raise Mistake(f'there is a field "{field}" already; give the declared one another name: {{"another": …}}')


def _number(text: str | None) -> float:
    """A label's value as a number; Kubernetes' suffixes count. NaN if it is none.

    >>> _number("0.25"), _number("2Ki"), _number("high")
    (0.25, 2048.0, nan)
    """
    try:
        return float(quantity.parse(text)) if text else math.nan
    except (ValueError, OverflowError):
        return math.nan


def _remembering(function: Callable[..., Any], seen: list[Any]) -> Callable[..., Any]:
    """The function; what it returns or raises is also put into `seen`."""

    def asked(node: Any, pod: Any) -> Any:
        try:
            answer = function(node, pod)
        except Exception as problem:
            seen.append(problem)
            raise
        seen.append(answer)
        return answer

    return asked
