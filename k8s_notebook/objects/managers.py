"""The entries of `metadata.managedFields`: who set which fields, by which operation, when.

As in apimachinery/pkg/util/managedfields/internal.
"""

from __future__ import annotations

import calendar
import functools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from k8s_notebook.objects import Obj, fieldsv1
from k8s_notebook.objects.fieldsv1 import Fields

MOST_UPDATERS = 10
ANCIENT = "ancient-changes"

Identity = tuple[str, str, str, str]
"""Manager, operation, apiVersion (of an Update only), subresource: what makes two entries one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: the fields of one manager."""

    manager: str
    operation: str
    api_version: str
    subresource: str = ""
    time: str | None = None
    fields: Fields = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """What makes two entries one."""
        return (self.manager, self.operation, "" if self.applied else self.api_version, self.subresource)

    @property
    def applied(self) -> bool:
        """Whether the fields were applied, not updated."""
        return self.operation == "Apply"

    def said(self) -> str:
        """The manager as a conflict names it: `"kubectl" with subresource "scale" using apps/v1`."""
        inside = f" with subresource {json.dumps(self.subresource)}" if self.subresource else ""
        return json.dumps(self.manager, ensure_ascii=False) + inside + ("" if self.applied else f" using {self.api_version}")

    def encode(self) -> Obj:
        """The entry as it stands in the object."""
        wire = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": fieldsv1.encode(self.fields),
            "subresource": self.subresource,
        }
        return {name: value for name, value in wire.items() if value not in (None, "")}


Managers = Mapping[Identity, Entry]


def decode(entries: Any) -> Managers | None:
    """The managers of an object by identity; None if an entry cannot be understood."""
    found: dict[Identity, Entry] = {}
    for wire in entries or ():
        if not isinstance(wire, dict) or wire.get("operation") not in ("Apply", "Update"):
            return None
        if not wire.get("apiVersion") or wire.get("fieldsType") != "FieldsV1":
            return None
        entry = Entry(
            wire.get("manager", ""),
            wire["operation"],
            wire["apiVersion"],
            wire.get("subresource", ""),
            wire.get("time"),
            fieldsv1.decode(wire.get("fieldsV1")),
        )
        found[entry.identity] = entry
    return found


def encode(managers: Managers) -> list[Obj]:
    """The entries in Kubernetes' order: applied ones first, then by time, manager, version, subresource."""
    return [entry.encode() for entry in sorted(managers.values(), key=_order)]


def _order(entry: Entry) -> tuple[Any, ...]:
    return (entry.operation, _seconds(entry.time), entry.manager, entry.api_version, entry.subresource)


@functools.lru_cache(maxsize=4096)
def _seconds(stamp: str | None) -> int:
    return calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) if stamp else 0


def capped(managers: Managers) -> Managers:
    """The managers with at most ten Update entries: the oldest of the same version become one, `ancient-changes`."""
    updaters = [entry for entry in managers.values() if not entry.applied]
    if len(updaters) <= MOST_UPDATERS:
        return managers
    kept, count = dict(managers), len(updaters)
    first: dict[str, Entry] = {}
    for entry in sorted(updaters, key=lambda e: (_seconds(e.time), e.manager, e.subresource)):
        if count <= MOST_UPDATERS:
            break
        if entry.api_version not in first:
            first[entry.api_version] = entry
            continue
        bucket = Entry(ANCIENT, "Update", entry.api_version)
        old = kept.get(bucket.identity) or kept.pop(first[entry.api_version].identity)
        kept[bucket.identity] = replace(bucket, time=entry.time, fields=fieldsv1.union(entry.fields, old.fields))
        kept.pop(entry.identity, None)
        count -= 1
    return kept
