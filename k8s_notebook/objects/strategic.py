"""Strategic merge: lists that know the key of their elements are merged, with directives for order and deletion.

As in apimachinery/pkg/util/strategicpatch: patch.go. The directives inside a patch are
`$patch: delete|replace|merge`, `$retainKeys`, `$setElementOrder/<list>` and `$deleteFromPrimitiveList/<list>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError, BadRequest, InternalError
from k8s_notebook.objects.typetable import Node

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"
_GO_TYPES: dict[type, str] = {dict: "map[string]interface {}", str: "string", bool: "bool", int: "int64", float: "float64"}


def strategic_merge(obj: Obj, patch: Any, schema: Node | None) -> Obj:
    """The object after a strategic merge patch; without a schema every list is replaced.

    >>> strategic_merge({"a": {"b": 1}, "c": [1]}, {"a": {"d": 2}, "c": [2]}, None)
    {'a': {'b': 1, 'd': 2}, 'c': [2]}
    """
    if not isinstance(patch, dict):
        raise BadRequest("invalid JSON document")
    return _merge_map(obj, patch, schema)


def _child(node: Node | None, name: str) -> Node | None:
    return None if node is None else node.field(name)


def _strategy(node: Node | None) -> str:
    """`merge`, `replace` or nothing; retainKeys needs no help from the schema."""
    parts = node.patch_strategy.split(",") if node is not None else ()
    return next((part for part in parts if part != "retainKeys"), "")


def _merge_map(original: Obj, patch: Obj, node: Node | None) -> Obj:
    if (directive := patch.get(_PATCH)) is not None:
        return _whole(directive, patch)
    merged = _retained(original, patch)
    done = {_RETAIN}
    for key, order in patch.items():
        if key.startswith(_ORDER):
            name = key.removeprefix(_ORDER)
            done |= {key, name} if name in patch else {key}
            ordered = _ordered_list(merged.get(name), patch.get(name), order, _child(node, name))
            if ordered is not None:
                merged[name] = ordered
    for key, change in patch.items():
        if key not in done and not key.startswith(_DELETE):
            _change(merged, key, change, _child(node, key))
    for key, gone in patch.items():
        if key.startswith(_DELETE) and isinstance(left := merged.get(key.removeprefix(_DELETE)), list):
            merged[key.removeprefix(_DELETE)] = [value for value in left if value not in _listed(gone)]
    return merged


def _whole(directive: Any, patch: Obj) -> Obj:
    """What a map with `$patch` becomes."""
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _PATCH}
    if directive == "delete":
        return {}
    raise _failed(f"unknown patch type: {directive} in map: {_go(patch)}")


def _retained(original: Obj, patch: Obj) -> Obj:
    """A new map with what `$retainKeys` leaves of the original, everything if there is no such directive."""
    if _RETAIN not in patch:
        return dict(original)
    keep = patch[_RETAIN]
    mentioned = [n for n, v in patch.items() if v is not None and n != _RETAIN and not n.startswith((_DELETE, _ORDER))]
    if not isinstance(keep, list) or any(name not in keep for name in mentioned):
        raise BadRequest("invalid patch format of retainKeys")
    return {name: value for name, value in original.items() if name in keep}


def _change(merged: Obj, name: str, change: Any, node: Node | None) -> None:
    """Merge one field of the patch into the new map."""
    if change is None:
        merged.pop(name, None)
        return
    before = merged.get(name)
    if isinstance(before, dict) and isinstance(change, dict):
        merged[name] = change if _strategy(node) == "replace" else _merge_map(before, change, node)
    elif isinstance(before, list) and isinstance(change, list):
        merged[name] = _merge_list(before, change, node) if _strategy(node) == "merge" else change
    elif isinstance(change, dict) and _PATCH in change:
        merged.pop(name, None)
    else:
        merged[name] = _fresh(change)


def _fresh(value: Any) -> Any:
    """A value that the original did not have: without nulls, directives, and elements that only carry a directive."""
    if isinstance(value, dict):
        kept = ((n, v) for n, v in value.items() if v is not None and not n.startswith((_RETAIN, _ORDER, _DELETE)))
        return {name: _fresh(inner) for name, inner in kept if not _directed(inner)}
    if isinstance(value, list):
        return [_fresh(inner) for inner in value if not _directed(inner)]
    return value


def _directed(value: Any) -> bool:
    return isinstance(value, dict) and _PATCH in value


def _ordered_list(before: Any, change: Any, order: Any, node: Node | None) -> list[Any] | None:
    """The merged list in the order of `$setElementOrder`; None if neither side has the list."""
    order, key = _listed(order), _key(node)
    _check_order(_listed(change), order, key)
    if before is None and change is None:
        return None
    if change is None:
        merged = _listed(before)
    elif before is None:
        merged = _fresh(_listed(change))
    elif _strategy(node) == "merge":
        merged = _merge_list(_listed(before), _listed(change), node)
    else:
        merged = _listed(change)
    return _arranged(merged, order, _listed(before), key)


def _check_order(change: list[Any], order: list[Any], key: str) -> None:
    """The patch's elements must stand in the order list, in the same order."""
    if not order or not change:
        return
    rest = iter([_name(element, key) for element in order])
    wanted = [_name(element, key) for element in change if not _directed(element)]
    if not all(name in rest for name in wanted):
        raise _failed(f"The order in patch list:\n{_go(change)}\n doesn't match {_ORDER[:-1]} list:\n{_go(order)}\n")


def _merge_list(before: list[Any], change: list[Any], node: Node | None) -> list[Any]:
    elements = [*before, *change]
    if not all(isinstance(e, dict) for e in elements):
        both = _unique(elements)
        return _arranged(both, change, before, "")
    key = _key(node)
    if not key:
        raise _failed("cannot merge lists without merge key")
    before, change = _without_directed(before, change, key)
    return _arranged(_merge_elements(before, change, key, node), change, before, key)


def _without_directed(before: list[Obj], change: list[Obj], key: str) -> tuple[list[Obj], list[Obj]]:
    """Both lists after `$patch: delete` and `$patch: replace` elements did their work."""
    plain = [element for element in change if _PATCH not in element]
    directives = {str(element[_PATCH]) for element in change if _PATCH in element}
    for element in change:
        if _PATCH in element and element[_PATCH] not in ("delete", "replace", "merge"):
            raise _failed(f"unknown patch type: {element[_PATCH]} in map: {_go(element)}")
    if "merge" in directives:
        raise _failed("merging lists cannot yet be specified in the patch")
    if "replace" in directives:
        return plain, []
    gone = [_name(element, key) for element in change if _PATCH in element]
    return [element for element in before if element.get(key) not in gone], plain


def _merge_elements(before: list[Obj], change: list[Obj], key: str, node: Node | None) -> list[Obj]:
    """The elements of `before`, merged with those of the same key, and then the new ones."""
    merged = list(before)
    element_node = node.items if node is not None else None
    places = {element.get(key): at for at, element in reversed(list(enumerate(before)))}
    for element in change:
        name = _name(element, key)
        if name in places:
            merged[places[name]] = _merge_map(merged[places[name]], element, element_node)
        else:
            places[name] = len(merged)
            merged.append(_fresh(element))
    return merged


def _arranged(merged: list[Any], first: list[Any], server: list[Any], key: str) -> list[Any]:
    """The elements: those named in `first` in its order, the others between them where the server had them."""
    wanted = _places(first, key)
    known = _places(server, key)
    named = sorted((e for e in merged if _name(e, key) in wanted), key=lambda e: wanted[_name(e, key)])
    others = sorted((e for e in merged if _name(e, key) not in wanted), key=lambda e: known.get(_name(e, key), len(known)))
    found: list[Any] = []
    for element in named:
        place = known.get(_name(element, key))
        while others and place is not None and known.get(_name(others[0], key), place) < place:
            found.append(others.pop(0))
        found.append(element)
    return found + others


def _places(elements: list[Any], key: str) -> dict[Any, int]:
    return {_name(element, key): at for at, element in reversed(list(enumerate(elements)))}


def _key(node: Node | None) -> str:
    return node.merge_key if node is not None else ""


def _name(element: Any, key: str) -> Any:
    """What tells an element apart: itself, or its merge key."""
    if not key:
        if isinstance(element, list | dict):
            raise _failed("lists of lists are not supported")
        return element
    if not isinstance(element, dict) or key not in element:
        raise _failed(f"map: {_go(element)} does not contain declared merge key: {key}")
    return element[key]


def _listed(value: Any) -> list[Any]:
    """The value if it is a list, an empty one for nothing."""
    if value is not None and not isinstance(value, list):
        raise _failed(f"expected a []interface {{}}, but received a {_GO_TYPES.get(type(value), 'number')}")
    return value or []


def _unique(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(_name(value, "") for value in values))


def _failed(sentence: str) -> ApiError:
    """The server's answer to a patch that it cannot follow: a 500 without a reason."""
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": sentence, "code": 500}
    return InternalError(sentence, status=status)


def _go(value: Any) -> str:
    """A value as Go's %v prints it.

    >>> _go({"b": [1, True], "a": None})
    'map[a:<nil> b:[1 true]]'
    """
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{_go(value[name])}' for name in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(_go, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "<nil>" if value is None else str(value)
