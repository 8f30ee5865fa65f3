"""`delete`, `scale`, `label`, `annotate`: changes of objects that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from k8s_notebook.machinery.actions import Delete, Get, Patch
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.session import awaiting, output, reading, targets
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import UsageError, error, from_api
from k8s_notebook.session.results import Result
from k8s_notebook.session.sources import Source, read


@dataclass(frozen=True, slots=True)
class Named:
    """One object, by kind, namespace and name."""

    kind: Kind
    namespace: str
    name: str

    @property
    def said(self) -> str:
        """`deployment.apps/web`."""
        return f"{targets.spelled(self.kind)}/{self.name}"


def find(
    door: Door,
    words: Sequence[str],
    namespace: str | None,
    selector: str = "",
    *,
    everything: bool = False,
    everywhere: bool = False,
) -> list[Named]:
    """The objects that a command line means: by name, by label, or all."""
    found: list[Named] = []
    for target in targets.parse(door, words):
        kind = target.kind
        scope = "" if everywhere else door.scope(kind, namespace)
        if target.names:
            found += [Named(kind, scope, n) for n in target.names]
        elif selector or everything:
            items = reading.items(door, kind, scope, selector)
            found += [Named(kind, i["metadata"].get("namespace", ""), i["metadata"]["name"]) for i in items]
        else:
            raise UsageError("error: resource(s) were provided, but no name was specified")
    return found


def in_source(door: Door, source: Source, namespace: str | None) -> list[Named]:
    """The objects that a text describes."""
    found = []
    for document in read(source):
        kind = door.kind_of(document.obj)
        metadata = document.obj.get("metadata") or {}
        if kind is None or not metadata.get("name"):
            raise error(f'no such kind or no name in "{document.source}"{document.where("kind")}')
        found.append(Named(kind, door.scope(kind, metadata.get("namespace") or namespace), metadata["name"]))
    return found


@dataclass(frozen=True, slots=True)
class Deletion:
    """How to delete: `grace` in seconds (None: the object's own), and whether to wait until it is gone."""

    grace: int | None = None
    propagation: str = "Background"
    ignore_not_found: bool = False
    wait: bool = True
    timeout: float = 300.0
    dry_run: bool = False


def delete(door: Door, wanted: Sequence[Named], how: Deletion) -> Result:
    """What kubectl delete prints; returns when the objects are gone, unless told not to wait."""
    lines: list[str] = []
    problems: list[str] = []
    going: list[tuple[Named, str]] = []
    first: errors.ApiError | None = None
    for named in wanted:
        request = Delete(door.resource(named.kind), named.name, named.namespace, how.grace, how.propagation, dry_run=how.dry_run)
        try:
            answer = door.ask(request)
        except errors.NotFound as refused:
            if not how.ignore_not_found:
                problems.append(str(from_api(refused)))
                first = first or refused
            continue
        except errors.ApiError as refused:
            problems.append(str(from_api(refused)))
            first = first or refused
            continue
        forced = "force deleted" if how.grace == 0 else "deleted"
        where = f" from {named.namespace} namespace" if named.namespace else ""
        lines.append(f'{targets.spelled(named.kind)} "{named.name}" {forced}{where}' + (" (dry run)" if how.dry_run else ""))
        going.append((named, _uid(answer)))
    if first is not None and not lines and len(problems) == 1:
        raise first
    if not wanted:
        lines.append("No resources found")
    if how.wait and not how.dry_run and how.grace != 0:
        awaiting.gone(door, [(n.kind, n.namespace, n.name, uid) for n, uid in going], how.timeout)
    return Result("\n".join(lines), problems=tuple(problems), ok=not problems, label="delete")


def _uid(answer: Obj) -> str:
    if answer.get("kind") == "Status":
        return str((answer.get("details") or {}).get("uid") or "")
    return str((answer.get("metadata") or {}).get("uid") or "")


def scale(door: Door, wanted: Sequence[Named], replicas: int, current: int | None = None) -> Result:
    """What kubectl scale prints."""
    if replicas < 0:
        raise UsageError("error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    lines = []
    for named in wanted:
        if named.kind.subresource("scale") is None:
            raise error(f"{named.kind.plural} cannot be scaled: only deployments, replicasets, statefulsets and the like can")
        if current is not None:
            live = door.ask(Get(door.resource(named.kind), named.name, named.namespace, "scale"))
            has = (live.get("spec") or {}).get("replicas", 0)
            if has != current:
                raise error(f"Expected replicas to be {current}, was {has}")
        body = {"spec": {"replicas": replicas}}
        door.ask(
            Patch(door.resource(named.kind), named.name, named.namespace, body, subresource="scale", manager="kubectl-scale")
        )
        lines.append(f"{named.said} scaled")
    return Result("\n".join(lines), label="scale")


def change_metadata(
    door: Door, wanted: Sequence[Named], field: str, pairs: Sequence[str], *, overwrite: bool, dry_run: bool = False
) -> Result:
    """What kubectl label (field "labels") or annotate (field "annotations") prints; `key=value` sets, `key-` removes."""
    changes = parse_pairs(pairs)
    verb = {"labels": "labeled", "annotations": "annotated"}[field]
    lines, items = [], []
    for named in wanted:
        live = door.ask(Get(door.resource(named.kind), named.name, named.namespace))
        has: dict[str, Any] = (live.get("metadata") or {}).get(field) or {}
        for key, value in changes.items():
            if value is not None and not overwrite and has.get(key, value) != value:
                raise error(f"'{key}' already has a value ({has[key]}), and --overwrite is false")
        lines += [f'{field[:-1]} "{k}" not found.' for k, v in changes.items() if v is None and k not in has]
        told = _told(has, changes, verb)
        if told != f"not {verb}":
            body = {"metadata": {field: dict(changes)}}
            manager = "kubectl-label" if field == "labels" else "kubectl-annotate"
            live = door.ask(Patch(door.resource(named.kind), named.name, named.namespace, body, manager=manager, dry_run=dry_run))
        items.append(output.shown(live))
        lines.append(f"{named.said} {told}")
    return Result("\n".join(lines), tuple(items), label=field)


def _told(has: dict[str, Any], changes: dict[str, str | None], verb: str) -> str:
    if all(has.get(k) == v for k, v in changes.items()):
        return f"not {verb}"
    removed = all(v is None for v in changes.values())
    return f"un{verb}" if removed and verb == "labeled" else verb


def parse_pairs(pairs: Sequence[str]) -> dict[str, str | None]:
    """`["a=b", "c-"]` as {"a": "b", "c": None}."""
    found: dict[str, str | None] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if equals and key:
            found[key] = value
        elif pair.endswith("-") and len(pair) > 1:
            found[pair[:-1]] = None
        else:
            raise UsageError(f'error: expected key=value, or key- to remove it, not "{pair}"')
    if not found:
        raise UsageError("error: at least one key=value (or key- to remove it) is required")
    return found
