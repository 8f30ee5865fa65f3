"""`-o yaml | json | name | jsonpath=…`: objects as text."""

from __future__ import annotations

import json
from collections.abc import Sequence

from k8s_notebook.objects import Obj, masking
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.session import jsonpath, targets, yamltext
from k8s_notebook.session.problems import UsageError

FORMATS = ("", "wide", "yaml", "json", "name", "jsonpath=…")


def checked(output: str) -> str:
    """The format, if there is one of that name; UsageError otherwise."""
    if output in FORMATS[:-1] or output.startswith("jsonpath="):
        return output
    allowed = ",".join(f for f in FORMATS if f)
    raise UsageError(
        f'error: unable to match a printer suitable for the output format "{output}", allowed formats are: {allowed}'
    )


def shown(obj: Obj) -> Obj:
    """The object as it may be shown: secrets as bullets, without the server's bookkeeping of field owners."""
    masked = masking.masked(obj)
    metadata = masked.get("metadata")
    if isinstance(metadata, dict) and "managedFields" in metadata:
        return {**masked, "metadata": {k: v for k, v in metadata.items() if k != "managedFields"}}
    return masked


def printed(output: str, items: Sequence[tuple[Kind, Obj]], *, single: bool) -> str:
    """The objects in a format of `FORMATS`. `single`: one object was asked for by name."""
    objects = [o for _, o in items]
    if output == "name":
        return "\n".join(f"{targets.spelled(k)}/{o['metadata']['name']}" for k, o in items)
    whole = objects[0] if single and objects else bundle(objects)
    if output == "json":
        return json.dumps(whole, indent=4, sort_keys=True, ensure_ascii=False)
    if output.startswith("jsonpath="):
        return jsonpath.evaluate(output.removeprefix("jsonpath="), whole)
    return yamltext.dump(whole)


def as_yaml(items: Sequence[Obj]) -> str:
    """The objects as YAML: one as itself, several as a List."""
    return yamltext.dump(items[0] if len(items) == 1 else bundle(items))


def bundle(items: Sequence[Obj]) -> Obj:
    """A List of the objects, as kubectl wraps them."""
    return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": list(items)}
