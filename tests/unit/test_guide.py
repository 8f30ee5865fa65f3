"""What docs/guide.md says is what there is: verbs, conventions of the simulated nodes, and what an embedded cluster lacks."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from k8s_notebook.kubelet import commands, facts, images, nodes, probes, stages
from k8s_notebook.session import clusters, policies, verbs
from k8s_notebook.session.current import Cluster
from k8s_notebook.session.problems import K8sError
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


ASKED = "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}"
CLAIM = made("v1", "PersistentVolumeClaim", ASKED)
CLAIMING = made("v1", "Pod", f"{CONTAINERS}, volumes: [{{name: v, persistentVolumeClaim: {{claimName: x}}}}]")
VOLUME = "capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /data}"
CLASS = made("resource.k8s.io/v1", "DeviceClass", "", "gpu")
SLICE = "driver: gpu.example.com, nodeName: node-2, pool: {name: p, generation: 1, resourceSliceCount: 1}, devices: [{name: d}]"
DEVICES = f"{CLASS}---\n{made('resource.k8s.io/v1', 'ResourceSlice', SLICE)}"
WANTED = "devices: {requests: [{name: r, exactly: {deviceClassName: gpu}}]}"


def user(source: str) -> str:
    """A pod that uses a device, of the claim or template x."""
    uses = "containers: [{name: a, image: nginx, resources: {claims: [{name: g}]}}]"
    return made("v1", "Pod", f"resourceClaims: [{{name: g, {source}: x}}], {uses}")


def waits(cluster: Cluster, reason: str) -> bool:
    """Whether the pod waits, and its condition says so."""
    conditions = cluster.get("pods").items[0]["status"]["conditions"]
    return pods(cluster) == ["x Pending"] and any(reason in c.get("message", "") for c in conditions)


def unbound(cluster: Cluster) -> bool:
    """Whether the claim waits."""
    return bool(cluster.get("pvc").items[0]["status"]["phase"] == "Pending")


def on_node_2(cluster: Cluster) -> bool:
    """Whether the pod runs there: its volume, or its device, is nowhere else."""
    return runs(cluster) and cluster.get("pods").items[0]["spec"]["nodeName"] == "node-2"


def no_pod(cluster: Cluster) -> bool:
    return not pods(cluster)


def runs(cluster: Cluster) -> bool:
    return pods(cluster) == ["x Running"]


@pytest.mark.parametrize(("manifest", "lacking"), [
    pytest.param(made("apps/v1", "DaemonSet", SELECTED), no_pod, id="DaemonSet"),
    pytest.param(made("apps/v1", "StatefulSet", f"serviceName: x, {SELECTED}"), no_pod, id="StatefulSet"),
    pytest.param(made("batch/v1", "Job", JOB), no_pod, id="Job"),
    pytest.param(made("batch/v1", "CronJob", f'schedule: "* * * * *", jobTemplate: {{spec: {{{JOB}}}}}'), no_pod, id="CronJob"),
    pytest.param(CLAIM + "---\n" + CLAIMING, lambda c: waits(c, "unbound immediate PersistentVolumeClaims") and unbound(c), id="claim"),
    pytest.param(CLAIM + "---\n" + made("v1", "PersistentVolume", VOLUME) + "---\n" + CLAIMING,
                 lambda c: waits(c, "unbound immediate PersistentVolumeClaims") and unbound(c), id="claim with a volume to fit"),
    pytest.param(
        made("v1", "Pod", f"{CONTAINERS}, volumes: [{{name: v, ephemeral: {{volumeClaimTemplate: {{spec: {{{ASKED}}}}}}}}}]"),
        lambda c: waits(c, "waiting for ephemeral volume controller"), id="ephemeral volume"),
    pytest.param(
        "---\n".join([DEVICES, made("resource.k8s.io/v1", "ResourceClaimTemplate", f"spec: {{{WANTED}}}"), user("resourceClaimTemplateName")]),
        lambda c: pods(c) == ["x Pending"] and not c.get("resourceclaims").items, id="claim template"),
    pytest.param(
        "---\n".join([CLASS, made("resource.k8s.io/v1", "ResourceClaim", WANTED), user("resourceClaimName")]),
        lambda c: waits(c, "cannot allocate all claims"), id="no driver"),
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


BOUND = (
    made("v1", "PersistentVolume", f"{VOLUME}, claimRef: {{namespace: default, name: x}}, nodeAffinity: {{required: "
         "{nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-2]}]}]}}")
    + "---\n" + CLAIM.replace("{app: x}", '{app: x}, annotations: {pv.kubernetes.io/bind-completed: "yes"}')
    .replace("spec: {", 'spec: {volumeName: x, storageClassName: "", ')
)  # fmt: skip
"""A claim that is bound by hand to a volume of node-2, as the last chapter says."""


@pytest.mark.parametrize(("manifest", "there"), [
    pytest.param(
        made("v1", "Pod", f"{CONTAINERS}, topologySpreadConstraints: [{{maxSkew: 1, topologyKey: none, "
             "whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: x}}}]"),
        lambda c: waits(c, "topology spread constraints"), id="topology spread"),
    pytest.param(
        made("v1", "Pod", f"{CONTAINERS}, affinity: {{podAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: "
             "[{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: other}}}]}}"),
        lambda c: waits(c, "pod affinity rules"), id="affinity between pods"),
    pytest.param(made("v1", "Pod", f"{CONTAINERS}, schedulingGates: [{{name: example.com/wait}}]"),
                 lambda c: waits(c, "gate"), id="scheduling gate"),
    pytest.param(BOUND + "---\n" + CLAIMING, on_node_2, id="claim bound by hand"),
    pytest.param(
        "---\n".join([DEVICES, made("resource.k8s.io/v1", "ResourceClaim", WANTED), user("resourceClaimName")]), on_node_2,
        id="devices of a slice written by hand"),
])  # fmt: skip
def test_what_is_there(manifest: str, there: Callable[[Cluster], bool]) -> None:
    """What the last chapter promises of the scheduler."""
    cluster = world.cluster(2)
    cluster.apply(manifest)
    later(cluster)
    assert there(cluster)


def test_another_profile_for_the_embedded_scheduler_is_a_second_scheduler() -> None:
    with pytest.raises(K8sError, match="extenders"):
        policies.load(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nextenders: [{urlPrefix: http://x}]\n"
        )
    assert "--config" not in clusters.VERBS["start"].parser().format_help()
    assert "--config" in clusters.VERBS["schedule"].parser().format_help()


def test_a_pod_of_high_priority_gets_room() -> None:
    cluster = world.cluster(1)
    asks = "containers: [{name: a, image: nginx, resources: {requests: {cpu: 3}}}]"
    cluster.apply("apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\n")
    cluster.apply(made("v1", "Pod", asks, "low"))
    later(cluster)
    cluster.apply(made("v1", "Pod", f"priorityClassName: high, {asks}", "high"))
    later(cluster)
    assert pods(cluster) == ["high Running"]


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
