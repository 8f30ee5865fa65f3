"""Watching a kind over the wire: list, watch, resume, list again when history is gone; ends when closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import orjson

from k8s_notebook.client import wire
from k8s_notebook.client.inbox import Inbox
from k8s_notebook.client.transport import Transport
from k8s_notebook.machinery.actions import List
from k8s_notebook.machinery.api import WatchEvent
from k8s_notebook.machinery.cache import Name, name_of
from k8s_notebook.objects import Obj, errors
from k8s_notebook.objects.kinds import Kind, Kinds
from k8s_notebook.sim import clock

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
WATCH_SECONDS = 300
"""Seconds after which a watch is renewed even if nothing happened."""
SILENCE = 30.0
"""Seconds beyond that after which a silent connection is given up."""
PAGE = 2000
_FATAL = (errors.Forbidden, errors.Unauthorized, errors.NotFound, errors.MethodNotAllowed, errors.BadRequest)


class Watching:
    """One subscription's work in the feed's thread.

    An outage is the inbox's `trouble` until the cluster is heard again. History that is gone (410) is made up for: what the
    reader does not know yet is told as ADDED, MODIFIED and DELETED.
    """

    def __init__(
        self, transport: Transport, kinds: Kinds, kind: Kind, *, since: int | None, namespace: str, labels: str, fields: str
    ) -> None:
        self.inbox: Inbox[WatchEvent] = Inbox()
        self._transport = transport
        self._kinds = kinds
        self._kind = kind
        self._revision = since
        self._whole = since is None
        self._told = False
        self._scope = (namespace, labels, fields)
        self._known: dict[Name, Obj] = {}
        self._pause = FIRST_PAUSE
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Feed the inbox until the reader lets go."""
        self._task = asyncio.current_task()
        self.inbox.on_taken(lambda: self._transport.feed.call(self._room.set))
        self.inbox.on_close(lambda: self._transport.feed.call(self._stop))
        try:
            await self._follow()
        except asyncio.CancelledError:
            self.inbox.end()
        except Exception as error:
            self.inbox.end(error)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _follow(self) -> None:
        while True:
            started = clock.monotonic()
            try:
                if self._revision is None:
                    await self._list()
                await self._watch()
            except errors.Expired:
                if not self._whole:
                    raise
                self._revision = None
            except errors.ApiError as error:
                if self._transport.closed or (isinstance(error, _FATAL) and not self._known and not self._told):
                    raise
                self.inbox.say(error.message)
                await self._later()
                continue
            if clock.monotonic() - started < 1.0:
                await self._later()
            else:
                self._pause = FIRST_PAUSE

    async def _later(self) -> None:
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _list(self) -> None:
        found, revision = await self._everything()
        events = []
        for name, obj in found.items():
            old = self._known.get(name)
            if old is None or _revision(old) != _revision(obj):
                events.append(WatchEvent("ADDED" if old is None else "MODIFIED", obj, _revision(obj)))
        events += [WatchEvent("DELETED", old, revision) for name, old in self._known.items() if name not in found]
        self._known, self._revision = found, revision
        bookmark = {"apiVersion": self._kind.api_version, "kind": self._kind.kind, "metadata": {"resourceVersion": str(revision)}}
        events.append(WatchEvent("BOOKMARK", bookmark, revision, initial=not self._told))
        self._told = True
        self._pause = FIRST_PAUSE
        await self._deliver(events)

    async def _everything(self) -> tuple[dict[Name, Obj], int]:
        namespace, labels, fields = self._scope
        found: dict[Name, Obj] = {}
        continue_ = ""
        while True:
            request = List(wire.versioned(self._kind), namespace, labels, fields, PAGE, continue_)
            try:
                answer = (await self._transport.request(wire.call(request, self._kinds))).body
            except errors.Expired:
                found, continue_ = {}, ""
                continue
            for item in answer.get("items") or ():
                found[name_of(item)] = {"apiVersion": self._kind.api_version, "kind": self._kind.kind, **item}
            continue_ = answer["metadata"].get("continue") or ""
            if not continue_:
                return found, int(answer["metadata"].get("resourceVersion") or 0)

    async def _watch(self) -> None:
        call = wire.watch(self._kind, self._revision or 0, *self._scope, WATCH_SECONDS)
        async with self._transport.open(call, WATCH_SECONDS + SILENCE) as response:
            self.inbox.say("")
            async for lines in _lines(response):
                events: list[WatchEvent] = []
                try:
                    events.extend(self._event(line) for line in lines)
                finally:
                    await self._deliver(events)

    def _event(self, line: bytes) -> WatchEvent:
        event = orjson.loads(line)
        obj = event["object"]
        if event["type"] == "ERROR":
            raise errors.from_status(obj)
        revision = self._revision = max(self._revision or 0, _revision(obj))
        if event["type"] == "BOOKMARK":
            return WatchEvent("BOOKMARK", obj, revision)
        if not self._whole:
            return WatchEvent(event["type"], obj, revision)
        if event["type"] == "DELETED":
            self._known.pop(name_of(obj), None)
        else:
            self._known[name_of(obj)] = obj
        return WatchEvent(event["type"], obj, revision)

    async def _deliver(self, events: list[WatchEvent]) -> None:
        while self.inbox.full and not self.inbox.ended:
            self._room.clear()
            if self.inbox.full:
                await self._room.wait()
        self.inbox.put(events)


def _revision(obj: Obj) -> int:
    try:
        return int(obj["metadata"].get("resourceVersion") or 0)
    except ValueError:
        return 0


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[list[bytes]]:
    """The complete lines of a stream, as they arrive."""
    rest = b""
    async for chunk in response.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
        whole = [line for line in lines if line]
        if whole:
            yield whole
    if rest.strip():
        yield [rest]
