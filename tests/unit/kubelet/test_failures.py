"""What keeps containers from starting, and how it heals."""

from __future__ import annotations

import itertools

import pytest

from k8s_notebook.machinery.actions import Patch
from k8s_notebook.objects import errors
from tests.unit.kubelet.fake import Cluster, container


def env_of(kind: str, name: str, key: str) -> dict[str, object]:
    return {"env": [{"name": "E", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key}}}]}


def test_a_missing_config_map_is_told_and_heals_when_it_comes() -> None:
    cluster = Cluster()
    cluster.pod("p", containers=[container(**env_of("configMap", "settings", "mode"))])
    cluster.until(lambda: cluster.waiting("p") == "CreateContainerConfigError")
    assert cluster.state("p")["state"]["waiting"]["message"] == 'configmap "settings" not found'
    assert cluster.events("p")[-1] == ("Failed", 'Error: configmap "settings" not found')
    cluster.run(30)
    cluster.config_map("settings", other="x")
    cluster.until(lambda: "couldn't find key mode in ConfigMap default/settings" in str(cluster.state("p")["state"]), 1)
    cluster.api.submit(Patch("configmaps", "settings", "default", {"data": {"mode": "on"}}))
    cluster.until(lambda: cluster.ready("p"), 1)


def test_a_volume_that_is_missing_keeps_the_pod_creating() -> None:
    cluster = Cluster()
    cluster.pod("p", volumes=[{"name": "v", "configMap": {"name": "settings"}}])
    cluster.run(20)
    assert cluster.waiting("p") == "ContainerCreating"
    said = ("FailedMount", 'MountVolume.SetUp failed for volume "v" : configmap "settings" not found')
    assert cluster.events("p") == [said]
    event = next(iter(cluster.api.objects["events"].values()))
    assert [e["count"] for e in cluster.api.objects["events"].values() if e["reason"] == "FailedMount"] == [6]
    assert event["source"] == {"component": "kubelet", "host": "node-1"}
    cluster.config_map("settings")
    cluster.until(lambda: cluster.ready("p"), 2)


@pytest.mark.parametrize(
    ("image", "policy", "reason", "event"),
    [
        ("Bad::x", "IfNotPresent", "InvalidImageName", ("Failed", "Error: InvalidImageName")),
        (
            "own:1",
            "Never",
            "ErrImageNeverPull",
            ("ErrImageNeverPull", 'Container image "own:1" is not present with pull policy of Never'),
        ),
        ("nginx:does-not-exist", "IfNotPresent", "ErrImagePull", ("Failed", "Error: ErrImagePull")),
        ("registry.invalid/app", "Always", "ErrImagePull", ("Pulling", 'Pulling image "registry.invalid/app"')),
    ],
)
def test_images_that_do_not_come(image: str, policy: str, reason: str, event: tuple[str, str]) -> None:
    cluster = Cluster()
    cluster.pod("p", containers=[container("c", image, imagePullPolicy=policy)])
    cluster.until(lambda: cluster.waiting("p") == reason)
    assert event in cluster.events("p")
    assert cluster.phase("p") == "Pending"


def test_a_failing_pull_is_tried_later_and_later() -> None:
    cluster = Cluster()
    cluster.pod("p", containers=[container("c", "nginx:does-not-exist")])
    cluster.until(lambda: cluster.waiting("p") == "ImagePullBackOff")
    tries = []
    for _ in range(4):
        cluster.until(lambda: cluster.waiting("p") == "ErrImagePull", 200)
        tries.append(cluster.loop.now())
        cluster.until(lambda: cluster.waiting("p") == "ImagePullBackOff")
    assert [round(b - a) for a, b in itertools.pairwise(tries)] == [20, 40, 80]
    assert cluster.state("p")["state"]["waiting"]["message"].startswith(
        'Back-off pulling image "nginx:does-not-exist": ErrImagePull: '
    )


def test_a_readiness_probe_delays_and_an_annotation_lets_it_fail() -> None:
    cluster = Cluster()
    probe = {"httpGet": {"path": "/", "port": 80}, "initialDelaySeconds": 5, "periodSeconds": 3}
    cluster.pod("p", containers=[container(readinessProbe=probe)])
    took = cluster.until(lambda: cluster.ready("p"))
    assert 5 < took < 6
    cluster.annotate("p", readiness="fail")
    cluster.until(lambda: not cluster.ready("p"), 1)
    cluster.run(7)
    assert ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500") in cluster.events("p")
    assert cluster.state("p")["restartCount"] == 0
    cluster.annotate("p", readiness=None)
    cluster.until(lambda: cluster.ready("p"), 1)


def test_a_failing_liveness_probe_restarts_the_container() -> None:
    cluster = Cluster()
    cluster.pod("p", containers=[container(livenessProbe={"tcpSocket": {"port": 80}, "periodSeconds": 2, "failureThreshold": 3})])
    cluster.until(lambda: cluster.ready("p"))
    cluster.run(60)
    assert cluster.state("p")["restartCount"] == 0
    cluster.annotate("p", liveness="c")
    took = cluster.until(lambda: cluster.state("p")["restartCount"] == 1)
    assert 4 <= took < 7
    assert ("Killing", "Container c failed liveness probe, will be restarted") in cluster.events("p")
    assert cluster.state("p")["lastState"]["terminated"]["exitCode"] == 137


def test_a_failing_startup_probe_never_starts() -> None:
    cluster = Cluster()
    probe = {"exec": {"command": ["ok"]}, "periodSeconds": 2, "failureThreshold": 2}
    cluster.pod("p", annotations={"k8s-notebook.io/startup": "fail"}, containers=[container(startupProbe=probe)])
    cluster.until(lambda: "startTime" in cluster.get("p")["status"] and cluster.state("p")["restartCount"] == 2)
    assert not cluster.state("p")["started"]
    assert ("Killing", "Container c failed startup probe, will be restarted") in cluster.events("p")


def test_a_refused_write_is_tried_again() -> None:
    cluster = Cluster()
    cluster.run(1)
    refusals = iter([errors.conflict("pods", "p")] * 3)
    cluster.api.refuse = lambda request: (
        next(refusals, None) if getattr(request, "subresource", "") == "status" and request.resource == "pods" else None
    )
    cluster.pod("p")
    assert cluster.until(lambda: cluster.ready("p")) < 2
