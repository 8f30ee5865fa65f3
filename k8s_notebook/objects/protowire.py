"""Protobuf's wire format, and the small messages of Kubernetes that stand for one JSON value."""

from __future__ import annotations

import base64
import calendar
import struct
import time
from collections.abc import Iterator, Mapping

Raw = int | bytes
"""A field as it is on the wire: an unsigned integer, or bytes."""

Message = Mapping[int, list[Raw]]

_ZERO_TIME = calendar.timegm((1, 1, 1, 0, 0, 0))
_FIXED = {1: 8, 5: 4}


def scan(data: bytes) -> dict[int, list[Raw]]:
    """The raw fields of a message by number; ValueError if it is cut off or no message at all."""
    found: dict[int, list[Raw]] = {}
    at, end = 0, len(data)
    while at < end:
        tag, at = varint(data, at)
        wire = tag & 7
        if wire == 0:
            value: Raw
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if wire == 2 else (_FIXED.get(wire, -1), at)
            if size < 0:
                raise ValueError(f"proto: illegal wireType {wire}")
            if at + size > end:
                raise ValueError("unexpected EOF")
            value = data[at : at + size]
            at += size
        found.setdefault(tag >> 3, []).append(value)
    return found


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The integer at a place and the place behind it; ValueError if it is cut off."""
    value = shift = 0
    for place in range(at, len(data)):
        byte = data[place]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place + 1
        shift += 7
    raise ValueError("unexpected EOF")


def unpacked(values: list[Raw]) -> Iterator[int]:
    """The integers of a repeated field, also when they came packed into one."""
    for value in values:
        if isinstance(value, int):
            yield value
            continue
        at = 0
        while at < len(value):
            number, at = varint(value, at)
            yield number


def content(raw: Raw) -> bytes:
    """The bytes of a field; ValueError if it is an integer."""
    if isinstance(raw, int):
        raise ValueError("proto: wrong wireType = 0")
    return raw


def signed(raw: Raw) -> int:
    """The integer of a field; ValueError if it is bytes."""
    if not isinstance(raw, int):
        raise ValueError("proto: wrong wireType = 2")
    return raw - (1 << 64) if raw >> 63 else raw


def last(message: Message, number: int) -> bytes:
    """The bytes of a field of a message: the last one counts; empty if it is not there."""
    return content(message.get(number, [b""])[-1])


def integer(message: Message, number: int) -> int:
    """The integer of a field of a message; 0 if it is not there."""
    return signed(message.get(number, [0])[-1])


def text(raw: Raw) -> str:
    """The text of a field."""
    return content(raw).decode()


def real(raw: Raw) -> float | int:
    """The 64-bit float of a field, whole ones as integers, as Go writes them into JSON."""
    value: float = struct.unpack("<d", content(raw))[0]
    return int(value) if value.is_integer() else value


def base64_text(raw: Raw) -> str:
    """The bytes of a field as JSON has them."""
    return base64.b64encode(content(raw)).decode()


def timestamp(raw: Raw) -> str | None:
    """metav1.Time in RFC 3339; None for the zero time."""
    message = scan(content(raw))
    seconds = integer(message, 1)
    if not message or seconds == _ZERO_TIME:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def micro_timestamp(raw: Raw) -> str | None:
    """metav1.MicroTime in RFC 3339 with six digits; None for the zero time."""
    whole = timestamp(raw)
    return whole and f"{whole[:-1]}.{integer(scan(content(raw)), 2) // 1000:06d}Z"


def quantity(raw: Raw) -> str:
    """resource.Quantity."""
    return text(last(scan(content(raw)), 1)) or "0"


def int_or_string(raw: Raw) -> int | str:
    """intstr.IntOrString."""
    message = scan(content(raw))
    return text(last(message, 3)) if integer(message, 1) else integer(message, 2)
