"""Writes protobuf bodies as Go clients do, from the same table that decoding uses: for round trips."""

from __future__ import annotations

import base64
import datetime
import json
import struct
from typing import Any

from k8s_notebook.objects import protobuf


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def integer(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def block(number: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    return b"k8s\x00" + block(1, block(1, api_version) + block(2, kind)) + block(2, raw) + block(3, "") + block(4, "")


def encode(obj: dict[str, Any]) -> bytes:
    api_version, kind = obj["apiVersion"], obj["kind"]
    known = protobuf.table().kinds
    return envelope(api_version, kind, message(known.get(f"{api_version} {kind}") or known[f" {kind}"], obj))


def message(name: str, obj: dict[str, Any]) -> bytes:
    out = b""
    for field in protobuf.table().messages[name]:
        out += one_field(field, obj if field.rule == "i" else obj.get(field.name))
    return out


def one_field(field: protobuf.Field, value: Any) -> bytes:
    kind = field.type
    if kind.startswith("[]"):
        return b"".join(single(field.number, kind[2:], item) for item in value or ())
    if kind.startswith("{}"):
        entries = sorted((value or {}).items())
        return b"".join(block(field.number, block(1, key) + single(2, kind[2:], item)) for key, item in entries)
    if kind.startswith(("*", "<>")) or kind == "bytes":
        return b"" if value is None else single(field.number, kind.removeprefix("*"), value)
    return single(field.number, kind, value)


def single(number: int, kind: str, value: Any) -> bytes:
    if kind.startswith("@"):
        return block(number, message(kind[1:], value or {}))
    if kind.startswith("<>"):
        return block(number, b"".join(single(1, kind[2:], item) for item in value))
    if kind in ("int", "bool"):
        return integer(number, int(value or 0))
    if kind == "float":
        return varint(number << 3 | 1) + struct.pack("<d", value)
    return block(number, SPECIAL[kind](value))


def moment(value: str | None) -> bytes:
    if value is None:
        return b""
    when = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return integer(1, int(when.timestamp())) + integer(2, when.microsecond * 1000)


def int_or_string(value: int | str | None) -> bytes:
    if isinstance(value, str):
        return integer(1, 1) + integer(2, 0) + block(3, value)
    return integer(1, 0) + integer(2, value or 0) + block(3, "")


def schema(value: dict[str, Any]) -> bytes:
    return message("apiextensions/v1.JSONSchemaProps", value)


SPECIAL: dict[str, Any] = {
    "string": lambda value: value or "",
    "bytes": base64.b64decode,
    "time": moment,
    "micro": moment,
    "quantity": lambda value: block(1, value or "0"),
    "intstr": int_or_string,
    "raw": lambda value: b"" if value is None else block(1, json.dumps(value)),
    "schema_or_bool": lambda v: integer(1, v) if isinstance(v, bool) else integer(1, 1) + block(2, schema(v)),
    "schema_or_array": lambda v: b"".join(block(2, schema(s)) for s in v) if isinstance(v, list) else block(1, schema(v)),
    "schema_or_strings": lambda v: b"".join(block(2, s) for s in v) if isinstance(v, list) else block(1, schema(v)),
}
