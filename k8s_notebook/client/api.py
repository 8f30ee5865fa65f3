"""`machinery.api.Api` over the wire: requests are posted to the feed's thread, which completes their tickets."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from k8s_notebook.client import discovery, wire
from k8s_notebook.client.inbox import Inbox
from k8s_notebook.client.transport import Transport
from k8s_notebook.client.watch import Watching
from k8s_notebook.machinery.actions import List, Request
from k8s_notebook.machinery.api import LogRequest, Stream, Subscription, Ticket
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import Kind, Kinds

Warned = Callable[[str], None]


class Client:
    """A cluster behind HTTP. `warned` hears what the server warns of, in the feed's thread."""

    def __init__(self, transport: Transport, warned: Warned | None = None) -> None:
        self.transport = transport
        self.warned = warned
        self._kinds = Kinds(())

    @property
    def kinds(self) -> Kinds:
        """The kinds that this cluster served when `discover()` was last done."""
        return self._kinds

    def discover(self) -> Ticket[Kinds]:
        """Ask which kinds are served; `kinds` knows them once the ticket is done."""
        ticket: Ticket[Kinds] = Ticket()
        self.transport.feed.post(self._discover(ticket))
        return ticket

    def submit(self, request: Request) -> Ticket[Obj]:
        """Ask for something; the answer completes the ticket, in the feed's thread."""
        ticket: Ticket[Obj] = Ticket()
        try:
            call = wire.call(request, self._kinds)
        except errors.ApiError as error:
            return Ticket.failed(error)
        self.transport.feed.post(self._ask(call, ticket, isinstance(request, List) and not request.table))
        return ticket

    def watch(
        self, resource: str, *, since: int | None = None, namespace: str = "", labels: str = "", fields: str = ""
    ) -> Subscription:
        """Changes of a kind; reconnects by itself and ends only when it is closed (or at once if it is not allowed)."""
        kind = wire.find(self._kinds, resource)
        work = Watching(self.transport, self._kinds, kind, since=since, namespace=namespace, labels=labels, fields=fields)
        self.transport.feed.post(work.run())
        return work.inbox

    def log(self, request: LogRequest) -> Stream[str]:
        """The lines of a container's log."""
        inbox: Inbox[str] = Inbox(100_000)
        self.transport.feed.post(self._log(wire.log(request, self._kinds), inbox))
        return inbox

    async def _ask(self, call: wire.Call, ticket: Ticket[Obj], listing: bool) -> None:
        try:
            answer = await self.transport.request(call)
            for warning in answer.warnings if self.warned is not None else ():
                self.warned(warning)  # type: ignore[misc]
            body = _typed(answer.body, call.kind) if listing and call.kind is not None else answer.body
            ticket.complete(body, _revision(body))
        except Exception as error:
            ticket.fail(error)

    async def _discover(self, ticket: Ticket[Kinds]) -> None:
        try:
            found: list[Kind] = []
            for path in ("/api", "/apis"):
                answer = (await self.transport.request(wire.Call("GET", path, accept=discovery.AGGREGATED))).body
                if discovery.is_aggregated(answer):
                    found += discovery.aggregated(answer)
                else:
                    found += await self._legacy(answer)
            self._kinds = Kinds(found)
            ticket.complete(self._kinds)
        except Exception as error:
            ticket.fail(error)

    async def _legacy(self, answer: Obj) -> list[Kind]:
        found: list[Kind] = []
        core = answer.get("kind") == "APIVersions"
        versions = list(answer.get("versions") or ()) if core else discovery.group_versions(answer)
        for version in versions:
            path = f"/api/{version}" if core else f"/apis/{version}"
            try:
                found += discovery.legacy(version, (await self.transport.request(wire.Call("GET", path))).body)
            except (errors.NotFound, errors.ServiceUnavailable):
                continue
        return found

    async def _log(self, call: wire.Call, inbox: Inbox[str]) -> None:
        try:
            async with self.transport.open(call, None) as response:
                inbox.on_close(lambda: self.transport.feed.call(response.close))
                decoder = codecs.getincrementaldecoder("utf-8")("replace")
                rest = ""
                async for chunk in response.content.iter_any():
                    *lines, rest = (rest + decoder.decode(chunk)).split("\n")
                    inbox.put(lines)
                inbox.put([rest] if rest else [])
            inbox.end()
        except Exception as error:
            inbox.end(error)


def _typed(answer: Obj, kind: Kind) -> Obj:
    """A list whose items say what they are: servers leave that out."""
    items = answer.get("items")
    if not isinstance(items, list):
        return answer
    typed = [i if "kind" in i else {"apiVersion": kind.api_version, "kind": kind.kind, **i} for i in items]
    return {**answer, "items": typed}


def _revision(body: Obj) -> int | None:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    text = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return int(text) if isinstance(text, str) and text.isdigit() else None
