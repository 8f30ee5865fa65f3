"""Times in objects: RFC 3339 in UTC, whole seconds or microseconds, refused in the words of Go's time package."""

from __future__ import annotations

import datetime
import functools
import re
from typing import Final

from k8s_notebook.objects import errors

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_ZONE: Final = re.compile(r"(?:[Zz]|[+-]\d\d:\d\d)$")
_CLOCK: Final = (
    ("2006", r"\d{4}"), ("-", "-"), ("01", r"\d\d"), ("-", "-"), ("02", r"\d\d"), ("T", "T"), ("15", r"\d\d"), (":", ":"),
    ("04", r"\d\d"), (":", ":"), ("05", r"\d\d"),
)  # fmt: skip
_PARTS: Final = {
    "t": (*_CLOCK, ("", r"([.,]\d+)?"), ("Z07:00", r"Z|[+-]\d\d:\d\d")),
    "u": (*_CLOCK, (".000000", r"[.,]\d{6}"), ("Z07:00", r"Z|[+-]\d\d:\d\d")),
}
"""The parts of a time as Go's layouts name them, with what they may be."""

_LAYOUTS: Final = {"t": "2006-01-02T15:04:05Z07:00", "u": "2006-01-02T15:04:05.000000Z07:00"}


def canonical(value: str, code: str = "t") -> str:
    """The time in UTC as the server writes it: whole seconds ("t"), or the six decimals that it must have ("u").

    >>> canonical("2026-01-01T01:00:00+01:00"), canonical("2026-01-01T00:00:00.500000Z", "u")
    ('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.500000Z')
    """
    if len(value) == 20 and code == "t" and _plain_time(value):
        return value
    _parts(value, code)
    try:
        moment = datetime.datetime.fromisoformat(value[:19].upper() + _ZONE.findall(value)[0].upper())
    except ValueError:
        raise errors.BadRequest(f'parsing time "{value}": {_out_of_range(value)} out of range') from None
    moment = moment.astimezone(datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (value[19:26] if code == "u" else "") + "Z"


def _out_of_range(value: str) -> str:
    """Which part of a well-formed time no clock or calendar has."""
    for part, start, most in (("month", 5, 12), ("hour", 11, 23), ("minute", 14, 59), ("second", 17, 59)):
        if int(value[start : start + 2]) > most or (part == "month" and value[5:7] == "00"):
            return part
    return "day"


def _parts(value: str, code: str) -> None:
    """Refuse a text that does not have the parts of a time, in Go's words."""
    rest = value
    for shown, pattern in _PARTS[code]:
        found = re.match(pattern, rest)
        if found is None:
            raise errors.BadRequest(f'parsing time "{value}" as "{_LAYOUTS[code]}": cannot parse "{rest}" as "{shown}"')
        rest = rest[found.end() :]
    if rest:
        raise errors.BadRequest(f'parsing time "{value}": extra text: "{rest}"')


@functools.lru_cache(maxsize=4096)
def _plain_time(value: str) -> bool:
    """Whether it is a valid time in the canonical form already."""
    if _TIME.fullmatch(value) is None:
        return False
    try:
        datetime.datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
