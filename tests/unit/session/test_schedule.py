"""What a second scheduler is to be, which rights it needs, and where it must not work."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from k8s_notebook.machinery.actions import Get, Request
from k8s_notebook.objects import Obj, errors
from k8s_notebook.scheduler import profiles
from k8s_notebook.scheduler.election import Terms
from k8s_notebook.session import rights, schedule, schedule_wishes
from k8s_notebook.session.problems import K8sError
from k8s_notebook.session.schedule_wishes import wanted
from k8s_notebook.sim import clock


def config(*names: str, **more: Any) -> dict[str, Any]:
    found = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration", **more}
    return {**found, "profiles": [{"schedulerName": n} for n in names]} if names else found


@pytest.mark.parametrize(("given", "names", "terms"), [
    ({}, ["numba-scheduler"], Terms("numba-scheduler")),
    ({"name": "mine"}, ["mine"], Terms("mine")),
    ({"name": "mine", "namespace": "here"}, ["mine"], Terms("mine", "here")),
    ({"name": "mine", "elect": False}, ["mine"], None),
    ({"name": "default-scheduler", "namespace": "here"}, ["default-scheduler"], Terms("kube-scheduler", "kube-system")),
    ({"profile": profiles.Profile(name="own")}, ["own"], Terms("own")),
    ({"profile": profiles.Profile(name="own"), "name": "other"}, ["other"], Terms("other")),
    ({"profile": [profiles.Profile(name="a"), profiles.Profile(name="b")]}, ["a", "b"], Terms("a")),
    ({"profile": [profiles.Profile(name="a"), profiles.Profile(name="b")], "name": "b"}, ["b"], Terms("b")),
    ({"config": config("red", "blue")}, ["red", "blue"], Terms("red")),
    ({"config": config("red"), "name": "mine"}, ["mine"], Terms("mine")),
    ({"config": config("red", leaderElection={"leaderElect": False})}, ["red"], None),
    ({"config": config("red", leaderElection={"leaderElect": False}), "elect": True}, ["red"], Terms("red")),
    ({"config": config("red", leaderElection={"resourceName": "l", "resourceNamespace": "n", "retryPeriod": "3s"})}, ["red"],
     Terms("l", "n", retry_period=3.0)),
])  # fmt: skip
def test_what_is_meant(given: dict[str, Any], names: list[str], terms: Terms | None) -> None:
    found = wanted(**given)
    assert ([p.name for p in found.served], found.terms) == (names, terms)


@pytest.mark.parametrize(("given", "said"), [
    ({"config": config("red", "blue"), "name": "green"}, "error: no profile is called green (there are: red, blue)"),
    ({"config": config("red"), "profile": profiles.DEFAULT}, "error: give a profile or a configuration, not both"),
    ({"config": config("red", leaderElection={"renewDeadline": "2s"})},
     "error: leaderElection: renewDeadline must be greater than retryPeriod*JitterFactor"),
])  # fmt: skip
def test_what_cannot_be_meant(given: dict[str, Any], said: str) -> None:
    with pytest.raises(K8sError) as caught:
        wanted(**given)
    assert str(caught.value) == said


def test_back_offs_come_from_the_configuration() -> None:
    assert wanted(config=config("red", podInitialBackoffSeconds=2, podMaxBackoffSeconds=4)).backoff == (2, 4)


def test_the_manifest_names_what_it_is_for() -> None:
    found = {(o["kind"], o["metadata"]["name"]): o for o in yaml.safe_load_all(schedule.rbac("mine", None, "here"))}
    assert list(found) == [
        ("ServiceAccount", "mine"), ("ClusterRole", "k8s-notebook:mine"), ("ClusterRoleBinding", "k8s-notebook:mine"),
        ("Role", "k8s-notebook:mine"), ("RoleBinding", "k8s-notebook:mine"),
    ]  # fmt: skip
    lease = found["Role", "k8s-notebook:mine"]
    assert (lease["metadata"]["namespace"], lease["rules"][1]["resourceNames"]) == ("here", ["mine"])
    assert found["ClusterRoleBinding", "k8s-notebook:mine"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "mine", "namespace": "here"}
    ]
    verbs = {v for o in found.values() for rule in o.get("rules", ()) for v in rule["verbs"]}
    assert "*" not in verbs


class FakeDoor:
    """A door behind which a lease and pods are."""

    title = "real fake"

    def __init__(self, holder: str = "", *, old: bool = False, pods: tuple[str, ...] = ()) -> None:
        renewed = clock.micro_timestamp(0 if old else clock.Wall().now())
        self.spec = {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 1_000_000}
        self.pods = pods

    def ask(self, request: Request) -> Obj:
        if isinstance(request, Get):
            if not self.spec["holderIdentity"]:
                raise errors.not_found("leases", request.name)
            return {"spec": self.spec}
        return {"items": [{"metadata": {"name": n}, "status": {"phase": "Running"}} for n in self.pods]}


@pytest.mark.parametrize(("door", "embedded", "said"), [
    (FakeDoor(), False, ""),
    (FakeDoor(), True, "real fake places the pods of default-scheduler itself"),
    (FakeDoor("master_1"), False, "master_1 places the pods of default-scheduler on real fake"),
    (FakeDoor("master_1", old=True), False, ""),
    (FakeDoor(pods=("kube-scheduler-minikube",)), False, "kube-scheduler-minikube places the pods of default-scheduler on real fake"),
])  # fmt: skip
def test_the_place_of_a_scheduler_that_works_is_not_taken(door: Any, embedded: bool, said: str) -> None:
    connection: Any = SimpleNamespace(embedded=embedded)
    schedule_wishes.refuse(connection, door, "mine")
    if not said:
        schedule_wishes.refuse(connection, door, rights.DEFAULT)
        return
    with pytest.raises(K8sError) as caught:
        schedule_wishes.refuse(connection, door, rights.DEFAULT)
    assert str(caught.value).startswith(f"error: {said}; give this one another --name")
