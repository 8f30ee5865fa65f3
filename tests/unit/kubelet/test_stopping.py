"""How pods go."""

from __future__ import annotations

import pytest

from k8s_notebook.machinery.actions import Patch
from k8s_notebook.objects import Obj
from tests.unit.kubelet.fake import Cluster, container


def hook(**action: Obj) -> Obj:
    return {"preStop": action}


@pytest.mark.parametrize(
    ("spec", "grace", "seconds", "code"),
    [
        pytest.param(container(), None, 0.2, 0, id="nginx stops quickly"),
        pytest.param(container("c", "my-app:v1"), None, 1, 143, id="an unknown image takes a second"),
        pytest.param(container("c", "my-app:v1"), 0.5, 0.5, 137, id="killed when the grace period is over"),
        pytest.param(container("c", "nginx:1.27", lifecycle=hook(sleep={"seconds": 5})), None, 5.2, 0, id="preStop sleeps"),
        pytest.param(
            container("c", "nginx:1.27", lifecycle=hook(exec={"command": ["sh", "-c", "sleep 3"]})),
            None,
            3.2,
            0,
            id="preStop runs",
        ),
        pytest.param(
            container("c", "nginx:1.27", lifecycle=hook(sleep={"seconds": 60})), 10, 12, 0, id="preStop uses up the time"
        ),
        pytest.param(container("c", "busybox", "trap 'exit 5' TERM; sleep 1000 & wait"), None, 1, 5, id="a trap"),
    ],
)
def test_a_container_stops_in_its_time(spec: Obj, grace: float | None, seconds: float, code: int) -> None:
    cluster = Cluster()
    cluster.pod("p", containers=[spec])
    cluster.until(lambda: cluster.ready("p"))
    cluster.delete("p", grace)  # type: ignore[arg-type]
    took = cluster.until(lambda: not cluster.has("p"))
    assert took == pytest.approx(seconds, abs=0.01)
    last = cluster.api.history["p"][-1]["status"]
    assert last["containerStatuses"][0]["state"]["terminated"]["exitCode"] == code
    assert last["phase"] == ("Failed" if code else "Succeeded")
    assert cluster.events("p")[-1] == ("Killing", "Stopping container c")


def test_a_second_shorter_delete_counts() -> None:
    cluster = Cluster()
    cluster.pod("p", containers=[container(lifecycle=hook(sleep={"seconds": 20}))])
    cluster.until(lambda: cluster.ready("p"))
    cluster.delete("p")
    cluster.run(2)
    cluster.api.submit(Patch("pods", "p", "default", {"metadata": {"deletionGracePeriodSeconds": 1}}))
    assert cluster.until(lambda: not cluster.has("p")) <= 3.1


def test_sidecars_stop_last_in_reverse_order() -> None:
    cluster = Cluster()
    sides = [container(name, "my-app:v1", restartPolicy="Always") for name in ("one", "two")]
    cluster.pod("p", initContainers=sides, containers=[container("main", "my-app:v1")])
    cluster.until(lambda: cluster.ready("p"))
    cluster.run(10)
    cluster.delete("p")
    assert cluster.until(lambda: not cluster.has("p")) == pytest.approx(3, abs=0.01)
    last = cluster.api.history["p"][-1]["status"]
    ended = {
        c["name"]: c["state"]["terminated"]["finishedAt"] for f in ("initContainerStatuses", "containerStatuses") for c in last[f]
    }
    assert ended["main"] < ended["two"] < ended["one"]


def test_a_pod_that_never_started_goes_at_once() -> None:
    cluster = Cluster()
    cluster.pod("p", volumes=[{"name": "v", "secret": {"secretName": "no"}}])
    cluster.run(5)
    cluster.delete("p")
    assert cluster.until(lambda: not cluster.has("p")) < 0.1


def test_a_pod_removed_by_force_is_forgotten() -> None:
    cluster = Cluster()
    cluster.pod("p")
    cluster.until(lambda: cluster.ready("p"))
    cluster.delete("p", 0)
    cluster.run(1)
    assert cluster.kubelets.status()["pods"] == 0
    assert cluster.events("p")[-1] == ("Killing", "Stopping container c")
    cluster.pod("p", uid="another")
    cluster.until(lambda: cluster.ready("p"))


def test_deletions_name_the_pod_they_mean() -> None:
    cluster = Cluster()
    cluster.pod("p")
    cluster.until(lambda: cluster.ready("p"))
    cluster.delete("p")
    cluster.run(3)
    assert ("delete", "pods", "", "p") in cluster.api.writes
