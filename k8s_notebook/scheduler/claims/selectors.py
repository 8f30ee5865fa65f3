"""CEL expressions about devices (as in k8s.io/dynamic-resource-allocation/cel).

The language itself comes from the optional package `cel-expr-python`. Here is what Kubernetes adds to it: the variable `device`,
quantities and semantic versions. Both are maps of plain values, so that CEL's own comparison of equals holds for them.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from k8s_notebook.objects import Obj, quantity

MISSING = 'CEL selectors need the package cel-expr-python: pip install "k8s_notebook[cel]"'
NANOS = 10**9

_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_LOOKUP = re.compile(r"\bdevice\s*\.\s*(?:attributes|capacity)\s*(\[)(?!\s*\?)")
_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\[\]]""")
_NO_KEY = re.compile(r'NOT_FOUND: Key not found in map : "(.*)"')

Number = dict[str, Any]
"""A quantity or a version as a CEL map."""


class Broken(Exception):
    """Why a claim cannot be decided; the text is for the person who made it."""


class Selector:
    """One compiled expression."""

    def __init__(self, expression: str) -> None:
        try:
            self._program = _environment().compile(with_defaults(expression))
        except ImportError as error:
            raise Broken(MISSING) from error
        except RuntimeError as error:
            raise Broken(f"CEL compile error: compilation failed: {error}") from error

    def matches(self, device: Obj, driver: str) -> bool:
        """Whether a device of a ResourceSlice is selected; Broken if the expression fails on it."""
        found = self._program.eval(data={"device": self._variable(device, driver)})
        kind, value = found.type().name(), found.plain_value()
        if kind == "ERROR":
            missing = _NO_KEY.search(str(value))
            raise Broken(f"CEL runtime error: {f'no such key: {missing[1]}' if missing else value}")
        if not isinstance(value, bool):
            raise Broken(f"CEL runtime error: CEL result of type {kind.lower()} could not be converted to bool")
        return value

    def _variable(self, device: Obj, driver: str) -> Obj:
        """What the expression sees."""
        read: dict[str, dict[str, dict[str, Any]]] = {"attributes": {}, "capacity": {}}
        for name, value in (device.get("attributes") or {}).items():
            domain, identifier = qualified(name, driver)
            read["attributes"].setdefault(domain, {})[identifier] = _attribute(name, value)
        for name, value in (device.get("capacity") or {}).items():
            domain, identifier = qualified(name, driver)
            read["capacity"].setdefault(domain, {})[identifier] = _quantity(value["value"])
        return {"driver": driver, "allowMultipleAllocations": bool(device.get("allowMultipleAllocations")), **read}


@functools.lru_cache(maxsize=256)
def compiled(expression: str) -> Selector:
    """The selector of an expression; Broken if it cannot be read."""
    return Selector(expression)


def with_defaults(expression: str) -> str:
    """The expression with look-ups of domains as calls, for a domain that a device does not have is an empty map.

    >>> with_defaults('device.attributes["gpu.example.com"].cores > 4')
    'device.attributes.domain_("gpu.example.com").cores > 4'
    """
    found = _LOOKUP.search(expression)
    while found is not None:
        depth, start = 0, found.start(1)
        end = len(expression)
        for token in _QUOTED.finditer(expression, start):
            depth += {"[": 1, "]": -1}.get(token[0], 0)
            if not depth:
                end = token.start()
                break
        expression = f"{expression[:start]}.domain_({expression[start + 1 : end]}){expression[end + 1 :]}"
        found = _LOOKUP.search(expression)
    return expression


def qualified(name: str, driver: str) -> tuple[str, str]:
    """(domain, identifier) of an attribute; without a domain it belongs to the driver."""
    domain, slash, identifier = name.partition("/")
    return (domain, identifier) if slash else (driver, name)


def _attribute(name: str, value: Obj) -> Any:
    for field in ("int", "bool", "string"):
        if value.get(field) is not None:
            return value[field]
    if value.get("version") is None:
        raise Broken(f"CEL runtime error: attribute {name}: unsupported attribute value")
    return _version(value["version"])


def _quantity(text: str | int) -> Number:
    return _number(quantity.parse(text))


def _number(amount: Fraction) -> Number:
    return {"quantity": str(amount)}


def _amount(number: Number) -> Fraction:
    if "quantity" not in number:
        raise ValueError("no such overload")
    return Fraction(number["quantity"])


def _version(text: str, normalise: bool = False) -> Number:
    if normalise:
        core, sign, rest = re.fullmatch(r"v?([^-+]*)([-+]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
        numbers = [*core.split("."), "0", "0"][: max(3, core.count(".") + 1)]
        text = ".".join(n.lstrip("0") or "0" for n in numbers) + sign + rest
    if not _SEMVER.fullmatch(text):
        raise ValueError(f"parse semantic version: {text!r} is not one")
    return {"semver": text}


def _version_key(number: Number) -> tuple[Any, ...]:
    """Sorts as semantic versions do: a release after its previews, numbers before words."""
    found = _SEMVER.fullmatch(number["semver"])
    major, minor, patch, preview, _ = found.groups() if found else ("0",) * 5
    parts = [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in preview.split(".")] if preview else []
    return int(major), int(minor), int(patch), not preview, parts


def _compare(a: Number, b: Number) -> int:
    if ("semver" in a) != ("semver" in b):
        raise ValueError("no such overload")
    left, right = (_version_key(a), _version_key(b)) if "semver" in a else ((_amount(a),), (_amount(b),))
    return (left > right) - (left < right)


def _holds(check: Callable[..., object]) -> Callable[..., bool]:
    """Whether a conversion works."""

    def tried(*arguments: Any) -> bool:
        try:
            check(*arguments)
        except (ValueError, ArithmeticError):
            return False
        return True

    return tried


def _integer(number: Number) -> int:
    amount = _amount(number)
    if amount.denominator != 1 or not -(2**63) <= amount < 2**63:
        raise ValueError("cannot convert value to integer")
    return int(amount)


def _part(position: int) -> Callable[[Number], int]:
    return lambda number: int(_version_key(number)[position])


def _sign(number: Number) -> int:
    amount = _amount(number)
    return (amount > 0) - (amount < 0)


@functools.cache
def _environment() -> Any:
    """CEL with Kubernetes' additions."""
    cel = importlib.import_module("cel_expr_python.cel")
    kind = cel.Type
    number = kind.Map(kind.STRING, kind.DYN)
    table: list[tuple[str, bool, Any, list[Any], Callable[..., object]]] = [
        ("domain_", True, number, [kind.Map(kind.STRING, kind.DYN), kind.STRING], lambda domains, name: domains.get(name, {})),
        ("quantity", False, number, [kind.STRING], _quantity),
        ("isQuantity", False, kind.BOOL, [kind.STRING], _holds(_quantity)),
        ("semver", False, number, [kind.STRING], _version),
        ("semver", False, number, [kind.STRING, kind.BOOL], _version),
        ("isSemver", False, kind.BOOL, [kind.STRING], _holds(_version)),
        ("isSemver", False, kind.BOOL, [kind.STRING, kind.BOOL], _holds(_version)),
        ("compareTo", True, kind.INT, [number, number], _compare),
        ("isLessThan", True, kind.BOOL, [number, number], lambda a, b: _compare(a, b) < 0),
        ("isGreaterThan", True, kind.BOOL, [number, number], lambda a, b: _compare(a, b) > 0),
        ("sign", True, kind.INT, [number], _sign),
        ("isInteger", True, kind.BOOL, [number], _holds(_integer)),
        ("asInteger", True, kind.INT, [number], _integer),
        ("asApproximateFloat", True, kind.DOUBLE, [number], lambda a: float(_amount(a))),
        ("add", True, number, [number, number], lambda a, b: _number(_amount(a) + _amount(b))),
        ("add", True, number, [number, kind.INT], lambda a, b: _number(_amount(a) + b)),
        ("sub", True, number, [number, number], lambda a, b: _number(_amount(a) - _amount(b))),
        ("sub", True, number, [number, kind.INT], lambda a, b: _number(_amount(a) - b)),
        *((name, True, kind.INT, [number], _part(i)) for i, name in enumerate(("major", "minor", "patch"))),
    ]
    functions: dict[str, list[Any]] = {}
    for i, (name, member, result, parameters, implementation) in enumerate(table):
        overload = cel.Overload(f"k8s_{name}_{i}", result, parameters, member, implementation)
        functions.setdefault(name, []).append(overload)
    loaded = [importlib.import_module(f"cel_expr_python.ext.ext_{name}") for name in ("strings", "bindings", "optional")]
    extensions = [loaded[0].ExtStrings(), loaded[1].ExtBindings(), loaded[2].ExtOptional()]
    declared = [cel.FunctionDecl(name, overloads) for name, overloads in functions.items()]
    return cel.NewEnv(variables={"device": kind.Map(kind.STRING, kind.DYN)}, extensions=extensions, functions=declared)
