"""Sets of fields in the notation of `managedFields`: FieldsV1.

A set is a nested dict. Its keys are `f:name` (a field), `k:{"name":"c"}` (the list element with that key), `v:"x"` (the set
element of that value), `i:0` (a place in a list) and `.`, which says that the place itself is a member. On the wire a place
without children is `{}` and a member; here it is always `{".": {}}`, so that `{}` is the empty set.

As in structured-merge-diff/fieldpath.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Fields = Mapping[str, Any]

HERE: Fields = {".": {}}
NONE: Fields = {}

_RANKS = {".": 0, "f": 1, "k": 2, "v": 3, "i": 4}


def decode(wire: Fields | None) -> Fields:
    """The set that `fieldsV1` means.

    >>> decode({"f:data": {".": {}, "f:a": {}}})
    {'f:data': {'.': {}, 'f:a': {'.': {}}}}
    """
    return {key: inner if key == "." else decode(inner) or HERE for key, inner in (wire or {}).items()}


def encode(fields: Fields) -> dict[str, Any]:
    """The set as `fieldsV1` has it, in Kubernetes' order.

    >>> encode({"f:b": HERE, "f:a": {".": {}, "f:x": HERE}})
    {'f:a': {'.': {}, 'f:x': {}}, 'f:b': {}}
    """
    return {key: {} if fields[key] == HERE else encode(fields[key]) for key in ordered(fields)}


def ordered(fields: Fields) -> list[str]:
    """The keys of a set in Kubernetes' order."""
    return sorted(fields, key=lambda key: (_RANKS[key[0]], key))


def of_paths(paths: Iterable[tuple[str, ...]]) -> Fields:
    """The set of some paths of field names.

    >>> of_paths([("metadata", "name"), ("spec",)])
    {'f:metadata': {'f:name': {'.': {}}}, 'f:spec': {'.': {}}}
    """
    found: Fields = NONE
    for path in paths:
        inner = HERE
        for name in reversed(path):
            inner = {f"f:{name}": inner}
        found = union(found, inner)
    return found


def union(one: Fields, other: Fields) -> Fields:
    """What is in either set."""
    if not one or not other:
        return one or other
    found = dict(one)
    for key, inner in other.items():
        found[key] = inner if key == "." or key not in found else union(found[key], inner)
    return found


def difference(one: Fields, other: Fields) -> Fields:
    """What is in the first set but not in the other; what lies below a member of the other stays."""
    found: dict[str, Any] = {}
    for key, inner in one.items():
        if key == ".":
            left: Any = None if "." in other else inner
        else:
            left = (difference(inner, other[key]) or None) if key in other else inner
        if left is not None:
            found[key] = left
    return found


def intersection(one: Fields, other: Fields) -> Fields:
    """What is in both sets."""
    found: dict[str, Any] = {}
    for key, inner in one.items():
        if key == "." and "." in other:
            found[key] = inner
        elif key != "." and key in other and (both := intersection(inner, other[key])):
            found[key] = both
    return found


def without(one: Fields, prefixes: Fields) -> Fields:
    """The set without the members of the other and all that lies below them."""
    found: dict[str, Any] = {}
    for key, inner in one.items():
        other = prefixes.get(key)
        if key == "." or other is None:
            found[key] = inner
        elif "." not in other and (left := without(inner, other)):
            found[key] = left
    return found


def only(one: Fields, patterns: Fields) -> Fields:
    """What lies at or below the members of the patterns; the key `*` there stands for any."""
    found: dict[str, Any] = {}
    for key, inner in one.items():
        pattern = patterns.get(key, patterns.get("*"))
        if key == "." or pattern is None:
            continue
        kept = inner if "." in pattern else only(inner, pattern)
        if kept:
            found[key] = kept
    return found


def paths(fields: Fields, prefix: str = "") -> Iterator[str]:
    """The members as Kubernetes prints them: `.spec.containers[name="c"].image`."""
    keys = [key for key in ordered(fields) if key != "."]
    for key in keys:
        if "." in fields[key]:
            yield prefix + text(key)
    for key in keys:
        yield from paths(fields[key], prefix + text(key))


def text(key: str) -> str:
    """One element of a path as Kubernetes prints it.

    >>> text("f:spec"), text('k:{"port":80,"protocol":"TCP"}'), text('v:"x"'), text("i:0")
    ('.spec', '[port=80,protocol="TCP"]', '[="x"]', '[0]')
    """
    kind, _, rest = key.partition(":")
    if kind == "k":
        return "[" + ",".join(f"{name}={_plain(value)}" for name, value in json.loads(rest).items()) + "]"
    return f".{rest}" if kind == "f" else f"[={_plain(json.loads(rest))}]" if kind == "v" else f"[{rest}]"


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
