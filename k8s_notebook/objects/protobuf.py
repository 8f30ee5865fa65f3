"""Request bodies in protobuf, as the JSON form that a Kubernetes server makes of them.

Clients written in Go send the bodies of built-in kinds this way. The shapes come from a table that `.ci/generate_protobuf.py`
makes of the struct tags in Kubernetes' own Go types; what is left out of the JSON follows the rules of Go's encoder.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import lzma
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from k8s_notebook.objects import Obj, protowire
from k8s_notebook.objects.errors import BadRequest

MAGIC = b"k8s\x00"

Raw = protowire.Raw
Read = Callable[[Raw], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message.

    `type` is a scalar name or `@message`, behind `*` for a pointer, `[]` for a list, `{}` for a map, `<>` for a list that is
    a message of its own. `rule`: the JSON leaves the field out when it is empty (`e`), zero (`z`), never (`-`); with `i` the
    message's own fields stand here.
    """

    number: int
    name: str
    type: str
    rule: str


@dataclass(frozen=True, slots=True)
class Table:
    """The message of each kind ("apps/v1 Deployment"), and the fields of each message."""

    kinds: Mapping[str, str]
    messages: Mapping[str, tuple[Field, ...]]


@functools.cache
def table() -> Table:
    """The packed table; read at the first use."""
    packed = (importlib.resources.files("k8s_notebook.objects") / "data" / "protobuf.json.xz").read_bytes()
    raw = json.loads(lzma.decompress(packed))
    return Table(raw["kinds"], {name: tuple(Field(*row) for row in rows) for name, rows in raw["messages"].items()})


def decode(body: bytes, api_version: str = "", kind: str = "") -> Obj:
    """The object in an envelope; BadRequest if it is none or of a kind without a protobuf form.

    `api_version` and `kind` stand in where the envelope does not name them, as the URL of a request says.
    """
    if not body.startswith(MAGIC):
        raise BadRequest("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = protowire.scan(body[len(MAGIC) :])
        names = protowire.scan(protowire.last(envelope, 1))
        api_version = protowire.last(names, 1).decode() or api_version
        kind = protowire.last(names, 2).decode() or kind
        message = _message(api_version, kind)
        return {"kind": kind, "apiVersion": api_version, **_plan(message).read(protowire.last(envelope, 2))}
    except (ValueError, struct.error) as error:
        raise BadRequest(f"the object provided is unrecognized (must be of type {kind}): {error}") from None


def _message(api_version: str, kind: str) -> str:
    known = table().kinds
    found = known.get(f"{api_version} {kind}") or known.get(f" {kind}")
    if found is None:
        raise BadRequest(f'no kind "{kind}" is registered for version "{api_version}" in scheme "pkg/runtime/scheme.go:111"')
    return found


def _json(raw: Raw) -> Any:
    """RawExtension, FieldsV1, JSON: a value as JSON text."""
    text = protowire.last(protowire.scan(protowire.content(raw)), 1)
    return json.loads(text) if text else None


def _schema(raw: Raw) -> Obj:
    return _plan("apiextensions/v1.JSONSchemaProps").read(raw)


def _schema_or_bool(raw: Raw) -> Obj | bool:
    message = protowire.scan(protowire.content(raw))
    return _schema(protowire.last(message, 2)) if 2 in message else bool(protowire.integer(message, 1))


def _schema_or(one: Read) -> Read:
    """How to read a union of a schema and a list."""

    def read(raw: Raw) -> Any:
        message = protowire.scan(protowire.content(raw))
        if 2 in message:
            return [one(value) for value in message[2]]
        return _schema(protowire.last(message, 1)) if 1 in message else None

    return read


_SCALARS: dict[str, tuple[Read, Any]] = {
    "string": (protowire.text, ""),
    "int": (protowire.signed, 0),
    "bool": (lambda raw: bool(protowire.signed(raw)), False),
    "float": (protowire.real, 0),
}
"""How to read a scalar, and its zero, which is always on the wire and says nothing."""

_STRUCTS: dict[str, tuple[Read, Any]] = {
    "time": (protowire.timestamp, None),
    "micro": (protowire.micro_timestamp, None),
    "quantity": (protowire.quantity, "0"),
    "intstr": (protowire.int_or_string, 0),
    "raw": (_json, None),
    "schema_or_bool": (_schema_or_bool, False),
    "schema_or_array": (_schema_or(_schema), None),
    "schema_or_strings": (_schema_or(protowire.text), None),
}
"""How to read a type that encodes itself, and what it is when absent; Go never leaves these out for being empty."""

_INTEGERS = ("int", "bool")
_NOTHING = object()


def _reader(type_: str) -> Read:
    """How one raw value of a type becomes JSON."""
    if type_ == "bytes":
        return protowire.base64_text
    if type_.startswith("*"):
        return _reader(type_[1:])
    if type_.startswith("<>"):
        one = _reader(type_[2:])
        return lambda raw: [one(value) for value in protowire.scan(protowire.content(raw)).get(1, ())]
    if type_.startswith("@"):
        name = type_[1:]
        return lambda raw: _plan(name).read(raw)
    return (_SCALARS.get(type_) or _STRUCTS[type_])[0]


Take = Callable[[list[Raw] | None], Any]


def _list(field: Field) -> Take:
    one, left_out = _reader(field.type[2:]), _NOTHING if "e" in field.rule else None
    if field.type[2:] in _INTEGERS:
        return lambda raws: [one(raw) for raw in protowire.unpacked(raws)] if raws else left_out
    return lambda raws: [one(raw) for raw in raws] if raws else left_out


def _map(field: Field) -> Take:
    inner, left_out = field.type[2:], _NOTHING if "e" in field.rule else None
    one = _reader(inner)
    blank: Raw = 0 if inner in _INTEGERS else b""

    def take(raws: list[Raw] | None) -> Any:
        if not raws:
            return left_out
        entries = [protowire.scan(protowire.content(raw)) for raw in raws]
        return {protowire.text(protowire.last(entry, 1)): one(entry.get(2, [blank])[-1]) for entry in entries}

    return take


def _optional(field: Field) -> Take:
    """A pointer, or bytes: there or not."""
    one, left_out = _reader(field.type), _NOTHING if "e" in field.rule else None
    if field.type.startswith("*"):
        return lambda raws: one(raws[-1]) if raws else left_out
    return lambda raws: one(raws[-1]) if raws and (raws[-1] or left_out is None) else left_out


def _scalar(field: Field) -> Take:
    read, zero = _SCALARS[field.type]
    left_out = _NOTHING if "e" in field.rule else zero
    return lambda raws: value if raws and (value := read(raws[-1])) else left_out


def _struct(field: Field) -> Take:
    if field.type.startswith("@"):
        name = field.type[1:]
        return lambda raws: _plan(name).read(raws[-1] if raws else b"")
    read, zero = _STRUCTS[field.type]
    if "z" not in field.rule:
        return lambda raws: read(raws[-1]) if raws else zero
    return lambda raws: _NOTHING if not raws or (value := read(raws[-1])) is None else value


def _take(field: Field) -> Take:
    """How the raw values of a field become its JSON, or `_NOTHING` where the JSON leaves it out."""
    if field.type.startswith("[]"):
        return _list(field)
    if field.type.startswith("{}"):
        return _map(field)
    if field.type.startswith(("*", "<>")) or field.type == "bytes":
        return _optional(field)
    return _scalar(field) if field.type in _SCALARS else _struct(field)


class _Plan:
    """How to read one message; made once from its row of the table."""

    __slots__ = ("_steps",)

    def __init__(self, fields: Iterable[Field]) -> None:
        self._steps = [(field.number, field.name, _take(field)) for field in fields]

    def read(self, raw: Raw) -> Obj:
        """The JSON form of the message, in the order of Go's struct."""
        found = protowire.scan(protowire.content(raw))
        out: Obj = {}
        for number, name, take in self._steps:
            value = take(found.get(number))
            if value is _NOTHING:
                continue
            if name:
                out[name] = value
            else:
                out.update(value)
        return out


@functools.cache
def _plan(message: str) -> _Plan:
    return _Plan(table().messages[message])
