"""Clocks: the only file that reads the wall clock."""

from __future__ import annotations

import datetime
import functools
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in seconds since 1970-01-01 UTC."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...


class Wall:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since the epoch, as the machine says."""
        return time.time()


class Virtual:
    """A clock that stands still until it is told to move; it never goes back."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Seconds since the epoch, virtual."""
        return self._now

    def advance(self, to: float) -> None:
        """Move to `to`; an earlier time is ignored."""
        self._now = max(self._now, to)


def monotonic() -> float:
    """Seconds on a clock that never jumps: for deadlines and for measuring, never for time stamps."""
    return time.monotonic()


def timestamp(seconds: float) -> str:
    """metav1.Time: whole seconds, UTC.

    >>> timestamp(0.9)
    '1970-01-01T00:00:00Z'
    """
    return _written(int(seconds)) + "Z"


@functools.lru_cache(maxsize=64)
def _written(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def micro_timestamp(seconds: float) -> str:
    """metav1.MicroTime: six digits, UTC.

    >>> micro_timestamp(1.5)
    '1970-01-01T00:00:01.500000Z'
    """
    whole = int(seconds // 1)
    micro = min(int((seconds - whole) * 1e6 + 0.5), 999_999)
    return f"{_written(whole)}.{micro:06d}Z"


def time_of_day(seconds: float) -> str:
    """Hours, minutes and seconds as the clock on this machine's wall shows them: 14:05:09."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def seconds(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time stamp; ValueError if it is none.

    >>> seconds("1970-01-01T00:01:00Z")
    60.0
    """
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
