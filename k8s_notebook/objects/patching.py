"""The three ways to change an object by a patch; none of them changes what it is given."""

from __future__ import annotations

from typing import Any

import jsonpatch
import jsonpointer

from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import BadRequest, Invalid, TooLarge
from k8s_notebook.objects.strategic import strategic_merge

__all__ = ["json_patch", "merge_patch", "strategic_merge"]

MOST_OPERATIONS = 10_000
_REFUSED = "the server rejected our request due to an error in our request"
_GO_TYPES: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}


def json_patch(obj: Obj, operations: Any) -> Obj:
    """The object after the operations of RFC 6902; Invalid if one of them cannot be done or a `test` fails.

    >>> json_patch({"a": 1}, [{"op": "test", "path": "/a", "value": 1}, {"op": "add", "path": "/b", "value": 2}])
    {'a': 1, 'b': 2}
    """
    if not isinstance(operations, list):
        raise BadRequest(
            f"error decoding patch: json: cannot unmarshal {_go(operations)} into Go value of type []handlers.jsonPatchOp"
        )
    if len(operations) > MOST_OPERATIONS:
        raise TooLarge(f"The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {len(operations)}", details={})
    try:
        patched = jsonpatch.JsonPatch([]).apply(obj)
        for operation in operations:
            if not _tests_absence(operation, patched):
                patched = jsonpatch.JsonPatch([operation]).apply(patched, in_place=True)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError, AttributeError):
        raise rejected() from None
    if not isinstance(patched, dict):
        raise rejected()
    return patched


def _tests_absence(operation: Any, obj: Any) -> bool:
    """Whether the operation asks for null where there is nothing, which Kubernetes lets pass."""
    if not isinstance(operation, dict) or operation.get("op") != "test" or operation.get("value", 0) is not None:
        return False
    missing = object()
    return jsonpointer.resolve_pointer(obj, operation.get("path", ""), missing) is missing


def merge_patch(obj: Any, patch: Any) -> Any:
    """The object after an RFC 7386 merge patch: maps merge, null deletes, everything else replaces.

    >>> merge_patch({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": [3]}})
    {'a': {'c': 2, 'd': [3]}}
    """
    if not isinstance(patch, dict):
        raise BadRequest(
            f"error decoding patch: json: cannot unmarshal {_go(patch)} into Go value of type map[string]interface {{}}"
        )
    return _merged(obj, patch)


def _merged(value: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for name, change in patch.items():
        if change is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), change)
    return merged


def rejected() -> Invalid:
    """The answer to a patch that does not fit the object: it says no more, and carries empty details."""
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": _REFUSED,
        "reason": Invalid.reason,
        "details": {},
        "code": Invalid.code,
    }
    return Invalid(_REFUSED, status=status)


def _go(value: Any) -> str:
    return _GO_TYPES.get(type(value), "null")
