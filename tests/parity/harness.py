"""Decisions of the real kube-scheduler 1.36.3, taken in a process beside the tests and without an API server.

The program in `kube_scheduler/` (Go) is built once and kept in the user's cache folder. It reads one JSON document a line from
stdin and writes one a line to stdout, and knows two kinds.

**decide**: `{"id", "mode": "decide", "config", "percentage", "objects", "nodes", "pods", "nominated", "pending", "preempt", "ties",
"brief"}`; all but `nodes` and `pending` may be left out.

- `config`: a KubeSchedulerConfiguration, read and checked as kube-scheduler does (`apiVersion` and `kind` may be left out).
- `percentage`: percentageOfNodesToScore unless `config` names one; 100 by default, 0 is the adaptive one. Parallelism is always 1.
- `objects`: anything else that decisions rest on, each with `apiVersion` and `kind`.
- `nodes`: in the order in which the scheduler hears of them. `pods`: assigned ones (`spec.nodeName`), in the order in which they come.
- `nominated`: pods that wait with a `status.nominatedNodeName`.
- `pending`: decided one after the other. One that finds a node is assumed there, reserved and bound before the next; one that
  does not stays in the queue, nominated if preemption says so. Claims and volumes are written as before binding (`Answer.writes`),
  but no controller binds or provisions a volume.
- `preempt`: what becomes of victims: "apply" removes them and decides the pod again (another answer with `attempt` 2), "terminate"
  gives them a deletionTimestamp and the condition that preemption sets, "leave" (the default) does nothing.
- `ties`: the real preemption draws lots between nodes that are equally good, and tries nodes in a map's order; by default the first
  in the snapshot's order wins and is tried first, "random" leaves it to chance. `Answer.tied` has all the best either way.
- `brief`: leaves out the scores and what successful decisions were refused by, for speed.

A pod without namespace is in `default`, without UID has `namespace/name` for one, without schedulerName is for `default-scheduler` (or
the first profile, if no profile has that name). Nothing else is defaulted, and no PriorityClass looked up: pods are as an API server
would have them. Give all pods that may be victims a `status.startTime` that is past, for without one the scheduler takes "now".

**bench**: `{"mode": "bench", "config", "percentage", "parallelism", "objects", "nodes", "pods", "measured", "limit_seconds"}`. Pods of
`pods` with a nodeName are just there, the others are decided first, untimed. The `measured` ones are then decided one after the
other and timed: what scheduler_scheduling_algorithm_duration_seconds covers, namely the update of the snapshot, SchedulePod and, for
pods that fit nowhere, the PostFilter plugins. Victims of a preemption are removed and the pod is decided again, timed too. A pod
that found no node is then forgotten. Defaults: percentage 0, parallelism 16, as kube-scheduler has them.

**Lists** may have, in place of an object, `{"template": object, "count": 500, "names": "node-", "zones": [...], "namespaces": [...],
"assign": true}`: copies named `node-0`, `node-1`, … A copy of a node has its name as label kubernetes.io/hostname and, if there are
`zones`, one of them in turn as topology.kubernetes.io/zone. Copies of pods (and objects) are in one of the `namespaces` in turn; pods
with `assign` are on the nodes of the list `nodes` in turn. `lists.many` writes such an item, `lists.expanded` makes the objects here,
so that both sides have the same.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Self

SOURCES = pathlib.Path(__file__).resolve().parent / "kube_scheduler"
DECIDE_SECONDS, BUILD_SECONDS = 60, 1800

Json = dict[str, Any]


class HarnessError(Exception):
    """The program could not be built, did not answer, or said that something is wrong with a request."""


@dataclass(frozen=True)
class Refusal:
    """Why a node will not do."""

    code: str
    plugin: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A node on which preemption would make room, the pods that would have to go, and how many disruption budgets that breaks."""

    node: str
    victims: tuple[str, ...] = ()
    violations: int = 0


@dataclass(frozen=True)
class Answer:
    """One attempt to decide one pod; see the Go struct of this name for what is in the fields.

    Scores are plugin -> node -> number and there only if two or more nodes were feasible (`scores` weighted, `raw` as Score gave
    them); plugins that skipped the pod are not in them. Pods are named "namespace/name". `subset` are the only nodes that PreFilter
    plugins leave, if they leave some: the scheduler goes through those in a map's order, and `feasible` has that order.
    `candidates` are all dry runs that found victims, `tries` those that did not, `tied` the best between which nothing decides.
    """

    pod: str
    attempt: int = 1
    node: str = ""
    gated: str = ""
    error: str = ""
    prefilter: str = ""
    nodes: Mapping[str, Refusal] = field(default_factory=dict)
    absent: Refusal | None = None
    subset: tuple[str, ...] = ()
    feasible: tuple[str, ...] = ()
    evaluated: int = 0
    scores: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    raw: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    normalised: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    message: str = ""
    rejectors: tuple[str, ...] = ()
    nominated: str = ""
    victims: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    tied: tuple[str, ...] = ()
    tries: Mapping[str, Refusal] = field(default_factory=dict)
    start: int = 0
    writes: tuple[Json, ...] = ()


@dataclass(frozen=True)
class Timing:
    """How long the measured pods took to decide, and where they went ("" for nowhere).

    `seconds` is the time spent deciding, `snapshot_seconds` the part of it spent on updating the snapshot and `wall_seconds` all that
    passed, with binding. `decided` counts pods (fewer than asked for if the limit was reached), `attempts` decisions.
    """

    decided: int
    failed: int
    preempted: int
    attempts: int
    seconds: float
    snapshot_seconds: float
    wall_seconds: float
    placed_before: int
    per_pod: tuple[float, ...]
    placements: tuple[str, ...]


def missing() -> str:
    """Why the real scheduler cannot be built here, or an empty text."""
    if os.name != "posix":
        return "needs a POSIX system, to build the real kube-scheduler"
    return "" if _go() else "needs Go, to build the real kube-scheduler"


def build() -> pathlib.Path:
    """The program, which is built if these sources have not been yet; that takes minutes the first time."""
    import fcntl

    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "k8s-notebook-ci"
    digest = hashlib.sha256()
    for source in sorted([*SOURCES.glob("*.go"), *SOURCES.glob("go.*")]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    program = home / f"kube-scheduler-harness-{digest.hexdigest()[:16]}"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "kube-scheduler-harness.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(program)
            for old in set(home.glob("kube-scheduler-harness-*")) - {program}:
                old.unlink()
    return program


def _build(program: pathlib.Path) -> None:
    if missing():
        raise HarnessError(missing())
    unfinished = program.with_suffix(".unfinished")
    command = [_go(), "build", "-o", str(unfinished), "."]
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, timeout=BUILD_SECONDS)
    if done.returncode:
        raise HarnessError(f"go build failed:\n{done.stderr}")
    unfinished.rename(program)


def _go() -> str:
    usual = "/usr/local/go/bin/go"
    return shutil.which("go") or (usual if os.access(usual, os.X_OK) else "")


class Harness:
    """The running program; use it in a `with` statement. One request at a time."""

    def __init__(self, *arguments: str) -> None:
        """Nothing is started yet; arguments go to the program (`-v=5` has the scheduler log to stderr)."""
        self._arguments = arguments
        self._numbers = itertools.count(1)
        self._lines: queue.Queue[str]
        self._drains: list[threading.Thread] = []
        self._said: collections.deque[str] = collections.deque(maxlen=200)

    def __enter__(self) -> Self:
        """The harness, started."""
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing; the program is gone."""
        self._stop()

    def _start(self) -> None:
        pipe = subprocess.PIPE
        command = [str(build()), *self._arguments]
        self._lines = queue.Queue()
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8")
        for stream, take in ((self._process.stdout, self._lines.put), (self._process.stderr, self._said.append)):
            assert stream is not None
            self._drains.append(threading.Thread(target=_drain, args=(stream, take), daemon=True))
            self._drains[-1].start()

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()
        while self._drains:
            self._drains.pop().join()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def decide(self, case: Mapping[str, Any], seconds: float = DECIDE_SECONDS) -> list[Answer]:
        """One answer for each attempt to decide a pending pod, in order."""
        return [_answer(found) for found in self._ask({**case, "mode": "decide"}, seconds).get("answers", ())]

    def bench(self, spec: Mapping[str, Any], seconds: float = 3600) -> Timing:
        """How long the measured pods took to decide."""
        timing: Json = self._ask({**spec, "mode": "bench"}, seconds)["timing"]
        return Timing(**timing | {name: tuple(timing[name] or ()) for name in ("per_pod", "placements")})

    def _ask(self, request: Json, seconds: float) -> Json:
        """The program's answer; after a failure the next request finds a new program."""
        if self._process.poll() is not None:
            self._stop()
            self._start()
        request = {**request, "id": next(self._numbers)}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer: Json = json.loads(self._lines.get(timeout=seconds))
        except (OSError, queue.Empty, json.JSONDecodeError) as problem:
            self._stop()
            raise HarnessError(f"no answer: {problem!r}\n{''.join(self._said)}") from None
        if "error" in answer:
            raise HarnessError(answer["error"])
        assert answer["id"] == request["id"]
        return answer


def _drain(stream: IO[str], take: Callable[[str], None]) -> None:
    """Nothing; every line has been taken, and an empty one at the end."""
    with stream:
        for line in stream:
            take(line)
    take("")


def _answer(found: Json) -> Answer:
    """The answer as a dataclass: what the program writes as rows beside `feasible` is by node here."""
    nodes = tuple(found.pop("feasible", ()))
    tables = ("scores", "raw", "normalised")
    scores = {
        table: {plugin: dict(zip(nodes, row, strict=True)) for plugin, row in found.pop(table, {}).items()} for table in tables
    }
    refused = {
        table: {node: _refusal(why) for node, why in (found.pop(table, None) or {}).items()} for table in ("nodes", "tries")
    }
    absent, totals = found.pop("absent", None), found.pop("totals", ())
    candidates = tuple(Candidate(**{**c, "victims": tuple(c["victims"] or ())}) for c in found.pop("candidates", ()))
    rest: Json = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    rest |= {**scores, **refused, "feasible": nodes, "candidates": candidates, "totals": dict(zip(nodes, totals, strict=False))}
    return Answer(**rest, absent=_refusal(absent) if absent else None)


def _refusal(found: Json) -> Refusal:
    return Refusal(found["code"], found.get("plugin", ""), tuple(found.get("reasons", ())))
