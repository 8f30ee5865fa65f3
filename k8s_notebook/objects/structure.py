"""What server-side apply does with values and their schema: fields of, difference, merge, removal.

A map is compared field by field unless it is atomic, a list element by element if its schema says how to tell elements apart.
As in structured-merge-diff/typed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from k8s_notebook.objects import fieldsv1
from k8s_notebook.objects.fieldsv1 import HERE, NONE, Fields
from k8s_notebook.objects.typetable import Node


class _Missing:
    """Stands for a value that is not there, which null is not."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

_ZEROS: Final = {"string": "", "integer": 0, "number": 0, "boolean": False}


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one value to another."""

    removed: Fields = field(default_factory=dict)
    modified: Fields = field(default_factory=dict)
    added: Fields = field(default_factory=dict)

    def filtered(self, keep: Any) -> Difference:
        """The difference with each set put through a function."""
        return Difference(keep(self.removed), keep(self.modified), keep(self.added))

    @property
    def written(self) -> Fields:
        """What the second value sets: modified or added."""
        return fieldsv1.union(self.modified, self.added)


_SAME = Difference()


def child(node: Node | None, name: str) -> Node | None:
    """The schema of a field or of a map's value."""
    if node is None:
        return None
    return node.fields.get(name) or node.values


def _granular(value: Any, node: Node | None) -> bool:
    """Whether the value is a map whose fields are owned one by one."""
    return isinstance(value, dict) and (node is None or node.map_type != "atomic")


def associative(value: Any, node: Node | None) -> bool:
    """Whether the value is a list whose elements are owned one by one."""
    return isinstance(value, list) and node is not None and node.list_type in ("map", "set")


def element_key(element: Any, node: Node) -> str:
    """How a list's element is named in a set: by its keys, or by its value."""
    if node.list_type != "map":
        return "v:" + compact(element)
    named = {name: element.get(name) if isinstance(element, dict) else None for name in sorted(node.list_keys)}
    known = {name: _key_default(child(node.items, name)) if value is None else value for name, value in named.items()}
    return "k:" + compact({name: value for name, value in known.items() if value is not None})


def _key_default(node: Node | None) -> Any:
    """What an absent key field counts as: its default, or its zero if it is always written."""
    if node is None or node.default is not None:
        return node.default if node is not None else None
    return _ZEROS.get(node.type) if node.mode.startswith("!") else None


def compact(value: Any) -> str:
    """The value as JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def field_set(value: Any, node: Node | None) -> Fields:
    """The fields that a value sets, as a manager who applies it owns them."""
    if _granular(value, node):
        named = node.fields if node is not None else NONE
        found: dict[str, Any] = {}
        for name, inner in value.items():
            below = field_set(inner, child(node, name))
            if inner is None or inner == {} or name not in named:
                below = fieldsv1.union(below, HERE)
            if below:
                found[f"f:{name}"] = below
        return found
    if associative(value, node) and node is not None:
        found = {}
        for key, elements in _grouped(value, node).items():
            below = field_set(elements[0], node.items) if len(elements) == 1 else NONE
            found[key] = fieldsv1.union(below, HERE)
        return found
    return NONE if value is None and node is not None and (node.fields or node.values or node.items) else HERE


def _grouped(values: Iterable[Any] | None, node: Node) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for element in values or ():
        found.setdefault(element_key(element, node), []).append(element)
    return found


def compare(old: Any, new: Any, node: Node | None) -> Difference:
    """What changed from `old` to `new`; either may be MISSING."""
    if old is new or (old is not MISSING and new is not MISSING and old == new):
        return _SAME
    if _granular(old, node) or _granular(new, node):
        before, after = (value if isinstance(value, dict) else {} for value in (old, new))
        if before or after:
            pairs = [(f"f:{n}", before.get(n, MISSING), after.get(n, MISSING), child(node, n)) for n in {**before, **after}]
            return _gathered(old, new, ((key, compare(one, other, inner)) for key, one, other, inner in pairs))
    elif node is not None and (associative(old, node) or associative(new, node)):
        mine, theirs = (_grouped(value if isinstance(value, list) else (), node) for value in (old, new))
        if mine or theirs:
            return _gathered(
                old, new, ((k, _compare_elements(mine.get(k, []), theirs.get(k, []), node)) for k in {**mine, **theirs})
            )
    return _leaf(old, new)


def _leaf(old: Any, new: Any) -> Difference:
    if old is MISSING:
        return Difference(added=HERE)
    return Difference(removed=HERE) if new is MISSING else Difference(modified=HERE)


def _compare_elements(before: list[Any], after: list[Any], node: Node) -> Difference:
    """The difference of the elements with one key; several with the same key are one value."""
    if len(before) <= 1 and len(after) <= 1:
        return compare(before[0] if before else MISSING, after[0] if after else MISSING, node.items)
    return _leaf(before, after) if before != after else _SAME


def _gathered(old: Any, new: Any, parts: Iterable[tuple[str, Difference]]) -> Difference:
    """The differences of the parts of one value, and its own if it came or went as a whole."""
    removed: dict[str, Any] = dict(HERE) if new is MISSING else {}
    added: dict[str, Any] = dict(HERE) if old is MISSING else {}
    modified: dict[str, Any] = {}
    for key, part in parts:
        for found, fields in ((removed, part.removed), (modified, part.modified), (added, part.added)):
            if fields:
                found[key] = fields
    return Difference(removed, modified, added)


def merge(live: Any, config: Any, node: Node | None) -> Any:
    """The live value with what the config sets."""
    if config is MISSING or live is MISSING:
        return live if config is MISSING else config
    if isinstance(live, dict) and live and _granular(live, node) and (config is None or isinstance(config, dict)):
        changed = {name: merge(live.get(name, MISSING), inner, child(node, name)) for name, inner in (config or {}).items()}
        return {**live, **changed}
    if live and associative(live, node) and (config is None or isinstance(config, list)):
        return _merge_lists(live, config or [], node)
    return config


def _merge_lists(live: list[Any], config: list[Any], node: Any) -> list[Any]:
    """The elements of both: the config's in its order, the other live ones between them where they stood."""
    before, wanted = _grouped(live, node), _grouped(config, node)
    mine, theirs = [element_key(element, node) for element in live], list(wanted)
    shared = [key for key in wanted if key in before]
    merged: list[Any] = []
    done: set[str] = set()
    left = right = 0
    while left < len(mine) or right < len(theirs):
        key = mine[left] if left < len(mine) else ""
        following = theirs[right] if right < len(theirs) else ""
        if key and key not in wanted:
            merged.append(live[left])
            left += 1
        elif key and following and key != following and shared and shared[0] != key:
            left += 1
        else:
            left += bool(key) and (key == following or key in done)
            if following:
                known = before.get(following, ())
                merged.append(merge(known[0] if len(known) == 1 else MISSING, wanted[following][0], node.items))
                done.add(following)
                right += 1
                if shared and (key == following or shared[0] == following):
                    del shared[0]
    return merged


def remove(value: Any, gone: Fields, node: Node | None) -> Any:
    """The value without some fields; MISSING if nothing is left of it."""
    if not gone:
        return value
    if _granular(value, node):
        kept: dict[str, Any] = {}
        for name, inner in value.items():
            below = gone.get(f"f:{name}", NONE)
            if "." not in below and (left := remove(inner, below, child(node, name))) is not MISSING:
                kept[name] = left
        return kept or MISSING
    if associative(value, node) and node is not None:
        elements = ((element, gone.get(element_key(element, node), NONE)) for element in value)
        rest = [remove(element, below, node.items) for element, below in elements if "." not in below]
        return [left for left in rest if left is not MISSING] or MISSING
    return value


def named(fields: Fields, node: Node | None) -> Fields:
    """The set with every struct field that it reaches into as a member."""
    if node is None:
        return fields
    found: dict[str, Any] = {}
    for key, below in fields.items():
        if key == ".":
            found[key] = below
        elif key.startswith("f:"):
            deeper = named(below, child(node, key[2:]))
            found[key] = fieldsv1.union(deeper, HERE) if key[2:] in node.fields else deeper
        else:
            found[key] = named(below, node.items) if key.startswith("k:") else below
    return found
