"""Requests for resources: URL, query and body become one call of a verb, its result becomes the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from k8s_notebook.apiserver import answers, formats, guards, negotiation, refusals, reviews, shaping
from k8s_notebook.apiserver.answers import NO_CACHE, Following, Request, Result, Watching
from k8s_notebook.apiserver.answers import Answer as Reply
from k8s_notebook.apiserver.auth import User
from k8s_notebook.apiserver.calls import Answer, Call, DeleteOptions, ListOptions, WatchOptions, delete_options
from k8s_notebook.apiserver.negotiation import Wanted
from k8s_notebook.apiserver.rbac import Policy
from k8s_notebook.apiserver.routing import Route, truth, whole_number
from k8s_notebook.apiserver.verbs import Server
from k8s_notebook.apiserver.writing import PatchStyle
from k8s_notebook.machinery.api import LogRequest
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import BadRequest, Expired, MethodNotAllowed
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.sim import clock

SHORTEST_WATCH, LONGEST_WATCH = 1800.0, 3600.0
"""Between these many seconds a watch without timeoutSeconds is ended."""
DEPRECATED = {
    "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    "componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
}
_OPTIONS = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions", "delete": "DeleteOptions",
            "deletecollection": "DeleteOptions"}  # fmt: skip
_PROCESSES = ("exec", "attach", "portforward", "proxy")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a resource, understood."""

    route: Route
    request: Request
    user: User
    call: Call
    wanted: Wanted


class Resources:
    """Answers requests for resources that are allowed."""

    def __init__(self, server: Server, reviewer: reviews.Reviewer, policy: Policy) -> None:
        self._server = server
        self._reviewer = reviewer
        self._policy = policy
        self._verbs: dict[str, Callable[[Asked], Result]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }

    def answer(self, route: Route, request: Request, user: User) -> Result:
        """The answer; ApiError for a refusal."""
        if route.subresource in _PROCESSES:
            raise _no_processes(route)
        virtual = route.kind.kind in reviews.KINDS
        wanted = negotiation.wanted(request.header("accept"), shapes=not virtual)
        if route.subresource == "log":
            return self._log(route, request)
        call = _call(route, request, user)
        deprecated = DEPRECATED.get(route.kind.resource)
        if deprecated:
            call.warnings.append(deprecated)
        asked = Asked(route, request, user, call, wanted)
        return self._review(asked) if virtual else self._verbs[route.verb](asked)

    def _get(self, asked: Asked) -> Result:
        route, request = asked.route, asked.request
        version = request.query.get("resourceVersion", "")
        found = self._server.get(route.kind, route.namespace, route.name, route.subresource, version=version)
        return self._one(asked, found)

    def _list(self, asked: Asked) -> Result:
        route, request, call = asked.route, asked.request, asked.call
        query = request.query
        if "sendInitialEvents" in query:
            said = "Forbidden: sendInitialEvents is forbidden for list"
            raise refusals.bad_option("ListOptions", "sendInitialEvents", "FieldValueForbidden", said)
        page = self._server.list(route.kind, _list_options(route, request))
        wanted = asked.wanted
        if wanted == negotiation.PLAIN:
            return Reply(200, page.encoded(), negotiation.JSON, (NO_CACHE, *_warned(call)))
        if not wanted.shape:
            return answers.document(page.to_dict(), wanted, 200, call.warnings)
        rows = shaping.include(query.get("includeObject"))
        shaped = shaping.many(route.kind, page.objects(), page.metadata(), wanted, rows, self._server.state.now())
        return answers.document(shaped, wanted, 200, call.warnings)

    def _watch(self, asked: Asked) -> Result:
        route, request = asked.route, asked.request
        query = request.query
        fields = query.get("fieldSelector", "")
        if route.name:
            fields = ",".join(f for f in (fields, f"metadata.name={route.name}") if f)
        options = WatchOptions(
            route.namespace,
            query.get("labelSelector", ""),
            fields,
            query.get("resourceVersion", ""),
            query.get("resourceVersionMatch", ""),
            truth(query, "sendInitialEvents") if "sendInitialEvents" in query else None,
            truth(query, "allowWatchBookmarks"),
        )
        seconds = whole_number(query, "timeoutSeconds")
        frame = shaping.framed(route.kind, asked.wanted, shaping.include(query.get("includeObject")), self._server.state.now)
        try:
            subscription = self._server.watch(route.kind, options)
        except Expired as error:
            return Reply(200, b'{"type":"ERROR","object":' + answers.refusal(error).body + b"}\n", negotiation.JSON, (NO_CACHE,))
        chance = self._server.streams.stream("watch")
        timeout = float(seconds) if seconds else chance.uniform(SHORTEST_WATCH, LONGEST_WATCH)
        return Watching(subscription, frame, options.bookmarks, timeout)

    def _create(self, asked: Asked) -> Result:
        route, call = asked.route, asked.call
        body = self._body(asked)
        if route.subresource:
            found = self._server.post(route.kind, route.namespace, route.name, route.subresource, body, call)
        elif route.kind.resource == "bindings":
            name = (body.get("metadata") or {}).get("name", "") if isinstance(body, dict) else ""
            found = self._server.post(self._server.kinds.of("pods"), route.namespace, name, "binding", body, call)
        else:
            found = self._write(asked, lambda c: self._server.create(route.kind, route.namespace, body, c))
        return self._one(asked, found)

    def _update(self, asked: Asked) -> Result:
        route = asked.route
        body = self._body(asked)
        found = self._write(
            asked, lambda c: self._server.update(route.kind, route.namespace, route.name, body, c, route.subresource)
        )
        return self._one(asked, found)

    def _patch(self, asked: Asked) -> Result:
        route, request, call = asked.route, asked.request, asked.call
        style = negotiation.patch_style(request.header("content-type"))
        body, twice = formats.read_patch(request.body, style)
        call.duplicates = tuple(twice)
        call.force = truth(request.query, "force")
        place = (route.kind, route.namespace, route.name)
        if style == "apply":
            call.manager = request.query.get("fieldManager", "")
            found = self._write(asked, lambda c: self._server.apply(*place, body, c, route.subresource))
        else:
            kept = cast(PatchStyle, style)
            found = self._write(asked, lambda c: self._server.patch(*place, body, kept, c, route.subresource))
        return self._one(asked, found)

    def _delete(self, asked: Asked) -> Result:
        route, request, call = asked.route, asked.request, asked.call
        found = self._server.delete(route.kind, route.namespace, route.name, self._deletion(request, call), call)
        return self._one(asked, found)

    def _delete_collection(self, asked: Asked) -> Result:
        route, request, call = asked.route, asked.request, asked.call
        options = self._deletion(request, call)
        found = self._server.delete_collection(route.kind, _list_options(route, request), options, call)
        return answers.document(found.obj, Wanted(asked.wanted.format), 200, call.warnings)

    def _deletion(self, request: Request, call: Call) -> DeleteOptions:
        try:
            body = formats.read(request.body, request.header("content-type"))[0] or {}
        except ValueError as error:
            raise BadRequest(f"couldn't get version/kind; json parse error: {error}") from None
        if not isinstance(body, dict):
            raise BadRequest("the body of a delete must be DeleteOptions")
        call.dry_run = call.dry_run or _dry_run("delete", body.get("dryRun") or [])
        query: Obj = {k: request.query[k] for k in ("propagationPolicy",) if request.query.get(k)}
        grace = whole_number(request.query, "gracePeriodSeconds")
        if grace is not None:
            query["gracePeriodSeconds"] = grace
        if "orphanDependents" in request.query:
            query["orphanDependents"] = truth(request.query, "orphanDependents")
        return delete_options({**query, **body})

    def _review(self, asked: Asked) -> Result:
        route, call = asked.route, asked.call
        decoded = _decoded(route.kind, self._body(asked), call)
        answer = self._reviewer.answer(route.kind, asked.user, decoded, route.namespace)
        return answers.document(answer, asked.wanted, 201, call.warnings)

    def _log(self, route: Route, request: Request) -> Result:
        query = request.query
        since = whole_number(query, "sinceSeconds")
        if query.get("sinceTime"):
            try:
                since = max(0, int(self._server.state.now() - clock.seconds(query["sinceTime"]) + 0.999))
            except ValueError:
                raise BadRequest(f'parsing time "{query["sinceTime"]}": it is no RFC 3339 time') from None
        asked = LogRequest(
            route.namespace,
            route.name,
            query.get("container", ""),
            truth(query, "follow"),
            truth(query, "previous"),
            whole_number(query, "tailLines"),
            since,
            truth(query, "timestamps"),
        )
        return Following(self._server.log(asked), whole_number(query, "limitBytes"))

    def _one(self, asked: Asked, found: Answer) -> Reply:
        route, request, call, wanted = asked.route, asked.request, asked.call, asked.wanted
        if found.encoded is not None and wanted == negotiation.PLAIN:
            return Reply(found.code, found.encoded, negotiation.JSON, (NO_CACHE, *_warned(call)))
        obj = found.obj
        if wanted.shape:
            rows = shaping.include(request.query.get("includeObject"))
            obj = shaping.one(route.kind, obj, wanted, rows, self._server.state.now())
        return answers.document(obj, wanted, found.code, call.warnings)

    def _body(self, asked: Asked) -> Any:
        request = asked.request
        try:
            value, twice = formats.read(request.body, request.header("content-type"))
        except ValueError as error:
            raise _unreadable(_body_kind(asked.route), request.body, str(error)) from None
        asked.call.duplicates = tuple(twice)
        return {} if value is None else value

    def _write(self, asked: Asked, write: Callable[[Call], Answer]) -> Answer:
        """The answer of a write; one that could give rights is tried first, and what it gives is looked at."""
        if guards.concerns(asked.route.kind, asked.user):
            trial = write(replace(asked.call, dry_run=True, warnings=[]))
            guards.check(self._policy, asked.user, asked.route.kind, trial.obj)
        return write(asked.call)


def _body_kind(route: Route) -> str:
    sub = route.kind.subresource(route.subresource) if route.subresource else None
    return (sub.kind if sub is not None else "") or route.kind.kind


def _unreadable(kind: str, body: bytes, why: str) -> Exception:
    from k8s_notebook.objects import schema

    return schema.unreadable(kind, body, why)


def _decoded(kind: Kind, body: Any, call: Call) -> Obj:
    from k8s_notebook.objects import schema

    found, warnings = schema.decode(kind, body, call.validation == "Strict", duplicates=call.duplicates)
    if call.validation != "Ignore":
        call.warnings.extend(warnings)
    return found


def _call(route: Route, request: Request, user: User) -> Call:
    query = request.query
    manager = query.get("fieldManager") or _agent(request.header("user-agent"))
    dry = [v for v in (query.get("dryRun"),) if v]
    return Call(user.name, manager, _dry_run(route.verb, dry), query.get("fieldValidation", ""), outside=True)


def _agent(header: str | None) -> str:
    """The field manager of a client that names none: the first word of its User-Agent."""
    name = (header or "").partition("/")[0][:128]
    return "".join(c for c in name if c.isprintable()) or "unknown"


def _dry_run(verb: str, values: list[str]) -> bool:
    wrong = [v for v in values if v != "All"]
    if wrong:
        listed = "[" + " ".join(f'"{v}"' for v in wrong) + "]"
        said = f'Unsupported value: {listed}: supported values: "All"'
        raise refusals.bad_option(_OPTIONS.get(verb, "CreateOptions"), "dryRun", "FieldValueNotSupported", said)
    return bool(values)


def _list_options(route: Route, request: Request) -> ListOptions:
    query = request.query
    return ListOptions(
        route.namespace,
        query.get("labelSelector", ""),
        query.get("fieldSelector", ""),
        whole_number(query, "limit") or 0,
        query.get("continue", ""),
        query.get("resourceVersion", ""),
        query.get("resourceVersionMatch", ""),
    )


def _warned(call: Call) -> tuple[tuple[str, str], ...]:
    return tuple(("Warning", answers.warning(w)) for w in call.warnings)


def _no_processes(route: Route) -> MethodNotAllowed:
    return refusals.bare(
        MethodNotAllowed,
        f"this embedded cluster does not run processes yet: {route.kind.plural}/{route.subresource} of "
        f'"{route.name}" needs a real cluster',
    )
