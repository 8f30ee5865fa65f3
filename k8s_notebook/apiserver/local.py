"""The Api of components inside the server's process: nothing is encoded, and every ticket is done at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from k8s_notebook import release
from k8s_notebook.apiserver import reading
from k8s_notebook.apiserver.calls import Answer, Call, DeleteOptions, ListOptions
from k8s_notebook.machinery import api
from k8s_notebook.machinery.actions import Apply, Bind, Create, Delete, Get, List, Patch, Raw, Request, Update
from k8s_notebook.objects import Obj, errors, tables
from k8s_notebook.objects.kinds import Kind, Kinds

if TYPE_CHECKING:
    from k8s_notebook.apiserver.verbs import Server


class LocalApi:
    """See `machinery.api.Api`. `user` is who asks, `manager` the field manager ("" for components of the cluster)."""

    def __init__(self, server: Server, user: str, manager: str) -> None:
        self._server = server
        self._user = user
        self._manager = manager
        self._call = Call(user)

    @property
    def kinds(self) -> Kinds:
        """The kinds that are served."""
        return self._server.kinds

    def submit(self, request: Request) -> api.Ticket[Obj]:
        """Ask for something; the ticket is done."""
        try:
            answer = _VERBS[type(request)](self, request)
        except errors.ApiError as error:
            return api.Ticket.failed(error)
        return api.Ticket.of(answer.obj, answer.revision)

    def watch(
        self, resource: str, *, since: int | None = None, namespace: str = "", labels: str = "", fields: str = ""
    ) -> api.Subscription:
        """Changes after `since`; without it first everything that is there."""
        subscription = reading.changes(self._server.state, self._kind(resource), since, namespace, labels, fields)
        # The store's events have the attributes of WatchEvent; the store may not know its class.
        return cast(api.Subscription, subscription)

    def log(self, request: api.LogRequest) -> api.Stream[str]:
        """The lines of a container's log."""
        return self._server.log(request)

    def _kind(self, resource: str) -> Kind:
        try:
            return self._server.kinds.of(resource)
        except KeyError:
            raise errors.NotFound("the server could not find the requested resource") from None

    def _kind_for(self, resource: str, obj: Obj) -> Kind:
        """The kind of an action: the object's own version where several serve the resource."""
        found = self._server.kinds.for_object(obj.get("apiVersion") or "", obj.get("kind") or "")
        if found is not None and (not resource or found.resource == resource):
            return found
        return self._kind(resource) if resource else _unknown(obj)

    def _with(self, manager: str, dry_run: bool, strict: bool = False) -> Call:
        manager = manager or self._manager
        if not manager and not dry_run and not strict:
            return self._call
        return Call(self._user, manager, dry_run, "Strict" if strict else "", outside=bool(manager) or strict)

    def _get(self, request: Get) -> Answer:
        kind = self._kind(request.resource)
        answer = self._server.get(kind, request.namespace, request.name, request.subresource)
        if not request.table:
            return answer
        return self._printed(kind, answer, [answer.obj], {"resourceVersion": _version(answer.obj)}, whole=True)

    def _list(self, request: List) -> Answer:
        kind = self._kind(request.resource)
        options = ListOptions(
            request.namespace, request.labels, request.fields, request.limit, request.continue_, request.version
        )
        page = self._server.list(kind, options)
        if not request.table:
            return Answer(page.to_dict(), revision=page.revision)
        answer = Answer({}, revision=page.revision)
        return self._printed(kind, answer, page.objects(), page.metadata(), whole=request.whole_objects)

    def _printed(self, kind: Kind, answer: Answer, objects: list[Obj], metadata: Obj, *, whole: bool = False) -> Answer:
        include = "Object" if whole else "Metadata"
        table = tables.table(kind, objects, self._server.loop.now(), list_metadata=metadata, include=include)
        return Answer(table, answer.code, answer.revision)

    def _create(self, request: Create) -> Answer:
        kind = self._kind_for(request.resource, {} if request.subresource else request.obj)
        call = self._with(request.manager, request.dry_run, request.strict)
        namespace = request.namespace or (request.obj.get("metadata") or {}).get("namespace") or "default"
        if request.subresource:
            return self._server.post(kind, namespace, request.name, request.subresource, request.obj, call)
        return self._server.create(kind, namespace if kind.namespaced else "", request.obj, call)

    def _update(self, request: Update) -> Answer:
        obj = request.obj
        kind = self._kind_for(request.resource, {} if request.subresource == "scale" else obj)
        meta = obj.get("metadata") or {}
        call = self._with(request.manager, request.dry_run, request.strict)
        return self._server.update(kind, _namespace(kind, meta), meta.get("name") or "", obj, call, request.subresource)

    def _patch(self, request: Patch) -> Answer:
        kind = self._kind(request.resource)
        call = self._with(request.manager, request.dry_run, request.strict)
        return self._server.patch(kind, request.namespace, request.name, request.body, request.style, call, request.subresource)

    def _apply(self, request: Apply) -> Answer:
        kind = self._kind_for(request.resource, request.obj)
        meta = request.obj.get("metadata") or {}
        call = Call(self._user, request.manager or self._manager, request.dry_run, outside=True, force=request.force)
        return self._server.apply(kind, _namespace(kind, meta), meta.get("name") or "", request.obj, call, request.subresource)

    def _delete(self, request: Delete) -> Answer:
        options = DeleteOptions(request.grace, request.propagation, request.uid)
        call = self._with("", request.dry_run)
        return self._server.delete(self._kind(request.resource), request.namespace, request.name, options, call)

    def _bind(self, request: Bind) -> Answer:
        return self._server.bind(request.namespace, request.name, request.node, request.uid, self._call)

    def _raw(self, request: Raw) -> Answer:
        if request.path == "/version":
            return Answer(dict(release.INFO))
        raise errors.NotFound("the server could not find the requested resource")


_VERBS: dict[type, Callable[[LocalApi, Any], Answer]] = {
    Get: LocalApi._get,
    List: LocalApi._list,
    Create: LocalApi._create,
    Update: LocalApi._update,
    Patch: LocalApi._patch,
    Apply: LocalApi._apply,
    Delete: LocalApi._delete,
    Bind: LocalApi._bind,
    Raw: LocalApi._raw,
}


def _namespace(kind: Kind, meta: Obj) -> str:
    return (meta.get("namespace") or "default") if kind.namespaced else ""


def _version(obj: Obj) -> str:
    return str((obj.get("metadata") or {}).get("resourceVersion") or "")


def _unknown(obj: Obj) -> Kind:
    said = f'no matches for kind "{obj.get("kind")}" in version "{obj.get("apiVersion")}"'
    raise errors.NotFound(said)
