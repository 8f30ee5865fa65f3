"""Objects in the shape a client wants: as they are, as a Table, or as bare metadata; and the lines of a watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import orjson

from k8s_notebook.apiserver.negotiation import Wanted
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import BadRequest
from k8s_notebook.objects.kinds import Kind

Include = Literal["Metadata", "Object", "None"]
Frame = Callable[[Any], bytes]
_HEADS = {t: f'{{"type":"{t}","object":'.encode() for t in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK")}


def include(text: str | None) -> Include:
    """What of an object a Table's rows carry; BadRequest for an unknown wish."""
    if text not in (None, "", "Metadata", "Object", "None"):
        raise BadRequest(f'invalid includeObject: Invalid value: "{text}": must be one of Metadata, Object, None')
    return cast(Include, text or "Metadata")


def one(kind: Kind, obj: Obj, wanted: Wanted, rows: Include, now: float) -> Obj:
    """One object in the wanted shape."""
    if wanted.shape == "Table" and obj.get("kind") != "Status":
        version = obj["metadata"].get("resourceVersion")
        return _table(kind, [obj], {"resourceVersion": version} if version else {}, wanted, rows, now, columns=True)
    if wanted.shape == "PartialObjectMetadata" and obj.get("kind") != "Status":
        return _bare(obj, wanted)
    return obj


def many(kind: Kind, objects: Sequence[Obj], metadata: Obj, wanted: Wanted, rows: Include, now: float) -> Obj:
    """A list in the wanted shape, which is not the plain one."""
    if wanted.shape == "Table":
        return _table(kind, objects, metadata, wanted, rows, now, columns=True)
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": f"meta.k8s.io/{wanted.version}",
        "metadata": metadata,
        "items": [_bare(o, wanted) for o in objects],
    }


def framed(kind: Kind, wanted: Wanted, rows: Include, now: Callable[[], float]) -> Frame:
    """The function that makes a watch event a line."""
    if wanted.shape == "Table":
        return _Tables(kind, wanted, rows, now)
    if wanted.shape == "PartialObjectMetadata":
        return lambda event: b"%s%s}\n" % (_HEADS[event.type], orjson.dumps(_bare(event.object, wanted)))
    return lambda event: b"%s%s}\n" % (_HEADS[event.type], event.encoded)


class _Tables:
    """Makes events Tables of one row; only the first one names the columns."""

    def __init__(self, kind: Kind, wanted: Wanted, rows: Include, now: Callable[[], float]) -> None:
        self._kind = kind
        self._wanted = wanted
        self._rows = rows
        self._now = now
        self._columns = True

    def __call__(self, event: Any) -> bytes:
        """The line of one event."""
        bookmark = event.type == "BOOKMARK"
        metadata = event.object["metadata"]
        objects = [] if bookmark else [event.object]
        table = _table(self._kind, objects, metadata, self._wanted, self._rows, self._now(), columns=self._columns)
        if bookmark:
            table["metadata"] = metadata
        self._columns = False
        return b"%s%s}\n" % (_HEADS[event.type], orjson.dumps(table))


def _table(kind: Kind, objects: Sequence[Obj], metadata: Obj, wanted: Wanted, rows: Include, now: float, *, columns: bool) -> Obj:
    from k8s_notebook.objects import tables

    version = f"meta.k8s.io/{wanted.version}"
    return tables.table(kind, objects, now, list_metadata=metadata, include=rows, columns=columns, api_version=version)


def _bare(obj: Obj, wanted: Wanted) -> Obj:
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{wanted.version}", "metadata": obj["metadata"]}
