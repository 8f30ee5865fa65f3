"""What is written so that a pod's claims get their volumes, and what other pods see meanwhile."""

from __future__ import annotations

import pytest

from k8s_notebook.machinery.actions import Action, Update
from k8s_notebook.objects import Obj
from k8s_notebook.scheduler.arrays import Cluster
from k8s_notebook.scheduler.plugins import volume_binding, volume_matching
from k8s_notebook.scheduler.surroundings import Surroundings
from tests.builders import cluster_wide
from tests.unit.scheduler.storage import bound_claim, claim, cluster_of, storage_class, using, verdicts, volume

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
SELECTED = "volume.kubernetes.io/selected-node"
FAST = storage_class("fast", "csi.example.com")
STATIC = (claim(), storage_class(), volume("small", nodes=("n1",)), volume("large", "9Gi", nodes=("n1",)))


def newer(obj: Obj, **metadata: object) -> Obj:
    """The object as the cluster shows it after a write."""
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": "2", **metadata}}


def written(action: Action) -> Obj:
    """The object of a write."""
    assert isinstance(action, Update)
    return action.obj


def test_the_smallest_volume_becomes_the_claims() -> None:
    cluster = cluster_of(*STATIC)
    (action,) = volume_binding.prebind(using("data").stored(), "n1", cluster)
    obj = written(action)
    assert obj["metadata"]["name"] == "small"
    assert obj["metadata"]["resourceVersion"] == "1"
    assert obj["metadata"]["annotations"] == {"pv.kubernetes.io/bound-by-controller": "yes"}
    reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": "default", "name": "data"}
    assert obj["spec"]["claimRef"] == {**reference, "uid": "uid-data", "resourceVersion": "1"}


def test_a_claim_is_marked_with_the_node_for_which_its_volume_is_made() -> None:
    cluster = cluster_of(claim(storage="fast"), FAST)
    (action,) = volume_binding.prebind(using("data").stored(), "n2", cluster)
    assert written(action)["metadata"]["annotations"] == {SELECTED: "n2"}


def test_nothing_is_written_for_bound_claims() -> None:
    assert volume_binding.prebind(using("data").stored(), "n1", cluster_of(bound_claim(), volume())) == []


@pytest.mark.parametrize(
    ("reference", "annotated"),
    [
        pytest.param({"name": "data", "namespace": "default"}, False, id="bound by a person, without uid"),
        pytest.param({"name": "data", "namespace": "default", "uid": "uid-data"}, False, id="bound by a person"),
        pytest.param(None, True, id="free"),
    ],
)
def test_who_bound_a_volume_is_told_apart(reference: Obj | None, annotated: bool) -> None:
    free = volume().set("spec.claimRef", reference) if reference else volume()
    given = volume_binding.given(free.stored(), claim().stored())
    assert given["spec"]["claimRef"]["uid"] == "uid-data"
    assert bool(given["metadata"].get("annotations")) == annotated


def test_each_claim_of_a_pod_gets_another_volume() -> None:
    cluster = cluster_of(claim("a"), claim("b", "2Gi"), storage_class(), volume("x", "2Gi"), volume("y", "3Gi"))
    actions = volume_binding.prebind(using("b", "a").stored(), "n1", cluster)
    assert {written(a)["metadata"]["name"]: written(a)["spec"]["claimRef"]["name"] for a in actions} == {"x": "a", "y": "b"}


def test_a_volume_that_is_spoken_for_is_not_given_twice() -> None:
    cluster = cluster_of(claim("a"), claim("b"), storage_class(), volume())
    actions = volume_binding.prebind(using("a").stored(), "n1", cluster)
    cluster.beside.assume(actions)
    nothing = [volume_binding.NOTHING_FITS]
    assert verdicts(volume_binding.PLUGIN, using("b"), cluster) == {"n1": nothing, "n2": nothing}
    cluster.beside.forget(actions)
    assert verdicts(volume_binding.PLUGIN, using("b"), cluster) == {"n1": [], "n2": []}


def test_a_second_pod_follows_a_claim_to_its_node() -> None:
    cluster = cluster_of(claim(storage="fast"), FAST)
    cluster.beside.assume(volume_binding.prebind(using("data").stored(), "n2", cluster))
    assert verdicts(volume_binding.PLUGIN, using("data"), cluster) == {"n1": [volume_binding.NOTHING_FITS], "n2": []}


def prepared() -> tuple[Cluster, list[Action]]:
    """A cluster where a claim is being given a volume that is there."""
    cluster = cluster_of(*STATIC)
    actions = volume_binding.prebind(using("data").stored(), "n1", cluster)
    cluster.beside.assume(actions)
    return cluster, actions


def asked(cluster: Cluster, actions: list[Action], node: str = "n1") -> bool | str:
    """Whether the pod can be bound."""
    return volume_binding.prebound(using("data").stored(), node, cluster, actions)


def test_a_pod_waits_until_its_claim_is_bound() -> None:
    cluster, actions = prepared()
    assert asked(cluster, actions) is False
    cluster.beside.put(VOLUMES, newer(written(actions[0])))
    assert asked(cluster, actions) is False
    cluster.beside.put(CLAIMS, newer(bound_claim(volume="small").stored()))
    assert asked(cluster, actions) is True


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(None, 'failed to check binding: persistentvolumes "small" not found', id="the volume is gone"),
        pytest.param(volume("small", nodes=("n1",)), 'ClaimRef got reset for pv "small"', id="somebody took it back"),
        pytest.param(
            volume("small", nodes=("n2",)).set("spec.claimRef", {"uid": "uid-data"}),
            'pv "small" node affinity doesn\'t match node "n1": no matching NodeSelectorTerms', id="it moved",
        ),
    ],
)  # fmt: skip
def test_a_pod_is_scheduled_again_if_its_volume_is_lost(shown: object, expected: str) -> None:
    cluster, actions = prepared()
    cluster.beside.remove(VOLUMES, "", "small")
    if shown is not None:
        cluster.beside.put(VOLUMES, newer(shown.stored()))
    assert asked(cluster, actions) == f"binding volumes: {expected}"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(claim(storage="fast").annotation(SELECTED, "n1"), False, id="under way"),
        pytest.param(bound_claim(storage="fast").annotation(SELECTED, "n1"), False, id="its volume is not seen yet"),
        pytest.param(bound_claim(volume="x", storage="fast").annotation(SELECTED, "n1"), True, id="done"),
        pytest.param(claim(storage="fast"), 'binding volumes: selectedNode annotation reset for PVC "data"', id="no annotations"),
        pytest.param(
            claim(storage="fast").annotation("a", "b"), 'binding volumes: provisioning failed for PVC "data"', id="gave up"
        ),
    ],
)
def test_a_volume_that_is_made(shown: object, expected: bool | str) -> None:
    cluster = cluster_of(claim(storage="fast"), FAST, volume("x", storage="fast").status(phase="Bound"))
    actions = volume_binding.prebind(using("data").stored(), "n1", cluster)
    cluster.beside.put(CLAIMS, newer(shown.stored()))
    assert asked(cluster, actions) == expected


def test_what_is_assumed_ends_with_a_newer_version() -> None:
    beside = Surroundings()
    old, new = volume().stored(), newer(volume(size="5Gi").stored())
    beside.put(VOLUMES, old)
    actions: list[Action] = [Update({**old, "spec": {"marked": True}}, VOLUMES)]
    beside.assume(actions)
    assert beside.get(VOLUMES, "", "pv") == {**old, "spec": {"marked": True}}
    beside.put(VOLUMES, old)
    assert beside.get(VOLUMES, "", "pv") != old
    assert beside.stored(VOLUMES, "", "pv") == old
    beside.put(VOLUMES, new)
    assert beside.get(VOLUMES, "", "pv") == new
    beside.assume(actions)
    assert beside.get(VOLUMES, "", "pv") == new


def test_surroundings_give_objects_in_order_and_count_changes() -> None:
    beside = Surroundings()
    for name, namespace in (("b", "y"), ("a", "y"), ("c", "x")):
        beside.put(CLAIMS, claim(name, storage=name).namespace(namespace).stored())
    assert [o["metadata"]["name"] for o in beside.list(CLAIMS)] == ["c", "a", "b"]
    assert [o["metadata"]["name"] for o in beside.list(CLAIMS, "y")] == ["a", "b"]
    beside.put(VOLUMES, volume(storage="s").stored())
    before = beside.version(VOLUMES)
    by_class = volume_matching.volumes.class_of_volume
    assert len(beside.grouped(VOLUMES, by_class, "s")) == 1
    beside.put(VOLUMES, cluster_wide("v1", "PersistentVolume", "pv").set("spec.storageClassName", "t").stored())
    assert (len(beside.grouped(VOLUMES, by_class, "s")), len(beside.grouped(VOLUMES, by_class, "t"))) == (0, 1)
    beside.remove(VOLUMES, "", "pv")
    beside.remove(VOLUMES, "", "pv")
    assert beside.grouped(VOLUMES, by_class, "t") == []
    assert beside.version(VOLUMES) == before + 2
