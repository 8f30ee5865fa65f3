"""HTTP to clusters: one background thread per process owns an asyncio loop; everybody else posts to it."""

from __future__ import annotations

import asyncio
import atexit
import os
import ssl
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from k8s_notebook.client.wire import Call
from k8s_notebook.objects import Obj, errors

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 65.0
FAREWELL_SECONDS = 2.0
RETRIES = 8
LONGEST_PAUSE = 10.0
AGENT = "k8s-notebook"

Credentials = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a cluster is and how to prove who asks. `fresh` may read files or run a plugin, so it runs outside the loop."""

    server: str
    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    acting_as: tuple[tuple[str, str], ...] = ()
    """Headers that name the user whom the kubeconfig wants to be; a name may come more than once."""
    fresh: Credentials | None = None
    server_hostname: str | None = None
    proxy: str | None = None


class Feed:
    """The thread that talks to clusters."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.transports: weakref.WeakSet[Transport] = weakref.WeakSet()
        self.process = os.getpid()
        self._thread = threading.Thread(target=self._run, name="k8s-notebook-feed", daemon=True)
        self._thread.start()

    def post(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in the thread; it answers for its own errors."""
        self.loop.call_soon_threadsafe(self._start, work)

    def call(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the thread."""
        self.loop.call_soon_threadsafe(callback)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _finish(self) -> None:
        for transport in list(self.transports):
            await transport.finish()
        self.loop.stop()

    def stop(self) -> None:
        """Close all connections and end the thread, at the end of the process."""
        if self.process == os.getpid() and self._thread.is_alive():
            self.loop.call_soon_threadsafe(lambda: self._start(self._finish()))
            self._thread.join(FAREWELL_SECONDS)


_feed: Feed | None = None
_starting = threading.Lock()


def feed() -> Feed:
    """The thread of this process; a forked child gets its own."""
    global _feed
    with _starting:
        if _feed is None or _feed.process != os.getpid():
            _feed = Feed()
            atexit.register(_feed.stop)
        return _feed


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as JSON (text that is no JSON is {"text": …})."""

    body: Any
    warnings: tuple[str, ...] = ()


class Transport:
    """The connections to one cluster. Its coroutines run in the feed's thread only."""

    def __init__(self, endpoint: Endpoint, feed: Feed) -> None:
        self.endpoint = endpoint
        self.feed = feed
        self.closed = False
        self._session: aiohttp.ClientSession | None = None
        feed.transports.add(self)

    async def request(self, call: Call) -> Answer:
        """Ask once, and again if the cluster says that a read should be tried later (429, as client-go)."""
        for attempt in range(RETRIES):
            try:
                async with self.open(call, ANSWER_SECONDS) as response:
                    return Answer(_decode(await response.read(), response.content_type), _warnings(response))
            except errors.TooManyRequests as error:
                pause = _pause(error)
                if call.method != "GET" or pause is None or attempt == RETRIES - 1:
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def open(self, call: Call, seconds: float | None) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response of a call; ApiError if it is no success, Unreachable if none came (`seconds`: None waits for ever)."""
        try:
            async with await self._send(call, seconds) as response:
                if response.status >= 400:
                    raise _refusal(response, await response.read())
                yield response
        except TimeoutError:
            raise errors.Unreachable(
                sentence(self.endpoint.server, f"no answer within {seconds or CONNECT_SECONDS:g} s")
            ) from None
        except aiohttp.InvalidURL as error:
            raise errors.Unreachable(f"{self.endpoint.server} is not an address of a cluster: {error}.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise errors.Unreachable(sentence(self.endpoint.server, reason(error))) from None

    async def _send(self, call: Call, seconds: float | None) -> aiohttp.ClientResponse:
        if self.closed:
            raise errors.Unreachable(f"the connection to {self.endpoint.server} is closed.")
        session = self._session or self._connect()
        headers = {"Accept": call.accept, "User-Agent": AGENT, **self.endpoint.headers}
        if self.endpoint.fresh is not None:
            headers |= await asyncio.to_thread(self.endpoint.fresh)
        data = None
        if call.body is not None:
            headers["Content-Type"] = call.content_type
            data = orjson.dumps(call.body)
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        extra: dict[str, Any] = {"server_hostname": self.endpoint.server_hostname} if self.endpoint.server_hostname else {}
        return await session.request(
            call.method, self.endpoint.server + call.path, params=dict(call.query), data=data, timeout=timeout,
            headers=[*headers.items(), *self.endpoint.acting_as], proxy=self.endpoint.proxy, allow_redirects=False, **extra,
        )  # fmt: skip

    def _connect(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, ssl=self.endpoint.tls or True, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=True, read_bufsize=2**20)
        return self._session

    def close(self) -> None:
        """Let go of all connections; requests afterwards are refused."""
        self.closed = True
        if self.feed.process == os.getpid():
            self.feed.post(self.finish())

    async def finish(self) -> None:
        """Close the connections, in the feed's thread."""
        self.closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def sentence(server: str, why: str) -> str:
    """The one sentence about a cluster that does not answer."""
    return f"the cluster at {server} does not answer: {why}; is it running? (`%k8s list` shows the embedded clusters)"


def reason(error: Exception) -> str:
    """Why no answer came, in a few words."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        said = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
        return f"its certificate is not trusted ({said})"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name {error.host} is not known"
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return f"no TLS connection ({_first_line(error)})"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno).lower()
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection"
    return _first_line(error)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _decode(body: bytes, content_type: str) -> Any:
    if content_type.endswith("json") or body[:1] in (b"{", b"["):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    return {"text": body.decode("utf-8", "replace")}


def _refusal(response: aiohttp.ClientResponse, body: bytes) -> errors.ApiError:
    found = _decode(body, response.content_type)
    status: Obj = found if isinstance(found, dict) and found.get("kind") == "Status" else {}
    if not status:
        said = found.get("text", "").strip() if isinstance(found, dict) else ""
        said = said or response.reason or "no reason given"
        status = {"message": said if response.status != 401 else "Unauthorized", "code": response.status}
    if response.status == 401:
        status = {**status, "message": "Unauthorized: the cluster does not accept these credentials; are they expired?"}
    wait = response.headers.get("Retry-After", "")
    if wait.isdigit():
        status = {**status, "details": {"retryAfterSeconds": int(wait), **(status.get("details") or {})}}
    return errors.from_status(status, response.status)


def _pause(error: errors.ApiError) -> float | None:
    seconds = error.details.get("retryAfterSeconds")
    return None if seconds is None else min(max(float(seconds), 0.1), LONGEST_PAUSE)


def _warnings(response: aiohttp.ClientResponse) -> tuple[str, ...]:
    found = []
    for value in response.headers.getall("Warning", ()):
        _, quote, rest = value.partition('"')
        if quote:
            found.append(rest.rpartition('"')[0].replace('\\"', '"').replace("\\\\", "\\"))
    return tuple(found)
