"""The clusters of this user: start, stop, delete, list. Each is one background process with a folder of its own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s_notebook import release
from k8s_notebook.cluster import options as opt
from k8s_notebook.cluster import probe
from k8s_notebook.cluster.folder import Folder, names
from k8s_notebook.cluster.options import ClusterError, Options
from k8s_notebook.sim.clock import monotonic

PATIENCE = 60.0
"""Seconds that a starting server may take until it answers (a large journal is read first)."""
STOP_PATIENCE = 10.0
"""Seconds that a server may take to stop before it is killed."""
READY = b"ready\n"


@dataclass(frozen=True, slots=True)
class Running:
    """A cluster that runs. `attached`: it ran before it was asked for."""

    name: str
    kubeconfig: Path
    server: str
    pid: int
    options: Options
    attached: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """What is known about a cluster. `started` in seconds since the epoch; pid, server and started only while it runs."""

    name: str
    folder: Path
    running: bool
    ready: bool
    options: Options
    pid: int = 0
    server: str = ""
    started: float = 0.0
    version: str = ""


def start(
    name: str = "default",
    *,
    nodes: int | None = None,
    port: int | None = None,
    node_grace: float | None = None,
    eviction_after: float | None = None,
    idle: float | None = None,
    fresh: bool = False,
) -> Running:
    """The running cluster of that name: attached to, resumed, or made.

    What is None is as the cluster has it, or else the default of `Options`. Raises ClusterError, one sentence, when the
    cluster has other options than those wished for, when the port is taken, or when the server does not come up.
    """
    wishes = opt.checked({"nodes": nodes, "port": port, "node_grace": node_grace, "eviction_after": eviction_after, "idle": idle})
    folder = Folder(opt.checked_name(name))
    with folder.starting():
        if fresh:
            _stop(folder)
            folder.empty()
        descriptor = _free_lock(folder)
        if descriptor is None:
            return _attach(folder, wishes)
        before = folder.read("options.json")
        try:
            prepare(folder, wishes)
            _spawn(folder, descriptor)
        except ClusterError:
            _as_before(folder, before)
            raise
        finally:
            os.close(descriptor)
        return _running(folder, attached=False)


def prepare(folder: Folder, wishes: Mapping[str, Any]) -> Options:
    """The options of a cluster that does not run, kept in its folder; ClusterError if it was made with others."""
    kept = folder.read_json("options.json")
    if folder.read("options.json") is None:
        chosen = Options().changed(wishes)
    elif kept is None or opt.damaged(kept):
        raise ClusterError(f"the file {folder / 'options.json'} is damaged: mend it, or use --fresh to recreate the cluster.")
    else:
        if kept.get("format", 1) > opt.FORMAT:
            raise ClusterError(
                f"cluster {folder.name!r} was made by a later version of k8s-notebook ({kept.get('version', 'unknown')}): "
                "upgrade k8s-notebook, or use --fresh to recreate it."
            )
        has = opt.from_dict(kept)
        said = opt.difference(folder.name, has, wishes, running=False)
        if said:
            raise ClusterError(said)
        chosen = has if wishes.get("port") is None else has.changed({"port": wishes["port"]})
    keep(folder, chosen)
    return chosen


def _as_before(folder: Folder, options: str | None) -> None:
    """Undo a start that failed: a cluster that was not there is not there again; its log stays to be read."""
    if options is None:
        folder.empty(keep=("server.log",))
    else:
        folder.write("options.json", options)


def keep(folder: Folder, options: Options) -> None:
    """Write the options into the cluster's folder."""
    folder.write_json("options.json", {**options.to_dict(), "format": opt.FORMAT, "version": release.VERSION})


def stop(name: str) -> bool:
    """Stop the cluster's server and keep its state; whether one ran. ClusterError if there is no such cluster."""
    folder = _existing(name)
    with folder.starting():
        return _stop(folder)


def delete(name: str) -> None:
    """Stop a cluster and remove all that it kept."""
    folder = _existing(name)
    with folder.starting():
        _stop(folder)
        folder.remove()


def list_clusters() -> list[Status]:
    """All clusters of this user, by name."""
    return [status(name) for name in names()]


def status(name: str) -> Status:
    """What is known about one cluster; ClusterError if there is none of that name."""
    folder = _existing(name)
    options = opt.from_dict(folder.read_json("options.json") or {})
    run = folder.read_json("run.json")
    if not folder.running() or run is None:
        return Status(name, folder.path, False, False, options)
    port = int(run["port"])
    return Status(
        name,
        folder.path,
        True,
        probe.ready(folder, port),
        opt.from_dict(run["options"]),
        int(run["pid"]),
        _url(port),
        float(run["started"]),
        str(run["version"]),
    )


def parts(name: str) -> dict[str, Any]:
    """The queues, last reconciles, revision and watchers of a running cluster; ClusterError if it does not run."""
    found = status(name)
    if not found.running:
        raise ClusterError(f"cluster {name!r} does not run: start it with `k8s-notebook start --name {name}`.")
    folder = Folder(name)
    run = folder.read_json("run.json") or {}
    try:
        return probe.parts(folder, int(run["port"]))
    except (OSError, KeyError):
        raise ClusterError(f"cluster {name!r} runs but does not answer: see {folder / 'server.log'}.") from None


def kubeconfig(name: str) -> Path:
    """The path of a cluster's kubeconfig; ClusterError if there is no such cluster."""
    return _existing(name).kubeconfig


def _existing(name: str) -> Folder:
    folder = Folder(opt.checked_name(name))
    if not folder.exists():
        known = ", ".join(names()) or "none yet"
        raise ClusterError(f"there is no cluster {name!r} (there are: {known}).")
    return folder


def _url(port: int) -> str:
    return f"https://127.0.0.1:{port}"


def _running(folder: Folder, *, attached: bool) -> Running:
    run = folder.read_json("run.json")
    if run is None:
        raise ClusterError(f"cluster {folder.name!r} stopped again at once: see {folder / 'server.log'}.")
    return Running(
        folder.name, folder.kubeconfig, _url(run["port"]), run["pid"], opt.from_dict(run["options"]), attached=attached
    )


def _free_lock(folder: Folder) -> int | None:
    """The lock of a cluster that does not run; None once one that runs is ready. It may be starting or stopping just now."""
    deadline, pause = monotonic() + STOP_PATIENCE, threading.Event()
    while True:
        descriptor = folder.lock()
        if descriptor is not None:
            return descriptor
        run = folder.read_json("run.json")
        if run is not None and probe.ready(folder, int(run["port"])):
            return None
        if monotonic() > deadline:
            raise ClusterError(
                f"cluster {folder.name!r} runs but does not answer: stop it with `k8s-notebook stop {folder.name}` and start it "
                f"again (its log: {folder / 'server.log'})."
            )
        pause.wait(0.02)


def _attach(folder: Folder, wishes: Mapping[str, Any]) -> Running:
    running = _running(folder, attached=True)
    said = opt.difference(folder.name, running.options, wishes, running=True)
    if said:
        raise ClusterError(said)
    return running


def _spawn(folder: Folder, lock: int) -> None:
    """Start the server as a process of its own session and wait until it says that it is ready."""
    (folder / "run.json").unlink(missing_ok=True)
    root = str(Path(__file__).resolve().parent.parent.parent)
    reads, writes = os.pipe()
    # The package's folder goes last: nothing in it may stand before the standard library.
    code = f"import sys; sys.path.append({root!r}); from k8s_notebook.cluster import daemon; daemon.main()"
    arguments = [str(folder.path), str(lock), str(writes)]
    try:
        with open(os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            command = [sys.executable, "-P", "-c", code, *arguments]
            started = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder.path,
                start_new_session=True, pass_fds=(lock, writes),
            )  # fmt: skip
        os.close(writes)
        writes = -1
        started.wait()
        _await_ready(folder, reads)
    finally:
        os.close(reads)
        if writes >= 0:
            os.close(writes)


def _await_ready(folder: Folder, reads: int) -> None:
    said, deadline = b"", monotonic() + PATIENCE
    see = f"see {folder / 'server.log'}."
    while not said.endswith(b"\n"):
        if not select.select([reads], [], [], max(0.0, deadline - monotonic()))[0]:
            raise ClusterError(f"the server of {folder.name!r} did not answer within {PATIENCE:g} s: {see}")
        chunk = os.read(reads, 4096)
        if not chunk:
            break
        said += chunk
    if said != READY:
        raise ClusterError(said.decode().strip() or f"the server of {folder.name!r} ended while it started: {see}")


def _stop(folder: Folder) -> bool:
    if not folder.running():
        (folder / "run.json").unlink(missing_ok=True)
        return False
    run = folder.read_json("run.json")
    if run is None and _gone(folder):
        return False
    if run is None:
        raise ClusterError(f"cluster {folder.name!r} runs but does not say which process it is: see {folder / 'server.log'}.")
    for sent in (signal.SIGTERM, signal.SIGKILL):
        _signal(int(run["pid"]), sent)
        if _gone(folder):
            (folder / "run.json").unlink(missing_ok=True)
            return True
    raise ClusterError(f"the server of {folder.name!r} (process {run['pid']}) does not end.")


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _gone(folder: Folder) -> bool:
    deadline, pause = monotonic() + STOP_PATIENCE, threading.Event()
    while folder.running():
        if monotonic() > deadline:
            return False
        pause.wait(0.01)
    return True
