"""A request body as the API server understands it: what Go's decoder keeps of it, and what it says about the rest.

Decoding a built-in kind and writing it back is what the real server does with every body, so the result has the same fields:
null is absent, unknown fields are gone, empty optional fields are gone, fields that are always written are there, quantities and
times are in canonical form. Type errors are told in the words of Go's encoding/json.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from k8s_notebook.objects import Obj, errors, quantity, times
from k8s_notebook.objects.typetable import Node

Trail: TypeAlias = tuple[Any, ...] | None
"""The way from the root: (the way before, key, Go struct that has the field or "" for elements and values, embedded struct)."""

_MOST_WARNINGS: Final = 100
_RESOURCES: Final = "v1.ResourceList"
"""The one map whose amounts are kept to thousandths."""

_GO_KINDS: Final = {bool: "bool", str: "string", int: "number", float: "number", list: "array", dict: "object"}
_LIMITS: Final = {"i32": 2**31, "i64": 2**63}
_ZEROS: Final[dict[str, Any]] = {"s": "", "b": False, "i32": 0, "i64": 0, "f": 0, "q": "0", "x": 0, "d": "0s", "y": ""}
_DURATION: Final = re.compile(r"[-+]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+")


class _Decoder:
    """One body being decoded: collects the unknown fields."""

    __slots__ = ("fill", "unknown")

    def __init__(self, fill: bool) -> None:
        self.unknown: list[str] = []
        self.fill = fill

    def struct(self, node: Node, value: Any, trail: Trail) -> Obj:
        """The struct's JSON after a round trip through Go."""
        if type(value) is not dict and not isinstance(value, dict):
            raise _mismatch(node, value, trail)
        if node.preserve:
            return dict(value)
        fields = node.fields
        result: Obj = {}
        for key, item in value.items():
            field = fields.get(key)
            if field is None:
                self._notice(trail, key)
            elif item is not None:
                code = field.code
                if code == "s" and type(item) is str:
                    kept: Any = item
                else:
                    kept = self.value(field, item, (trail, key, node.go, field.embedded))
                if kept or not self.fill or field.mode not in ("", "~"):
                    result[key] = kept
        if self.fill:
            for key, filler in _fillers(node):
                if key not in result:
                    result[key] = filler
        return result

    def value(self, node: Node, value: Any, trail: Trail) -> Any:
        """Any value after a round trip through Go."""
        code = node.code
        if code[0] == "#":
            kept = self.struct(node, value, trail)
            return None if self.fill and node.mode == "~" and kept == _empty(node) else kept
        if code == "[]":
            return self._list(node, value, trail)
        if code == "{}":
            return self._map(node, value, trail)
        return _scalar(node, value, trail)

    def _list(self, node: Node, value: Any, trail: Trail) -> list[Any]:
        if not isinstance(value, list):
            raise _mismatch(node, value, trail)
        items = node.items
        assert items is not None
        if items.code == "s" and all(type(v) is str for v in value):
            return value
        return [zero(items) if v is None else self.value(items, v, (trail, i, "", "")) for i, v in enumerate(value)]

    def _map(self, node: Node, value: Any, trail: Trail) -> Obj:
        if not isinstance(value, dict):
            raise _mismatch(node, value, trail)
        values = node.values
        assert values is not None
        if values.code == "s" and all(type(v) is str for v in value.values()):
            return value
        if node.go == _RESOURCES:
            return {k: "0" if v is None else _quantity(v, quantity.rounded) for k, v in value.items()}
        return {k: zero(values) if v is None else self.value(values, v, (trail, k, "", "")) for k, v in value.items()}

    def _notice(self, trail: Trail, key: str) -> None:
        if len(self.unknown) < _MOST_WARNINGS:
            parent = _path(trail)
            self.unknown.append(f"{parent}.{key}" if parent else key)


def decode(node: Node, body: Any, *, fill: bool = True) -> tuple[Obj, list[str]]:
    """The body after the round trip, and the paths of its unknown fields; a bare BadRequest on type errors.

    Without `fill` nothing is added and nothing empty is dropped: the body as its author meant it, checked and canonical.
    """
    decoder = _Decoder(fill)
    return decoder.struct(node, body, None), decoder.unknown


def zero(node: Node) -> Any:
    """What Go writes for a value of this type that was never set."""
    if node.code[0] == "#":
        return _empty(node)
    return _ZEROS.get(node.code)


@functools.lru_cache(maxsize=2048)
def _fillers(node: Node) -> tuple[tuple[str, Any], ...]:
    """The fields that a struct always shows, with what they show when unset."""
    return tuple((k, None if f.mode == "!?" else zero(f)) for k, f in node.fields.items() if f.mode.startswith("!"))


@functools.lru_cache(maxsize=1024)
def _empty(node: Node) -> Obj:
    return dict(_fillers(node))


def _scalar(node: Node, value: Any, trail: Trail) -> Any:
    match node.code:
        case "s" | "b" | "i32" | "i64" | "f":
            return _plain(node, value, trail)
        case "q":
            return _quantity(value)
        case "t" | "u":
            if not isinstance(value, str):
                raise _mismatch(node, value, trail, go="string")
            return times.canonical(value, node.code)
        case "x":
            return _int_or_string(node, value, trail)
        case "y":
            return _bytes(node, value, trail)
        case "d":
            return _duration(node, value, trail)
        case _:
            return value


def _plain(node: Node, value: Any, trail: Trail) -> Any:
    code, kind = node.code, type(value)
    if (code == "s" and kind is str) or (code == "b" and kind is bool):
        return value
    if code == "f" and kind in (int, float):
        return value
    if code in _LIMITS and kind in (int, float):
        if kind is int and -_LIMITS[code] <= value < _LIMITS[code]:
            return value
        raise _mismatch(node, value, trail, f"number {json.dumps(value)}")
    raise _mismatch(node, value, trail)


def _mismatch(node: Node, value: Any, trail: Trail, what: str = "", go: str = "") -> errors.BadRequest:
    """`json: cannot unmarshal number into Go struct field ConfigMap.data of type string`."""
    what = what or _GO_KINDS.get(type(value), "object")
    names: list[str] = []
    struct = ""
    while trail is not None:
        trail, key, owner, embedded = trail
        if owner:
            names += [str(key), embedded] if embedded else [str(key)]
            struct = struct or owner.rsplit(".", 1)[-1]
    if not struct:
        return errors.BadRequest(f"json: cannot unmarshal {what} into Go value of type {go or node.go}")
    field = ".".join(reversed(names))
    return errors.BadRequest(f"json: cannot unmarshal {what} into Go struct field {struct}.{field} of type {go or node.go}")


def _path(trail: Trail) -> str:
    """`spec.containers[0]`."""
    parts: list[str] = []
    while trail is not None:
        key = trail[1]
        parts.append(f"[{key}]" if isinstance(key, int) else f".{key}")
        trail = trail[0]
    return "".join(reversed(parts)).removeprefix(".")


def _quantity(value: Any, form: Callable[[str], str] = quantity.canonical) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise errors.BadRequest(quantity.WRONG_FORMAT)
    try:
        return form(value.strip() if isinstance(value, str) else json.dumps(value))
    except ValueError as error:
        raise errors.BadRequest(str(error)) from None


def _int_or_string(node: Node, value: Any, trail: Trail) -> int | str:
    if isinstance(value, str):
        return value
    if type(value) is int and -(2**31) <= value < 2**31:
        return value
    shown = f"number {json.dumps(value)}" if type(value) in (int, float) else ""
    raise _mismatch(node, value, trail, shown, "int32")


def _bytes(node: Node, value: Any, trail: Trail) -> str:
    if not isinstance(value, str):
        raise _mismatch(node, value, trail)
    text = value.replace("\n", "").replace("\r", "")
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except (binascii.Error, ValueError):
        raise errors.BadRequest(f"illegal base64 data at input byte {_first_bad(text)}") from None


def _first_bad(text: str) -> int:
    """Where Go's decoder gives up."""
    found = re.search(r"[^A-Za-z0-9+/]", text.rstrip("=") if len(text) % 4 == 0 else text)
    if found and text.endswith("=") and len(text) % 4:
        return len(text)
    if found:
        return found.start()
    return len(text) - len(text) % 4 if len(text) % 4 else max(len(text) - 1, 0)


def _duration(node: Node, value: Any, trail: Trail) -> str:
    if not isinstance(value, str):
        raise _mismatch(node, value, trail, go="string")
    if _DURATION.fullmatch(value) is None:
        raise errors.BadRequest(f'time: invalid duration "{value}"')
    return value


def sentences(unknown: Iterable[str], duplicates: Iterable[str]) -> list[str]:
    """`unknown field "spec.foo"`, `duplicate field "data.a"`: what warnings and strict errors consist of."""
    found = [f'unknown field "{path}"' for path in unknown] + [f'duplicate field "{path}"' for path in duplicates]
    return list(dict.fromkeys(found))
