"""Pods bound per second through the API: kube-scheduler, then ours as a second scheduler, on the same real server.

`python -m benchmarks.binding [--nodes 1000] [--pods 5000] [--mixes basic "spreading, preferred"] [--rounds 3]`. The server (etcd without
fsync, kube-apiserver without rate limits, no controllers, no kubelets: nodes are objects) and the client that creates the pods share the
machine with the scheduler. Each scheduler runs alone, in a process of its own, without a client rate limit: kube-scheduler with qps and
burst 5000 as scheduler_perf has it, ours as `k8s-notebook schedule`. Pods are created by `CLIENTS` connections. A few are bound before.

"as they come": from the first create to the last bind, as a watch shows it; often the server cannot take pods faster. "that wait": up
to `MOST_WAITING` further pods are created while the scheduler is halted, and the clock runs from its going on to the last bind. "CPU ms" is what the scheduler's process used per pod, in all its threads; "algorithm" is kube-scheduler's own metric
scheduler_scheduling_algorithm_duration_seconds per pod, to compare with `benchmarks.decisions`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import clusters, mixes
from benchmarks.clusters import Side
from tests import real
from tests.parity import lists

Json = dict[str, Any]

CLIENTS, WARM, LONGEST = 8, 100, 300.0
MOST_WAITING = 2000
"""A halted scheduler misses its lease after ten seconds."""
PODS = "/api/v1/namespaces/default/pods"
METRICS = 26010
THEIRS, OURS = "default-scheduler", "numba-scheduler"
HEAD = ("pods/s as they come", "each round", "created in s", "bound in s", "pods/s that wait", "CPU ms", "algorithm ms")
TICKS = os.sysconf("SC_CLK_TCK")


class Client:
    """One connection to the API server."""

    def __init__(self, side: Side, token: str) -> None:
        where = urllib.parse.urlsplit(side.server)
        self._made = http.client.HTTPSConnection(where.hostname or "", where.port, context=side.tls, timeout=LONGEST)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def send(self, method: str, path: str, body: Any = None, accept: str = "application/json") -> http.client.HTTPResponse:
        """The answer, not read yet."""
        data = None if body is None else json.dumps(body).encode()
        self._made.request(method, path, data, {**self._headers, "Accept": accept})
        return self._made.getresponse()

    def create(self, path: str, objects: list[Json]) -> None:
        """Create objects, one after the other."""
        for obj in objects:
            answer = self.send("POST", path, obj)
            said = answer.read()
            if answer.status >= 300:
                raise RuntimeError(said.decode()[:300])


@dataclass(frozen=True)
class Result:
    """One round of one scheduler."""

    seconds: float
    created: float
    """Seconds until the last pod was created."""
    cpu: float
    """Seconds of the scheduler's processor time."""
    algorithm: float
    """Seconds that kube-scheduler says it decided, in all."""
    waiting: float
    """Seconds per pod for pods that were there already."""


class Plane:
    """A real API server with nodes of a mix and no scheduler."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.token = side.token

    def client(self) -> Client:
        """A new connection."""
        return Client(self.side, self.token)

    def create(self, path: str, objects: list[Json]) -> None:
        """Create objects over several connections."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            for done in [pool.submit(self.client().create, path, objects[i::CLIENTS]) for i in range(CLIENTS)]:
                done.result()

    def clear(self) -> None:
        """Delete all pods and wait until they are gone."""
        client = self.client()
        client.send("DELETE", PODS + "?gracePeriodSeconds=0").read()
        clusters.until(lambda: not json.loads(client.send("GET", PODS + "?limit=1").read())["items"], LONGEST)

    def bind(self, pods: list[Json], halted: subprocess.Popen[bytes] | None = None) -> tuple[float, float]:
        """(seconds from the first create to the last bind, seconds to the last create)

        With `halted` that process, the scheduler, is halted until all are created, and the first number counts from then.
        """
        opened, bound = threading.Event(), threading.Event()
        threading.Thread(target=self._watch, args=(len(pods), opened, bound), daemon=True).start()
        opened.wait(LONGEST)
        if halted is not None:
            halted.send_signal(signal.SIGSTOP)
        began = time.perf_counter()
        self.create(PODS, pods)
        created = time.perf_counter() - began
        if halted is not None:
            halted.send_signal(signal.SIGCONT)
            began = time.perf_counter()
        if not bound.wait(LONGEST):
            raise TimeoutError(f"not all of {len(pods)} pods were bound within {LONGEST} s")
        return time.perf_counter() - began, created

    def _watch(self, wanted: int, opened: threading.Event, bound: threading.Event) -> None:
        """Set `bound` when so many more pods have a node."""
        accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        client = self.client()
        version = json.loads(client.send("GET", PODS + "?limit=1").read())["metadata"]["resourceVersion"]
        query = urllib.parse.urlencode({"watch": 1, "resourceVersion": version, "fieldSelector": "spec.nodeName!="})
        stream = client.send("GET", f"{PODS}?{query}", accept=accept)
        opened.set()
        while wanted and (line := stream.readline()):
            wanted -= b'"type":"ADDED"' in line[:40]
        bound.set()


@contextmanager
def plane(nodes: list[Json]) -> Iterator[Plane]:
    """A real API server that has these nodes."""
    env = {**os.environ, "BENCH": "1", "SCHEDULER": "0", "CONTROLLERS": "0"}
    made = subprocess.run([str(clusters.REALCLUSTER), "up", "binding"], env=env, capture_output=True, text=True, check=True)
    kubeconfig = pathlib.Path(made.stdout.strip().splitlines()[-1])
    down = [str(clusters.REALCLUSTER), "down", "binding"]
    side = Side("real", kubeconfig, [], lambda: subprocess.run(down, capture_output=True) and None)
    try:
        found = Plane(side)
        found.create("/api/v1/nodes", nodes)
        yield found
    finally:
        side.stop()


@contextmanager
def kube_scheduler(where: Plane, folder: pathlib.Path) -> Iterator[subprocess.Popen[bytes]]:
    """kube-scheduler at work."""
    config = folder / "config"
    config.write_text(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nleaderElection: {leaderElect: false}\n"
        f"clientConnection: {{kubeconfig: {where.side.kubeconfig}, qps: 5000, burst: 5000}}\n"
    )
    options = ["--authentication-skip-lookup", "--authorization-always-allow-paths=*", f"--cert-dir={folder}"]
    command = [str(real.BINARIES / "kube-scheduler"), f"--config={config}", f"--secure-port={METRICS}", *options]
    with _process(command, folder / "log") as process:
        yield process


@contextmanager
def ours(where: Plane, folder: pathlib.Path) -> Iterator[subprocess.Popen[bytes]]:
    """Our scheduler at work."""
    log = folder / "log"
    with _process([sys.executable, "-m", "k8s_notebook", "schedule", "--kubeconfig", str(where.side.kubeconfig)], log) as process:
        clusters.until(lambda: "and places pods" in log.read_text(), LONGEST)
        yield process


@contextmanager
def _process(command: list[str], log: pathlib.Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("w") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written, stdin=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def measure(where: Plane, scheduler: str, template: Json, pods: int) -> Result:
    """One round: a fresh scheduler, no pods there."""
    where.clear()
    start = kube_scheduler if scheduler == THEIRS else ours
    with tempfile.TemporaryDirectory() as folder, start(where, pathlib.Path(folder)) as process:
        where.bind(copies(template, scheduler, "warm", WARM))
        time.sleep(2.0)
        spent, decided = processor(process.pid), algorithm(where) if scheduler == THEIRS else 0.0
        seconds, created = where.bind(copies(template, scheduler, "pod", pods))
        cpu = processor(process.pid) - spent
        decided = algorithm(where) - decided if scheduler == THEIRS else 0.0
        waiting = copies(template, scheduler, "late", min(pods, MOST_WAITING))
        return Result(seconds, created, cpu, decided, where.bind(waiting, process)[0] / len(waiting))


def copies(template: Json, scheduler: str, name: str, count: int) -> list[Json]:
    """Pods for a scheduler."""
    metadata = {**template["metadata"], "namespace": "default"}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**template["spec"], "schedulerName": scheduler}}
    return list(lists.expand([lists.many(made, count, f"{name}-")], kind="Pod"))


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def algorithm(where: Plane) -> float:
    """The sum of scheduler_scheduling_algorithm_duration_seconds."""
    connection = http.client.HTTPSConnection("127.0.0.1", METRICS, context=where.side.tls)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    found = re.search(r"^scheduler_scheduling_algorithm_duration_seconds_sum(?:{.*})? (\S+)$", text, re.M)
    return float(found[1]) if found else 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--mixes", nargs="+", default=["basic", "spreading, preferred"], choices=list(mixes.MIXES))
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if why := real.missing():
        sys.exit(why)
    rows = [["mix", "nodes", "pods", "scheduler", *HEAD]]
    nodes = list(lists.expand([lists.many(mixes.node(), args.nodes, "node-", zones=mixes.ZONES)], kind="Node"))
    with plane(nodes) as where:
        for mix in args.mixes:
            found: dict[str, list[Result]] = {THEIRS: [], OURS: []}
            for _ in range(args.rounds):
                for scheduler, results in found.items():
                    results.append(measure(where, scheduler, mixes.MIXES[mix].template, args.pods))
                    print(mix, scheduler, results[-1], file=sys.stderr, flush=True)
            rows += [line(mix, args, scheduler, results) for scheduler, results in found.items()]
        where.clear()
    print(clusters.table(rows))


def line(mix: str, args: argparse.Namespace, scheduler: str, results: list[Result]) -> list[str]:
    """A line of the table: medians."""
    middle = sorted(results, key=lambda r: r.seconds)[len(results) // 2]
    rates = [args.pods / r.seconds for r in results]
    each = " ".join(f"{r:,.0f}" for r in rates)
    decided = f"{1e3 * middle.algorithm / args.pods:.2f}" if middle.algorithm else ""
    return [
        mix, f"{args.nodes:,}", f"{args.pods:,}", scheduler, f"{statistics.median(rates):,.0f}", each, f"{middle.created:.1f}",
        f"{middle.seconds:.1f}", f"{1 / statistics.median(r.waiting for r in results):,.0f}", f"{1e3 * middle.cpu / args.pods:.2f}", decided,
    ]  # fmt: skip


if __name__ == "__main__":
    main()
