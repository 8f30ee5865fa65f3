"""The HTTP server: a thin layer of aiohttp that turns requests into values and answers into bytes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import web

from k8s_notebook.apiserver import answers
from k8s_notebook.apiserver.answers import Answer, Following, Request, Result, Watching
from k8s_notebook.objects.errors import ApiError, TooLarge
from k8s_notebook.sim.clock import monotonic

HOST = "127.0.0.1"
LARGEST_BODY = 3 << 20
"""Bytes of a request, as the API server limits them."""
BOOKMARK_EVERY = 60.0
"""Seconds between the bookmarks of a watch that asked for them."""
CHUNK = 256 << 10
"""Bytes that are written to a client in one go."""


class Front(Protocol):
    """What decides about requests; it knows nothing of HTTP libraries."""

    def answer(self, request: Request) -> Result:
        """The answer; every refusal is an answer too."""
        ...

    async def committed(self) -> ApiError | None:
        """Wait until all that an answer may rest on is durable; the error if it was undone."""
        ...


class Listener:
    """Serves a Front on one loopback port."""

    def __init__(self, front: Front, context: ssl.SSLContext | None) -> None:
        self.port = 0
        self.last_request = monotonic()
        self._front = front
        self._context = context
        self._streams: set[asyncio.Task[Any] | None] = set()
        server = web.Server(self._handle, handler_cancellation=True, access_log=None, keepalive_timeout=3600.0)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.5, access_log=None)

    @property
    def streams(self) -> int:
        """How many watches and logs are being followed."""
        return len(self._streams)

    async def start(self, port: int) -> int:
        """Listen on `port` (0: any free one); the port. OSError if it is taken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port, ssl_context=self._context, backlog=512, reuse_address=True)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self.port

    async def stop(self) -> None:
        """End all streams and connections."""
        for stream in list(self._streams):
            if stream is not None:
                stream.cancel()
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.last_request = monotonic()
        try:
            result = self._front.answer(await _received(request))
        except ApiError as error:
            result = answers.refusal(error)
        failed = await self._front.committed()
        if failed is not None:
            _let_go(result)
            result = answers.refusal(failed)
        if isinstance(result, Answer):
            return _complete(result)
        stream = _watch if isinstance(result, Watching) else _follow
        return await self._streamed(request, result, stream)

    async def _streamed(
        self, request: web.BaseRequest, result: Result, stream: Callable[[web.StreamResponse, Any], Awaitable[None]]
    ) -> web.StreamResponse:
        kind = "application/json" if isinstance(result, Watching) else "text/plain"
        response = web.StreamResponse(headers={"Content-Type": kind, "Cache-Control": "no-cache, private"})
        response.enable_chunked_encoding()
        task = asyncio.current_task()
        self._streams.add(task)
        try:
            await response.prepare(request)
            await stream(response, result)
            await response.write_eof()
        except (ConnectionError, asyncio.CancelledError):
            # The client has gone, or the server is stopping: either way nobody reads the rest.
            pass
        finally:
            _let_go(result)
            self._streams.discard(task)
            self.last_request = monotonic()
        return response


def _let_go(result: Result) -> None:
    """Close what a stream would have read from."""
    if isinstance(result, Watching):
        result.subscription.close()
    elif isinstance(result, Following):
        result.lines.close()


async def _received(request: web.BaseRequest) -> Request:
    body = bytearray()
    if request.body_exists:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise TooLarge(f"Request entity too large: limit is {LARGEST_BODY}")
    query: dict[str, str] = {}
    for name, value in request.query.items():
        query.setdefault(name, value)
    path = request.rel_url.raw_path
    return Request(request.method, path, query, [*request.headers.items()], bytes(body))


def _complete(answer: Answer) -> web.Response:
    response = web.Response(body=answer.body, status=answer.code)
    response.headers["Content-Type"] = answer.content_type
    for name, value in answer.headers:
        response.headers.add(name, value)
    return response


async def _ready(arrived: asyncio.Event, until: float) -> bool:
    """Whether something arrived before the time `until` (monotonic)."""
    if arrived.is_set():
        return True
    try:
        async with asyncio.timeout(max(0.0, until - monotonic())):
            await arrived.wait()
    except TimeoutError:
        return False
    return True


def _signal(source: Any) -> asyncio.Event:
    """An event that is set whenever the source has something; the source may tell from another thread."""
    arrived, loop = asyncio.Event(), asyncio.get_running_loop()
    source.on_ready(lambda: loop.call_soon_threadsafe(arrived.set))
    return arrived


async def _watch(response: web.StreamResponse, watching: Watching) -> None:
    subscription, arrived = watching.subscription, _signal(watching.subscription)
    end = monotonic() + watching.timeout
    bookmark = monotonic() + BOOKMARK_EVERY if watching.bookmarks else end
    while True:
        if await _ready(arrived, min(end, bookmark)):
            arrived.clear()
        elif monotonic() >= end:
            if watching.bookmarks:
                subscription.progress()
                await _write_events(response, watching)
            return
        else:
            subscription.progress()
            bookmark = monotonic() + BOOKMARK_EVERY
        if not await _write_events(response, watching):
            return


async def _write_events(response: web.StreamResponse, watching: Watching) -> bool:
    """Write what has arrived; whether more can come. An error that ends the watch is its last event."""
    try:
        events = watching.subscription.take()
    except ApiError as error:
        await response.write(b'{"type":"ERROR","object":' + answers.refusal(error).body + b"}\n")
        return False
    pending, size = [], 0
    for event in events:
        line = watching.frame(event)
        pending.append(line)
        size += len(line)
        if size > CHUNK:
            await response.write(b"".join(pending))
            pending, size = [], 0
    if pending:
        await response.write(b"".join(pending))
    return bool(events) or not watching.subscription.ended


async def _follow(response: web.StreamResponse, following: Following) -> None:
    lines, arrived, left = following.lines, _signal(following.lines), following.limit
    while True:
        await arrived.wait()
        arrived.clear()
        try:
            taken = lines.take()
        except ApiError as error:
            # The text has begun, so the reason can only be said in it.
            taken = [str(error)]
        data = "".join(line + "\n" for line in taken).encode()
        if left is not None:
            data, left = data[:left], left - len(data[:left])
        if data:
            await response.write(data)
        if left == 0 or (lines.ended and not taken):
            return
        if lines.ended:
            arrived.set()
