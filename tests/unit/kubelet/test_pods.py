"""How pods come up, end and are restarted."""

from __future__ import annotations

import itertools

from k8s_notebook.machinery.actions import Patch
from tests.unit.kubelet.fake import Cluster, container


def writes_of(cluster: Cluster, name: str) -> int:
    return sum(1 for w in cluster.api.writes if w == ("update", "pods", "status", name))


def test_a_pod_is_up_within_a_second_and_two_writes() -> None:
    cluster = Cluster()
    cluster.pod("web")
    assert cluster.until(lambda: cluster.ready("web")) < 1
    cluster.run(120)
    assert writes_of(cluster, "web") == 2
    status = cluster.get("web")["status"]
    assert (status["phase"], status["podIP"], status["hostIP"]) == ("Running", "10.244.1.2", "10.0.0.1")
    assert status["containerStatuses"][0]["containerID"].startswith("containerd://")
    assert status["qosClass"] == "BestEffort"


def test_an_image_is_pulled_once_on_a_node() -> None:
    cluster = Cluster(2)
    for name, node in (("a", "node-1"), ("b", "node-1"), ("c", "node-2")):
        cluster.pod(name, node)
    cluster.until(lambda: all(map(cluster.ready, "abc")))
    assert [r for r, _ in cluster.events("a")] == ["Pulling", "Pulled", "Created", "Started"]
    assert cluster.events("b")[0] == (
        "Pulled",
        'Container image "nginx:1.27" already present on machine and can be accessed by the pod',
    )
    assert [r for r, _ in cluster.events("c")] == ["Pulling", "Pulled", "Created", "Started"]


def test_pull_policy_always_asks_the_registry_again() -> None:
    cluster = Cluster()
    cluster.pod("a")
    cluster.until(lambda: cluster.ready("a"))
    cluster.pod("b", containers=[container(imagePullPolicy="Always")])
    cluster.until(lambda: cluster.ready("b"))
    assert [r for r, _ in cluster.events("b")] == ["Pulling", "Pulled", "Created", "Started"]
    assert "in 150ms (150ms including waiting). Image size: 72000000 bytes." in cluster.events("b")[1][1]


def test_only_pods_of_simulated_nodes_are_played() -> None:
    cluster = Cluster()
    cluster.create("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "real"}, "spec": {}, "status": {}})
    cluster.pod("elsewhere", "real")
    cluster.run(5)
    assert cluster.phase("elsewhere") == "Pending"
    assert cluster.kubelets.status()["nodes"] == 1


def test_addresses_are_unique_and_given_back() -> None:
    cluster = Cluster()
    for number in range(20):
        cluster.pod(f"p{number}")
    cluster.pod("host", hostNetwork=True)
    cluster.run(2)
    found = [cluster.get(f"p{n}")["status"]["podIP"] for n in range(20)]
    assert len(set(found)) == 20
    assert cluster.get("host")["status"]["podIP"] == "10.0.0.1"
    cluster.delete("p0", 0)
    for number in range(20, 260):
        cluster.pod(f"p{number}")
    cluster.run(3)
    assert found[0] in [cluster.get(f"p{n}")["status"].get("podIP") for n in range(20, 260)]


def test_a_job_like_pod_ends() -> None:
    cluster = Cluster()
    cluster.pod(
        "pi", restartPolicy="Never", containers=[container("c", "perl:5.34", command=["perl", "-wle", "print bpi(2000)"])]
    )
    cluster.until(lambda: cluster.phase("pi") == "Running")
    took = cluster.until(lambda: cluster.phase("pi") == "Succeeded")
    assert 2.9 < took < 3.1
    assert cluster.condition("pi", "Ready")["reason"] == "PodCompleted"
    assert cluster.state("pi")["state"]["terminated"]["exitCode"] == 0


def test_on_failure_restarts_until_it_goes_well() -> None:
    cluster = Cluster()
    cluster.pod("p", restartPolicy="OnFailure", containers=[container("c", "busybox", "sleep 2; exit 1")])
    cluster.until(lambda: cluster.phase("p") == "Running" and cluster.state("p")["restartCount"] == 1)
    assert cluster.state("p")["lastState"]["terminated"]["exitCode"] == 1
    cluster.annotate("p", exit_code="0", exit_after="1")
    cluster.until(lambda: cluster.phase("p") == "Succeeded")


def test_init_containers_run_in_order_and_sidecars_stay() -> None:
    cluster = Cluster()
    side = container("side", "nginx:1.27", restartPolicy="Always")
    cluster.pod(
        "p",
        restartPolicy="Never",
        initContainers=[container("first", "busybox", "sleep 1"), side, container("second", "busybox", "sleep 1")],
        containers=[container("main", "busybox", "sleep 3")],
    )
    cluster.until(lambda: cluster.phase("p") == "Running")
    started = [cluster.state("p", n, "initContainerStatuses")["state"] for n in range(3)]
    assert [next(iter(s)) for s in started] == ["terminated", "running", "terminated"]
    assert cluster.ready("p")
    cluster.until(lambda: cluster.phase("p") == "Succeeded")
    order = [message for reason, message in cluster.events("p") if reason in ("Pulling", "Killing")]
    assert order[-1] == "Stopping container side"


def test_a_main_container_waits_for_a_sidecars_startup_probe() -> None:
    cluster = Cluster()
    side = container("side", restartPolicy="Always", startupProbe={"httpGet": {"port": 80}, "initialDelaySeconds": 4})
    cluster.pod("p", initContainers=[side])
    cluster.run(3)
    assert cluster.phase("p") == "Pending"
    assert 1 < cluster.until(lambda: cluster.phase("p") == "Running") < 2.5


def test_a_failing_init_container_keeps_the_pod_back() -> None:
    cluster = Cluster()
    cluster.pod("p", initContainers=[container("i", "busybox", "exit 2")])
    cluster.run(60)
    status = cluster.state("p", 0, "initContainerStatuses")
    assert cluster.phase("p") == "Pending"
    assert status["restartCount"] == 3
    assert cluster.waiting("p") == "PodInitializing"


def test_a_crashing_container_is_restarted_later_and_later() -> None:
    cluster = Cluster()
    cluster.pod("p", annotations={"k8s-notebook.io/exit-code": "3", "k8s-notebook.io/exit-after": "2"})
    starts: list[float] = []
    for _ in range(6):
        count = len(starts)
        cluster.until(lambda n=count: cluster.get("p")["status"].get("containerStatuses")  # type: ignore[misc]
                      and "running" in cluster.state("p")["state"] and cluster.state("p")["restartCount"] == n, 400)  # fmt: skip
        starts.append(cluster.loop.now())
    gaps = [round(b - a) for a, b in itertools.pairwise(starts)]
    assert gaps == [3, 12, 22, 42, 82]
    cluster.until(lambda: cluster.waiting("p") == "CrashLoopBackOff")
    message = "back-off 2m40s restarting failed container=c pod=p_default(uid-of-p)"
    assert cluster.state("p")["state"]["waiting"]["message"] == message
    assert ("BackOff", "Back-off restarting failed container c in pod p_default(uid-of-p)") in cluster.events("p")
    cluster.annotate("p", exit_code=None, exit_after=None)
    cluster.until(lambda: cluster.ready("p"), 300)
    cluster.run(1000)
    assert cluster.ready("p")


def test_a_reason_may_be_given_for_a_crash() -> None:
    cluster = Cluster()
    cluster.pod("p", annotations={"k8s-notebook.io/exit-code": "137", "k8s-notebook.io/exit-reason": "OOMKilled"})
    cluster.until(lambda: "startTime" in cluster.get("p")["status"] and cluster.state("p")["lastState"])
    assert cluster.state("p")["lastState"]["terminated"]["reason"] == "OOMKilled"


def test_readiness_gates_are_respected_and_foreign_conditions_kept() -> None:
    cluster = Cluster()
    cluster.pod("p", readinessGates=[{"conditionType": "x/y"}])
    cluster.run(2)
    assert cluster.condition("p", "ContainersReady")["status"] == "True"
    assert cluster.condition("p", "Ready")["reason"] == "ReadinessGatesNotReady"
    conditions = [*cluster.get("p")["status"]["conditions"], {"type": "x/y", "status": "True"}]
    cluster.api.submit(Patch("pods", "p", "default", {"status": {"conditions": conditions}}))
    cluster.until(lambda: cluster.ready("p"), 1)
    assert cluster.condition("p", "x/y") == {"type": "x/y", "status": "True"}


def test_what_others_write_over_a_status_is_put_right() -> None:
    cluster = Cluster()
    cluster.pod("p")
    cluster.until(lambda: cluster.ready("p"))
    conditions = [{**c, "status": "False"} if c["type"] == "Ready" else c for c in cluster.get("p")["status"]["conditions"]]
    cluster.api.submit(Patch("pods", "p", "default", {"status": {"conditions": conditions}}))
    assert not cluster.ready("p")
    cluster.until(lambda: cluster.ready("p"), 1)


def test_a_pod_is_active_for_so_long_only() -> None:
    cluster = Cluster()
    cluster.pod("p", activeDeadlineSeconds=5)
    took = cluster.until(lambda: cluster.phase("p") == "Failed")
    assert 5 < took < 7
    assert cluster.get("p")["status"]["reason"] == "DeadlineExceeded"
    assert ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline") in cluster.events("p")


def test_a_restarted_server_takes_up_its_pods() -> None:
    first = Cluster()
    first.pod("run")
    first.pod("crash", annotations={"k8s-notebook.io/exit-code": "1"})
    first.pod("done", restartPolicy="Never", containers=[container("c", "busybox", "exit 0")])
    first.run(30)
    before = {name: first.get(name) for name in ("run", "crash", "done")}
    second = Cluster(0)
    second.loop.run(first.loop.now())
    for resource, objects in first.api.objects.items():
        for obj in objects.values():
            second.create(resource, obj)
    second.run(0.5)
    assert second.get("run")["status"] == before["run"]["status"]
    assert second.get("done")["status"] == before["done"]["status"]
    second.run(100)
    assert second.get("run")["status"] == before["run"]["status"]
    assert second.state("crash")["restartCount"] > before["crash"]["status"]["containerStatuses"][0]["restartCount"]
    second.pod("new")
    second.until(lambda: second.ready("new"))
    assert second.get("new")["status"]["podIP"] != before["run"]["status"]["podIP"]


def test_another_image_starts_a_container_anew() -> None:
    cluster = Cluster()
    cluster.pod("p")
    cluster.until(lambda: cluster.ready("p"))
    cluster.run(10)
    cluster.api.submit(Patch("pods", "p", "default", {"spec": {"containers": [container("c", "nginx:1.28")]}}))
    cluster.until(lambda: cluster.state("p")["image"] == "docker.io/library/nginx:1.28")
    assert cluster.state("p")["restartCount"] == 1
    assert ("Killing", "Container c definition changed, will be restarted") in cluster.events("p")


def test_resized_resources_show_in_the_status() -> None:
    cluster = Cluster()
    cluster.pod("p")
    cluster.until(lambda: cluster.ready("p"))
    bigger = container(resources={"requests": {"cpu": "1"}, "limits": {"cpu": "2"}})
    cluster.api.submit(Patch("pods", "p", "default", {"spec": {"containers": [bigger]}}))
    cluster.until(lambda: cluster.state("p").get("allocatedResources") == {"cpu": "1"}, 1)
    assert cluster.get("p")["status"]["resources"] == {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}
    assert cluster.state("p")["restartCount"] == 0
