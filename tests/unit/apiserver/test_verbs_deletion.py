"""delete and deletecollection: grace, finalizers, propagation, answers."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.apiserver.calls import Call, DeleteOptions, ListOptions
from k8s_notebook.cluster.simulation import Simulation
from k8s_notebook.machinery.actions import Create, Delete, Patch, Update
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError
from tests.unit.apiserver.world import config, deployment, meta, pod, put, refused, running, service


@pytest.fixture
def cluster() -> Simulation:
    return Simulation()


def delete(cluster: Simulation, resource: str, name: str, **options: Any) -> Obj:
    """The answer to a DELETE with all its options."""
    kind = cluster.server.kinds.of(resource)
    namespace = "default" if kind.namespaced else ""
    return cluster.server.delete(kind, namespace, name, DeleteOptions(**options), Call()).obj


def test_plain_kinds_answer_a_status(cluster: Simulation) -> None:
    uid = put(cluster, deployment("web"))["metadata"]["uid"]
    details = {"name": "web", "group": "apps", "kind": "deployments", "uid": uid}
    assert delete(cluster, "deployments.apps", "web") == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    }  # fmt: skip
    assert refused(cluster, Delete("deployments.apps", "web", "default")).message == 'deployments.apps "web" not found'


def test_services_and_others_answer_the_object(cluster: Simulation) -> None:
    put(cluster, service("s"))
    assert delete(cluster, "services", "s")["kind"] == "Service"
    assert cluster.get("services", "default", "s") is None


def test_a_pod_that_runs_is_given_time(cluster: Simulation) -> None:
    running(cluster, "a")
    told = delete(cluster, "pods", "a")["metadata"]
    assert (told["deletionTimestamp"], told["deletionGracePeriodSeconds"], told["generation"]) == ("2026-01-01T00:00:30Z", 30, 2)
    cluster.run(5)
    assert delete(cluster, "pods", "a")["metadata"] == told
    shorter = delete(cluster, "pods", "a", grace=10)["metadata"]
    assert (shorter["deletionTimestamp"], shorter["deletionGracePeriodSeconds"]) == ("2026-01-01T00:00:10Z", 10)
    delete(cluster, "pods", "a", grace=0, uid=told["uid"])
    assert cluster.get("pods", "default", "a") is None


@pytest.mark.parametrize(
    ("name", "bound", "phase", "grace", "gone"),
    [
        ("not bound", False, "Pending", None, True),
        ("bound", True, "Pending", None, False),
        ("over", True, "Succeeded", None, True),
        ("failed", True, "Failed", 30, True),
        ("at once", True, "Running", 0, True),
        ("negative", True, "Running", -1, False),
    ],
)
def test_which_pods_go_at_once(cluster: Simulation, name: str, bound: bool, phase: str, grace: int | None, gone: bool) -> None:
    made = running(cluster, "a") if bound else put(cluster, pod("a"))
    cluster.do(Update({**made, "status": {**made["status"], "phase": phase}}, "pods", subresource="status"))
    delete(cluster, "pods", "a", grace=grace)
    assert (cluster.get("pods", "default", "a") is None) is gone, name


def test_the_watch_shows_a_deletion_once_with_its_own_revision(cluster: Simulation) -> None:
    running(cluster, "a", finalizers=["x.io/hold"])
    cluster.run()
    watch = cluster.api().watch("pods", since=cluster.store.revision)
    cluster.do(Delete("pods", "a", "default"), Delete("pods", "a", "default", grace=0))
    cluster.do(Patch("pods", "a", "default", {"metadata": {"finalizers": None}}))
    cluster.run()
    events = watch.take()
    assert [e.type for e in events] == ["MODIFIED", "MODIFIED", "DELETED"]
    assert events[-1].object["metadata"]["resourceVersion"] == str(events[-1].revision) == str(cluster.store.revision)
    assert [e.object["metadata"]["deletionGracePeriodSeconds"] for e in events] == [30, 0, 0]


@pytest.mark.parametrize(
    ("graces", "seen"),
    [
        ([0], [(0, "00:00:00"), (0, "00:00:00")]),
        ([60, None, 90], [(60, "00:01:00")]),
        ([60, -1], [(60, "00:01:00"), (1, "00:00:20")]),
        ([60, 10], [(60, "00:01:00"), (1, "00:00:20")]),
        ([60, 40], [(60, "00:01:00"), (40, "00:00:40")]),
        ([60, 0], [(60, "00:01:00"), (0, "00:00:20"), (0, "00:00:20")]),
    ],
    ids=["at once", "never longer", "negative", "already over", "shorter", "the last step"],
)
def test_what_a_watch_shows(cluster: Simulation, graces: list[int | None], seen: list[tuple[int, str]]) -> None:
    running(cluster, "a")
    cluster.run()
    watch = cluster.api().watch("pods", since=cluster.store.revision)
    for grace in graces:
        delete(cluster, "pods", "a", grace=grace)
        cluster.run(20)
    marks = [e.object["metadata"] for e in watch.take()]
    assert [(m["deletionGracePeriodSeconds"], m["deletionTimestamp"][11:19]) for m in marks] == seen


def test_finalizers_hold_an_object(cluster: Simulation) -> None:
    put(cluster, config("a", finalizers=["x.io/hold"]))
    held = delete(cluster, "configmaps", "a")
    assert (held["kind"], held["metadata"]["deletionGracePeriodSeconds"]) == ("ConfigMap", 0)
    again = cluster.do(Update({**config("a"), "metadata": {**held["metadata"], "deletionTimestamp": None, "labels": {"x": "y"}}}))
    assert again["metadata"]["deletionTimestamp"] == held["metadata"]["deletionTimestamp"]
    last = cluster.do(Patch("configmaps", "a", "default", {"metadata": {"finalizers": []}}))
    assert last["metadata"]["name"] == "a"
    assert cluster.get("configmaps", "default", "a") is None


@pytest.mark.parametrize(
    ("resource", "options", "finalizers"),
    [
        ("deployments.apps", {"propagation": "Foreground"}, ["foregroundDeletion"]),
        ("deployments.apps", {"propagation": "Orphan"}, ["orphan"]),
        ("deployments.apps", {"propagation": "Background"}, None),
        ("deployments.apps", {"orphan": True}, ["orphan"]),
        ("deployments.apps", {}, None),
        ("jobs.batch", {}, ["orphan"]),
        ("jobs.batch", {"propagation": "Background"}, None),
    ],
)
def test_propagation_becomes_a_finalizer(cluster: Simulation, resource: str, options: Any, finalizers: list[str] | None) -> None:
    job = {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": meta("web"),
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "a"}]}}},
    }  # fmt: skip
    put(cluster, job if resource == "jobs.batch" else deployment("web"))
    delete(cluster, resource, "web", **options)
    left = cluster.get(resource, "default", "web")
    assert (left["metadata"]["finalizers"] if left else None) == finalizers


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"uid": "abc"}, 409, "the UID in the precondition (abc) does not match the UID in record"),
    ({"version": "1"}, 409, "the ResourceVersion in the precondition (1) does not match the ResourceVersion in record"),
    ({"propagation": "Foo"}, 422, 'propagationPolicy: Unsupported value: "Foo"'),
    ({"propagation": "Orphan", "orphan": True}, 422, "orphanDependents and deletionPropagation cannot be both set"),
]


@pytest.mark.parametrize(("options", "code", "sentence"), REFUSED, ids=[str(c[0]) for c in REFUSED])
def test_refused_deletions(cluster: Simulation, options: dict[str, Any], code: int, sentence: str) -> None:
    put(cluster, config("a"))
    with pytest.raises(ApiError) as caught:
        delete(cluster, "configmaps", "a", **options)
    assert caught.value.code == code
    assert sentence in caught.value.message
    assert cluster.get("configmaps", "default", "a") is not None


def test_some_namespaces_stay(cluster: Simulation) -> None:
    for name in ("default", "kube-system", "kube-public"):
        error = refused(cluster, Delete("namespaces", name))
        assert error.message == f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    assert delete(cluster, "namespaces", "kube-node-lease")["status"]["phase"] == "Terminating"


def test_a_namespace_goes_when_it_is_finalized(cluster: Simulation) -> None:
    put(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}})
    told = delete(cluster, "namespaces", "n")
    assert (told["status"]["phase"], told["spec"]["finalizers"]) == ("Terminating", ["kubernetes"])
    assert "deletionTimestamp" in told["metadata"]
    again = delete(cluster, "namespaces", "n")
    assert again["metadata"]["resourceVersion"] == told["metadata"]["resourceVersion"]
    cluster.do(Update({**told, "spec": {}}))
    assert cluster.get("namespaces", "", "n") is not None
    cluster.do(Update({**told, "metadata": {"name": "n"}, "spec": {}}, "namespaces", subresource="finalize"))
    assert cluster.get("namespaces", "", "n") is None


def test_a_collection_is_deleted_by_selector(cluster: Simulation) -> None:
    for name, label in (("a", "x"), ("b", "y"), ("c", "x")):
        put(cluster, config(name, labels={"l": label}))
    kind = cluster.server.kinds.of("configmaps")
    gone = cluster.server.delete_collection(kind, ListOptions("default", labels="l=x"), DeleteOptions(), Call()).obj
    assert (gone["kind"], [o["metadata"]["name"] for o in gone["items"]]) == ("ConfigMapList", ["a", "c"])
    assert [o["metadata"]["name"] for o in cluster.all("configmaps", "default")] == ["b"]


def test_a_name_can_be_used_again(cluster: Simulation) -> None:
    first = put(cluster, config("a"))
    delete(cluster, "configmaps", "a")
    assert cluster.do(Create(config("a")))["metadata"]["uid"] != first["metadata"]["uid"]
