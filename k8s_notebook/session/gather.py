"""All objects that a picture or an explanation needs, at once, with what may not be seen left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from k8s_notebook.client import waiting
from k8s_notebook.machinery.actions import List
from k8s_notebook.machinery.api import Api
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import Kind


class Gathered(NamedTuple):
    """The objects, and kind -> the server's sentence for what may not be listed."""

    objects: list[Obj]
    unseen: dict[str, str]


def gather(api: Api, namespace: str | None, kinds: Iterable[str]) -> Gathered:
    """All objects of these resources in a namespace (None: in all), and those that have none, all lists under way at once."""
    served = [k for k in (_served(api, r) for r in kinds) if k is not None]
    tickets = [api.submit(List(k.resource, (namespace or "") if k.namespaced else "")) for k in served]
    waiting.results(tickets)
    objects: list[Obj] = []
    unseen: dict[str, str] = {}
    for kind, ticket in zip(served, tickets, strict=True):
        if isinstance(ticket.error, (errors.Forbidden, errors.NotFound, errors.MethodNotAllowed)):
            unseen[kind.kind] = str(ticket.error)
            continue
        items = ticket.result().get("items") or ()
        objects += [i if "kind" in i else {"apiVersion": kind.api_version, "kind": kind.kind, **i} for i in items]
    return Gathered(objects, unseen)


def _served(api: Api, resource: str) -> Kind | None:
    try:
        return api.kinds.of(resource)
    except KeyError:
        return None
