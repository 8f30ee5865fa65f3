"""Subresources: scale, binding, eviction, approval, ephemeral containers, resize, tokens, logs; and server-side apply."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from k8s_notebook.cluster.simulation import Simulation
from k8s_notebook.machinery.actions import Apply, Bind, Create, Delete, Get, Patch, Update
from k8s_notebook.machinery.api import LogRequest
from k8s_notebook.machinery.nodes import LogLine
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError
from tests.unit.apiserver.world import config, deployment, meta, node, pod, put, refused, running


@pytest.fixture
def cluster() -> Simulation:
    return Simulation()


def test_scale_is_a_view_of_the_replicas(cluster: Simulation) -> None:
    put(cluster, deployment("web", replicas=2))
    shown = cluster.do(Get("deployments.apps", "web", "default", "scale"))
    assert (shown["kind"], shown["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (shown["spec"], shown["status"]) == ({"replicas": 2}, {"replicas": 0, "selector": "app=web"})
    cluster.do(Patch("deployments.apps", "web", "default", {"spec": {"replicas": 5}}, "merge", "scale"))
    stored = cluster.get("deployments.apps", "default", "web")
    assert stored is not None
    assert (stored["spec"]["replicas"], stored["metadata"]["generation"]) == (5, 2)
    stale = refused(cluster, Update({**shown, "spec": {"replicas": 1}}, "deployments.apps", "scale"))
    assert stale.code == 409
    fresh = cluster.do(Get("deployments.apps", "web", "default", "scale"))
    assert cluster.do(Update({**fresh, "spec": {"replicas": 0}}, "deployments.apps", "scale"))["spec"] == {}
    error = refused(cluster, Patch("deployments.apps", "web", "default", {"spec": {"replicas": -1}}, "merge", "scale"))
    assert (
        error.message
        == 'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
    )


def test_binding_puts_a_pod_on_a_node(cluster: Simulation) -> None:
    put(cluster, node("n1", **{"topology.kubernetes.io/zone": "z", "topology.kubernetes.io/region": "r", "other": "x"}))
    put(cluster, pod("a", labels={"app": "a"}))
    assert cluster.do(Bind("default", "a", "", "n1")) == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
    }  # fmt: skip
    bound = cluster.get("pods", "default", "a")
    assert bound is not None
    assert bound["spec"]["nodeName"] == "n1"
    assert bound["metadata"]["labels"] == {"app": "a", "topology.kubernetes.io/zone": "z", "topology.kubernetes.io/region": "r"}
    assert bound["metadata"]["generation"] == 1
    assert bound["status"]["conditions"] == [
        {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": "2026-01-01T00:00:00Z"}
    ]


UNBINDABLE = [
    ("bound", "", {}, 'pod x is already assigned to node "n1"'),
    ("gated", "", {"schedulingGates": [{"name": "g"}]}, "pod x has non-empty .spec.schedulingGates"),
    ("other uid", "other", {}, "Precondition failed: UID in precondition: other, UID in object meta: "),
]


@pytest.mark.parametrize(("name", "uid", "spec", "sentence"), UNBINDABLE, ids=[c[0] for c in UNBINDABLE])
def test_refused_bindings(cluster: Simulation, name: str, uid: str, spec: Obj, sentence: str) -> None:
    put(cluster, node("n1"), pod("x", spec=spec))
    if name == "bound":
        cluster.do(Bind("default", "x", "", "n1"))
    error = refused(cluster, Bind("default", "x", uid, "n2"))
    assert error.code == 409
    assert error.message.startswith(f'Operation cannot be fulfilled on pods/binding "x": {sentence}')


def test_a_pod_that_goes_is_not_bound(cluster: Simulation) -> None:
    put(cluster, pod("x", finalizers=["a.b/c"]))
    cluster.do(Delete("pods", "x", "default"))
    assert "is being deleted, cannot be assigned to a host" in refused(cluster, Bind("default", "x", "", "n1")).message
    assert refused(cluster, Bind("default", "nope", "", "n1")).code == 404


def budget(name: str, **status: int) -> Obj:
    """A PodDisruptionBudget of app=a."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": meta(name),
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "a"}}},
        "status": {"observedGeneration": 1, "currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 2, **status},
    }


def ready(cluster: Simulation, name: str) -> None:
    """A running pod that is ready."""
    found = running(cluster, name, labels={"app": "a"})
    conditions = [{"type": "Ready", "status": "True"}]
    cluster.do(Update({**found, "status": {**found["status"], "phase": "Running", "conditions": conditions}}, "pods", "status"))


def evict(name: str, **options: object) -> Create:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta(name), "deleteOptions": options}
    return Create(body, "pods", "default", name, "eviction")


def test_evictions_draw_on_the_budget(cluster: Simulation) -> None:
    ready(cluster, "p")
    made = put(cluster, budget("b"))
    cluster.do(Update({**made, "status": budget("b", disruptionsAllowed=0)["status"]}, subresource="status"))
    error = refused(cluster, evict("p"))
    assert (error.code, error.message) == (429, "Cannot evict pod as it would violate the pod's disruption budget.")
    assert error.details["causes"] == [
        {"reason": "DisruptionBudget", "message": "The disruption budget b needs 2 healthy pods and has 2 currently"}
    ]
    now = cluster.get("poddisruptionbudgets.policy", "default", "b")
    assert now is not None
    cluster.do(Update({**now, "status": {**now["status"], "disruptionsAllowed": 1}}, subresource="status"))
    assert cluster.do(evict("p", dryRun=["All"]))["status"] == "Success"
    assert cluster.do(evict("p", gracePeriodSeconds=5))["code"] == 201
    evicted, spent = cluster.get("pods", "default", "p"), cluster.get("poddisruptionbudgets.policy", "default", "b")
    assert evicted is not None
    assert evicted["metadata"]["deletionGracePeriodSeconds"] == 5
    assert spent is not None
    assert (spent["status"]["disruptionsAllowed"], list(spent["status"]["disruptedPods"])) == (0, ["p"])


def test_two_budgets_for_one_pod_are_refused(cluster: Simulation) -> None:
    ready(cluster, "p")
    put(cluster, budget("a"), budget("b"))
    assert refused(cluster, evict("p")).code == 500


def test_pods_without_a_budget_are_just_deleted(cluster: Simulation) -> None:
    running(cluster, "p")
    cluster.do(evict("p"))
    left = cluster.get("pods", "default", "p")
    assert left is not None
    assert "deletionTimestamp" in left["metadata"]


def test_ephemeral_containers_are_only_added(cluster: Simulation) -> None:
    running(cluster, "p")
    body = {"spec": {"ephemeralContainers": [{"name": "d", "image": "busybox:1", "targetContainerName": "c"}]}}
    added = cluster.do(Patch("pods", "p", "default", body, "strategic", "ephemeralcontainers"))
    assert [c["name"] for c in added["spec"]["ephemeralContainers"]] == ["d"]
    error = refused(
        cluster, Patch("pods", "p", "default", {"spec": {"ephemeralContainers": None}}, "merge", "ephemeralcontainers")
    )
    assert error.code == 422


def test_resize_changes_resources_alone(cluster: Simulation) -> None:
    found = running(cluster, "p")
    containers = [{**found["spec"]["containers"][0], "image": "other", "resources": {"requests": {"cpu": "2"}}}]
    cluster.do(Update({**found, "spec": {**found["spec"], "containers": containers}}, "pods", "resize"))
    stored = cluster.get("pods", "default", "p")
    assert stored is not None
    (container,) = stored["spec"]["containers"]
    assert (container["image"], container["resources"], stored["metadata"]["generation"]) == (
        "nginx:1",
        {"requests": {"cpu": "2"}},
        2,
    )


def test_tokens_come_from_their_issuer(cluster: Simulation) -> None:
    request = Create({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}, "serviceaccounts", "default",
                     "default", "token")  # fmt: skip
    assert refused(cluster, request).code == 404
    cluster.server.token_issuer = lambda account, body, bound: {**body, "status": {"token": account["metadata"]["name"]}}
    assert cluster.do(request)["status"] == {"token": "default"}


class Said:
    """A container's log."""

    def __init__(self, lines: list[LogLine]) -> None:
        self._lines = lines
        self.ended = True

    def take(self) -> list[LogLine]:
        lines, self._lines = self._lines, []
        return lines

    def on_ready(self, callback: Callable[[], None]) -> None:
        callback()

    def close(self) -> None:
        pass


class Runtime:
    """A node whose containers said three things."""

    def __init__(self, now: float) -> None:
        self._now = now

    def logs(self, namespace: str, pod: str, container: str, *, previous: bool = False, follow: bool = False) -> Said:
        return Said([LogLine(self._now - ago, f"{container} {ago}{' before' if previous else ''}") for ago in (100, 10, 0.5)])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["c 100", "c 10", "c 0.5"]),
        ({"tail": 1}, ["c 0.5"]),
        ({"tail": 0}, []),
        ({"since": 20}, ["c 10", "c 0.5"]),
        (
            {"since": 20, "tail": 5, "timestamps": True},
            ["2025-12-31T23:59:50.000000000Z c 10", "2025-12-31T23:59:59.500000000Z c 0.5"],
        ),
        ({"previous": True, "tail": 1}, ["c 0.5 before"]),
    ],
)
def test_logs(cluster: Simulation, options: dict[str, int], expected: list[str]) -> None:
    found = running(cluster, "p")
    state = {"name": "c", "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}
    cluster.do(Update({**found, "status": {**found["status"], "containerStatuses": [state]}}, "pods", "status"))
    runtime = Runtime(cluster.now())
    cluster.server.runtimes = lambda name: runtime if name == "n1" else None  # type: ignore[assignment]
    assert cluster.api().log(LogRequest("default", "p", **options)).take() == expected  # type: ignore[arg-type]


def waiting(reason: str) -> Obj:
    return {"name": "c", "state": {"waiting": {"reason": reason}}, "lastState": {}}


TWO = {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "x:1"}]}
NO_LOGS = [
    ("two containers", TWO, {}, [], "a container name must be specified for pod p, choose one of: [a b]"),
    ("no such container", None, {"container": "z"}, [], "container z is not valid for pod p"),
    ("no status yet", None, {}, [], 'container "c" in pod "p" is waiting to start: ContainerCreating'),
    ("waits", None, {}, [waiting("PodInitializing")], 'container "c" in pod "p" is waiting to start: PodInitializing'),
    ("no image", None, {}, [waiting("ImagePullBackOff")],
     'container "c" in pod "p" is waiting to start: trying and failing to pull image'),
    ("no previous", None, {"previous": True}, [{"name": "c", "state": {"running": {}}, "lastState": {}}],
     'previous terminated container "c" in pod "p" not found'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spec", "options", "states", "sentence"), NO_LOGS, ids=[c[0] for c in NO_LOGS])
def test_refused_logs(cluster: Simulation, name: str, spec: Obj | None, options: dict, states: list, sentence: str) -> None:
    found = running(cluster, "p", spec=spec)
    cluster.do(Update({**found, "status": {**found["status"], "containerStatuses": states}}, "pods", "status"))
    with pytest.raises(ApiError) as caught:
        cluster.api().log(LogRequest("default", "p", **options))
    assert (caught.value.code, caught.value.message) == (400, sentence)


def test_logs_of_a_pod_without_a_node(cluster: Simulation) -> None:
    put(cluster, pod("p"))
    with pytest.raises(ApiError, match="pod p does not have a host assigned"):
        cluster.api().log(LogRequest("default", "p"))
    running(cluster, "q")
    with pytest.raises(ApiError):
        cluster.api().log(LogRequest("default", "nope"))


def test_apply_creates_changes_and_takes_back(cluster: Simulation) -> None:
    made = cluster.do(Apply(config("a"), "me"))
    assert [m["manager"] for m in made["metadata"]["managedFields"]] == ["me"]
    before = cluster.store.revision
    cluster.run(5)
    cluster.do(Apply(config("a"), "me"))
    assert cluster.store.revision == before
    error = refused(cluster, Apply(config("a", "2"), "you"))
    assert error.message == 'Apply failed with 1 conflict: conflict with "me": .data.k'
    forced = cluster.do(Apply(config("a", "2"), "you", force=True))
    assert forced["data"] == {"k": "2"}
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("a")}
    assert "data" not in cluster.do(Apply(bare, "you"))


def test_apply_to_the_scale_owns_the_replicas(cluster: Simulation) -> None:
    put(cluster, deployment("web"))
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta("web"), "spec": {"replicas": 4}}
    cluster.do(Apply(scale, "hpa", True, "scale", resource="deployments.apps"))
    stored = cluster.get("deployments.apps", "default", "web")
    assert stored is not None
    assert stored["spec"]["replicas"] == 4


def test_outside_bodies_are_read_and_tracked(cluster: Simulation) -> None:
    api = cluster.api("someone", "tests")
    made = api.submit(Create(pod("p", spec={"overhead": {"cpu": "0.5"}, "nope": 1}))).result()
    assert made["spec"]["overhead"] == {"cpu": "500m"}
    assert "nope" not in made["spec"]
    assert made["metadata"]["managedFields"][0]["manager"] == "tests"
    assert api.submit(Create(pod("q", spec={"nope": 1}), strict=True)).error is not None


def test_approval_changes_conditions_alone(cluster: Simulation) -> None:
    request = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "c"},
        "spec": {"request": "LS0t", "signerName": "example.com/s", "usages": ["client auth"]},
    }
    stored = cluster.store.put(
        "certificatesigningrequests.certificates.k8s.io", {**request, "metadata": {"name": "c", "uid": "u"}}
    )
    approved = {"conditions": [{"type": "Approved", "status": "True", "reason": "ByHand"}], "certificate": "x"}
    answer = cluster.do(Update({**stored.obj, "status": approved}, "certificatesigningrequests.certificates.k8s.io", "approval"))
    assert answer["status"] == {"conditions": approved["conditions"]}
