"""The real kube-scheduler and ours each place the same thousand pods on one real API server: same node for each, same message.

As scheduler.md 3.2 asks: kube-scheduler looks at one node after the other and at all of them, learns of them in a known order, and
gets the next pod when the one before was decided. A pod that fits nowhere is deleted then, for it might fit when another one has come,
at a time that nobody knows; and no pod may evict others, for kube-scheduler draws lots among nodes that are equally good for that.
"""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import random
import signal
import ssl
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Self

import pytest
import yaml

from tests import real

Json = dict[str, Any]

PODS, NODES, SECONDS = 1000, 40, 30
NAMESPACE = "/api/v1/namespaces/default"
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
DEVICE = "example.com/device"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CONFIG: Json = {
    "apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration", "parallelism": 1,
    "percentageOfNodesToScore": 100, "leaderElection": {"leaderElect": False},
}  # fmt: skip


class Server:
    """The API server, over connections that stay open."""

    def __init__(self, kubeconfig: pathlib.Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        self._where = urllib.parse.urlsplit(config["clusters"][0]["cluster"]["server"])
        token = config["users"][0]["user"]["token"]
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._tls = ssl.create_default_context()
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        self._line = self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._where.hostname or "", self._where.port, context=self._tls, timeout=SECONDS)

    def request(self, method: str, path: str, body: Json | None = None) -> Json:
        """The answer."""
        self._line.request(method, path, json.dumps(body) if body else None, self._headers)
        answer = self._line.getresponse()
        found: Json = json.loads(answer.read())
        assert answer.status < 300, found.get("message")
        return found

    def watch(self, path: str) -> Iterator[Json]:
        """What happens from now on."""
        version = self.request("GET", path)["metadata"]["resourceVersion"]
        with closing(self._connect()) as line:
            line.request("GET", f"{path}?watch=1&resourceVersion={version}", headers=self._headers)
            with line.getresponse() as stream:
                while text := stream.readline():
                    yield json.loads(text)


# ------------------------------------------------------------ what is placed, and where


def node(draw: random.Random, number: int) -> Json:
    """A node that KWOK plays."""
    name = f"host-{number:02d}"
    labels = {HOST: name, ZONE: f"zone-{number % 3}", "disk": draw.choice(("ssd", "hdd"))}
    if draw.random() < 0.2:
        del labels[ZONE]
    room = {"cpu": draw.choice(("6", "8", "12")), "memory": draw.choice(("16Gi", "24Gi")), "pods": draw.choice(("30", "60"))}
    if number % 4 == 0:
        room[DEVICE] = "8"
    spec: Json = {"unschedulable": True} if number == 7 else {}
    if number % 6 == 0:
        effect = draw.choice(("NoSchedule", "PreferNoSchedule"))
        spec["taints"] = [{"key": "team", "value": draw.choice("ab"), "effect": effect}]
    metadata = {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": {"capacity": room, "allocatable": room},
    }  # fmt: skip


def pod(draw: random.Random, number: int, scheduler: str) -> Json:
    """One of a thousand pods: two or three wishes at once."""
    requests = {"cpu": draw.choice(("50m", "100m", "250m", "500m")), "memory": draw.choice(("64Mi", "256Mi", "700Mi"))}
    container: Json = {"name": "c", "image": "registry.example/none:1", "resources": {"requests": requests}}
    app = draw.choice(("web", "db", "batch", "cache"))
    spec: Json = {
        "containers": [container],
        "schedulerName": scheduler,
        "terminationGracePeriodSeconds": 0,
    }
    for wish in draw.sample(WISHES, draw.choice((0, 1, 1, 2, 3))):
        wish(draw, app, spec)
    metadata = {"name": f"p{number}", "labels": {"app": app}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _selector(draw: random.Random, app: str, spec: Json) -> None:
    spec["nodeSelector"] = {"disk": draw.choice(("ssd", "hdd"))}


def _in_zone(draw: random.Random, app: str, spec: Json) -> None:
    term = {
        "matchExpressions": [{"key": ZONE, "operator": draw.choice(("In", "NotIn")), "values": [f"zone-{draw.randrange(3)}"]}]
    }
    _affinity(spec, "nodeAffinity")["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [term]}


def _rather_on(draw: random.Random, app: str, spec: Json) -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": [draw.choice(("ssd", "hdd"))]}]}
    weighted = [{"weight": draw.choice((1, 20, 100)), "preference": term}]
    _affinity(spec, "nodeAffinity")["preferredDuringSchedulingIgnoredDuringExecution"] = weighted


def _tolerant(draw: random.Random, app: str, spec: Json) -> None:
    spec["tolerations"] = [{"key": "team", "operator": "Equal", "value": draw.choice("ab")}]


def _spread(draw: random.Random, app: str, spec: Json) -> None:
    otherwise = draw.choice(("DoNotSchedule", "ScheduleAnyway"))
    rule = {"topologyKey": draw.choice((ZONE, HOST)), "maxSkew": draw.choice((1, 2, 5)), "whenUnsatisfiable": otherwise}
    spec["topologySpreadConstraints"] = [{**rule, "labelSelector": {"matchLabels": {"app": app}}}]


def _near(draw: random.Random, app: str, spec: Json) -> None:
    kind = draw.choice(("podAffinity", "podAffinity", "podAntiAffinity"))
    wanted = {"matchLabels": {"app": draw.choice(("web", "db", "batch", "cache"))}}
    term = {"topologyKey": draw.choice((ZONE, HOST)), "labelSelector": wanted}
    weighted = [{"weight": draw.choice((1, 50, 100)), "podAffinityTerm": term}]
    _affinity(spec, kind)["preferredDuringSchedulingIgnoredDuringExecution"] = weighted


def _with(draw: random.Random, app: str, spec: Json) -> None:
    term = {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": draw.choice(("web", "db"))}}}
    _affinity(spec, "podAffinity")["requiredDuringSchedulingIgnoredDuringExecution"] = [term]


def _apart(draw: random.Random, app: str, spec: Json) -> None:
    term = {"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": app, "sole": "yes"}}}
    _affinity(spec, "podAntiAffinity")["requiredDuringSchedulingIgnoredDuringExecution"] = [term]


def _port(draw: random.Random, app: str, spec: Json) -> None:
    spec["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": draw.choice((8080, 8081, 9090))}]


def _device(draw: random.Random, app: str, spec: Json) -> None:
    resources = spec["containers"][0]["resources"]
    amount = {DEVICE: draw.choice(("1", "2"))}
    resources["requests"], resources["limits"] = {**resources["requests"], **amount}, amount


def _large(draw: random.Random, app: str, spec: Json) -> None:
    spec["containers"][0]["resources"]["requests"]["cpu"] = draw.choice(("2", "5", "20"))


def _prepared(draw: random.Random, app: str, spec: Json) -> None:
    requests = {"cpu": draw.choice(("300m", "1")), "memory": "128Mi"}
    spec["initContainers"] = [{"name": "i", "image": "registry.example/none:1", "resources": {"requests": requests}}]


def _affinity(spec: Json, kind: str) -> Json:
    found: Json = spec.setdefault("affinity", {}).setdefault(kind, {})
    return found


WISHES = (
    _selector,
    _in_zone,
    _rather_on,
    _tolerant,
    _spread,
    _spread,
    _near,
    _near,
    _with,
    _apart,
    _port,
    _device,
    _large,
    _prepared,
)


# ------------------------------------------------------------ the two schedulers


@contextmanager
def theirs(cluster: real.Real, folder: pathlib.Path) -> Iterator[str]:
    """kube-scheduler, deterministic, under a name of its own."""
    client = {"kubeconfig": str(cluster.kubeconfig), "qps": 1000, "burst": 1000}
    config = {**CONFIG, "clientConnection": client, "profiles": [{"schedulerName": "theirs"}]}
    (folder / "theirs.json").write_text(json.dumps(config))
    # A streamed initial list comes in random order, and which node wins a tie depends on the order of nodes.
    options = ("--secure-port=0", "--feature-gates=WatchListClient=false")
    with _process([str(real.BINARIES / "kube-scheduler"), f"--config={folder / 'theirs.json'}", *options], folder / "theirs.log"):
        yield "theirs"


@contextmanager
def ours(cluster: real.Real, folder: pathlib.Path) -> Iterator[str]:
    """Our scheduler as a second one."""
    (folder / "ours.json").write_text(json.dumps({**CONFIG, "profiles": [{"schedulerName": "ours"}]}))
    options = ["--kubeconfig", str(cluster.kubeconfig), "--config", str(folder / "ours.json")]
    with _process([sys.executable, "-m", "k8s_notebook", "schedule", *options], folder / "ours.log"):
        yield "ours"


@contextmanager
def _process(command: list[str], log: pathlib.Path) -> Iterator[None]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    with log.open("w") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written, stdin=subprocess.DEVNULL, env=env)
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def place(server: Server, scheduler: str) -> list[tuple[str, str, str]]:
    """(pod, node or "", message or "") of each pod, each created when the one before was decided; then they are gone."""
    draw, found = random.Random(5), []
    with closing(server.watch(f"{NAMESPACE}/pods")) as happens:
        for number in range(PODS):
            name = server.request("POST", f"{NAMESPACE}/pods", pod(draw, number, scheduler))["metadata"]["name"]
            found.append((name, *_decided(happens, name)))
            if not found[-1][1]:
                server.request("DELETE", f"{NAMESPACE}/pods/{name}?gracePeriodSeconds=0")
    server.request("DELETE", f"{NAMESPACE}/pods?gracePeriodSeconds=0")
    real.wait(lambda: not server.request("GET", f"{NAMESPACE}/pods?limit=1")["items"], 60, "the pods to be gone")
    return found


def _decided(happens: Iterator[Json], name: str) -> tuple[str, str]:
    """(node, message) of a pod, one of them empty."""
    until = time.monotonic() + SECONDS
    for event in happens:
        obj = event["object"]
        assert time.monotonic() < until, f"no decision about {name}"
        if obj["metadata"].get("name") != name:
            continue
        if obj["spec"].get("nodeName"):
            return obj["spec"]["nodeName"], ""
        for condition in obj["status"].get("conditions", ()):
            if condition["type"] == "PodScheduled" and condition.get("message"):
                return "", condition["message"]
    raise AssertionError("the watch ended")


@pytest.fixture
def server(realcluster: real.Real) -> Iterator[Server]:
    """The real API server with many more nodes of all sorts, and a Service whose pods are spread by default."""
    draw = random.Random(3)
    nodes = [node(draw, number) for number in range(NODES)]
    with Server(realcluster.kubeconfig) as server:
        for made in nodes:
            server.request("POST", "/api/v1/nodes", made)
        spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        server.request("POST", f"{NAMESPACE}/services", {"metadata": {"name": "web"}, "spec": spec})
        real.wait(lambda: bool(server.request("GET", f"{NAMESPACE}/serviceaccounts")["items"]), 30, "the service account")
        real.wait(lambda: all(_settled(n) for n in server.request("GET", "/api/v1/nodes")["items"]), 60, "the nodes to be Ready")
        yield server
        for made in nodes:
            server.request("DELETE", f"/api/v1/nodes/{made['metadata']['name']}")


def _settled(obj: Json) -> bool:
    taints = [t["key"] for t in obj["spec"].get("taints", ())]
    return real._ready(obj) and "node.kubernetes.io/not-ready" not in taints


def test_the_same_node_for_each_of_a_thousand_pods_and_the_same_message(
    realcluster: real.Real, server: Server, tmp_path: pathlib.Path
) -> None:
    answers = []
    for scheduler in (theirs, ours):
        with scheduler(realcluster, tmp_path) as name:
            answers.append(place(server, name))
    there, here = answers
    assert [(a, b) for a, b in zip(there, here, strict=True) if a != b] == []
    assert len({node for _, node, _ in here}) > NODES  # all but those that nothing tolerates, and ""
    refused = [message for _, node, message in here if not node]
    assert len(refused) > 50
    assert len({message.partition(": ")[2] for message in refused}) > 20
