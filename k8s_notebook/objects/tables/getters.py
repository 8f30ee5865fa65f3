"""What the columns of most kinds are made of: functions from an object and the time to one cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8s_notebook.objects import Obj, selectors
from k8s_notebook.objects.tables import ages

Cell = str | int | bool | None
Getter = Callable[[Obj, float], Cell]
Row = Callable[[Obj, float], list[Cell]]

NONE, UNSET = "<none>", "<unset>"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `wide` ones show with `-o wide` only."""

    name: str
    type: str = "string"
    format: str = ""
    wide: bool = False

    def definition(self) -> Obj:
        """The entry of `columnDefinitions`."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": _DESCRIPTIONS.get(self.name, ""),
            "priority": int(self.wide),
        }


_DESCRIPTIONS = {
    "Name": "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a "
    "client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence "
    "and configuration definition. Cannot be updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
    **dict.fromkeys(
        ("Age", "Created At"),
        "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be "
        "set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 "
        "form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
        "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
    ),
}


@dataclass(frozen=True, slots=True)
class Printer:
    """How one kind is printed: its columns, and the cells of an object."""

    columns: tuple[Column, ...]
    row: Row


def columns(header: str) -> tuple[Column, ...]:
    """The columns of a header line: `Name|Desired:integer|Attacher:name|Images*`, where `*` marks the wide ones."""
    found = []
    for text in header.split("|"):
        title, _, kind = text.removesuffix("*").partition(":")
        format_ = "name" if "name" in (title.lower(), kind) else ""
        found.append(Column(title, "string" if kind in ("", "name") else kind, format_, text.endswith("*")))
    return tuple(found)


def printer(header: str, *getters: Getter) -> Printer:
    """A printer whose cells come from one getter per column."""

    def row(obj: Obj, now: float) -> list[Cell]:
        return [get(obj, now) for get in getters]

    return Printer(columns(header), row)


def at(obj: Any, path: str) -> Any:
    """The value at a dotted path, or None."""
    for part in path.split("."):
        obj = obj.get(part) if isinstance(obj, dict) else None
    return obj


def name(obj: Obj, now: float) -> Cell:
    """The object's name."""
    found: str = obj["metadata"].get("name", "")
    return found


def age(obj: Obj, now: float) -> Cell:
    """How old the object is."""
    return ages.since(obj["metadata"].get("creationTimestamp"), now)


def created(obj: Obj, now: float) -> Cell:
    """When the object was created."""
    stamp: str = obj["metadata"].get("creationTimestamp") or "0001-01-01T00:00:00Z"
    return stamp


def value(path: str, missing: Cell = "") -> Getter:
    """The value at a path, `missing` where there is none."""

    def get(obj: Obj, now: float) -> Cell:
        found: Cell = at(obj, path)
        return missing if found is None else found

    return get


def text(path: str, missing: str = "") -> Getter:
    """The value at a path as text, `missing` where there is none or it is empty."""

    def get(obj: Obj, now: float) -> Cell:
        found = at(obj, path)
        return missing if found is None or found == "" else str(found)

    return get


def number(path: str) -> Getter:
    """The number at a path, 0 where there is none."""
    return value(path, 0)


def flag(path: str, missing: bool = False) -> Getter:
    """The truth at a path."""
    return value(path, missing)


def count(*paths: str) -> Getter:
    """How many entries the lists or maps at the paths have."""
    return lambda obj, now: sum(len(at(obj, path) or ()) for path in paths)


def joined(path: str, missing: str = "", separator: str = ",") -> Getter:
    """The list at a path as text."""
    return lambda obj, now: separator.join(at(obj, path) or ()) or missing


def ratio(part: str, whole: str) -> Getter:
    """`2/3` from two numbers."""
    return lambda obj, now: f"{at(obj, part) or 0}/{at(obj, whole) or 0}"


def ago(path: str, missing: str) -> Getter:
    """How long ago the time at a path was."""
    return lambda obj, now: ages.since(found, now) if (found := at(obj, path)) else missing


def labels(path: str) -> Getter:
    """The map at a path as `a=b,c=d`."""
    return lambda obj, now: label_text(at(obj, path))


def selector(path: str) -> Getter:
    """The label selector at a path as text."""
    return lambda obj, now: selector_text(at(obj, path))


def containers(path: str) -> tuple[Getter, Getter]:
    """Two columns: the names and the images of the containers of the pod spec at a path."""

    def column(field: str) -> Getter:
        return lambda obj, now: ",".join(c.get(field, "") for c in at(obj, f"{path}.containers") or ())

    return column("name"), column("image")


def label_text(found: Mapping[str, str] | None) -> str:
    """`a=b,c=d`, or `<none>`."""
    return ",".join(f"{key}={found[key]}" for key in sorted(found)) if found else NONE


def selector_text(spec: Obj | None) -> str:
    """A label selector as a query has it, or `<none>`."""
    try:
        return str(selectors.from_spec(spec)) or NONE
    except ValueError:
        return "<error>"


def with_more(shown: Sequence[str], most: int, missing: str, separator: str = ",") -> str:
    """The first few of many: `a,b,c + 4 more...`."""
    listed = separator.join(shown[:most])
    return f"{listed} + {len(shown) - most} more..." if len(shown) > most else listed or missing


def condition(obj: Obj, kind: str) -> Obj:
    """The status condition of that type, an empty dict if there is none."""
    conditions: Iterable[Obj] = at(obj, "status.conditions") or ()
    return next((c for c in conditions if c.get("type") == kind), {})


def is_true(obj: Obj, kind: str) -> bool:
    """Whether the status condition of that type is True."""
    return condition(obj, kind).get("status") == "True"
