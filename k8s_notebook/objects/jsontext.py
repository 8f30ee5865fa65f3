"""JSON text as the API server reads it: duplicate keys are noticed, mistakes are told in its words."""

from __future__ import annotations

import json
from typing import Any

from k8s_notebook.objects import errors


class _Pairs(dict[str, Any]):
    """An object that remembers which of its keys came twice."""

    __slots__ = ("twice",)
    twice: tuple[str, ...]


class _Reader:
    """Builds objects and notices whether any key came twice, which is rare."""

    def __init__(self) -> None:
        self.found = False

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The object of these pairs; the last of equal keys wins."""
        plain = dict(pairs)
        if len(plain) == len(pairs):
            return plain
        self.found = True
        marked = _Pairs(plain)
        seen: set[str] = set()
        marked.twice = tuple(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        return marked


def parse_json(data: bytes | str) -> tuple[Any, list[str]]:
    """The value, and the paths of the keys that came twice (`data.a`, `spec.containers[0].name`).

    Raises ValueError with Go's sentence.

    >>> parse_json('{"data": {"a": "1", "a": "2"}}')
    ({'data': {'a': '2'}}, ['data.a'])
    """
    reader = _Reader()
    try:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        value = json.loads(text, object_pairs_hook=reader.object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(_sentence(error)) from None
    except RecursionError:
        raise ValueError("exceeded max depth") from None
    if not reader.found:
        return value, []
    duplicates: list[str] = []
    return _plain(value, "", duplicates), list(dict.fromkeys(duplicates))


def _no_constant(name: str) -> Any:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


def _plain(value: Any, path: str, duplicates: list[str]) -> Any:
    """The value without marks; collects the paths on the way."""
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        duplicates += [prefix + key for key in getattr(value, "twice", ())]
        return {k: _plain(v, prefix + k, duplicates) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v, f"{path}[{i}]", duplicates) for i, v in enumerate(value)]
    return value


_PLACES = {
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
    "Illegal trailing comma before end of array": "looking for beginning of value",
    "Expecting value": "looking for beginning of value",
    "Expecting ':' delimiter": "after object key",
    "Extra data": "after top-level value",
    "Invalid control character at": "in string literal",
    "Invalid \\escape": "in string escape code",
}


def _sentence(error: json.JSONDecodeError) -> str:
    position = error.pos
    while position < len(error.doc) and error.doc[position] in " \t\r\n":
        position += 1
    if position >= len(error.doc) or error.msg.startswith("Unterminated string"):
        return "unexpected end of JSON input"
    where = _PLACES.get(error.msg.rstrip(": "), "")
    if error.msg.startswith("Expecting ',' delimiter"):
        where = "after object key:value pair" if _inside_object(error.doc[:position]) else "after array element"
    shown = "'\\''" if error.doc[position] == "'" else f"'{error.doc[position]}'"
    return f"invalid character {shown} {where}".rstrip()


def _inside_object(before: str) -> bool:
    """Whether the innermost open bracket is a brace; texts are skipped."""
    depth: list[str] = []
    quoted = escaped = False
    for character in before:
        if quoted:
            quoted, escaped = (character != '"' or escaped), character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth.append(character)
        elif character in "]}" and depth:
            depth.pop()
    return bool(depth) and depth[-1] == "{"


def unreadable(kind: str, data: bytes | str, why: str) -> errors.BadRequest:
    """What a body is answered that is no JSON: `the object provided is unrecognized (must be of type ConfigMap): …`."""
    said = f"couldn't get version/kind; json parse error: {why} ({_summary(data)})"
    return errors.BadRequest(f"the object provided is unrecognized (must be of type {kind}): {said}")


def _summary(data: bytes | str, most: int = 30) -> str:
    raw = data if isinstance(data, bytes) else data.encode()
    if not raw:
        return "<empty>"
    short = raw[:most]
    shown = short.decode("utf-8", "replace") if raw.startswith(b"{") else short.hex()
    return shown + (" ..." if len(raw) > most else "")
