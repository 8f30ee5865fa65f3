"""The client against a server that refuses, breaks off and forgets."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from k8s_notebook.client import connect, waiting
from k8s_notebook.machinery.actions import Create, Get, List
from k8s_notebook.machinery.api import LogRequest, Subscription, WatchEvent
from k8s_notebook.objects import errors
from k8s_notebook.sim import clock
from tests.unit.client import stub

PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
def server() -> Iterator[stub.Stub]:
    with stub.Stub() as found:
        yield found


@pytest.fixture
def connection(server: stub.Stub, tmp_path: Path) -> Iterator[connect.Connection]:
    found = connect.connect(server.kubeconfig(tmp_path))
    yield found
    found.close()


def answers(*given: Any) -> Callable[[web.Request], Any]:
    """A handler that gives these answers one after the other, the last one for ever."""
    left = list(given)

    async def handler(_: web.Request) -> web.StreamResponse:
        found = left.pop(0) if len(left) > 1 else left[0]
        return found() if callable(found) else web.json_response(found)

    return handler


def read(connection: connect.Connection, name: str = "x") -> Any:
    return waiting.result(connection.api.submit(Get("pods", name, "default")), 20)


def test_connecting_discovers_and_reads_the_context(connection: connect.Connection, server: stub.Stub) -> None:
    assert (connection.name, connection.namespace, connection.embedded) == ("stub", "shop", False)
    assert [k.resource for k in connection.api.kinds] == ["pods"]
    assert [path for _, path, _ in server.seen] == ["/api", "/apis"]


def test_refusals_become_the_servers_errors(connection: connect.Connection, server: stub.Stub) -> None:
    server.on(f"{PODS}/x", answers(lambda: stub.status(403, "Forbidden", "pods is forbidden: no")))
    with pytest.raises(errors.Forbidden, match="pods is forbidden: no"):
        read(connection)


def test_unauthorized_says_what_to_look_at(connection: connect.Connection, server: stub.Stub) -> None:
    server.on(f"{PODS}/x", answers(lambda: stub.status(401, "Unauthorized", "Unauthorized")))
    with pytest.raises(errors.Unauthorized, match="does not accept these credentials"):
        read(connection)


def test_a_body_that_is_no_status(connection: connect.Connection, server: stub.Stub) -> None:
    server.on(f"{PODS}/x", answers(lambda: web.Response(status=502, text="bad gateway")))
    with pytest.raises(errors.ApiError, match="bad gateway"):
        read(connection)


def test_reads_are_tried_again_when_the_server_says_so(connection: connect.Connection, server: stub.Stub) -> None:
    busy = lambda: web.json_response({}, status=429, headers={"Retry-After": "0"})  # noqa: E731
    server.on(f"{PODS}/x", answers(busy, busy, stub.pod("x", 5)))
    ticket = connection.api.submit(Get("pods", "x", "default"))
    assert waiting.result(ticket)["metadata"]["name"] == "x"
    assert ticket.revision == 5


def test_writes_are_not_tried_again(connection: connect.Connection, server: stub.Stub) -> None:
    server.on(PODS, answers(lambda: web.json_response({}, status=429, headers={"Retry-After": "0"})))
    before = len(server.seen)
    with pytest.raises(errors.TooManyRequests):
        waiting.result(
            connection.api.submit(Create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}, "pods", "default"))
        )
    assert len(server.seen) == before + 1


def test_items_of_lists_say_what_they_are(connection: connect.Connection, server: stub.Stub) -> None:
    server.on(PODS, answers({"kind": "PodList", "metadata": {"resourceVersion": "7"}, "items": [stub.pod("x", 5)]}))
    found = waiting.result(connection.api.submit(List("pods", "default")))
    assert [(i["apiVersion"], i["kind"]) for i in found["items"]] == [("v1", "Pod")]


def test_a_cluster_that_is_gone(tmp_path: Path) -> None:
    with stub.Stub() as server:
        path = server.kubeconfig(tmp_path)
        found = connect.connect(path)
        address = found.server
    for attempt in (lambda: read(found), lambda: connect.connect(path)):
        with pytest.raises(errors.Unreachable) as caught:
            attempt()
        assert f"the cluster at {address} does not answer: connection refused; is it running?" in str(caught.value)
    found.close()
    with pytest.raises(errors.Unreachable, match="is closed"):
        read(found)


def test_warnings_of_the_server_are_heard(connection: connect.Connection, server: stub.Stub) -> None:
    heard: list[str] = []
    connection.api.warned = heard.append
    header = {"Warning": '299 - "this is \\"old\\""'}
    server.on(f"{PODS}/x", answers(lambda: web.json_response(stub.pod("x", 1), headers=header)))
    read(connection)
    assert heard == ['this is "old"']


def test_logs_come_line_by_line(connection: connect.Connection, server: stub.Stub) -> None:
    server.on(f"{PODS}/x/log", answers(lambda: web.Response(body="eins\nzw\u00f6lf\nende".encode())))
    stream = connection.api.log(LogRequest("default", "x"))
    assert collect(stream, 3) == ["eins", "zwölf", "ende"]


def test_logs_that_are_refused(connection: connect.Connection, server: stub.Stub) -> None:
    server.on(f"{PODS}/x/log", answers(lambda: stub.status(400, "BadRequest", 'container "c" is waiting to start')))
    stream = connection.api.log(LogRequest("default", "x"))
    with pytest.raises(errors.BadRequest, match="is waiting to start"):
        collect(stream, 1)


def collect(stream: Any, count: int) -> list[Any]:
    """At least so many things of a stream."""
    deadline = clock.monotonic() + 20
    found: list[Any] = []
    while len(found) < count:
        more = waiting.arrivals(stream, deadline)
        if not more:
            return found
        found += more
    return found


def told(events: list[WatchEvent]) -> list[tuple[str, str]]:
    return [(e.type, e.object["metadata"].get("name", "initial" if e.initial else "")) for e in events]


class Script:
    """Answers of the list and watch path: lists and batches of watch lines, one per request."""

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        watching = "watch" in request.query
        step = self.steps.pop(0) if self.steps else None
        if step is None or isinstance(step, web.Response):
            if step is not None:
                return step
            response = web.StreamResponse()
            await response.prepare(request)
            await asyncio.Event().wait()
            return response
        if isinstance(step, dict):
            assert not watching
            return web.json_response(step)
        assert watching
        response = web.StreamResponse()
        await response.prepare(request)
        for line in step:
            await response.write(json.dumps(line).encode() + b"\n")
        return response


def listed(revision: int, *pods: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(revision)}, "items": list(pods)}


def event(kind: str, name: str, revision: int) -> dict[str, Any]:
    return {"type": kind, "object": {"kind": "Pod", "apiVersion": "v1", **stub.pod(name, revision)}}


GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}}


def watched(connection: connect.Connection, **how: Any) -> Subscription:
    return connection.api.watch("pods", namespace="default", **how)


def test_a_watch_lists_then_follows_then_resumes(connection: connect.Connection, server: stub.Stub) -> None:
    bookmark = {"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "20"}}}
    server.on(PODS, Script(listed(10, stub.pod("a", 5)), [event("ADDED", "b", 11), bookmark], [event("DELETED", "a", 21)]))
    subscription = watched(connection)
    found = collect(subscription, 5)
    assert told(found) == [("ADDED", "a"), ("BOOKMARK", "initial"), ("ADDED", "b"), ("BOOKMARK", ""), ("DELETED", "a")]
    assert [e.revision for e in found] == [5, 10, 11, 20, 21]
    assert [q.get("resourceVersion") for _, path, q in server.seen if path == PODS][:3] == [None, "10", "20"]
    subscription.close()
    assert subscription.ended


def test_lost_history_is_made_up_for(connection: connect.Connection, server: stub.Stub) -> None:
    again = listed(50, stub.pod("a", 40), stub.pod("c", 45))
    server.on(PODS, Script(listed(10, stub.pod("a", 5), stub.pod("b", 6)), [GONE], again))
    subscription = watched(connection)
    found = collect(subscription, 7)
    assert told(found) == [
        ("ADDED", "a"), ("ADDED", "b"), ("BOOKMARK", "initial"),
        ("MODIFIED", "a"), ("ADDED", "c"), ("DELETED", "b"), ("BOOKMARK", ""),
    ]  # fmt: skip
    subscription.close()


def test_pages_are_one_initial_state(connection: connect.Connection, server: stub.Stub) -> None:
    first = listed(10, stub.pod("a", 5))
    first["metadata"]["continue"] = "more"
    server.on(PODS, Script(first, listed(10, stub.pod("b", 6))))
    subscription = watched(connection)
    assert told(collect(subscription, 3)) == [("ADDED", "a"), ("ADDED", "b"), ("BOOKMARK", "initial")]
    subscription.close()


def test_a_server_that_breaks_off_is_tried_again(connection: connect.Connection, server: stub.Stub) -> None:
    busy = [stub.status(500, "InternalError", "etcd is away") for _ in range(2)]
    server.on(PODS, Script(busy[0], listed(10, stub.pod("a", 5)), busy[1], [event("MODIFIED", "a", 11)]))
    subscription = watched(connection)
    assert told(collect(subscription, 3)) == [("ADDED", "a"), ("BOOKMARK", "initial"), ("MODIFIED", "a")]
    subscription.close()


def test_a_watch_says_that_the_cluster_is_lost_and_that_it_is_back(connection: connect.Connection, server: stub.Stub) -> None:
    away = [stub.status(500, "InternalError", "etcd is away") for _ in range(2)]
    server.on(PODS, Script(away[0], listed(10, stub.pod("a", 5)), [event("MODIFIED", "a", 11)], away[1]))
    subscription = watched(connection)
    changed, troubles = threading.Event(), [""]

    def heard() -> None:
        if subscription.trouble != troubles[-1]:
            troubles.append(subscription.trouble)
            changed.set()

    subscription.on_ready(heard)
    deadline = clock.monotonic() + 20
    while len(troubles) < 5:
        assert waiting.until(changed, deadline), troubles
        changed.clear()
    assert troubles == ["", "etcd is away", "", "etcd is away", ""]
    subscription.close()


def test_a_watch_that_is_not_allowed_ends_with_the_reason(connection: connect.Connection, server: stub.Stub) -> None:
    server.on(PODS, Script(stub.status(403, "Forbidden", "pods is forbidden")))
    with pytest.raises(errors.Forbidden):
        collect(watched(connection), 1)


def test_a_watch_from_a_revision_says_when_it_is_too_old(connection: connect.Connection, server: stub.Stub) -> None:
    server.on(PODS, Script([event("MODIFIED", "a", 11), GONE]))
    subscription = watched(connection, since=7)
    assert told(collect(subscription, 1)) == [("MODIFIED", "a")]
    with pytest.raises(errors.Expired):
        collect(subscription, 1)
