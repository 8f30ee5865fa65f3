"""A second scheduler on any cluster: `k8s-notebook schedule`, `%k8s schedule` and `cluster.schedule(…)`.

It runs in a thread of this process, so policies written in a notebook can be used; the cluster sees an ordinary scheduler.
"""

from __future__ import annotations

import atexit
import functools
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from k8s_notebook import kernels
from k8s_notebook.client import connect as connecting
from k8s_notebook.client import waiting
from k8s_notebook.client.connect import Connection
from k8s_notebook.client.driving import Driver
from k8s_notebook.machinery.cache import Informers
from k8s_notebook.objects.errors import ApiError
from k8s_notebook.scheduler.election import Election
from k8s_notebook.scheduler.profiles import Profile
from k8s_notebook.scheduler.service import Scheduler
from k8s_notebook.session import rights, schedule_wishes
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import K8sError, told
from k8s_notebook.session.schedule_wishes import Wanted
from k8s_notebook.sim import clock
from k8s_notebook.sim.streams import Streams

KEPT_LINES = 200
EVERY = 60.0
"""Seconds between two reports of what was done, if anything was."""
MOST_REQUESTS = 100
"""Requests under way at once (kube-scheduler's burst); the lease's are not counted."""
FAREWELL = 5.0
"""Seconds that bindings under way, and the lease, get at the end."""

Say = Callable[[str], None]


class Schedule:
    """A scheduler at work on a cluster, in a thread of its own. `status` and `lines` tell how it does; `stop()` ends it."""

    def __init__(
        self, connection: Connection, title: str, wanted: Wanted, lacking: rights.Rights, say: Say | None = None
    ) -> None:  # fmt: skip
        self.names = [profile.name for profile in wanted.served]
        self.cluster = title
        self.server = connection.server
        self.ended = ""
        """Why it ended by itself, "" while it runs or after `stop()`."""
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.over = threading.Event()
        self._told = say
        self._wanted = wanted
        self._terms = wanted.terms
        self._lacking = lacking
        self._driver = Driver(f"k8s-notebook-{self.names[0]}")
        self._connection = connection
        self._door = self._driver.door(connection.api, MOST_REQUESTS)
        self._informers = Informers(self._door, self._driver.loop)
        self._scheduler: Scheduler | None = None
        self._election: Election | None = None
        self._reported = (0, 0)
        self._trouble = ""
        self._holder = ""
        self._stopping = threading.Lock()
        self._compiling = threading.Thread(target=_compile, args=(self.over,), name="k8s-notebook-kernels", daemon=True)

    def start(self) -> Schedule:
        """Begin to watch, and to place pods once it is this process's turn."""
        self._driver.post(self._begin)
        self._driver.start()
        self._compiling.start()
        return self

    @property
    def name(self) -> str:
        """The `schedulerName` of the pods that it places (the first, if there are several)."""
        return self.names[0]

    @property
    def profiles(self) -> dict[str, Profile]:
        """schedulerName -> the profile that its pods are placed by."""
        return {profile.name: profile for profile in self._wanted.served}

    @property
    def leads(self) -> bool:
        """Whether it places pods now."""
        return self._scheduler is not None and self._scheduler.working and not self.over.is_set()

    @property
    def status(self) -> dict[str, Any]:
        """How it does: its state, who leads, how many pods were placed and how many wait."""
        state = "ended" if self.ended else "stopped" if self.over.is_set() else "working" if self.leads else "standing by"
        counts = self._scheduler.status() if self._scheduler is not None else {}
        lease = f"{self._terms.namespace}/{self._terms.name}" if self._terms is not None else ""
        holder = self._election.holder if self._election is not None else ""
        return {"name": ", ".join(self.names), "cluster": self.cluster, "server": self.server, "state": state, "lease": lease,
                "holder": holder, "why": self.ended or self._trouble, **counts}  # fmt: skip

    def stop(self) -> None:
        """End it: pods under way are bound, then the lease is given back."""
        with self._stopping:
            if self.over.is_set():
                return
            quiet = threading.Event()
            self._driver.post(lambda: self._wind_up(quiet, clock.monotonic() + FAREWELL))
            waiting.until(quiet, clock.monotonic() + 2 * FAREWELL)
            self._close()
            self._compiling.join(FAREWELL)

    # ------------------------------------------------------------ in the thread

    def _begin(self) -> None:
        try:
            self._assemble()
        except Exception as error:
            self.ended = f"{type(error).__name__}: {error}"
            self._say(f"ends: {self.ended}")
            self._close()
            raise

    def _assemble(self) -> None:
        elects = self._terms is not None
        loop = self._driver.loop
        self._scheduler = Scheduler(
            self._door, loop, self._informers, self._wanted.served, host=socket.gethostname(), without=self._lacking.without,
            begin=not elects, backoff=self._wanted.backoff,
        )  # fmt: skip
        for note in (*self._wanted.remarks, *self._lacking.notes):
            self._say(note)
        self._say(f"scheduler {', '.join(self.names)} watches {self.server}")
        if self._terms is not None:
            streams = Streams()
            identity = f"{socket.gethostname()}_{streams.uid('identity')}"
            # The lease must not wait behind other requests.
            self._election = Election(
                self._driver.door(self._connection.api),
                loop,
                streams,
                self._terms,
                identity,
                began=self._leading,
                ended=self._lost,
                refused=self._refused,
            )
            self._election.start()
        loop.after(1.0, self._look)
        loop.after(EVERY, self._report)

    def _leading(self) -> None:
        assert self._terms is not None
        assert self._scheduler is not None
        self._say(f"holds the lease {self._terms.namespace}/{self._terms.name}, and places pods")
        self._scheduler.begin()

    def _lost(self, why: str) -> None:
        """Somebody else may work now: stop at once."""
        assert self._scheduler is not None
        self._scheduler.halt()
        self.ended = why
        self._say(f"ends: {why}")
        self._close()

    def _refused(self, error: ApiError) -> None:
        self._trouble_is(error.message)

    def _look(self) -> None:
        """Say once when the cluster is lost or heard again, and for whom this process waits."""
        self._driver.loop.after(1.0, self._look)
        self._trouble_is(self._door.trouble)
        found = self._election
        if found is not None and not found.leader and found.holder not in ("", self._holder) and not self._trouble:
            self._holder = found.holder
            self._say(f"stands by: {found.holder} holds the lease")

    def _trouble_is(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._say(trouble or "the cluster is heard again")
        self._trouble = trouble

    def _report(self) -> None:
        """One line a minute, if there is something to tell."""
        self._driver.loop.after(EVERY, self._report)
        assert self._scheduler is not None
        counts = self._scheduler.status()
        now = (counts["scheduled"], counts["waiting"] + counts["backoff"])
        if now != self._reported:
            self._say(f"{now[0] - self._reported[0]} pods placed in the last minute, {now[1]} fit nowhere")
        self._reported = now

    def _wind_up(self, quiet: threading.Event, until: float) -> None:
        """Give the lease back once nothing is under way any more."""
        if self._scheduler is not None:
            self._scheduler.halt()
            if self._scheduler.status()["binding"] and clock.monotonic() < until:
                self._driver.loop.after(0.02, lambda: self._wind_up(quiet, until))
                return
        given = self._election.stop() if self._election is not None else None
        if given is None:
            quiet.set()
        else:
            given.on_done(lambda _: quiet.set())

    def _close(self) -> None:
        self._informers.close()
        self._connection.close()
        self.over.set()
        self._driver.stop()

    def _say(self, line: str) -> None:
        line = f"{clock.timestamp(self._driver.loop.now())} {line}"
        self.lines.append(line)
        if self._told is not None:
            self._told(line)

    def __repr__(self) -> str:
        """How it does, in one line."""
        status = self.status
        counts = f", {status['scheduled']} pods placed, {status['waiting']} wait" if "scheduled" in status else ""
        return f"<scheduler {status['name']} on {self.cluster}: {status['state']}{counts}>"


@told
def start(connection: Connection, door: Door, wanted: Wanted, say: Say | None = None) -> Schedule:
    """A scheduler that begins to work on a cluster; K8sError with one sentence if it cannot or must not."""
    names = {each.name for each in wanted.served}
    for each in running():
        if each.server == connection.server and names & set(each.names):
            raise K8sError(f"error: {each!r} is at work in this process already; `.stop()` or `%k8s schedule --stop` ends it")
    for name in sorted(names):
        schedule_wishes.refuse(connection, door, name)
    lacking = rights.check(door, wanted.served[0].name, wanted.terms)
    own = connecting.connect(connection.kubeconfig, connection.context.name if connection.kubeconfig is not None else None)
    found = Schedule(own, door.title, wanted, lacking, say).start()
    with _holding:
        _held.append(found)
    _at_exit()
    return found


def running() -> list[Schedule]:
    """The schedulers that work in this process."""
    with _holding:
        _held[:] = [each for each in _held if not each.over.is_set()]
        return list(_held)


def stop_all() -> None:
    """End them all, at the end of the process: their leases are given back."""
    for each in running():
        each.stop()


_holding = threading.Lock()
_held: list[Schedule] = []


@functools.cache
def _at_exit() -> None:
    """See to it once that all are ended with the process, before its connections are."""
    atexit.register(stop_all)


def rbac(name: str | None, config: str | None, namespace: str) -> str:
    """The manifest of the rights that such a scheduler needs."""
    what = schedule_wishes.wanted(name, config=Path(config) if config is not None else None, namespace=namespace)
    first = what.served[0].name
    return rights.manifest(first, what.terms or rights.lease_terms(first, namespace))


def serve(
    *, kubeconfig: str | None, context: str | None, name: str | None, config: str | None, elect: bool | None, namespace: str
) -> int:
    """Run a scheduler until SIGTERM or Ctrl-C, for the command line; the exit code: 0, or 1 when it lost its lease."""
    import signal

    from k8s_notebook.session import current

    def said(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    what = schedule_wishes.wanted(name, config=Path(config) if config is not None else None, elect=elect, namespace=namespace)
    cluster = current.connect(kubeconfig, context)
    found = cluster.schedule(what, say=said)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    while not ending.is_set() and not found.over.is_set():
        ending.wait(waiting.SLICE)
    found.stop()
    cluster.close()
    return 1 if found.ended else 0


def _compile(over: threading.Event) -> None:
    """Change over to compiled kernels, compiled first in a process of its own if that was never done."""
    if not kernels.available() or kernels.ready():
        return
    if not kernels.cached():
        from k8s_notebook.cluster import warmup

        nothing = subprocess.DEVNULL
        with subprocess.Popen(warmup.command(), stdin=nothing, stdout=nothing, stderr=nothing) as child:
            while child.poll() is None:
                if over.wait(0.2):
                    child.kill()
                    return
    if not over.is_set():
        kernels.enable()
