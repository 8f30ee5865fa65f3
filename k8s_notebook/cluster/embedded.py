"""An embedded cluster: one process on the wall clock, a store on disk, the API on a loopback port, all parts behind it."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from k8s_notebook import kernels, release
from k8s_notebook.apiserver import host
from k8s_notebook.apiserver.http import HOST, Listener
from k8s_notebook.cluster import registry
from k8s_notebook.cluster.driver import Driver
from k8s_notebook.cluster.folder import Folder
from k8s_notebook.cluster.options import ClusterError, Options, from_dict
from k8s_notebook.cluster.plane import ControlPlane
from k8s_notebook.sim.clock import Wall, monotonic
from k8s_notebook.sim.loop import Loop
from k8s_notebook.store.journal import Journal, JournalError
from k8s_notebook.store.revisions import Store

IDLE_LOOK = 60.0
"""Seconds between two looks whether anybody still uses the cluster (sooner for a short --idle)."""
LOG_LIMIT = 8 << 20
"""Bytes of log from before a start that are kept."""

MOST_FILES = 65_536
COMPILE_AFTER = 1.0
"""Seconds after the start when numba is loaded: until then nodes and first pods have the processor."""

log = logging.getLogger(__name__)
Tell = Callable[[str], None]


def run(path: str, tell: int) -> int:
    """Serve the cluster of a folder until it is told to stop; the exit code. `tell` is the descriptor to say "ready" on."""
    folder = Folder(Path(path).name, Path(path).parent)
    _begin_anew(sys.stderr.fileno())
    _many_files()
    log_to(sys.stderr)

    def said(text: str) -> None:
        os.write(tell, text.encode())
        os.close(tell)

    return serve(folder, said)


def serve(folder: Folder, tell: Tell) -> int:
    """Serve a cluster whose lock this process holds; `tell` gets "ready" or the sentence why not."""
    try:
        asyncio.run(Embedded(folder, tell).main())
    except ClusterError as error:
        log.error("%s", error)
        tell(f"{error}\n")
        return 1
    return 0


class Embedded:
    """The server process of one cluster."""

    def __init__(self, folder: Folder, tell: Tell) -> None:
        self._folder = folder
        self._tell = tell
        self._clock = Wall()
        self._loop = Loop(self._clock)
        self._options: Options = from_dict(folder.read_json("options.json") or {})
        self._compiling: asyncio.Task[None] | None = None

    async def main(self) -> None:
        """Come up, say so, work until told to stop, go down in order."""
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        store = self._open()
        credentials = host.credentials(self._folder.path, self._folder.write, self._folder.name, self._clock.now())
        plane = ControlPlane(self._loop, store, self._options, credentials)
        listener = Listener(plane.front, credentials.context())
        driver = Driver(self._loop, store)
        plane.describe("listener", lambda: {"streams": listener.streams, "requests": plane.front.requests})
        plane.describe("driver", lambda: {"turns": driver.turns, "compiled": kernels.ready()})
        try:
            await self._listen(listener)
            plane.begin(HOST, listener.port)
            store.commit()
            driver.start()
            self._announce(listener.port, credentials)
            await self._work(plane)
            await self._until_stopped(listener, stopping)
        finally:
            log.info("stopping")
            await self._end_compiling()
            plane.stop()
            await listener.stop()
            driver.stop()
            store.close()
            (self._folder / "run.json").unlink(missing_ok=True)

    async def _work(self, plane: ControlPlane) -> None:
        """Start what works behind the API; what takes long to import is imported beside the requests that come already."""
        plane.work()
        await asyncio.to_thread(importlib.import_module, "k8s_notebook.scheduler.service")
        plane.schedule()
        _settle_memory()
        self._compiling = asyncio.create_task(_compile())

    async def _end_compiling(self) -> None:
        if self._compiling is not None:
            self._compiling.cancel()
            await asyncio.gather(self._compiling, return_exceptions=True)

    def _open(self) -> Store:
        try:
            return Store(self._clock, Journal(self._folder / "journal.db"))
        except JournalError as error:
            raise ClusterError(f"{error}.") from None

    async def _listen(self, listener: Listener) -> None:
        port = self._options.port
        try:
            await listener.start(port)
        except OSError as error:
            raise ClusterError(
                f"cluster {self._folder.name!r} cannot have port {port} on {HOST}: {os.strerror(error.errno or 0)}; stop what "
                "uses it, or start with --port 0 for any free one."
            ) from None

    def _announce(self, port: int, credentials: host.Credentials) -> None:
        """Write down where the cluster is, then tell the starter."""
        folder = self._folder
        options = self._options.changed({"port": port})
        name = f"k8s-notebook-{folder.name}"
        registry.keep(folder, options)
        folder.write("kubeconfig", host.kubeconfig(name, f"https://127.0.0.1:{port}", credentials.authority, credentials.token))
        run: dict[str, Any] = {"pid": os.getpid(), "port": port, "started": self._clock.now(), "version": release.VERSION}
        folder.write_json("run.json", {**run, "options": options.to_dict()})
        log.info("cluster %s serves on 127.0.0.1:%d", folder.name, port)
        self._tell("ready\n")

    async def _until_stopped(self, listener: Listener, stopping: asyncio.Event) -> None:
        idle = self._options.idle
        while not stopping.is_set():
            quiet = 0.0 if listener.streams else monotonic() - listener.last_request
            if quiet >= idle:
                log.info("nobody asked anything for %g s", idle)
                return
            try:
                async with asyncio.timeout(max(0.05, min(IDLE_LOOK, idle - quiet))):
                    await stopping.wait()
            except TimeoutError:
                continue


async def _compile() -> None:
    """Let the scheduler change over to compiled kernels: loaded in a thread, and compiled before in a process of its own."""
    await asyncio.sleep(COMPILE_AFTER)
    if not kernels.available():
        return
    if not await asyncio.to_thread(kernels.cached):
        from k8s_notebook.cluster import warmup

        child = await asyncio.create_subprocess_exec(*warmup.command(), stdin=asyncio.subprocess.DEVNULL)
        try:
            await child.wait()
        finally:
            if child.returncode is None:
                child.kill()
    if await asyncio.to_thread(kernels.enable):
        log.info("the scheduler runs compiled")


def _settle_memory() -> None:
    """Let the garbage collector look at what lives for ever no more, and more rarely at the rest: objects are no cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def log_to(stream: Any) -> None:
    """Log to a stream."""
    logging.basicConfig(stream=stream, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")


def _begin_anew(descriptor: int) -> None:
    """Empty a log file that has grown long."""
    if os.fstat(descriptor).st_size > LOG_LIMIT:
        os.ftruncate(descriptor, 0)


def _many_files() -> None:
    """Allow as many open files as the system lets this user have: every watch is a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else MOST_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, MOST_FILES)), hard))
