"""A second scheduler over HTTP: processes of the command line beside an embedded cluster."""

from __future__ import annotations

import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

import k8s_notebook as kn
from tests.real import wait
from tests.wire.conftest import ROOT, Wire, command
from tests.wire.notebook import Notebook

NAME = "numba-scheduler"


@dataclass
class Second:
    """A `k8s-notebook schedule` that runs, and what it says."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    said: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            self.said.put(line)

    def until(self, text: str, seconds: float = 40) -> None:
        """Return when it has said this."""
        while True:
            try:
                line = self.said.get(timeout=seconds)
            except queue.Empty:
                raise AssertionError(f"did not say {text!r}: {self.lines}") from None
            if text in line:
                return

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


Start = Callable[..., Second]


@pytest.fixture
def second(state: pathlib.Path) -> Iterator[Start]:
    """Starts schedulers; those that still run are killed afterwards."""
    started: list[Second] = []

    def start(kubeconfig: pathlib.Path, *more: str) -> Second:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        arguments = [sys.executable, "-m", "k8s_notebook", "schedule", "--kubeconfig", str(kubeconfig), *more]
        process = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment)
        found = Second(process)
        started.append(found)
        return found

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait(20)
        each.reader.join(20)
        each.process.stderr.close()  # type: ignore[union-attr]


def pods(*names: str, **spec: object) -> list[dict]:
    container = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "100m"}}}
    return [
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
            "spec": {"schedulerName": NAME, "containers": [container], **spec},
        }
        for name in names
    ]  # fmt: skip


def places(c: kn.Cluster, *names: str) -> list[str]:
    return [c.get(f"pod/{name}").items[0]["spec"].get("nodeName", "") for name in names]


def placed(c: kn.Cluster, *names: str) -> Callable[[], bool]:
    return lambda: all(places(c, *names))


def holder(c: kn.Cluster) -> str:
    lease = c.get("lease", NAME, namespace="kube-system").items[0]
    return str(lease["spec"]["holderIdentity"])


def test_pods_that_name_it_are_placed_and_only_those(mine: Wire, c: kn.Cluster, second: Start) -> None:
    found = second(mine.kubeconfig, "--name", NAME)
    found.until("and places pods")
    c.apply([*pods("one", "two"), *pods("third", schedulerName="somebody-else")])
    wait(placed(c, "one", "two"), 20, "the pods to be placed")
    said = c.events("pod/one").items
    event = next(e for e in said if e["reason"] == "Scheduled")
    assert event["reportingComponent"] == NAME
    c.apply(pods("large", containers=[{"name": "c", "image": "x", "resources": {"requests": {"cpu": "999"}}}]))
    c.wait("pod/large", "condition=PodScheduled=false", 20)
    assert places(c, "third", "large") == ["", ""]
    assert found.end() == 0
    assert holder(c) == ""
    c.delete("pod", all=True, grace=0)


def test_the_other_goes_on_when_the_leader_ends(mine: Wire, c: kn.Cluster, second: Start) -> None:
    first = second(mine.kubeconfig)
    first.until("and places pods")
    other = second(mine.kubeconfig)
    other.until("stands by: ")
    c.apply(pods("before"))
    wait(placed(c, "before"), 20, "a pod to be placed")
    assert first.end(signal.SIGTERM) == 0
    c.apply(pods("after"))
    other.until("and places pods")
    wait(placed(c, "after"), 20, "the other to place a pod")
    assert other.end() == 0
    c.delete("pod", all=True, grace=0)


def test_who_loses_the_lease_ends(mine: Wire, c: kn.Cluster, second: Start) -> None:
    found = second(mine.kubeconfig)
    found.until("and places pods")
    lease = c.get("lease", NAME, namespace="kube-system").items[0]
    spec = {**lease["spec"], "holderIdentity": "somebody-else", "leaseDurationSeconds": 2}
    c.apply(
        {"apiVersion": lease["apiVersion"], "kind": "Lease", "metadata": {"name": NAME, "namespace": "kube-system"}, "spec": spec}
    )
    found.until("ends: somebody-else took the lease kube-system/numba-scheduler")
    assert found.process.wait(20) == 1


def test_it_survives_a_restart_of_the_server(mine: Wire, c: kn.Cluster, second: Start, state: pathlib.Path) -> None:
    found = second(mine.kubeconfig, "--no-leader-elect")
    found.until("watches")
    c.apply(pods("early"))
    wait(placed(c, "early"), 20, "a pod to be placed")
    pid = json.loads((state / "clusters" / "default" / "run.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    found.until("does not answer")
    command(state, "start", "--nodes", "2")
    found.until("heard again")
    c.apply(pods("late"))
    wait(placed(c, "late"), 40, "a pod to be placed after the restart")
    assert found.end() == 0
    c.delete("pod", all=True, grace=0)


def test_rights_that_are_missing_are_one_sentence(mine: Wire, c: kn.Cluster, second: Start, tmp_path: pathlib.Path) -> None:
    c.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}})
    token = c.door.ask(token_of("nobody"))["status"]["token"]
    found = second(as_token(mine.kubeconfig, token, tmp_path))
    assert found.process.wait(30) == 1
    assert len(found.lines) == 1
    assert found.lines[0].startswith("error: the scheduler numba-scheduler may not list nodes, watch nodes, ")
    assert "--rbac" in found.lines[0]


def test_the_packaged_rights_are_enough(mine: Wire, c: kn.Cluster, second: Start, tmp_path: pathlib.Path) -> None:
    c.apply(mine.command("schedule", "--rbac").stdout)
    token = c.door.ask(token_of(NAME, "kube-system"))["status"]["token"]
    found = second(as_token(mine.kubeconfig, token, tmp_path))
    found.until("and places pods")
    assert not any("without the right" in line for line in found.lines)
    c.apply(pods("humble"))
    wait(placed(c, "humble"), 20, "a pod to be placed")
    assert found.end() == 0
    c.delete("pod", all=True, grace=0)


def test_without_lesser_rights_it_says_what_does_not_work(
    mine: Wire, c: kn.Cluster, second: Start, tmp_path: pathlib.Path
) -> None:
    manifest = mine.command("schedule", "--rbac", "--name", "poor").stdout
    seen = "nodes, pods, namespaces, services, replicationcontrollers, persistentvolumes, persistentvolumeclaims"
    assert seen in manifest
    c.apply(manifest.replace(seen, "nodes, pods, namespaces, persistentvolumeclaims").replace("verbs: [delete]", "verbs: [get]"))
    token = c.door.ask(token_of("poor", "kube-system"))["status"]["token"]
    found = second(as_token(mine.kubeconfig, token, tmp_path), "--name", "poor")
    found.until("and places pods")
    notes = [line.partition(" ")[2].strip() for line in found.lines if "without the right" in line]
    assert notes == [
        "without the right to delete pods: no pod is evicted for one of higher priority",
        "without the right to watch services: not known to the default topology spreading",
        "without the right to watch replicationcontrollers: not known to the default topology spreading",
        "without the right to watch persistentvolumes: not known to VolumeBinding, VolumeZone, VolumeRestrictions and "
        "NodeVolumeLimits",
    ]
    c.apply(pods("modest", schedulerName="poor"))
    wait(placed(c, "modest"), 20, "a pod to be placed")
    assert found.end() == 0
    c.delete("pod", all=True, grace=0)


def token_of(name: str, namespace: str = "default"):
    """The request for a token of a service account."""
    from k8s_notebook.machinery.actions import Create

    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return Create(body, "serviceaccounts", namespace, name, "token")


def as_token(kubeconfig: pathlib.Path, token: str, folder: pathlib.Path) -> pathlib.Path:
    """The same cluster, as the owner of a token."""
    import yaml

    config = yaml.safe_load(kubeconfig.read_text())
    config["users"] = [{"name": u["name"], "user": {"token": token}} for u in config["users"]]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.mark.parametrize(("arguments", "said"), [
    (("--name", "default-scheduler"), "error: embedded default places the pods of default-scheduler itself"),
    (("--config", "/nowhere.yaml"), "/nowhere.yaml"),
    (("--context", "nowhere"), 'context "nowhere" does not exist'),
])  # fmt: skip
def test_what_cannot_be_is_one_sentence(mine: Wire, second: Start, arguments: tuple[str, ...], said: str) -> None:
    found = second(mine.kubeconfig, *arguments)
    assert found.process.wait(30) == 1
    assert len(found.lines) == 1
    assert said in found.lines[0]


def test_in_a_notebook(c: kn.Cluster, run: Notebook) -> None:
    assert "No scheduler works in this notebook" in str(run("%k8s schedule --status").value)
    assert "in-the-notebook works on embedded default" in run("%k8s schedule --name in-the-notebook").printed
    c.apply(pods("cell", schedulerName="in-the-notebook"))
    wait(placed(c, "cell"), 20, "a pod to be placed")
    said = str(run("%k8s schedule --status").value)
    assert said.splitlines()[1].split()[:4] == ["in-the-notebook", "embedded", "default", "working"]
    assert "is at work in this process already" in str(run("%k8s schedule --name in-the-notebook").error)
    assert "in-the-notebook stopped" in run("%k8s schedule --stop").printed
    assert "No scheduler works in this notebook" in str(run("%k8s schedule --status").value)
    assert "kind: ServiceAccount" in str(run("%k8s schedule --rbac").value)
    c.delete("pod", all=True, grace=0)


PACKING = """
import k8s_notebook as kn

@kn.scheduler.score(weight=1)
def fullest(node, pod):
    return 100 * node.requested_cpu // node.allocatable_cpu

packing = kn.scheduler.profile(name="packing", score=[fullest], disable={"score": "*"})
scheduler = kn.current().schedule(profile=packing, leader_elect=False)
"""


def test_with_a_policy_from_a_cell(c: kn.Cluster, run: Notebook) -> None:
    assert run(PACKING).error is None
    names = [f"packed-{n}" for n in range(5)]
    c.apply(pods(*names, schedulerName="packing"))
    wait(placed(c, *names), 30, "the pods to be placed")
    run("scheduler.stop()")
    assert len(set(places(c, *names))) == 1
    c.delete("pod", all=True, grace=0)


def test_from_a_program_with_several_profiles(c: kn.Cluster) -> None:
    profiles = [kn.scheduler.profile(name=name, percentage=100) for name in ("red", "blue")]
    with_lines: list[str] = []
    found = c.schedule(profile=profiles, leader_elect=False, say=with_lines.append)
    c.apply([*pods("r", schedulerName="red"), *pods("b", schedulerName="blue")])
    wait(placed(c, "r", "b"), 20, "both pods to be placed")
    wait(lambda: found.status["binding"] == 0, 20, "the bindings")
    assert found.status["scheduled"] == 2
    assert repr(found) == "<scheduler red, blue on embedded default: working, 2 pods placed, 0 wait>"
    found.stop()
    assert (found.status["state"], found.ended) == ("stopped", "")
    assert any("scheduler red, blue watches https://127.0.0.1:" in line for line in with_lines)
    c.delete("pod", all=True, grace=0)
