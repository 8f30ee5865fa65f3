"""Label selectors: the text form of a query, the form inside a spec, and matching.

The grammar and every sentence are those of apimachinery/pkg/labels: selector.go.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8s_notebook.objects import label_syntax

Labels = Mapping[str, str]
Test = Callable[[str | None, Sequence[str]], bool]

_TOKEN = re.compile(r"==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+")
_SYMBOLS = frozenset(["==", "!=", "=", "!", "(", ")", ",", "<", ">", ""])
_BINARY = {"in": "in", "notin": "notin", "=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt"}
_SPEC_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")


def _integer(text: str | None) -> int | None:
    """A 64-bit integer, or None."""
    if text is None or not _INTEGER.match(text):
        return None
    number = int(text)
    return number if -(1 << 63) <= number < 1 << 63 else None


def _compare(sign: int) -> Test:
    """Whether the label, an integer, lies beyond the one value in the direction of `sign`."""

    def test(value: str | None, values: Sequence[str]) -> bool:
        label, limit = _integer(value), _integer(values[0])
        return label is not None and limit is not None and sign * (label - limit) > 0

    return test


_TESTS: dict[str, Test] = {
    "in": lambda value, values: value in values,
    "=": lambda value, values: value in values,
    "==": lambda value, values: value in values,
    "notin": lambda value, values: value not in values,
    "!=": lambda value, values: value not in values,
    "exists": lambda value, values: value is not None,
    "!": lambda value, values: value is None,
    "gt": _compare(1),
    "lt": _compare(-1),
}
_TEXTS = {
    "in": "{key} in ({values})",
    "notin": "{key} notin ({values})",
    "=": "{key}={values}",
    "==": "{key}=={values}",
    "!=": "{key}!={values}",
    "gt": "{key}>{values}",
    "lt": "{key}<{values}",
    "exists": "{key}",
    "!": "!{key}",
}
_EXACT = "exact-match compatibility requires one single value"
_COUNTED = "for 'Gt', 'Lt' operators, exactly one value is required"
_NONE = "values set must be empty for exists and does not exist"
_SOME = "for 'in', 'notin' operators, values set can't be empty"
_COUNTS: dict[str, tuple[Callable[[int], bool], str]] = {
    **dict.fromkeys(("in", "notin"), (lambda n: n > 0, _SOME)),
    **dict.fromkeys(("=", "==", "!="), (lambda n: n == 1, _EXACT)),
    **dict.fromkeys(("exists", "!"), (lambda n: n == 0, _NONE)),
    **dict.fromkeys(("gt", "lt"), (lambda n: n == 1, _COUNTED)),
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label; `operator` is one of in, notin, =, ==, !=, exists, !, gt, lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether these labels meet the condition; `notin` and `!=` hold for a missing label."""
        return _TESTS[self.operator](labels.get(self.key), self.values)

    def __str__(self) -> str:
        return _TEXTS[self.operator].format(key=self.key, values=",".join(sorted(self.values)))


class LabelSelector:
    """Conditions that must all hold; `str()` gives the text that a query carries."""

    __slots__ = ("_equal", "_others", "nothing", "requirements")

    def __init__(self, requirements: Iterable[Requirement] = (), *, nothing: bool = False) -> None:
        self.requirements = tuple(sorted(requirements, key=lambda r: r.key))
        self.nothing = nothing
        single = [r for r in self.requirements if r.operator in ("=", "==", "in") and len(r.values) == 1]
        self._equal = tuple((r.key, r.values[0]) for r in single)
        self._others = tuple((r.key, r.values, _TESTS[r.operator]) for r in self.requirements if r not in single)

    def matches(self, labels: Labels | None) -> bool:
        """Whether an object with these labels is selected."""
        if self.nothing:
            return False
        get = (labels or {}).get
        for key, value in self._equal:
            if get(key) != value:
                return False
        return all(test(get(key), values) for key, values, test in self._others)

    @property
    def empty(self) -> bool:
        """Whether everything is selected."""
        return not self.requirements and not self.nothing

    def exact(self, key: str) -> str | None:
        """The one value that the label `key` must have, or None if several are possible."""
        return next((value for name, value in self._equal if name == key), None)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))

    def __repr__(self) -> str:
        return f"LabelSelector({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LabelSelector) and (self.requirements, self.nothing) == (other.requirements, other.nothing)

    def __hash__(self) -> int:
        return hash((self.requirements, self.nothing))


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(nothing=True)


@functools.lru_cache(maxsize=1024)
def labels(text: str) -> LabelSelector:
    """The selector that a query's `labelSelector` means; ValueError with Kubernetes' sentence.

    >>> selector = labels("app in (web, api), !legacy, tier!=db")
    >>> str(selector), selector.matches({"app": "web"})
    ('app in (api,web),!legacy,tier!=db', True)
    """
    return LabelSelector(_Parser(text).selector())


def from_spec(spec: Mapping[str, Any] | None) -> LabelSelector:
    """The selector that `matchLabels` and `matchExpressions` mean: None selects nothing, {} everything.

    >>> from_spec({"matchLabels": {"app": "web"}}).matches({"app": "web", "x": "y"})
    True
    """
    if spec is None:
        return NOTHING
    found = [_requirement(key, "=", (value,)) for key, value in (spec.get("matchLabels") or {}).items()]
    for expression in spec.get("matchExpressions") or ():
        operator = _SPEC_OPERATORS.get(expression.get("operator", ""))
        if operator is None:
            raise ValueError(f"{_quoted(expression.get('operator', ''))} is not a valid label selector operator")
        found.append(_requirement(expression.get("key", ""), operator, tuple(expression.get("values") or ())))
    return LabelSelector(found) if found else EVERYTHING


def from_map(wanted: Labels | None) -> LabelSelector:
    """The selector of a plain map, as Services and ReplicationControllers have it; an empty one selects everything."""
    return LabelSelector(Requirement(key, "=", (value,)) for key, value in (wanted or {}).items())


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _requirement(key: str, operator: str, values: tuple[str, ...]) -> Requirement:
    """A valid requirement, or ValueError that lists everything wrong with it."""
    faults = [f"key: Invalid value: {_quoted(key)}: {'; '.join(wrong)}"] if (wrong := label_syntax.key_faults(key)) else []
    fits, sentence = _COUNTS[operator]
    if not fits(len(values)):
        listed = json.dumps(list(values), ensure_ascii=False, separators=(",", ":")) if values else "null"
        faults.append(f"values: Invalid value: {listed}: {sentence}")
    if operator in ("gt", "lt"):
        faults += [
            f"values[{i}]: Invalid value: {_quoted(v)}: for 'Gt', 'Lt' operators, the value must be an integer"
            for i, v in enumerate(values)
            if _integer(v) is None
        ]
    for i, value in enumerate(values):
        if wrong := label_syntax.value_faults(value):
            faults.append(f"values[{i}][{key}]: Invalid value: {_quoted(value)}: {'; '.join(wrong)}")
    if faults:
        raise ValueError(faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")
    return Requirement(key, operator, values)


class _Parser:
    """Recursive descent over the tokens; the end of the text is the token ''."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = [*_TOKEN.findall(text), ""]
        self._at = 0

    def selector(self) -> list[Requirement]:
        """The requirements, in the order of the text."""
        found: list[Requirement] = []
        while token := self._peek():
            if token in _SYMBOLS and token != "!":
                raise ValueError(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self._one())
            except ValueError as error:
                raise ValueError(f"unable to parse requirement: {error}") from None
            if (token := self._take()) == "":
                break
            if token != ",":
                raise ValueError(f"found '{token}', expected: ',' or 'end of string'")
            if (token := self._peek()) in _SYMBOLS and token != "!":
                raise ValueError(f"found '{token}', expected: identifier after ','")
        return found

    def _peek(self) -> str:
        return self._tokens[self._at]

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _one(self) -> Requirement:
        token = self._take()
        absent = token == "!"
        key = self._take() if absent else token
        if key in _SYMBOLS:
            raise ValueError(f"found '{key}', expected: identifier")
        if wrong := label_syntax.key_faults(key):
            raise ValueError(f"<nil>: Invalid value: {_quoted(key)}: {'; '.join(wrong)}")
        if absent or self._peek() in ("", ","):
            return _requirement(key, "!" if absent else "exists", ())
        operator = _BINARY.get(token := self._take())
        if operator is None:
            raise ValueError(f"found '{token}', expected: {', '.join(_BINARY.values())}")
        values = self._set() if operator in ("in", "notin") else {self._value()}
        return _requirement(key, operator, tuple(sorted(values)))

    def _value(self) -> str:
        if self._peek() in ("", ","):
            return ""
        token = self._take()
        if token in _SYMBOLS:
            raise ValueError(f"found '{token}', expected: identifier")
        return token

    def _set(self) -> set[str]:
        token = self._take()
        if token != "(":
            raise ValueError(f"found '{token}' expected: '('")
        token = self._peek()
        if token == ")":
            self._take()
            return {""}
        if token in _SYMBOLS and token != ",":
            raise ValueError(f"found '{token}', expected: ',', ')' or identifier")
        values = self._members()
        self._take()
        return values

    def _members(self) -> set[str]:
        """The values up to the closing parenthesis; two commas, or one beside a parenthesis, hold an empty value."""
        found: set[str] = set()
        while True:
            token = self._take()
            if token == ",":
                following = self._peek()
                if not found or following in (",", ")"):
                    found.add("")
                if following == ")":
                    return found
            elif token in _SYMBOLS:
                raise ValueError(f"found '{token}', expected: ',', or identifier")
            else:
                found.add(token)
                if (following := self._peek()) == ")":
                    return found
                if following != ",":
                    raise ValueError(f"found '{following}', expected: ',' or ')'")
