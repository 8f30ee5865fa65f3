"""`events`: what happened, oldest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8s_notebook.display.rows import Column, Row, Sheet
from k8s_notebook.objects import Obj, errors, tables
from k8s_notebook.session import reading, results
from k8s_notebook.session.door import Door
from k8s_notebook.session.results import Result
from k8s_notebook.sim import clock

_COLUMNS = tuple(Column(n) for n in ("Last Seen", "Type", "Reason", "Object", "Message"))


def events(
    door: Door,
    namespace: str | None = None,
    *,
    everywhere: bool = False,
    about: tuple[str, str] | None = None,
    types: Iterable[str] = (),
) -> Result:
    """What kubectl events prints. `about`: (kind, name); `types`: "Normal", "Warning"."""
    scope = "" if everywhere else namespace or door.namespace
    fields = f"involvedObject.kind={about[0]},involvedObject.name={about[1]}" if about else ""
    kind = door.kind("events")
    wanted = set(types)
    notes: tuple[str, ...] = ()
    try:
        listed = reading.items(door, kind, scope, fields=fields)
    except errors.Forbidden:
        names = reading.allowed(door, kind) if everywhere else []
        if not names:
            raise
        listed = [e for n in names for e in reading.items(door, kind, n, fields=fields)]
        notes = (reading.only_of(kind, names),)
    found = [e for e in listed if not wanted or e.get("type") in wanted]
    found.sort(key=lambda e: (last_seen(e), e["metadata"]["name"]))
    now = clock.Wall().now()
    rows = tuple(Row(_cells(e, now), e) for e in found)
    sheet = Sheet(kind, _COLUMNS, rows, now)
    empty = "No events found." if everywhere else f"No events found in {scope} namespace."
    scoped = "all namespaces" if everywhere else f"namespace {scope}"
    return results.tables(
        (sheet,), empty=empty, namespaces=everywhere, items=tuple(found), notes=notes, cluster=door.title, scope=scoped,
        label="events",
    )  # fmt: skip


def _cells(event: Obj, now: float) -> tuple[Any, ...]:
    regarding = event.get("involvedObject") or {}
    said = str(event.get("message") or "").strip()
    return (
        seen(event, now),
        event.get("type", ""),
        event.get("reason", ""),
        f"{regarding.get('kind')}/{regarding.get('name')}",
        said,
    )


def last_seen(event: Obj) -> str:
    """When it happened last, as RFC 3339."""
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )


def seen(event: Obj, now: float) -> str:
    """How long ago: `5s`, or `5s (x3 over 2m)`."""
    first = event.get("firstTimestamp") or event.get("eventTime") or last_seen(event)
    count = (event.get("series") or {}).get("count") or event.get("count") or 1
    last = ago(last_seen(event), now)
    return f"{last} (x{count} over {ago(str(first), now)})" if count > 1 else last


def ago(stamp: str, now: float) -> str:
    """The age of a time stamp; `<unknown>` for none."""
    try:
        return tables.human_duration(now - clock.seconds(stamp))
    except ValueError:
        return "<unknown>"


def about(door: Door, obj: Obj) -> list[Obj]:
    """The events about one object, oldest first; none if they may not be read."""
    metadata = obj["metadata"]
    fields = f"involvedObject.name={metadata['name']},involvedObject.kind={obj['kind']}"
    if metadata.get("uid") and obj["kind"] != "Node":
        fields += f",involvedObject.uid={metadata['uid']}"
    found = reading.items(door, door.kind("events"), metadata.get("namespace", ""), fields=fields)
    return sorted(found, key=lambda e: (last_seen(e), e["metadata"]["name"]))
