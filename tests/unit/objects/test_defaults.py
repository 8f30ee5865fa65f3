"""Defaults and the preparation of objects, compared with what a real server answered."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from k8s_notebook.objects import Obj, defaultpods, defaults, kinds, qos, schema, strategies

ADMITTED = {
    "pods": ("serviceAccountName", "serviceAccount", "tolerations", "priority", "preemptionPolicy", "volumes"),
    "services": ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"),
    "nodes": ("taints",),
}
"""Spec fields that admission and allocation set, which are not compared here."""


def golden(shared: pathlib.Path) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((shared / "data" / "kubernetes-golden" / "defaults.json").read_text())
    return cases


def kind_of(obj: Obj) -> kinds.Kind:
    found = kinds.BUILTIN.for_object(obj["apiVersion"], obj["kind"])
    assert found is not None
    return found


def comparable(kind: kinds.Kind, obj: Obj) -> Obj:
    """The object without what admission, allocation and managedFields tracking add."""
    meta = {k: v for k, v in obj["metadata"].items() if k not in ("managedFields", "finalizers")}
    spec = {k: v for k, v in (obj.get("spec") or {}).items() if k not in ADMITTED.get(kind.plural, ())}
    for field in ("containers", "initContainers"):
        if kind.plural == "pods" and field in spec:
            spec[field] = [{k: v for k, v in c.items() if k != "volumeMounts"} for c in spec[field]]
    if kind.plural == "services":
        spec["ports"] = [{k: v for k, v in p.items() if k != "nodePort"} for p in spec.get("ports", ())]
    return {**obj, "metadata": meta, "spec": spec}


def test_as_a_real_server(shared: pathlib.Path) -> None:
    for case in golden(shared):
        told = case["output"]
        kind = kind_of(told)
        if not kind.storable:
            continue
        body, _ = schema.decode(kind, case["input"], True)
        server = {k: told["metadata"][k] for k in ("uid", "creationTimestamp", "namespace") if k in told["metadata"]}
        made = defaults.defaulted(kind, {**body, "metadata": {**body["metadata"], **server}})
        made = strategies.for_create(kind, made, told["metadata"]["creationTimestamp"])
        assert comparable(kind, made) == comparable(kind, told), case["name"]


def test_volumes_of_a_pod(shared: pathlib.Path) -> None:
    case = next(c for c in golden(shared) if c["name"] == "Pod rich")
    kind = kinds.of("pods")
    made = defaults.defaulted(kind, schema.decode(kind, case["input"], True)[0])
    assert made["spec"]["volumes"] == case["output"]["spec"]["volumes"][:-1]


def test_nothing_is_copied_when_nothing_is_missing(shared: pathlib.Path) -> None:
    for case in golden(shared):
        told = case["output"]
        assert defaults.defaulted(kind_of(told), told) is told, case["name"]


def test_arguments_stay_as_they_were(shared: pathlib.Path) -> None:
    for case in golden(shared):
        kind = kind_of(case["output"])
        before = json.dumps(case["input"])
        defaults.defaulted(kind, case["input"])
        assert json.dumps(case["input"]) == before, case["name"]


def test_unchanged_parts_are_shared() -> None:
    complete = {"name": "a", "image": "b:1", "resources": {}, "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File", "imagePullPolicy": "Always"}  # fmt: skip
    pod = {"spec": {"containers": [complete, {"name": "c", "image": "d"}]}}
    made = defaults.defaulted(kinds.of("pods"), pod)
    assert made["spec"]["containers"][0] is complete
    assert made["spec"]["containers"][1]["imagePullPolicy"] == "Always"


IMAGES = {
    "no tag": ("nginx", "Always"),
    "latest": ("nginx:latest", "Always"),
    "tag": ("nginx:1.2", "IfNotPresent"),
    "registry with port": ("localhost:5000/nginx", "Always"),
    "registry with port and tag": ("localhost:5000/nginx:1", "IfNotPresent"),
    "digest": ("nginx@sha256:0123", "IfNotPresent"),
    "empty": ("", "IfNotPresent"),
    "not a reference": ("Nginx", "IfNotPresent"),
}


@pytest.mark.parametrize(("image", "policy"), IMAGES.values(), ids=IMAGES)
def test_pull_policy(image: str, policy: str) -> None:
    assert defaultpods.pull_policy(image) == policy


CPU, BOTH, HALF = {"cpu": "1"}, {"cpu": "1", "memory": "1Gi"}, {"cpu": "500m", "memory": "1Gi"}
CLASSES: dict[str, tuple[list[Obj], str]] = {
    "nothing": ([{}], "BestEffort"),
    "zero": ([{"requests": {"cpu": "0"}}], "BestEffort"),
    "one request": ([{"requests": CPU}], "Burstable"),
    "limits equal requests": ([{"requests": BOTH, "limits": BOTH}], "Guaranteed"),
    "limits above requests": ([{"requests": HALF, "limits": BOTH}], "Burstable"),
    "one container without": ([{"requests": BOTH, "limits": BOTH}, {}], "Burstable"),
    "other resources do not count": ([{"requests": {"ephemeral-storage": "1Gi"}}], "BestEffort"),
}


@pytest.mark.parametrize(("resources", "expected"), CLASSES.values(), ids=CLASSES)
def test_qos_class(resources: list[Obj], expected: str) -> None:
    assert qos.qos_class({"spec": {"containers": [{"resources": r} for r in resources]}}) == expected


def test_requests_of_the_whole_pod() -> None:
    pod = {
        "spec": {
            "containers": [
                {"name": "a", "resources": {"requests": {"cpu": "1"}}},
                {"name": "b", "resources": {"limits": {"cpu": "2"}}},
            ],
            "resources": {"limits": {"cpu": "4", "memory": "1Gi"}},
        }
    }
    made = defaults.defaulted(kinds.of("pods"), pod)
    assert made["spec"]["resources"]["requests"] == {"cpu": "3", "memory": "1Gi"}


def stored(**spec: Any) -> Obj:
    meta = {"name": "x", "namespace": "d", "uid": "u", "generation": 3, "resourceVersion": "7", "labels": {"a": "b"}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec, "status": {"replicas": 1}}


DEPLOYMENTS = kinds.of("deployments.apps")


def test_an_update_keeps_status_and_counts_changes() -> None:
    old = stored(replicas=1)
    same = strategies.for_update(DEPLOYMENTS, {**old, "status": {"replicas": 9}}, old)
    assert (same["status"], same["metadata"]["generation"]) == ({"replicas": 1}, 3)
    new = {**old, "spec": {"replicas": 2}, "metadata": {**old["metadata"], "uid": "other", "generation": 99}}
    changed = strategies.for_update(DEPLOYMENTS, new, old)
    assert (changed["metadata"]["uid"], changed["metadata"]["generation"]) == ("u", 4)
    annotated = {**old, "metadata": {**old["metadata"], "annotations": {"k": "v"}}}
    assert strategies.for_update(DEPLOYMENTS, annotated, old)["metadata"]["generation"] == 4


def test_a_status_update_changes_only_the_status() -> None:
    old = stored(replicas=1)
    meta = {**old["metadata"], "labels": {"c": "d"}, "annotations": {"k": "v"}}
    new = {**old, "spec": {"replicas": 5}, "status": {"replicas": 2}, "metadata": meta}
    made = strategies.for_status_update(DEPLOYMENTS, new, old)
    assert (made["spec"], made["status"]) == ({"replicas": 1}, {"replicas": 2})
    assert (made["metadata"]["labels"], made["metadata"]["annotations"]) == ({"a": "b"}, {"k": "v"})
    assert made["metadata"]["generation"] == 3


def test_kinds_without_generation() -> None:
    made = strategies.for_create(kinds.of("configmaps"), {"metadata": {"name": "x", "generation": 5}})
    assert "generation" not in made["metadata"]


def test_the_template_of_a_daemon_set_is_counted() -> None:
    kind = kinds.of("daemonsets.apps")
    old = strategies.for_create(kind, {"metadata": {"name": "x"}, "spec": {"template": {"spec": {}}}})
    key = "deprecated.daemonset.template.generation"
    assert old["metadata"]["annotations"][key] == "1"
    new = {**old, "spec": {"template": {"spec": {"hostNetwork": True}}}}
    made = strategies.for_update(kind, new, old)
    assert (made["metadata"]["annotations"][key], made["metadata"]["generation"]) == ("2", 2)
    assert strategies.for_update(kind, old, made | {"spec": old["spec"]})["metadata"]["annotations"][key] == "2"


def test_a_gated_pod_says_so() -> None:
    pod = {"metadata": {"name": "x"}, "spec": {"containers": [], "schedulingGates": [{"name": "a.b/c"}]}}
    made = strategies.for_create(kinds.of("pods"), pod)
    assert made["status"]["conditions"][0]["reason"] == "SchedulingGated"


def test_match_label_keys_become_requirements() -> None:
    spread = {"maxSkew": 1, "topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}, "matchLabelKeys": ["hash"]}
    pod = {"metadata": {"name": "x", "labels": {"hash": "1"}}, "spec": {"topologySpreadConstraints": [spread]}}
    made = strategies.for_create(kinds.of("pods"), pod)
    selector = made["spec"]["topologySpreadConstraints"][0]["labelSelector"]
    assert selector["matchExpressions"] == [{"key": "hash", "operator": "In", "values": ["1"]}]
