"""Ages as kubectl prints them, read back: tables sort by them."""

from __future__ import annotations

import re

_PARTS = re.compile(r"(\d+)(y|d|h|m|s)")
_SECONDS = {"y": 365 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}


def seconds(text: str) -> int | None:
    """Seconds of an age such as "2d4h"; None if it is none.

    >>> seconds("2d4h"), seconds("<none>")
    (187200, None)
    """
    parts = _PARTS.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        return None
    return sum(int(n) * _SECONDS[u] for n, u in parts)
