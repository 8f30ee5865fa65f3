"""What makes a config impossible to apply, in the words of structured-merge-diff."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from k8s_notebook.objects import fieldsv1, structure
from k8s_notebook.objects.typetable import Node


def faults(value: Any, node: Node | None, path: str = "") -> Iterator[str]:
    """What makes a config impossible to apply: wrong types, unknown fields, list elements with the same or no key.

    Only the first unknown field of a map is told, as in Kubernetes.
    """
    if node is None or node.preserve or value is None:
        return
    if wrong := _wrong_type(value, node):
        yield f"{path}: {wrong}"
    elif isinstance(value, dict):
        unknown = next((name for name in value if structure.child(node, name) is None), None)
        if unknown is not None:
            yield f"{path}.{unknown}: field not declared in schema"
            return
        for name, inner in value.items():
            yield from faults(inner, structure.child(node, name), f"{path}.{name}")
    elif isinstance(value, list):
        yield from _list_faults(value, node, path)
        for place, element in enumerate(value):
            key = structure.element_key(element, node) if structure.associative(value, node) else f"i:{place}"
            yield from faults(element, node.items, path + fieldsv1.text(key))


_EXPECTED: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "object": ((dict,), "expected map, got {value}"),
    "array": ((list,), "expected list, got {value}"),
    "string": ((str,), "expected string, got {value}"),
    "boolean": ((bool,), "expected boolean, got {value}"),
    **dict.fromkeys(("integer", "number"), ((int, float), "expected numeric (int or float), got {kind}")),
}
"""Type in the schema -> what JSON values have it, and what is said of others."""

_GO_TYPES: Final = {
    bool: "bool",
    str: "string",
    int: "int64",
    float: "float64",
    list: "[]interface {}",
    dict: "map[string]interface {}",
}


def _wrong_type(value: Any, node: Node) -> str:
    """Why a value does not have the type that the schema says; nothing if it does."""
    expected = _EXPECTED.get(node.type)
    if expected is None or node.int_or_string or (node.format == "quantity" and isinstance(value, int | float)):
        return ""
    types, sentence = expected
    if isinstance(value, types) and (bool in types or not isinstance(value, bool)):
        return ""
    return sentence.format(value=_go_value(value), kind=_GO_TYPES.get(type(value), "interface {}"))


def _go_value(value: Any) -> str:
    return "&value.valueUnstructured{Value:" + (f"{value}}}" if isinstance(value, int) else f"{structure.compact(value)}}}")


def _list_faults(values: list[Any], node: Node, path: str) -> Iterator[str]:
    if node.list_type not in ("map", "set"):
        return
    seen: set[str] = set()
    for place, element in enumerate(values):
        key = structure.element_key(element, node)
        if key == "k:{}":
            names = " ".join(structure.compact(name) for name in node.list_keys)
            yield (
                f"{path}: element {place}: associative list with keys has an element that omits all key fields [{names}] "
                "(and doesn't have default values for any key fields)"
            )
        elif key in seen:
            yield f"{path}: duplicate entries for key {fieldsv1.text(key)}"
        seen.add(key)
