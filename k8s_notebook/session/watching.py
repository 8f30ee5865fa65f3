"""`get -w`: a row for every change, until an interrupt or the time is over."""

from __future__ import annotations

from collections.abc import Callable

from k8s_notebook.client import waiting
from k8s_notebook.display import text
from k8s_notebook.display.rows import Row, Sheet, from_table
from k8s_notebook.machinery.actions import List
from k8s_notebook.machinery.api import Subscription
from k8s_notebook.objects import Obj, tables
from k8s_notebook.session import output, targets
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import UsageError
from k8s_notebook.session.reading import Query
from k8s_notebook.session.results import Result, Said
from k8s_notebook.sim import clock


def watch(door: Door, query: Query, timeout: float | None, say: Callable[[str], None] | None) -> Result:
    """The rows as they came; each is said at once. Columns are as wide as the rows that were there at first need."""
    found = targets.parse(door, query.words)
    if len(found) != 1 or len(found[0].names) > 1:
        raise UsageError("error: you may only specify a single resource type, or one object, with -w")
    target = found[0]
    outputs = output.checked(query.output)
    if outputs not in {"", "wide", "name"}:
        raise UsageError("error: -w shows rows: use -o wide or -o name with it")
    namespace = "" if query.everywhere or not target.kind.namespaced else query.namespace or door.namespace
    fields = ",".join(f for f in (query.fields, f"metadata.name={target.names[0]}" if target.names else "") if f)
    # A watch goes on trying where a list is refused at once.
    door.ask(List(door.resource(target.kind), namespace, query.selector, fields, limit=1))
    subscription = door.api.watch(door.resource(target.kind), namespace=namespace, labels=query.selector, fields=fields)
    lines = _Lines(query, say)
    deadline = None if timeout is None else clock.monotonic() + timeout
    try:
        _follow(lines, subscription, target, deadline)
    except KeyboardInterrupt:
        pass
    finally:
        subscription.close()
    return (Result if say is None else Said)("\n".join(lines.said), label="get -w")


def _follow(lines: _Lines, subscription: Subscription, target: targets.Target, deadline: float | None) -> None:
    first: list[Obj] = []
    synced = False
    while True:
        events = waiting.arrivals(subscription, deadline)
        for event in events:
            if event.type == "BOOKMARK":
                if event.initial and not synced:
                    synced = True
                    lines.start(target, first)
            elif not synced:
                first.append(event.object)
            else:
                lines.add(target, event.object)
        if subscription.ended or (deadline is not None and clock.monotonic() >= deadline):
            return


class _Lines:
    """Rows as lines, with the widths that the first rows set."""

    def __init__(self, query: Query, say: Callable[[str], None] | None) -> None:
        self.said: list[str] = []
        self._query = query
        self._say = say
        self._widths: list[int] = []

    def start(self, target: targets.Target, objects: list[Obj]) -> None:
        """Head and first rows."""
        cells = self._cells(target, sorted(objects, key=lambda o: (o["metadata"].get("namespace", ""), o["metadata"]["name"])))
        self._widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))] if cells else []
        for line in cells if objects else ():
            self._print(line)

    def add(self, target: targets.Target, obj: Obj) -> None:
        """One more row, with the head if it is the first."""
        head, row = self._cells(target, [obj])
        if not self.said:
            self._widths = [max(len(a), len(b)) for a, b in zip(head, row, strict=True)]
            self._print(head)
        self._print(row)

    def _cells(self, target: targets.Target, objects: list[Obj]) -> list[list[str]]:
        now = clock.Wall().now()
        table = tables.table(target.kind, objects, now, include="Object")
        sheet: Sheet = from_table(target.kind, table, now)
        sheet = sheet.with_rows(Row(r.cells, output.shown(o)) for r, o in zip(sheet.rows, objects, strict=True))
        if self._query.output == "name":
            return [[""], *([f"{targets.spelled(target.kind)}/{r.name}"] for r in sheet.rows)]
        return text.lines(
            sheet, wide=self._query.output == "wide", namespaces=self._query.everywhere, show_labels=self._query.show_labels
        )

    def _print(self, cells: list[str]) -> None:
        padded = [c.ljust(max(w, text.NARROWEST - text.PADDING) + text.PADDING) for c, w in zip(cells, self._widths, strict=True)]
        line = "".join(padded).rstrip()
        if not line:
            return
        self.said.append(line)
        if self._say is not None:
            self._say(line)
