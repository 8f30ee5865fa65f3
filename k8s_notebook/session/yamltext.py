"""YAML as Kubernetes understands it, read with line numbers, and written as kubectl does."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from k8s_notebook.objects import Obj
from k8s_notebook.objects.masking import BULLETS
from k8s_notebook.session.problems import K8sError, error

MOST_NODES = 2_000_000
"""Values that one text may hold once its aliases are followed: a few lines of aliases can spell billions."""

_PATH = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_SECRET = re.compile(r"""(?:^|[\s{,"'-])kind["']?\s*:\s*["']?Secret(?:List)?\b""")
_PARTING = re.compile(r"---(?:\s|$)")
_KEY = re.compile(r"""\s*(?:- )*(?:"[^"]*"|'[^']*'|[^\s"'{\[][^:]*):(?=\s|$)""")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_QUOTED = re.compile(r"'(?!<)[^']{2,}'")


@dataclass(frozen=True, slots=True)
class Document:
    """One object of a text, and where it stands there."""

    obj: Obj
    source: str
    line: int
    node: Any = None
    text: tuple[str, ...] = ()

    def where(self, path: str = "") -> str:
        """` (line 7: "  replcas: 3")` for a field such as "spec.replcas"; "" if it is unknown."""
        line = self.line_of(path)
        return f' (line {line}: "{_shown(self.text, line).strip()}")' if 0 < line <= len(self.text) else ""

    def line_of(self, path: str) -> int:
        """The line of a field, or of its closest parent that is there; 0 if the text is not known."""
        if self.node is None:
            return 0
        node, line = self.node, self.node.start_mark.line + 1
        for name, index in _PATH.findall(path):
            found = _child(node, name, index)
            if found is None:
                break
            line, node = found
        return int(line)


def _child(node: Any, name: str, index: str) -> tuple[int, Any] | None:
    if index and isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
        child = node.value[int(index)]
        return child.start_mark.line + 1, child
    if name and isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name:
                return key.start_mark.line + 1, value
    return None


def documents(text: str, source: str = "STDIN") -> list[Document]:
    """The objects of a text, List objects taken apart; K8sError with line, column and the line itself if it is no YAML."""
    lines = tuple(text.splitlines())
    found: list[Document] = []
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            value = _Reader(source, lines).value(node)
            found += _objects(value, source, node, lines)
    except yaml.MarkedYAMLError as problem:
        raise _broken(problem, source, lines) from None
    except yaml.reader.ReaderError as problem:
        raise _unreadable(problem, text, source) from None
    except RecursionError:
        raise error(f"{source} is nested too deeply.") from None
    return found


def _objects(value: Any, source: str, node: Any, lines: tuple[str, ...]) -> Iterator[Document]:
    if value is None:
        return
    line = node.start_mark.line + 1
    if not isinstance(value, dict):
        raise _no_object(source, lines, line)
    if str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list):
        items: Any = next((v for k, v in node.value if k.value == "items"), None)
        for i, item in enumerate(value["items"]):
            own = items.value[i] if isinstance(items, yaml.SequenceNode) else node
            if not isinstance(item, dict):
                raise _no_object(source, lines, own.start_mark.line + 1)
            yield Document(item, source, own.start_mark.line + 1, own, lines)
        return
    yield Document(value, source, line, node, lines)


def _no_object(source: str, lines: tuple[str, ...], line: int) -> K8sError:
    return error(f"{source}, line {line}: an object is expected, with apiVersion, kind and metadata" + _quoted(lines, line))


def _quoted(lines: tuple[str, ...], line: int) -> str:
    return f': "{_shown(lines, line).strip()}"' if 0 < line <= len(lines) else "."


def _secret(lines: tuple[str, ...], number: int) -> bool:
    """Whether the document around a line seems to be a Secret; it may be too broken to be read."""
    first = next((i for i in range(number - 1, 0, -1) if _PARTING.match(lines[i])), 0)
    last = next((i for i in range(number, len(lines)) if _PARTING.match(lines[i])), len(lines))
    return any(_SECRET.search(line) for line in lines[first:last])


def _shown(lines: tuple[str, ...], number: int) -> str:
    """A line as a message may quote it: of a Secret no more than the key."""
    line = lines[number - 1]
    if not _secret(lines, number):
        return line
    key = _KEY.match(line)
    return line if key and not line[key.end() :].strip() else f"{key[0]} {BULLETS}" if key else BULLETS


def _broken(problem: yaml.MarkedYAMLError, source: str, lines: tuple[str, ...]) -> K8sError:
    mark = problem.problem_mark or problem.context_mark
    if mark is None or not lines:
        return error(f"{source} is not YAML: {problem.problem}.")
    number = min(mark.line + 1, len(lines))
    column = mark.column if mark.line < len(lines) else len(lines[-1])
    return _pointed(source, lines, number, column, str(problem.problem))


def _pointed(source: str, lines: tuple[str, ...], number: int, column: int, why: str) -> K8sError:
    """The sentence with line and column, and below it the line itself with a mark at the column."""
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _shown(lines, number).replace("\t", "→"))
    why = _QUOTED.sub(f"'{BULLETS}'", why) if _secret(lines, number) else why
    said = f"{source} is not YAML: line {number}, column {column + 1}: {why}"
    return error(f"{said}\n  {number} | {shown}\n  {' ' * len(str(number))} | {' ' * min(column, len(shown))}^")


def _unreadable(problem: yaml.reader.ReaderError, text: str, source: str) -> K8sError:
    before = text[: problem.position]
    lines = tuple(text.splitlines())
    number = min(before.count("\n") + 1, len(lines))
    character = problem.character if isinstance(problem.character, int) else ord(problem.character)
    return _pointed(
        source, lines, number, len(before) - before.rfind("\n") - 1, f"the character U+{character:04X} is not allowed in YAML"
    )


class _Loader(yaml.SafeLoader):
    """Scalars as Go's YAML reads them for Kubernetes: no dates, no numbers in base 60."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


def _resolver(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), list(first))


_resolver("bool", "true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF", "tTfFyYnNoO")
_resolver("int", r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|[1-9][0-9_]*|0)", "-+0123456789")
_resolver(
    "float",
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    "-+0123456789.",
)
_resolver("null", "~|null|Null|NULL|", "~nN\0")
_Loader.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", re.compile("^$")))
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("^(?:<<)$"), ["<"])


class _Reader:
    """Turns nodes into plain values; a key that is set twice is refused, as Kubernetes does."""

    def __init__(self, source: str, lines: tuple[str, ...]) -> None:
        self._source = source
        self._lines = lines
        self._count = 0
        self._open: set[int] = set()

    def value(self, node: Any) -> Any:
        """The node as dicts, lists and scalars."""
        self._count += 1
        if self._count > MOST_NODES or id(node) in self._open:
            raise error(f"{self._source}, line {node.start_mark.line + 1}: these aliases spell an endless object.")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        self._open.add(id(node))
        found = self._list(node) if isinstance(node, yaml.SequenceNode) else self._map(node)
        self._open.discard(id(node))
        return found

    def _list(self, node: Any) -> list[Any]:
        return [self.value(child) for child in node.value]

    def _map(self, node: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                parts = self.value(value_node)
                for part in parts if isinstance(parts, list) else [parts]:
                    merged = {**part, **merged} if isinstance(part, dict) else merged
                continue
            key = self._key(key_node)
            if key in found:
                line = key_node.start_mark.line + 1
                raise error(f'{self._source}, line {line}: key "{key}" is already set in this map{_quoted(self._lines, line)}')
            found[key] = self.value(value_node)
        return {**merged, **found}

    def _key(self, node: Any) -> str:
        if not isinstance(node, yaml.ScalarNode):
            line = node.start_mark.line + 1
            raise error(f"{self._source}, line {line}: a key must be a text{_quoted(self._lines, line)}")
        value = _scalar(node)
        return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def _scalar(node: Any) -> Any:
    text, tag = node.value, node.tag.rpartition(":")[2]
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() in {"true", "yes", "on"}
    try:
        if tag == "int":
            return _int(text)
        if tag == "float":
            number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            return number if math.isfinite(number) else text
    except ValueError:
        return text
    return text


def _int(text: str) -> int:
    sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-").replace("_", "").lower()
    if digits.startswith(("0x", "0b", "0o")):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if len(digits) > 1 and digits.startswith("0") else 10)


class _Dumper(yaml.SafeDumper):
    """Writes as kubectl does: no aliases, texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never write an alias: the reader is a person."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> Any:
    tag: str = dumper.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if not text or tag != "tag:yaml.org,2002:str":
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
    style = "|" if "\n" in text and not re.search(r"[^\S\n]\n|\t|[^\x20-\x7e\n\u00a0-\ud7ff]", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(value: Any) -> str:
    """The value as YAML, keys in order of the alphabet, as `kubectl get -o yaml` prints it.

    >>> print(dump({"b": [{"x": 1}], "a": "yes"}), end="")
    a: "yes"
    b:
    - x: 1
    """
    text: str = yaml.dump(value, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, width=10_000, sort_keys=True)
    return text
