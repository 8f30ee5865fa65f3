"""The two sides of a comparison: an embedded cluster and a real control plane, started, measured and stopped alike."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
REALCLUSTER = ROOT.parent / "shared" / "realcluster" / "realcluster"


@dataclass
class Side:
    """A running cluster: how to talk to it, and the processes that make it."""

    name: str
    kubeconfig: pathlib.Path
    pids: list[int]
    stop: Callable[[], None]
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = yaml.safe_load(self.kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server, self.token = cluster["server"], user["token"]
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer of the API server."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server + path, data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, context=self.tls, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def memory(self) -> int:
        """The peak resident memory of all its processes, in bytes, summed."""
        total = 0
        for pid in self.pids:
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
            except FileNotFoundError:
                continue
            total += 1024 * int(next(x for x in status.splitlines() if x.startswith("VmHWM")).split()[1])
        return total


def until(condition: Callable[[], bool], seconds: float, every: float = 0.05) -> float:
    """Seconds until `condition()` held; TimeoutError after `seconds`."""
    begin = time.monotonic()
    while True:
        try:
            if condition():
                return time.monotonic() - begin
        except OSError:
            pass
        if time.monotonic() - begin > seconds:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(every)


def ready_nodes(side: Side) -> int:
    """How many nodes are Ready."""
    nodes = side.request("GET", "/api/v1/nodes")["items"]
    return sum(c["status"] == "True" for n in nodes for c in n.get("status", {}).get("conditions", ()) if c["type"] == "Ready")


def embedded(nodes: int, name: str = "benchmark") -> Side:
    """A fresh embedded cluster with state of its own."""
    home = tempfile.mkdtemp(prefix="k8s-notebook-benchmark-")
    env = {**os.environ, "K8S_NOTEBOOK_HOME": home}
    command = [sys.executable, "-m", "k8s_notebook"]
    begin = time.monotonic()
    made = subprocess.run([*command, "start", "--name", name, "--nodes", str(nodes)], env=env, capture_output=True, text=True)
    answered = time.monotonic() - begin
    if made.returncode:
        sys.exit(made.stderr)
    kubeconfig = pathlib.Path(made.stdout.strip())
    pid = json.loads((kubeconfig.parent / "run.json").read_text())["pid"]

    def stop() -> None:
        subprocess.run([*command, "delete", name], env=env, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)

    side = Side("embedded", kubeconfig, [pid], stop, {"API answers": answered})
    until(lambda: ready_nodes(side) == nodes, 120)
    side.seconds["nodes Ready"] = time.monotonic() - begin
    return side


def real(nodes: int, *, bench: bool, name: str = "benchmark") -> Side:
    """A fresh real control plane with simulated (KWOK) nodes; with `bench` without rate limits."""
    if not REALCLUSTER.exists():
        sys.exit("needs ../shared/realcluster, which is not part of the project")
    env = {**os.environ, "KWOK": "1"}
    if bench:
        folder = pathlib.Path(os.environ.get("REALCLUSTER_HOME", pathlib.Path.home() / ".cache" / "k8s-notebook-realcluster"))
        config = pathlib.Path(tempfile.mkdtemp()) / "scheduler.yaml"
        config.write_text(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nleaderElection: {leaderElect: false}\n"
            f"clientConnection: {{kubeconfig: {folder}/run/{name}/kubeconfig, qps: 5000, burst: 5000}}\n"
        )
        env |= {"BENCH": "1", "SCHEDULER_CONFIG": str(config)}
    begin = time.monotonic()
    made = subprocess.run([str(REALCLUSTER), "up", name], env=env, capture_output=True, text=True, check=True)
    answered = time.monotonic() - begin
    kubeconfig = pathlib.Path(made.stdout.strip().splitlines()[-1])
    pids = [int(p) for p in (kubeconfig.parent / "pids").read_text().split()]
    side = Side("real", kubeconfig, pids, lambda: subprocess.run([str(REALCLUSTER), "down", name], capture_output=True) and None)
    side.seconds["API answers"] = answered
    for i in range(1, nodes + 1):
        side.request("POST", "/api/v1/nodes", fake_node(f"node-{i}"))
    until(lambda: ready_nodes(side) == nodes, 300, 0.25)
    side.seconds["nodes Ready"] = time.monotonic() - begin
    return side


def fake_node(name: str) -> dict[str, Any]:
    """A node that KWOK plays, with what our own simulated nodes have."""
    room = {"cpu": "4", "memory": "16Gi", "pods": "110"}
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"capacity": room, "allocatable": room}}


def deployment(replicas: int) -> dict[str, Any]:
    """A Deployment of small pods."""
    container = {"name": "web", "image": "nginx:1.27", "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    strategy = {"type": "RollingUpdate"}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template, "strategy": strategy}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def table(rows: list[list[str]]) -> str:
    """Rows of equal length as text, first column left, others right."""
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True))) for r in rows
    )
