"""What a cluster is started with: the options, as the command line spells them and as they are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

FORMAT = 1
"""The format of a cluster's folder; raised when an older version could not read it any more."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
MOST_NODES = 5000


class ClusterError(Exception):
    """A user's mistake or a cluster that cannot be had; `str()` is one clear sentence."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a cluster was made. Times are in seconds; port 0 means any."""

    nodes: int = 3
    port: int = 0
    node_grace: float = 50.0
    eviction_after: float = 300.0
    idle: float = 86400.0

    def to_dict(self) -> dict[str, Any]:
        """The options as they are kept in a file."""
        return asdict(self)

    def changed(self, wishes: Mapping[str, Any]) -> Options:
        """These options with the wishes (None: no wish) of a start."""
        return replace(self, **{k: v for k, v in wishes.items() if v is not None})


def damaged(kept: Mapping[str, Any] | None) -> bool:
    """Whether a kept file holds no options."""
    texts = (f.name for f in fields(Options))
    return kept is None or not all(isinstance(kept.get(k, 0), (int, float)) and not isinstance(kept.get(k), bool) for k in texts)


def from_dict(kept: Mapping[str, Any]) -> Options:
    """The options of a kept file; what it does not know has its default."""
    known = {f.name for f in fields(Options)}
    return Options(**{k: v for k, v in kept.items() if k in known})


def checked_name(name: str) -> str:
    """The name of a cluster; ClusterError if it cannot be one."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ClusterError(
            f"{name!r} cannot be the name of a cluster: use up to 40 lower-case letters, digits and '-', for example 'demo'."
        )
    return name


def checked(wishes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The wishes; ClusterError for a number that makes no sense."""
    nodes, port = wishes.get("nodes"), wishes.get("port")
    for key, number in (("nodes", nodes), ("port", port)):
        if number is not None and not (isinstance(number, int) and not isinstance(number, bool)):
            raise ClusterError(f"{key} must be a whole number, not {number!r}.")
    if nodes is not None and not 0 <= nodes <= MOST_NODES:
        raise ClusterError(f"a cluster can have 0 to {MOST_NODES} nodes, not {nodes}.")
    if port is not None and not (port == 0 or 1 <= port <= 65535):
        raise ClusterError(f"{port} is not a port: use 1024 to 65535, or 0 for any free one.")
    for key in ("node_grace", "eviction_after", "idle"):
        value = wishes.get(key)
        if value is not None and value <= 0 and key != "eviction_after":
            raise ClusterError(f"--{key.replace('_', '-')} must be longer than nothing.")
    return wishes


def difference(name: str, has: Options, wishes: Mapping[str, Any], *, running: bool) -> str:
    """The sentence that says which wishes a cluster does not fulfil, or ""."""
    said = [_difference(key, getattr(has, key), wish) for key, wish in wishes.items() if _differs(key, has, wish, running)]
    if not said:
        return ""
    verb = "runs" if running else "was made"
    return f"cluster {name!r} {verb} with {' and '.join(said)}: use another --name, or --fresh to recreate it."


def _differs(key: str, has: Options, wish: Any, running: bool) -> bool:
    if wish is None or (key == "port" and (wish == 0 or not running)):
        return False
    return bool(getattr(has, key) != wish)


def _difference(key: str, has: Any, wish: Any) -> str:
    if key == "nodes":
        return f"{has} {'node' if has == 1 else 'nodes'}, not {wish}"
    if key == "port":
        return f"port {has}, not {wish}"
    return f"--{key.replace('_', '-')} {shown(has)}, not {shown(wish)}"


def duration(text: str) -> float:
    """Seconds of "50s", "1h30m", "500ms" or a bare number; ValueError with a sentence otherwise.

    >>> duration("1h30m")
    5400.0
    """
    stripped = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", stripped):
        return float(stripped)
    parts = _PART.findall(stripped)
    if not parts or "".join(n + u for n, u in parts) != stripped:
        raise ValueError(f"{text!r} is not a duration: write it as 50s, 5m or 24h")
    return sum(float(n) * _UNITS[u] for n, u in parts)


def shown(seconds: float) -> str:
    """A duration as people write it.

    >>> shown(5400.0)
    '1h30m'
    """
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    whole, text = seconds, ""
    for unit in ("h", "m"):
        count, whole = divmod(whole, _UNITS[unit])
        text += f"{int(count)}{unit}" if count else ""
    return text + (f"{whole:g}s" if whole or not text else "")
