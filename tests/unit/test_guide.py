"""What docs/guide.md says is what there is: verbs, conventions of the simulated nodes, and what an embedded cluster lacks."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from k8s_notebook.kubelet import commands, facts, images, nodes, probes, stages
from k8s_notebook.session import clusters, verbs
from k8s_notebook.session.current import Cluster
from tests.unit.session import world

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")


def chapter(title: str) -> str:
    """The text below a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    assert found, f"the guide has no chapter {title!r}"
    return found[1]


def table(title: str) -> list[list[str]]:
    """The rows of the tables of a chapter, without their heads."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in chapter(title).splitlines() if line.startswith("|")]
    heads = [n for n, row in enumerate(rows) if set(row[0]) == {"-"}]
    return [row for n, row in enumerate(rows) if n not in heads and n + 1 not in heads]


@pytest.mark.parametrize(
    ("title", "there"), [pytest.param("`%kubectl`", verbs.VERBS, id="kubectl"), pytest.param("`%k8s`", clusters.VERBS, id="k8s")]
)
def test_verbs(title: str, there: Mapping[str, Any]) -> None:
    assert table(title) == [[f"`{name}`", verb.parser().description] for name, verb in there.items()]


def test_variables_of_the_environment() -> None:
    sources = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "k8s_notebook").rglob("*.py"))
    read = set(re.findall(r"environ(?:\.get\(|\[)\"(K8S_NOTEBOOK_\w+|KUBECONFIG)\"", sources))
    assert {row[0].strip("`") for row in table("State")} == read


def test_annotations() -> None:
    said = {row[0].strip("`").partition(":")[0] for row in table("Simulated nodes")}
    assert said == {facts.CODE, facts.AFTER, facts.WHY, *(probes.PREFIX + kind for kind in ("readiness", "liveness", "startup"))}
    assert f'{nodes.SIMULATED}: "true"' in chapter("Simulated nodes")


def test_commands_that_are_understood() -> None:
    listed = re.search(r"these\s+commands: (.*?)\. Others", chapter("Simulated nodes"), re.DOTALL)
    assert listed
    named = re.findall(r"`([^`]+)`", listed[1])
    assert named
    assert set(named) <= set(stages.table("commands")["commands"])


@pytest.mark.parametrize(("script", "lines", "lasts", "code"), [
    pytest.param("echo hello; sleep 5; exit 1", ["hello"], 5, 1, id="as in the guide"),
    pytest.param("false && echo a || echo b", ["b"], commands.LEAST, 0, id="and, or"),
    pytest.param("trap 'exit 0' TERM; while true; do date; sleep 1; done", [], None, 0, id="an endless loop"),
    pytest.param("if true; then echo a; fi; exit 3", [], 2, 0, id="an if is not followed"),
    pytest.param("for i in 1 2; do echo a; done", [], 2, 0, id="neither is a for"),
])  # fmt: skip
def test_scripts(script: str, lines: list[str], lasts: float | None, code: int) -> None:
    plan = commands.plan(images.image("busybox"), ("sh", "-c", script), (), True)
    assert ([text for _, text in plan.lines], plan.lasts, plan.code) == (lines, lasts, code)


def test_a_command_that_is_not_understood() -> None:
    image = images.image("example/app")
    assert commands.plan(image, ("serve",), (), False).lasts is None
    assert commands.plan(image, ("serve",), (), True).lasts == 2


@pytest.mark.parametrize(("name", "pulled"), [
    ("registry.invalid/web:1", False), ("nginx:does-not-exist", False), ("nginx:1.27", True), ("example.com/any/thing:x", True),
])  # fmt: skip
def test_images(name: str, pulled: bool) -> None:
    assert bool(images.image(name).pull_error) is not pulled
    assert pulled or name in chapter("Simulated nodes")


CONTAINERS = "containers: [{name: a, image: nginx}]"
TEMPLATE = f"template: {{metadata: {{labels: {{app: x}}}}, spec: {{{CONTAINERS}}}}}"
SELECTED = f"selector: {{matchLabels: {{app: x}}}}, {TEMPLATE}"
JOB = f"template: {{spec: {{restartPolicy: Never, {CONTAINERS}}}}}"


def made(api_version: str, kind: str, spec: str, name: str = "x") -> str:
    return f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: {name}, labels: {{app: x}}}}\nspec: {{{spec}}}\n"


def later(cluster: Cluster) -> None:
    """Two minutes pass."""
    world.plane_of(cluster).run(120)


def pods(cluster: Cluster) -> list[str]:
    return [f"{p['metadata']['name']} {p['status']['phase']}" for p in cluster.get("pods", all_namespaces=True).items]


def no_pod(cluster: Cluster) -> bool:
    return not pods(cluster)


def runs(cluster: Cluster) -> bool:
    return pods(cluster) == ["x Running"]


@pytest.mark.parametrize(("manifest", "lacking"), [
    pytest.param(made("apps/v1", "DaemonSet", SELECTED), no_pod, id="DaemonSet"),
    pytest.param(made("apps/v1", "StatefulSet", f"serviceName: x, {SELECTED}"), no_pod, id="StatefulSet"),
    pytest.param(made("batch/v1", "Job", JOB), no_pod, id="Job"),
    pytest.param(made("batch/v1", "CronJob", f'schedule: "* * * * *", jobTemplate: {{spec: {{{JOB}}}}}'), no_pod, id="CronJob"),
    pytest.param(
        made("v1", "Pod", f"{CONTAINERS}, topologySpreadConstraints: [{{maxSkew: 1, topologyKey: none, "
             "whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: x}}}]"), runs, id="topology spread"),
    pytest.param(
        made("v1", "Pod", f"{CONTAINERS}, affinity: {{podAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: "
             "[{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: other}}}]}}"),
        runs, id="affinity between pods"),
    pytest.param(
        made("v1", "PersistentVolumeClaim", "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}") + "---\n"
        + made("v1", "Pod", f"{CONTAINERS}, volumes: [{{name: v, persistentVolumeClaim: {{claimName: x}}}}]"),
        lambda c: runs(c) and c.get("pvc").items[0]["status"]["phase"] == "Pending", id="volumes"),
    pytest.param(
        made("v1", "Service", "type: LoadBalancer, ports: [{port: 80}]"),
        lambda c: not c.get("service", "x").items[0]["status"]["loadBalancer"], id="load balancer"),
    pytest.param(
        made("autoscaling/v2", "HorizontalPodAutoscaler",
             "minReplicas: 2, maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: y}")
        + "---\n" + made("apps/v1", "Deployment", f"replicas: 1, {SELECTED}", "y"),
        lambda c: len(pods(c)) == 1, id="autoscaler"),
])  # fmt: skip
def test_what_is_not_there(manifest: str, lacking: Callable[[Cluster], bool]) -> None:
    """The last chapter. Where one of these fails, something was built: take its line out of the guide."""
    cluster = world.cluster(2)
    cluster.apply(manifest)
    later(cluster)
    assert lacking(cluster)


def test_nobody_is_moved_for_a_pod_of_high_priority() -> None:
    cluster = world.cluster(1)
    asks = "containers: [{name: a, image: nginx, resources: {requests: {cpu: 3}}}]"
    cluster.apply("apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\n")
    cluster.apply(made("v1", "Pod", asks, "low"))
    later(cluster)
    cluster.apply(made("v1", "Pod", f"priorityClassName: high, {asks}", "high"))
    later(cluster)
    assert pods(cluster) == ["high Pending", "low Running"]


def test_annotations_change_a_pod_that_runs() -> None:
    cluster = world.cluster(1)
    probed = "containers: [{name: a, image: nginx, readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}}]"
    cluster.apply(made("v1", "Pod", probed))
    cluster.wait("pod/x")
    cluster.annotate("pod/x", "k8s-notebook.io/readiness=fail")
    cluster.wait("pod/x", "condition=Ready=False")
    cluster.annotate("pod/x", "k8s-notebook.io/readiness-")
    cluster.wait("pod/x")
    cluster.annotate("pod/x", "k8s-notebook.io/exit-code=3", "k8s-notebook.io/exit-reason=OOMKilled")
    cluster.wait("pod/x", "jsonpath={.status.containerStatuses[0].restartCount}=1")
    ended = cluster.get("pod", "x").items[0]["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "OOMKilled")


def test_a_fault_as_the_guide_writes_it() -> None:
    cluster = world.cluster(2)
    found = re.search(r"```yaml\n(.*?)```", chapter("Faults"), re.DOTALL)
    assert found
    cluster.apply(found[1])
    later(cluster)
    cluster.wait("node/node-2", "condition=Ready=unknown", timeout=1)
    assert "was not stopped" not in str(cluster.heal("node", "node-2"))
    cluster.wait("node/node-2", timeout=120)


def test_a_node_of_ones_own() -> None:
    cluster = world.cluster(1)
    cluster.apply({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "big", "annotations": {nodes.SIMULATED: "true"}},
        "status": {"capacity": {"cpu": "64", "pods": "500"}},
    })  # fmt: skip
    cluster.wait("node/big")
    assert cluster.get("node", "big").items[0]["status"]["capacity"]["cpu"] == "64"
