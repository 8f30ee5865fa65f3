"""A real control plane for tests: started once, with simulated (KWOK) nodes or with one real kubelet."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

HOME = pathlib.Path(os.environ.get("REALCLUSTER_HOME", pathlib.Path.home() / ".cache" / "k8s-notebook-realcluster"))
BINARIES = HOME / "bin-1.36.3"
SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "shared" / "realcluster" / "realcluster"
KUBELET_NEEDS = ("containerd", "runc", "ctr", "busybox", "gcc", "iptables")


@dataclass(frozen=True)
class Real:
    """A running real control plane."""

    kubeconfig: pathlib.Path

    def kubectl(self, *args: str, stdin: str = "") -> str:
        """What kubectl printed; the error's text in the exception if it failed."""
        command = [str(BINARIES / "kubectl"), "--kubeconfig", str(self.kubeconfig), *args]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *args: str) -> dict:
        """What `kubectl get ... -o json` gave."""
        return json.loads(self.kubectl("get", *args, "-o", "json"))


def missing(*, kubelet: bool = False) -> str:
    """Why no real control plane can be started here, or an empty text."""
    if not SCRIPT.exists():
        return "needs ../shared/realcluster, which is not part of the project"
    if not (BINARIES / "kwok").exists():
        return "needs a real control plane: ../shared/realcluster/realcluster build"
    if kubelet and os.geteuid() != 0:
        return "needs root for a real kubelet"
    lacking = [c for c in KUBELET_NEEDS if kubelet and shutil.which(c) is None]
    return f"needs {', '.join(lacking)} for a real kubelet" if lacking else ""


@contextmanager
def running(name: str, nodes: int = 3, **env: str) -> Iterator[Real]:
    """A real control plane with `nodes` KWOK nodes; one at a time on a machine (a lock sees to it)."""
    import fcntl

    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings = {**os.environ, **({"KWOK": "1"} if nodes else {}), **env}
        try:
            _clear(HOME / "run" / name)
            started = subprocess.run([SCRIPT, "up", name], env=settings, capture_output=True, text=True, timeout=300)
            assert started.returncode == 0, started.stderr
            real = Real(pathlib.Path(started.stdout.strip().splitlines()[-1]))
            for i in range(1, nodes + 1):
                real.kubectl("create", "-f", "-", stdin=json.dumps(node(i)))
            wait(lambda: all(_ready(n) for n in real.json("nodes")["items"]), 60, "the nodes to be Ready")
            yield real
        finally:
            subprocess.run([SCRIPT, "down", name], capture_output=True, timeout=60)
            _clear(HOME / "run" / name)


def _clear(run: pathlib.Path) -> None:
    """End what a real node in this folder left running (containers outlive their runtime) and unmount what it mounted."""
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if f"{run}/node/".encode() in process.read_bytes():
                os.kill(int(process.parent.name), signal.SIGKILL)
    mounts = pathlib.Path("/proc/self/mounts")
    places = [line.split()[1] for line in mounts.read_text().splitlines()] if mounts.exists() else []
    for place in reversed([p for p in places if p.startswith(f"{run}/")]):
        subprocess.run(["umount", "--lazy", place], capture_output=True, timeout=30)


def node(number: int) -> dict:
    """A node that KWOK plays, as large as an embedded cluster's."""
    name, zone = f"node-{number}", f"zone-{'abc'[(number - 1) % 3]}"
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
              "topology.kubernetes.io/zone": zone}  # fmt: skip
    room = {"cpu": "4", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    metadata = {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"capacity": room, "allocatable": room}}


def wait(condition, seconds: float, what: str) -> None:
    """Come back when `condition()` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def _ready(obj: dict) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in obj.get("status", {}).get("conditions", ()))
