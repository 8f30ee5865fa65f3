"""create, update, patch: what the server adds, keeps and refuses."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.cluster.simulation import Simulation
from k8s_notebook.machinery.actions import Create, Delete, Patch, Update
from k8s_notebook.objects import Obj
from tests.unit.apiserver.world import config, deployment, meta, pod, put, refused, running


@pytest.fixture
def cluster() -> Simulation:
    return Simulation()


def test_a_new_object_gets_what_only_the_server_knows(cluster: Simulation) -> None:
    given = config(
        "a", uid="mine", creationTimestamp="2001-01-01T00:00:00Z", deletionTimestamp="2001-01-01T00:00:00Z", selfLink="/x"
    )
    made = put(cluster, given)["metadata"]
    assert made["uid"] != "mine"
    assert made["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert made["resourceVersion"] == str(cluster.store.revision)
    assert not {"deletionTimestamp", "selfLink", "generation", "managedFields"} & made.keys()
    assert given["metadata"]["uid"] == "mine"


def test_names_are_generated_from_at_most_58_letters(cluster: Simulation) -> None:
    base = "a" * 70 + "-"
    made = cluster.do(Create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": base}}, namespace="default"))
    name = made["metadata"]["name"]
    assert (len(name), name[:58], made["metadata"]["generateName"]) == (63, "a" * 58, base)


REFUSED_CREATES: list[tuple[str, Create, int, str]] = [
    ("taken name", Create(config("taken")), 409, 'configmaps "taken" already exists'),
    ("no namespace", Create({**config("x"), "metadata": {"name": "x", "namespace": "nons"}}), 404, 'namespaces "nons" not found'),
    ("other namespace", Create(config("x"), namespace="kube-system"), 400,
     "the namespace of the provided object does not match the namespace sent on the request"),
    ("revision", Create(config("x", resourceVersion="1")), 500, "resourceVersion should not be set on objects to be created"),
    ("no name", Create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}), 422,
     'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'),
    ("no such kind", Create({"apiVersion": "x/v1", "kind": "Y", "metadata": {"name": "a"}}), 404,
     'no matches for kind "Y" in version "x/v1"'),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "code", "sentence"), [c[1:] for c in REFUSED_CREATES], ids=[c[0] for c in REFUSED_CREATES])
def test_refused_creates(cluster: Simulation, request_: Create, code: int, sentence: str) -> None:
    put(cluster, config("taken"))
    error = refused(cluster, request_)
    assert (error.code, error.message) == (code, sentence)


def test_nothing_new_enters_a_namespace_that_goes(cluster: Simulation) -> None:
    put(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}})
    cluster.do(Delete("namespaces", "n"))
    error = refused(cluster, Create({**config("x"), "metadata": {"name": "x", "namespace": "n"}}))
    assert (
        error.message == 'configmaps "x" is forbidden: unable to create new content in namespace n because it is being terminated'
    )
    assert error.details["causes"] == [
        {"reason": "NamespaceTerminating", "message": "namespace n is being terminated", "field": "metadata.namespace"}
    ]


def test_a_write_that_changes_nothing_is_none(cluster: Simulation) -> None:
    made = put(cluster, config("a"))
    before = cluster.store.revision
    again = cluster.do(Update(config("a")))
    cluster.do(Patch("configmaps", "a", "default", {"data": {"k": "1"}}))
    assert again is made
    assert cluster.store.revision == before


def test_updates_keep_what_the_server_wrote(cluster: Simulation) -> None:
    made = put(cluster, config("a"))["metadata"]
    cluster.run(10)
    new = cluster.do(Update(config("a", "2", creationTimestamp="2001-01-01T00:00:00Z", labels={"x": "y"})))
    assert new["data"] == {"k": "2"}
    assert (new["metadata"]["uid"], new["metadata"]["creationTimestamp"]) == (made["uid"], made["creationTimestamp"])
    assert int(new["metadata"]["resourceVersion"]) > int(made["resourceVersion"])
    assert new["metadata"]["labels"] == {"x": "y"}


def test_stale_updates_conflict(cluster: Simulation) -> None:
    old = put(cluster, config("a"))
    cluster.do(Update(config("a", "2")))
    error = refused(cluster, Update({**old, "data": {"k": "3"}}))
    assert (error.code, error.reason) == (409, "Conflict")
    assert error.message == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    assert (
        refused(cluster, Patch("configmaps", "a", "default", {"metadata": {"resourceVersion": "1"}, "data": {"k": "9"}})).code
        == 409
    )
    assert "Precondition failed: UID in precondition: other" in refused(cluster, Update(config("a", uid="other"))).message


def lease(name: str, **spec: Any) -> Obj:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta(name), "spec": spec}


def test_some_kinds_are_created_by_an_update_and_must_say_what_they_replace(cluster: Simulation) -> None:
    made = cluster.do(Update(lease("l", holderIdentity="a")))
    error = refused(cluster, Update(lease("l", holderIdentity="b")))
    assert (error.code, error.details["causes"][0]["field"]) == (422, "metadata.resourceVersion")
    assert cluster.do(Update({**made, "spec": {"holderIdentity": "b"}}))["spec"] == {"holderIdentity": "b"}
    assert refused(cluster, Update(config("nope"))).code == 404


def test_the_status_is_a_world_of_its_own(cluster: Simulation) -> None:
    made = put(cluster, {**deployment("web"), "status": {"replicas": 9}})
    assert "replicas" not in made["status"]
    scribbled = {**made, "metadata": {**made["metadata"], "labels": {"x": "y"}}, "spec": {**made["spec"], "replicas": 7}}
    told = cluster.do(Update({**scribbled, "status": {"replicas": 3}}, subresource="status"))
    assert (told["status"], told["spec"]["replicas"], told["metadata"].get("labels")) == ({"replicas": 3}, 1, None)
    assert told["metadata"]["generation"] == 1
    kept = cluster.do(Update({**deployment("web", replicas=2), "status": {"replicas": 0}}))
    assert (kept["status"], kept["spec"]["replicas"], kept["metadata"]["generation"]) == ({"replicas": 3}, 2, 2)


@pytest.mark.parametrize(
    ("style", "body"),
    [
        ("json", [{"op": "replace", "path": "/spec/replicas", "value": 5}]),
        ("merge", {"spec": {"replicas": 5}}),
        ("strategic", {"spec": {"replicas": 5}}),
    ],
)
def test_patches(cluster: Simulation, style: Any, body: Any) -> None:
    put(cluster, deployment("web"))
    patched = cluster.do(Patch("deployments.apps", "web", "default", body, style))
    assert (patched["spec"]["replicas"], patched["metadata"]["generation"]) == (5, 2)
    assert len(patched["spec"]["template"]["spec"]["containers"]) == 1


def test_a_patch_may_not_rename(cluster: Simulation) -> None:
    put(cluster, config("a"))
    error = refused(cluster, Patch("configmaps", "a", "default", {"metadata": {"name": "b"}}))
    assert (error.code, error.message) == (400, "the name of the object (b) does not match the name on the URL (a)")
    assert refused(cluster, Patch("configmaps", "b", "default", {})).code == 404


def test_dry_runs_store_nothing(cluster: Simulation) -> None:
    put(cluster, config("a"))
    before = cluster.store.revision
    tried = cluster.do(Create(config("b"), dry_run=True))
    assert "uid" in tried["metadata"]
    assert "resourceVersion" not in tried["metadata"]
    assert cluster.do(Update(config("a", "2"), dry_run=True))["data"] == {"k": "2"}
    assert cluster.do(Patch("configmaps", "a", "default", {"data": {"k": "3"}}, dry_run=True))["data"] == {"k": "3"}
    cluster.do(Delete("configmaps", "a", "default", dry_run=True))
    assert cluster.store.revision == before
    assert cluster.get("configmaps", "default", "a") is not None


def test_tickets_name_the_revision_that_a_watch_will_show(cluster: Simulation) -> None:
    api = cluster.api()
    watch = api.watch("configmaps", since=cluster.store.revision)
    ticket = api.submit(Create(config("a")))
    cluster.run()
    assert ticket.done
    assert [e.revision for e in watch.take()] == [ticket.revision]
    failed = api.submit(Create(config("a")))
    assert (failed.done, failed.revision, type(failed.error).__name__) == (True, None, "AlreadyExists")


def test_copies_of_a_pod_share_their_spec(cluster: Simulation) -> None:
    spec = {"containers": [{"name": "c", "image": "nginx:1"}]}

    def copy() -> Obj:
        obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "web-", "labels": {"app": "web"}}, "spec": spec}
        return cluster.do(Create(obj, "pods", "default"))

    one, two = copy(), copy()
    assert one["metadata"]["name"] != two["metadata"]["name"]
    assert one["metadata"]["uid"] != two["metadata"]["uid"]
    assert two["spec"] is copy()["spec"]
    assert two["spec"]["serviceAccountName"] == "default"
    assert two["metadata"]["generation"] == 1
    put(cluster, {"apiVersion": "v1", "kind": "LimitRange", "metadata": meta("l"),
                  "spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}})  # fmt: skip
    assert copy()["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "1"}


def test_finalizers_hold_and_cannot_be_added_late(cluster: Simulation) -> None:
    put(cluster, config("a", finalizers=["x.io/a", "x.io/b"]))
    cluster.do(Delete("configmaps", "a", "default"))
    error = refused(cluster, Patch("configmaps", "a", "default", {"metadata": {"finalizers": ["g.h/i", "x.io/a"]}}))
    assert error.code == 422
    assert error.details["causes"] == [{
        "reason": "FieldValueForbidden",
        "message": "Forbidden: no new finalizers can be added if the object is being deleted, "
        'found new finalizers []string{"g.h/i"}',
        "field": "metadata.finalizers",
    }]  # fmt: skip


def test_pods_keep_their_status_and_the_server_its_word(cluster: Simulation) -> None:
    found = running(cluster, "a")
    status = {**found["status"], "phase": "Running"}
    cluster.do(Update({**found, "status": status}, "pods", subresource="status"))
    stored = cluster.get("pods", "default", "a")
    assert stored is not None
    assert (stored["status"]["phase"], stored["status"]["qosClass"]) == ("Running", "BestEffort")
    assert stored["spec"] is found["spec"]
    error = refused(cluster, Patch("pods", "a", "default", {"spec": {"nodeName": "other"}}))
    assert error.code == 422
    assert "pod updates may not change fields other than" in error.message
    assert refused(cluster, Create(pod("a"))).code == 409
