"""Objects as the rows that kubectl prints: the Table of the server's own printers.

Columns and cells follow kubernetes/pkg/printers/internalversion: printers.go; each family of kinds has its own file, and a
kind is a row in its `PRINTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from k8s_notebook.objects import Obj, kinds
from k8s_notebook.objects.errors import BadRequest
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.objects.tables import autoscaling, cluster, getters, network, pods, policy, storage, workloads
from k8s_notebook.objects.tables.ages import human_duration, moment, since
from k8s_notebook.objects.tables.getters import Cell, Printer

__all__ = ["Include", "cells", "columns", "human_duration", "moment", "partial", "partial_list", "since", "table"]

Include = Literal["Metadata", "Object", "None"]

_FAMILIES = (pods, workloads, autoscaling, network, storage, cluster, policy)
_PRINTERS: dict[str, Printer] = {resource: printer for family in _FAMILIES for resource, printer in family.PRINTERS.items()}

_BUILT_IN = getters.printer("Name|Created At:date", getters.name, getters.created)
_CUSTOM = getters.printer("Name|Age", getters.name, getters.age)

_ROW_CONDITIONS: dict[str, Callable[[Obj], list[Obj] | None]] = {
    "pods": lambda pod: pods.CONDITIONS.get((pod.get("status") or {}).get("phase", "")),
}
"""What a kind's rows say beside their cells."""

_META = "meta.k8s.io/v1"


def _printer(kind: Kind) -> Printer:
    """The kind's own printer; without one: built-in kinds show when they were created, custom ones their age."""
    found = _PRINTERS.get(kind.resource)
    if found is not None:
        return found
    return _BUILT_IN if kinds.BUILTIN.at(kind.group, kind.version, kind.plural) else _CUSTOM


def columns(kind: Kind) -> list[Obj]:
    """The `columnDefinitions` of a kind: name, type, format, description, priority (1: only with `-o wide`)."""
    return [column.definition() for column in _printer(kind).columns]


def cells(kind: Kind, obj: Obj, now: float) -> list[Cell]:
    """The cells of one object at a time in seconds since the epoch, wide ones included."""
    return _printer(kind).row(obj, now)


def table(
    kind: Kind,
    objects: Iterable[Obj],
    now: float,
    *,
    list_metadata: Mapping[str, Any] | None = None,
    include: str = "Metadata",
    columns: bool = True,
    api_version: str = _META,
) -> Obj:
    """The Table of the objects at a time in seconds since the epoch.

    `include` says what rows carry beside their cells: Metadata, Object or None. Without `columns` the definitions are null,
    as in all but the first event of a watch. Only `resourceVersion`, `continue` and `remainingItemCount` of `list_metadata`
    are kept.
    """
    shown = _INCLUDED.get(include)
    if shown is None:
        raise BadRequest(f'Unable to convert to Table as requested: includeObject: Unsupported value: "{include}"')
    printer, conditions = _printer(kind), _ROW_CONDITIONS.get(kind.resource)
    row = printer.row
    listed = list(objects)
    rows: list[Obj] = [{"cells": row(obj, now), "object": shown(obj, api_version)} for obj in listed]
    if conditions is not None:
        for entry, said in zip(rows, map(conditions, listed), strict=True):
            if said is not None:
                entry["conditions"] = said
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": {name: value for name, value in (list_metadata or {}).items() if name in _LIST_FIELDS},
        "columnDefinitions": [column.definition() for column in printer.columns] if columns else None,
        "rows": rows,
    }


_LIST_FIELDS = ("resourceVersion", "continue", "remainingItemCount")


def partial(obj: Obj, api_version: str = _META) -> Obj:
    """The object's metadata alone, as a PartialObjectMetadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": obj["metadata"]}


def partial_list(objects: Iterable[Obj], list_metadata: Mapping[str, Any], api_version: str = _META) -> Obj:
    """A PartialObjectMetadataList."""
    items = [partial(obj, api_version) for obj in objects]
    return {"kind": "PartialObjectMetadataList", "apiVersion": api_version, "metadata": dict(list_metadata), "items": items}


_INCLUDED: dict[str, Callable[[Obj, str], Obj | None]] = {
    "": partial,
    "Metadata": partial,
    "Object": lambda obj, api_version: obj,
    "None": lambda obj, api_version: None,
}
