"""A scripted API server on loopback, for what real servers do rarely: refuse, break off, forget history."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CORE = {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {}, "versions": [{"version": "v1", "resources": [
    {"resource": "pods", "responseKind": {"group": "", "version": "", "kind": "Pod"}, "scope": "Namespaced", "singularResource": "pod",
     "verbs": ["get", "list", "watch"], "shortNames": ["po"], "subresources": [{"subresource": "log", "verbs": ["get"]}]},
]}]}]}  # fmt: skip


def status(code: int, reason: str, message: str, **details: Any) -> web.Response:
    """A refusal."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code}
    return web.json_response({**body, **({"details": details} if details else {})}, status=code)


def pod(name: str, revision: int) -> dict[str, Any]:
    """A pod as lists and watches carry it."""
    return {"metadata": {"name": name, "namespace": "default", "resourceVersion": str(revision)}}


class Stub:
    """Answers what `routes` say: (method, path) -> handler. `seen` are the requests, with their queries."""

    def __init__(self, **routes: Handler) -> None:
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.handlers: dict[str, Handler] = dict(routes)
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def on(self, path: str, handler: Handler) -> None:
        """Answer a path from now on."""
        self.handlers[path] = handler

    def kubeconfig(self, folder: Path, **user: Any) -> str:
        """A kubeconfig that leads here."""
        path = folder / "kubeconfig"
        content = {
            "apiVersion": "v1", "kind": "Config", "current-context": "stub",
            "clusters": [{"name": "stub", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "me", "user": user or {"token": "secret"}}],
            "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "me", "namespace": "shop"}}],
        }  # fmt: skip
        path.write_text(json.dumps(content))
        return str(path)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._loop.run_forever()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._ready.set()

    async def _stop(self) -> None:
        await self._runner.cleanup()
        left = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.path, dict(request.query)))
        handler = self.handlers.get(request.path)
        if handler is not None:
            return await handler(request)
        if request.path == "/api":
            return web.json_response(CORE)
        if request.path == "/apis":
            return web.json_response({"kind": "APIGroupDiscoveryList", "items": []})
        return status(404, "NotFound", "the server could not find the requested resource")
