"""A value checked against the table of its fields: strict about names and types, as kube-scheduler's decoder is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

from k8s_notebook.objects import decoding, schema
from k8s_notebook.objects.errors import BadRequest
from k8s_notebook.objects.validating.findings import shown
from k8s_notebook.scheduler.mistakes import Mistake, meant

_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION: Final = re.compile(rf"([-+]?)(0|(?:{_PART.pattern})+)")
_POD: Final = {
    "v1.NodeAffinity": ("affinity", "nodeAffinity"),
    "v1.TopologySpreadConstraint": ("topologySpreadConstraints",),
}
"""Types that are also part of a pod -> where they stand in its spec."""


def checked(fields: Any, value: Any, path: str = "") -> Any:
    """The value with what it may hold, null left out; Mistake for an unknown field or a wrong type."""
    if isinstance(fields, dict):
        return _struct(fields, value, path)
    if isinstance(fields, list):
        if not isinstance(value, list):
            raise _wrong(path, "a list", value)
        return [checked(fields[0], item, f"{path}[{i}]") for i, item in enumerate(value)]
    return _pod_part(fields, value, path) if fields in _POD else _READ[fields](value, path)


def seconds(text: str) -> float:
    """A Go duration in seconds; ValueError if it is none.

    >>> seconds("1m30s"), seconds("250ms"), seconds("-1s")
    (90.0, 0.25, -1.0)
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration")
    total = math.fsum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(found[2]))
    return -total if found[1] == "-" else total


def joined(path: str, name: str) -> str:
    """The path of a field."""
    return f"{path}.{name}" if path else name


def _struct(fields: dict[str, Any], value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(path, "a map with fields", value)
    found = {}
    for name, item in value.items():
        if name not in fields:
            hint = meant(name, fields) or f"; the fields here are {', '.join(sorted(fields.keys() - {'apiVersion', 'kind'}))}"
            raise Mistake(f"unknown field{hint}", joined(path, name))
        if item is not None:
            found[name] = checked(fields[name], item, joined(path, name))
    return found


def _pod_part(name: str, value: Any, path: str) -> Any:
    node = schema.of("v1", "Pod")
    for field in ("spec", *_POD[name]):
        node = node.fields[field] if node is not None else None
    if node is not None and node.items is not None:
        node = node.items
    assert node is not None
    try:
        decoded, unknown = decoding.decode(node, value, fill=False)
    except BadRequest as problem:
        raise Mistake(problem.message.removeprefix("json: "), path) from None
    if unknown:
        raise Mistake("unknown field", joined(path, unknown[0]))
    return decoded


def _wrong(path: str, expected: str, value: Any) -> Mistake:
    return Mistake(f"must be {expected}, not {shown(value)}", path)


def _integer(bits: int) -> Callable[[Any, str], int]:
    def read(value: Any, path: str) -> int:
        if type(value) is not int or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise _wrong(path, "a whole number", value)
        return value

    return read


def _plain(kind: type, expected: str) -> Callable[[Any, str], Any]:
    def read(value: Any, path: str) -> Any:
        if type(value) is not kind:
            raise _wrong(path, expected, value)
        return value

    return read


def _number(value: Any, path: str) -> float:
    if type(value) not in (int, float):
        raise _wrong(path, "a number", value)
    return float(value)


def _duration(value: Any, path: str) -> float:
    try:
        return seconds(value)
    except (TypeError, ValueError):
        raise _wrong(path, 'a duration such as "15s"', value) from None


_READ: Final[dict[str, Callable[[Any, str], Any]]] = {
    "int32": _integer(32),
    "int64": _integer(64),
    "float": _number,
    "string": _plain(str, "a text"),
    "bool": _plain(bool, "true or false"),
    "duration": _duration,
    "any": lambda value, path: value,
}
