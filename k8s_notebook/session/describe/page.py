"""Which description a kind has, with the events about the object below it."""

from __future__ import annotations

from collections.abc import Callable

from k8s_notebook.machinery.actions import Get
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.session import events, output, reading
from k8s_notebook.session.describe import anything, config, nodes, pods, services, workloads
from k8s_notebook.session.describe.lines import Page
from k8s_notebook.session.door import Door
from k8s_notebook.session.results import Result
from k8s_notebook.session.targets import Target, parse
from k8s_notebook.sim import clock

Describer = Callable[[Door, Page, Obj], None]

_BY_RESOURCE: dict[str, Describer] = {
    "pods": pods.describe,
    "nodes": nodes.describe,
    "deployments.apps": workloads.deployment,
    "replicasets.apps": workloads.replicaset,
    "services": services.describe,
    "configmaps": config.configmap,
    "secrets": config.secret,
    "namespaces": config.namespace,
    "serviceaccounts": config.serviceaccount,
}
_NO_EVENTS = frozenset({"secrets", "namespaces"})


def describe(
    door: Door, words: tuple[str, ...], namespace: str | None = None, selector: str = "", *, everywhere: bool = False
) -> Result:
    """What kubectl describe prints about the objects that the words name; without names, about all of a kind."""
    texts, items = [], []
    for target in parse(door, words):
        for obj in _objects(door, target, namespace, selector, everywhere=everywhere):
            texts.append(_described(door, target.kind, obj))
            items.append(obj)
    scope = namespace or door.namespace
    said = "\n\n\n".join(texts) or (f"No resources found in {scope} namespace." if not everywhere else "No resources found")
    return Result(said, tuple(items), label="describe")


def _objects(door: Door, target: Target, namespace: str | None, selector: str, *, everywhere: bool) -> list[Obj]:
    kind = target.kind
    scope = "" if everywhere else door.scope(kind, namespace)
    if not target.names:
        return [output.shown(i) for i in reading.items(door, kind, scope, selector)]
    return [_found(door, kind, scope, name) for name in target.names]


def _found(door: Door, kind: Kind, scope: str, name: str) -> Obj:
    """The object of that name, or else the only one whose name begins so, as kubectl does."""
    try:
        return output.shown(door.ask(Get(door.resource(kind), name, scope)))
    except errors.NotFound:
        alike = [i for i in reading.items(door, kind, scope) if i["metadata"]["name"].startswith(name)]
        if len(alike) != 1:
            raise
        return output.shown(alike[0])


def _described(door: Door, kind: Kind, obj: Obj) -> str:
    page = Page()
    _BY_RESOURCE.get(kind.resource, anything.describe)(door, page, obj)
    if kind.resource not in _NO_EVENTS:
        _events(door, page, obj)
    return str(page)


def _events(door: Door, page: Page, obj: Obj) -> None:
    try:
        found = events.about(door, obj)
    except errors.ApiError as error:
        page.pair(0, "Events", f"not shown: {error.message}")
        return
    if not found:
        page.pair(0, "Events", None)
        return
    now = clock.Wall().now()
    page.add(0, "Events:")
    rows = [
        (e.get("type", ""), e.get("reason", ""), events.seen(e, now), _from(e), str(e.get("message") or "").strip())
        for e in found
    ]
    page.table(1, ("Type", "Reason", "Age", "From", "Message"), rows, shortest=4)


def _from(event: Obj) -> str:
    return str((event.get("source") or {}).get("component") or event.get("reportingComponent") or "")
