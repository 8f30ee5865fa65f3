"""Ages as Kubernetes prints them: two figures at most, `<unknown>` for no time, `<invalid>` for one in the future."""

from __future__ import annotations

import datetime
import functools

UNKNOWN = "<unknown>"

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 24 * 3600, 365 * 24 * 3600


def human_duration(seconds: float) -> str:
    """A duration in seconds as in apimachinery/pkg/util/duration: HumanDuration.

    >>> [human_duration(s) for s in (45, 311, 4440, 10920, 3 * 3600, 183600, 21 * 86400, 740 * 86400)]
    ['45s', '5m11s', '74m', '3h2m', '3h', '2d3h', '21d', '2y10d']
    """
    return _human(int(seconds))


@functools.lru_cache(maxsize=65536)
def _human(seconds: int) -> str:
    if seconds < 0:
        return "<invalid>" if seconds < -1 else "0s"
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if seconds < 10 * _MINUTE:
        return _two(seconds, _MINUTE, "m", 1, "s")
    if seconds < 3 * _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < 8 * _HOUR:
        return _two(seconds, _HOUR, "h", _MINUTE, "m")
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR}h"
    if seconds < 8 * _DAY:
        return _two(seconds, _DAY, "d", _HOUR, "h")
    if seconds < 2 * _YEAR:
        return f"{seconds // _DAY}d"
    if seconds < 8 * _YEAR:
        return _two(seconds, _YEAR, "y", _DAY, "d")
    return f"{seconds // _YEAR}y"


def _two(seconds: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    whole, rest = divmod(seconds, large)
    return f"{whole}{large_unit}{rest // small}{small_unit}" if rest // small else f"{whole}{large_unit}"


@functools.lru_cache(maxsize=65536)
def moment(stamp: str) -> float:
    """Seconds since the epoch of an RFC 3339 time stamp."""
    return datetime.datetime.fromisoformat(stamp).timestamp()


def since(stamp: str | None, now: float) -> str:
    """How long ago a time stamp was.

    >>> since("1970-01-01T00:00:00Z", 90.5), since(None, 0)
    ('90s', '<unknown>')
    """
    return _human(int(now - moment(stamp))) if stamp else UNKNOWN
