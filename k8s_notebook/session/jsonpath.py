"""The simple part of kubectl's JSONPath: fields, indexes, slices, `*`, `..name`, filters `[?(@.a=="b")]`, range/end, texts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from k8s_notebook.session.problems import UsageError

_STEP = re.compile(
    r"\.\.(?P<deep>[\w-]+)"
    r"|\.(?P<field>(?:\\.|[^.\[\\])+)"
    r"|\[(?P<quote>['\"])(?P<key>.*?)(?P=quote)\]"
    r"|\[(?P<index>-?\d+)\]"
    r"|\[(?P<start>-?\d*):(?P<stop>-?\d*)\]"
    r"|\[(?P<all>\*)\]"
    r"|\[\?\((?P<filter>.+?)\)\]"
)
_FILTER = re.compile(r"@(?P<path>[^=!<>\s]+)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>.+?))?\s*")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
}
_PIECE = re.compile(r"\{([^{}\"']*(?:\"(?:\\.|[^\"\\])*\"[^{}\"']*|'[^']*'[^{}\"']*)*)\}")


def evaluate(template: str, value: Any) -> str:
    r"""The text of a template such as `{.items[*].metadata.name}`.

    >>> evaluate('{range .items[*]}{.name}{"\\n"}{end}', {"items": [{"name": "a"}, {"name": "b"}]})
    'a\nb\n'
    """
    text = template if "{" in template else "{" + template + "}"
    pieces: list[str | tuple[str]] = []
    position = 0
    for found in _PIECE.finditer(text):
        pieces += [text[position : found.start()], (found[1].strip(),)]
        position = found.end()
    if "{" in text[position:]:
        raise UsageError(f"error: error parsing jsonpath {template}, unclosed action")
    pieces.append(text[position:])
    said, rest = _run(pieces, value)
    if rest:
        raise UsageError(f"error: error parsing jsonpath {template}, not in range")
    return said


def _run(pieces: Sequence[str | tuple[str]], value: Any) -> tuple[str, Sequence[str | tuple[str]]]:
    """The text of the pieces up to `{end}`, and the pieces after it."""
    said = ""
    while pieces:
        piece, pieces = pieces[0], pieces[1:]
        if isinstance(piece, str):
            said += piece
        elif piece[0] == "end":
            return said, [("end",), *pieces]
        elif piece[0].startswith("range "):
            inner = pieces
            rest: Sequence[str | tuple[str]] = _skip(pieces)
            for item in find(piece[0].removeprefix("range ").strip(), value):
                part, rest = _run(inner, item)
                said += part
            pieces = rest[1:]
        else:
            said += _said(piece[0], value)
    return said, []


def _skip(pieces: Sequence[str | tuple[str]]) -> Sequence[str | tuple[str]]:
    depth = 1
    for i, piece in enumerate(pieces):
        if isinstance(piece, tuple):
            depth += piece[0].startswith("range ") - (piece[0] == "end")
            if not depth:
                return pieces[i:]
    raise UsageError("error: error parsing jsonpath, a range has no end")


def _said(expression: str, value: Any) -> str:
    if expression[:1] in "\"'" and expression[-1:] == expression[:1]:
        try:
            return str(json.loads(expression)) if expression[0] == '"' else expression[1:-1]
        except ValueError:
            return expression[1:-1]
    return " ".join(_plain(v) for v in find(expression, value))


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def find(path: str, value: Any) -> list[Any]:
    """All values that a path such as `.items[*].metadata.name` leads to.

    >>> find(".a[?(@.n>1)].n", {"a": [{"n": 1}, {"n": 2}]})
    [2]
    """
    text = path.removeprefix("$").removeprefix("@") or "."
    if text == ".":
        return [value]
    if text[0] not in ".[":
        text = "." + text
    found, position = [value], 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise UsageError(f"error: error parsing jsonpath {path}, cannot understand {text[position:]!r}")
        found = [r for v in found for r in _step(step, v)]
        position = step.end()
    return found


def _step(step: re.Match[str], value: Any) -> list[Any]:
    if step["deep"] is not None:
        return _deep(step["deep"], value)
    name = step["key"] if step["key"] is not None else step["field"]
    if name == "*" or step["all"]:
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    if name is not None:
        name = re.sub(r"\\(.)", r"\1", name)
        return [value[name]] if isinstance(value, dict) and name in value else []
    if not isinstance(value, list):
        return []
    if step["index"] is not None:
        index = int(step["index"])
        return [value[index]] if -len(value) <= index < len(value) else []
    if step["filter"] is not None:
        return [v for v in value if _kept(step["filter"], v)]
    return value[slice(*(int(part) if part else None for part in (step["start"], step["stop"])))]


def _deep(name: str, value: Any) -> list[Any]:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value[name]] if isinstance(value, dict) and name in value else []
    return own + [r for v in below for r in _deep(name, v)]


def _kept(expression: str, value: Any) -> bool:
    found = _FILTER.fullmatch(expression.strip())
    if found is None:
        raise UsageError(f"error: error parsing jsonpath, cannot understand the filter {expression!r}")
    values = find(found["path"], value)
    if not found["operator"]:
        return bool(values)
    try:
        wanted = json.loads(found["value"].replace("'", '"'))
        return any(_COMPARE[found["operator"]](v, wanted) for v in values)
    except (ValueError, TypeError):
        return False
