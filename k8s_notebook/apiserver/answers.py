"""Requests and answers as values, between the HTTP library and everything that decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from k8s_notebook.apiserver import formats, negotiation
from k8s_notebook.machinery.api import Stream
from k8s_notebook.objects.errors import ApiError

NO_CACHE = ("Cache-Control", "no-cache, private")
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `path` is percent-encoded; of a repeated query parameter `query` has the first value."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The value of a header (its values, joined), or None."""
        found = [v for k, v in self.headers if k.lower() == name]
        return ",".join(found) if found else None


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete HTTP answer."""

    code: int
    body: bytes
    content_type: str = negotiation.JSON
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Watching:
    """An answer that goes on: the events of a subscription, each made a line by `frame`."""

    subscription: Any
    frame: Callable[[Any], bytes]
    bookmarks: bool
    timeout: float


@dataclass(frozen=True, slots=True)
class Following:
    """An answer that goes on: the lines of a log, at most `limit` bytes."""

    lines: Stream[str]
    limit: int | None = None


Result = Answer | Watching | Following


def text(code: int, body: str, *headers: tuple[str, str]) -> Answer:
    """A plain text answer."""
    return Answer(code, body.encode(), TEXT, (NO_CACHE, *headers))


def document(obj: Any, wanted: negotiation.Wanted = negotiation.PLAIN, code: int = 200, warnings: Iterable[str] = ()) -> Answer:
    """An object as JSON or YAML, with its warnings."""
    said = tuple(("Warning", warning(w)) for w in warnings)
    if wanted.format == "yaml":
        return Answer(code, formats.to_yaml(obj), negotiation.YAML, (NO_CACHE, *said))
    return Answer(code, orjson.dumps(obj), negotiation.JSON, (NO_CACHE, *said))


def refusal(error: ApiError, wanted: negotiation.Wanted = negotiation.PLAIN, warnings: Iterable[str] = ()) -> Answer:
    """The Status of an error."""
    status = error.status()
    answer = document(status, wanted, int(status.get("code") or error.code), warnings)
    after = (status.get("details") or {}).get("retryAfterSeconds")
    if after is None:
        return answer
    return Answer(answer.code, answer.body, answer.content_type, (*answer.headers, ("Retry-After", str(after))))


def warning(said: str) -> str:
    """A Warning header: agent 299, the text quoted, without line ends."""
    quoted = said.replace("\\", "\\\\").replace('"', '\\"')
    return '299 - "' + "".join(c if c.isprintable() else " " for c in quoted) + '"'
