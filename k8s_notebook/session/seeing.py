"""`graph`: a cluster looked at as a picture."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from k8s_notebook.machinery.actions import List
from k8s_notebook.objects import Obj, errors
from k8s_notebook.session import gather, reading
from k8s_notebook.session.door import Door

if TYPE_CHECKING:
    from k8s_notebook.widgets.topology import Topology


def graph(door: Door, namespace: str | None = None, *, everywhere: bool = False, live: bool = True) -> Topology:
    """The objects of a namespace (or of all) and the nodes as a picture that follows the cluster; `.nx` is the graph."""
    from k8s_notebook.graph import relations
    from k8s_notebook.widgets import live as feeds
    from k8s_notebook.widgets.topology import Topology

    # Asked first: a feed goes on trying where nobody answers.
    scope, note = _everywhere(door) if everywhere else (_checked(door, namespace or door.namespace), "")
    served = {k.resource for k in door.api.kinds}
    resources = [r for r in relations.READ if r in served]
    meta = [door.title, f"namespace {scope}{note}" if scope else "all namespaces"]
    if not live:
        found = gather.gather(door.api, scope or None, resources)
        return Topology(lambda: (found.objects, frozenset(found.unseen)), meta)
    look = feeds.follow(door.api, resources, scope)
    look.feed.wait()

    def source() -> tuple[list[Obj], frozenset[str]]:
        return look.feed.objects(), frozenset(door.api.kinds.of(r).kind for r in look.feed.unseen())

    return Topology(source, meta, look)


def _checked(door: Door, namespace: str) -> str:
    """The namespace, once the cluster has answered."""
    with contextlib.suppress(errors.Forbidden):
        door.ask(List("pods", namespace, limit=1))
    return namespace


def _everywhere(door: Door) -> tuple[str, str]:
    """(namespace, what to say about it): "" for all, or a namespace that may be seen where all may not."""
    try:
        door.ask(List("pods", limit=1))
        return "", ""
    except errors.Forbidden:
        names = reading.allowed(door, door.kind("pods"))
    if not names:
        return "", ""
    chosen = door.namespace if door.namespace in names else names[0]
    others = [n for n in names if n != chosen]
    more = f"; -n shows {', '.join(others)}" if others else ""
    return chosen, f" (you may not see all{more})"
