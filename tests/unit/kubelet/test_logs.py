"""What containers write."""

from __future__ import annotations

import pytest

from k8s_notebook.machinery.nodes import LogLine
from k8s_notebook.objects.errors import BadRequest
from tests.unit.kubelet.fake import Cluster, container


def text(cluster: Cluster, pod: str, name: str = "c", *, previous: bool = False) -> list[str]:
    runtime = cluster.kubelets.runtime("node-1")
    assert runtime is not None
    return [line.text for line in runtime.logs("default", pod, name, previous=previous).take()]


def test_a_server_says_that_it_starts() -> None:
    cluster = Cluster()
    cluster.pod("p")
    cluster.until(lambda: cluster.ready("p"))
    lines = text(cluster, "p")
    assert lines[-1] == "1970/01/01 00:16:40 [notice] 1#1: start worker process 29"
    cluster.pod("q", containers=[container("c", "my-app:v1")])
    cluster.until(lambda: cluster.ready("q"))
    assert text(cluster, "q") == ["simulated container of image my-app:v1: it runs, there is no process behind it"]


def test_echo_is_heard_with_names_filled_in() -> None:
    cluster = Cluster()
    env = [
        {"name": "WHO", "value": "you"},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    cluster.pod(
        "p", restartPolicy="Never", containers=[container("c", "busybox", "echo Hello $WHO from $(POD); sleep 2; date", env=env)]
    )
    cluster.until(lambda: cluster.phase("p") == "Running")
    assert text(cluster, "p") == ["Hello you from p"]
    cluster.until(lambda: cluster.phase("p") == "Succeeded")
    assert text(cluster, "p") == ["Hello you from p", "1970-01-01 00:16:42 UTC"]


@pytest.mark.parametrize(
    ("container_name", "previous", "said"),
    [
        ("c", False, 'container "c" in pod "p" is waiting to start: ContainerCreating'),
        ("c", True, 'previous terminated container "c" in pod "p" not found'),
        ("x", False, 'container "x" in pod "p" is not available'),
    ],
)
def test_there_is_no_log_yet(container_name: str, previous: bool, said: str) -> None:
    cluster = Cluster()
    cluster.pod("p")
    cluster.run(0.01)
    with pytest.raises(BadRequest) as refused:
        text(cluster, "p", container_name, previous=previous)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("image", "reason", "said"),
    [
        ("nginx:does-not-exist", "ErrImagePull", "image can't be pulled"),
        ("nginx:does-not-exist", "ImagePullBackOff", "trying and failing to pull image"),
        ("Bad::x", "InvalidImageName", "InvalidImageName"),
    ],
)
def test_why_there_is_no_log(image: str, reason: str, said: str) -> None:
    cluster = Cluster()
    cluster.pod("p", containers=[container("c", image)])
    cluster.until(lambda: cluster.waiting("p") == reason)
    with pytest.raises(BadRequest, match=f'container "c" in pod "p" is waiting to start: {said}'):
        text(cluster, "p")


def test_the_log_of_the_run_before_is_kept() -> None:
    cluster = Cluster()
    cluster.pod("p", containers=[container("c", "busybox", "echo I am $HOSTNAME; date; sleep 5; exit 1")])
    cluster.until(lambda: "startTime" in cluster.get("p")["status"] and cluster.state("p")["restartCount"] == 1)
    assert text(cluster, "p", previous=True) == ["I am p", "1970-01-01 00:16:40 UTC"]
    assert text(cluster, "p") == ["I am p", "1970-01-01 00:16:46 UTC"]
    cluster.until(lambda: cluster.waiting("p") == "CrashLoopBackOff")
    assert text(cluster, "p") == text(cluster, "p", previous=True)


def test_a_followed_log_goes_on_until_the_container_stops() -> None:
    cluster = Cluster()
    cluster.pod("p", containers=[container("c", "busybox", "echo start; while true; do echo tick; sleep 10; done")])
    cluster.until(lambda: cluster.ready("p"))
    runtime = cluster.kubelets.runtime("node-1")
    assert runtime is not None
    stream = runtime.logs("default", "p", "c", follow=True)
    heard: list[LogLine] = []
    stream.on_ready(lambda: heard.extend(stream.take()))
    assert [line.text for line in heard] == ["start", "tick"]
    cluster.run(35)
    assert [line.text for line in heard] == ["start", "tick", "tick", "tick", "tick"]
    assert not stream.ended
    cluster.delete("p")
    cluster.run(5)
    assert stream.ended
    assert stream.take() == []


def test_a_closed_stream_is_quiet() -> None:
    cluster = Cluster()
    cluster.pod("p", containers=[container("c", "busybox", "while true; do echo tick; sleep 1; done")])
    cluster.until(lambda: cluster.ready("p"))
    runtime = cluster.kubelets.runtime("node-1")
    assert runtime is not None
    stream = runtime.logs("default", "p", "c", follow=True)
    calls: list[int] = []
    stream.on_ready(lambda: calls.append(len(stream.take())))
    stream.close()
    cluster.run(10)
    assert calls == [1]
    assert stream.ended


def test_a_fault_ends_followed_logs() -> None:
    cluster = Cluster()
    cluster.pod("p")
    cluster.until(lambda: cluster.ready("p"))
    runtime = cluster.kubelets.runtime("node-1")
    assert runtime is not None
    stream = runtime.logs("default", "p", "c", follow=True)
    stream.take()
    cluster.fault("cut", "node-1")
    cluster.run(0.1)
    assert stream.ended


def test_the_log_of_a_finished_pod_outlives_the_server() -> None:
    first = Cluster()
    first.pod("p", restartPolicy="Never", containers=[container("c", "busybox", "echo done")])
    first.until(lambda: first.phase("p") == "Succeeded")
    second = Cluster(1)
    second.create("pods", first.get("p"))
    second.run(1)
    assert text(second, "p") == ["done"]
    assert [w for w in second.api.writes if w[0] == "update" and w[1] == "pods"] == []
