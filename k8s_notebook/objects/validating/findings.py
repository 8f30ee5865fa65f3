"""Collects what is wrong with an object, in the API server's words.

As in k8s.io/apimachinery/pkg/util/validation/field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from k8s_notebook.objects.errors import Cause


def shown(value: Any) -> str:
    """A value inside a message: texts quoted, maps and lists as compact JSON."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    text = json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _ordered(value: Any) -> Any:
    """Maps with sorted keys, structs (whose values are not all texts) as they are."""
    if isinstance(value, list):
        return [_ordered(v) for v in value]
    if not isinstance(value, dict):
        return value
    plain = type(value) is dict and all(isinstance(v, str) for v in value.values())
    return {k: _ordered(v) for k, v in (sorted(value.items()) if plain else value.items())}


class Struct(dict[str, Any]):
    """A value whose keys are shown in the order given, whatever its values are."""


class Findings(list[Cause]):
    """A list of causes with one method per kind of mistake; `path` is the field's path."""

    def required(self, path: str, detail: str = "") -> None:
        """The field must be there."""
        self._add("FieldValueRequired", path, "Required value", detail)

    def invalid(self, path: str, value: Any, detail: str = "") -> None:
        """The value is not allowed."""
        self._add("FieldValueInvalid", path, f"Invalid value: {shown(value)}", detail)

    def bare(self, path: str, detail: str) -> None:
        """The value is not allowed and not shown."""
        self._add("FieldValueInvalid", path, "Invalid value", detail)

    def unsupported(self, path: str, value: Any, allowed: Iterable[str]) -> None:
        """The value is none of the allowed ones."""
        listed = ", ".join(shown(v) for v in allowed)
        self._add("FieldValueNotSupported", path, f"Unsupported value: {shown(value)}", f"supported values: {listed}")

    def forbidden(self, path: str, detail: str) -> None:
        """The field may not be set or changed."""
        self._add("FieldValueForbidden", path, "Forbidden", detail)

    def duplicate(self, path: str, value: Any, detail: str = "") -> None:
        """The value is there twice."""
        self._add("FieldValueDuplicate", path, f"Duplicate value: {shown(value)}", detail)

    def not_found(self, path: str, value: Any) -> None:
        """The value names something that is not there."""
        self._add("FieldValueNotFound", path, f"Not found: {shown(value)}", "")

    def too_long(self, path: str, most: int) -> None:
        """The value has too many bytes."""
        self._add("FieldValueTooLong", path, "Too long", f"may not be more than {most} bytes")

    def too_many(self, path: str, count: int, most: int) -> None:
        """The list has too many items."""
        self._add("FieldValueTooMany", path, f"Too many: {count}", f"must have at most {most} item{'s' if most != 1 else ''}")

    def each(self, path: str, value: Any, details: Iterable[str]) -> None:
        """One invalid value, several reasons."""
        for detail in details:
            self.invalid(path, value, detail)

    def immutable(self, path: str, new: Any, old: Any) -> None:
        """The field must not have changed."""
        if new is not old and new != old:
            self.invalid(path, new, "field is immutable")

    def not_negative(self, path: str, value: Any) -> None:
        """A number, if given, must be 0 or more."""
        if value is not None and value < 0:
            self.invalid(path, value, "must be greater than or equal to 0")

    def one_of(self, path: str, value: Any, allowed: tuple[str, ...]) -> None:
        """A value that must be there and be one of these."""
        if not value:
            self.required(path)
        elif value not in allowed:
            self.unsupported(path, value, allowed)

    def _add(self, reason: str, path: str, body: str, detail: str) -> None:
        self.append(Cause(reason, f"{body}: {detail}" if detail else body, path))
