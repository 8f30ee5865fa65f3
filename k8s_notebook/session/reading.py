"""`get`: rows or objects of any kinds, with the namespaces that are allowed where the whole cluster is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8s_notebook.display import rows
from k8s_notebook.display.rows import Row, Sheet
from k8s_notebook.machinery.actions import Get, List
from k8s_notebook.objects import Obj, errors, masking, tables
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.session import output as outputs
from k8s_notebook.session import results, sorting, targets
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import K8sError, UsageError, from_api
from k8s_notebook.session.results import Result
from k8s_notebook.session.targets import Target
from k8s_notebook.sim import clock

PAGE = 2000


@dataclass(frozen=True, slots=True)
class Query:
    """What to get. `namespace` None: the door's; `everywhere`: all namespaces."""

    words: tuple[str, ...]
    namespace: str | None = None
    everywhere: bool = False
    selector: str = ""
    fields: str = ""
    output: str = ""
    show_labels: bool = False
    ignore_not_found: bool = False
    sort_by: str = ""


@dataclass(slots=True)
class _Found:
    """What was found so far: rows per kind, sentences about what was not."""

    sheets: list[Sheet]
    problems: list[str]
    notes: list[str]
    first: errors.ApiError | None = None


def get(door: Door, query: Query) -> Result:
    """What kubectl get prints; ApiError if nothing of it can be had."""
    output = outputs.checked(query.output)
    wanted = targets.parse(door, query.words)
    if query.selector and any(t.names for t in wanted):
        raise UsageError("error: name cannot be provided when a selector is specified")
    if query.everywhere and any(t.names and t.kind.namespaced for t in wanted):
        raise UsageError("error: a resource cannot be retrieved by name across all namespaces")
    found = _Found([], [], [])
    for target in wanted:
        (_named if target.names else _listed)(door, query, target, found)
    if found.first is not None and not found.sheets:
        if len(found.problems) == 1:
            raise found.first
        raise K8sError("\n".join(found.problems), reason=found.first.reason, code=found.first.code, status=found.first.status())
    single = len(wanted) == 1 and len(wanted[0].names) == 1
    return _result(door, query, output, found, single=single)


def _result(door: Door, query: Query, output: str, found: _Found, *, single: bool) -> Result:
    sheets = tuple(sorting.by(s, query.sort_by) for s in found.sheets) if query.sort_by else tuple(found.sheets)
    items = tuple(r.object for s in sheets for r in s.rows)
    problems, notes, ok = tuple(found.problems), tuple(found.notes), not found.problems
    if output and output != "wide":
        said = outputs.printed(output, [(s.kind, r.object) for s in sheets for r in s.rows], single=single)
        return Result(said, items, problems, notes, ok)
    namespace = query.namespace or door.namespace
    scoped = any(s.kind.namespaced for s in sheets) and not query.everywhere
    empty = f"No resources found in {namespace} namespace." if scoped else "No resources found"
    if problems or (single and query.ignore_not_found):
        empty = ""
    return results.tables(
        sheets,
        empty=empty,
        wide=output == "wide",
        namespaces=query.everywhere,
        show_labels=query.show_labels,
        items=items,
        problems=problems,
        notes=notes,
        ok=ok,
        cluster=door.title,
        scope=f"namespace {namespace}" if scoped else "all namespaces" if query.everywhere else "",
        label=" ".join(query.words),
    )


def _named(door: Door, query: Query, target: Target, found: _Found) -> None:
    kind = target.kind
    namespace = door.scope(kind, query.namespace)
    answers = door.ask_all([Get(door.resource(kind), n, namespace, table=True) for n in target.names])
    sheets = []
    for answer in answers:
        if isinstance(answer, errors.NotFound) and query.ignore_not_found:
            continue
        if isinstance(answer, errors.ApiError):
            found.problems.append(str(from_api(answer)))
            found.first = found.first or answer
        else:
            sheets.append(sheet(kind, answer))
    if sheets:
        found.sheets.append(sheets[0].with_rows(r for s in sheets for r in s.rows))


def _listed(door: Door, query: Query, target: Target, found: _Found) -> None:
    kind = target.kind
    namespace = "" if query.everywhere or not kind.namespaced else query.namespace or door.namespace
    try:
        found.sheets.append(listed(door, kind, namespace, query.selector, query.fields))
    except errors.Forbidden as error:
        if not kind.namespaced or namespace:
            found.problems.append(str(from_api(error)))
            found.first = found.first or error
            return
        _fall_back(door, query, kind, found, error)
    except (errors.MethodNotAllowed, errors.NotFound, errors.BadRequest) as error:
        found.problems.append(str(from_api(error)))
        found.first = found.first or error


def _fall_back(door: Door, query: Query, kind: Kind, found: _Found, error: errors.ApiError) -> None:
    """Rows from the namespaces in which this user may list a kind, and one sentence that says so."""
    names = allowed(door, kind)
    if not names:
        found.problems.append(str(from_api(error)))
        found.first = found.first or error
        return
    sheets = [listed(door, kind, n, query.selector, query.fields) for n in names]
    found.sheets.append(sheets[0].with_rows(r for s in sheets for r in s.rows))
    found.notes.append(only_of(kind, names))


def only_of(kind: Kind, names: Sequence[str]) -> str:
    """The sentence that says of which namespaces something is."""
    return f"You may not list {kind.plural} in all namespaces: these are those of {', '.join(names)}."


def namespaces(door: Door) -> list[str]:
    """The namespaces worth trying: all that can be listed, or else the context's and "default"."""
    try:
        return [i["metadata"]["name"] for i in items(door, door.kind("namespaces"), "")]
    except errors.Forbidden:
        return list(dict.fromkeys([door.namespace, door.home, "default"]))


def allowed(door: Door, kind: Kind) -> list[str]:
    """The namespaces in which this user may list a kind."""
    tried = namespaces(door)
    answers = door.ask_all([List(door.resource(kind), n, limit=1) for n in tried])
    return [n for n, answer in zip(tried, answers, strict=True) if not isinstance(answer, errors.ApiError)]


def items(door: Door, kind: Kind, namespace: str, labels: str = "", fields: str = "") -> list[Obj]:
    """All objects of a kind, page by page, as the server has them."""
    found: list[Obj] = []
    continue_ = ""
    while True:
        answer = door.ask(List(door.resource(kind), namespace, labels, fields, PAGE, continue_))
        found += answer.get("items") or ()
        continue_ = (answer.get("metadata") or {}).get("continue") or ""
        if not continue_:
            return found


def listed(door: Door, kind: Kind, namespace: str, labels: str = "", fields: str = "") -> Sheet:
    """The rows of a kind, with whole objects; Secrets are masked."""
    found: Sheet | None = None
    continue_ = ""
    while True:
        request = List(door.resource(kind), namespace, labels, fields, PAGE, continue_, table=True, whole_objects=True)
        answer = door.ask(request)
        page = sheet(kind, answer)
        found = page if found is None else found.with_rows((*found.rows, *page.rows))
        continue_ = (answer.get("metadata") or {}).get("continue") or ""
        if not continue_:
            return found


def sheet(kind: Kind, answer: Obj) -> Sheet:
    """The rows of a Table, or of the plain list of a server that prints none."""
    now = clock.Wall().now()
    if answer.get("kind") != "Table":
        objects = [_typed(kind, i) for i in answer.get("items") or ([answer] if "items" not in answer else ())]
        ages = [tables.human_duration(now - clock.seconds(o["metadata"]["creationTimestamp"])) for o in objects]
        return rows.from_list(kind, objects, ages, now)
    found = rows.from_table(kind, answer, now)
    return found.with_rows(Row(_ages(found, r.cells, now), _typed(kind, r.object)) for r in found.rows)


def _typed(kind: Kind, obj: Obj) -> Obj:
    return outputs.shown({"apiVersion": kind.api_version, "kind": kind.kind, **_whole(obj)})


def _whole(obj: Obj) -> Obj:
    """The object without the type of a mere metadata object."""
    return (
        {k: v for k, v in obj.items() if k not in {"apiVersion", "kind"}} if obj.get("kind") == "PartialObjectMetadata" else obj
    )


def _ages(found: Sheet, cells: Sequence[object], now: float) -> tuple[object, ...]:
    """The cells with time stamps of `date` columns as ages, which kubectl does itself."""
    if not any(c.type == "date" for c in found.columns):
        return tuple(cells)
    return tuple(_age(v, now) if c.type == "date" else v for c, v in zip(found.columns, cells, strict=False))


def _age(value: object, now: float) -> object:
    if not isinstance(value, str):
        return "<unknown>"
    try:
        return tables.human_duration(now - clock.seconds(value))
    except ValueError:
        return value


__all__ = ["Query", "allowed", "get", "items", "listed", "masking", "namespaces", "only_of", "sheet"]
