"""Validation: the sentences of a real server, the rules by table, and what an update may do."""

from __future__ import annotations

import itertools
import json
import pathlib
import re
from typing import Any

import pytest

from k8s_notebook.objects import Obj, defaults, errors, kinds, schema, strategies, validation

REQUEST = re.compile(r"--- POST (/\S+?)(?:\?\S+)? (\{.*\})$")


def prepared(kind: kinds.Kind, body: Obj, **meta: Any) -> Obj:
    """The body as a server has it before validation, admission aside."""
    decoded, _ = schema.decode(kind, body, False)
    server = {"uid": "u", **({"namespace": "default"} if kind.namespaced else {}), **meta}
    made = defaults.defaulted(kind, {**decoded, "metadata": {**decoded["metadata"], **server}})
    return strategies.for_create(kind, made)


def kind_at(path: str) -> kinds.Kind | None:
    parts = path.strip("/").split("/")
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    return kinds.BUILTIN.at(group, version, rest[2] if rest[0] == "namespaces" and len(rest) > 2 else rest[0])


def test_as_a_real_server(shared: pathlib.Path) -> None:
    """Every refused POST of the reference file whose body is complete."""
    lines = (shared / "data" / "kubernetes-golden" / "errors.txt").read_text().splitlines()
    seen = 0
    for request, response in itertools.pairwise(lines):
        found = REQUEST.match(request)
        if found is None or not response.startswith("422 ") or "already allocated" in response or "Options" in response:
            continue
        kind = kind_at(found[1])
        assert kind is not None
        try:
            body = json.loads(found[2])
        except json.JSONDecodeError:
            continue
        status = json.loads(response[4:])
        obj = prepared(kind, body)
        refused = errors.invalid(kind.group, kind.kind, obj["metadata"].get("name", ""), validation.validate(kind, obj))
        assert refused.status() == status
        seen += 1
    assert seen >= 4


def test_all_mistakes_of_a_pod_in_order() -> None:
    container = {"name": "A_B", "image": "", "ports": [{"containerPort": 99999}],
                 "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}  # fmt: skip
    meta = {"name": "x", "labels": {"bad key!": "v", "k": "bad value!"}}
    pod = prepared(kinds.of("pods"), {"metadata": meta, "spec": {"restartPolicy": "Foo", "containers": [container]}})
    found = validation.validate(kinds.of("pods"), pod)
    assert [c.field for c in found] == [
        "metadata.labels",
        "metadata.labels",
        "spec.containers[0].name",
        "spec.containers[0].image",
        "spec.containers[0].ports[0].containerPort",
        "spec.containers[0].resources.requests",
        "spec.restartPolicy",
    ]
    assert found[-1].message == 'Unsupported value: "Foo": supported values: "Always", "OnFailure", "Never"'
    assert found[-2].message == 'Invalid value: "2": must be less than or equal to cpu limit of 1'


def test_what_a_real_server_stored_is_valid(shared: pathlib.Path) -> None:
    for case in json.loads((shared / "data" / "kubernetes-golden" / "defaults.json").read_text()):
        told = case["output"]
        kind = kinds.BUILTIN.for_object(told["apiVersion"], told["kind"])
        assert kind is not None
        if kind.storable:
            assert validation.validate(kind, told) == [], case["name"]
            again = json.loads(json.dumps(told))
            assert validation.validate_update(kind, again, told) == [], case["name"]


def pod(**spec: Any) -> Obj:
    return {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def container(**fields: Any) -> Obj:
    return pod(containers=[{"name": "c", "image": "i", **fields}])


def deployment(**spec: Any) -> Obj:
    labels = {"a": "b"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {"metadata": {"name": "x"}, "spec": {"selector": {"matchLabels": labels}, "template": template, **spec}}


CREATES: dict[str, tuple[str, Obj, str]] = {
    "label with dots": (
        "namespaces", {"metadata": {"name": "a.b"}}, 'metadata.name: Invalid value: "a.b": must not contain dots',
    ),
    "service may start with a digit": ("services", {"metadata": {"name": "1x"}, "spec": {"ports": [{"port": 80}]}}, ""),
    "role names are path segments": ("roles.rbac.authorization.k8s.io", {"metadata": {"name": "system:x"}}, ""),
    "mount without volume": (
        "pods", container(volumeMounts=[{"name": "v", "mountPath": "/v"}]),
        'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ),
    "two volumes, one name": (
        "pods", pod(volumes=[{"name": "v"}, {"name": "v"}]), 'spec.volumes[1].name: Duplicate value: "v"',
    ),
    "two sources": (
        "pods", pod(volumes=[{"name": "v", "emptyDir": {}, "secret": {"secretName": "s"}}]),
        "spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type",
    ),
    "two containers, one name": (
        "pods", pod(containers=[{"name": "c", "image": "i"}, {"name": "c", "image": "i"}]),
        'spec.containers[1].name: Duplicate value: "c"',
    ),
    "probe port": (
        "pods", container(livenessProbe={"httpGet": {"port": 0}}),
        "spec.containers[0].livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ),
    "probe without handler": (
        "pods", container(readinessProbe={}), "spec.containers[0].readinessProbe: Required value: must specify a handler type",
    ),
    "pull policy": (
        "pods", container(imagePullPolicy="Sometimes"),
        'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
    ),
    "toleration without key": (
        "pods", pod(tolerations=[{"operator": "Equal"}]),
        'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, '
        'which means "match all values and all keys"',
    ),
    "extended resource without limit": (
        "pods", container(resources={"requests": {"a.b/gpu": "1"}}),
        "spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources",
    ),
    "half a GPU": (
        "pods", container(resources={"limits": {"a.b/gpu": "500m"}, "requests": {"a.b/gpu": "500m"}}),
        'spec.containers[0].resources.limits[a.b/gpu]: Invalid value: "500m": must be an integer; '
        'spec.containers[0].resources.requests[a.b/gpu]: Invalid value: "500m": must be an integer',
    ),
    "negative memory": (
        "pods", container(resources={"requests": {"memory": "-1"}}),
        'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
    ),
    "spread": (
        "pods", pod(topologySpreadConstraints=[{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "No"}]),
        "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero; "
        'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "No": '
        'supported values: "DoNotSchedule", "ScheduleAnyway"',
    ),
    "weight": (
        "pods",
        pod(affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "preference": {}}]}}),
        "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: "
        "Invalid value: 0: must be in the range 1-100",
    ),
    "init container with a probe": (
        "pods", pod(initContainers=[{"name": "i", "image": "i", "startupProbe": {"exec": {"command": ["a"]}}}]),
        "spec.initContainers[0].startupProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
    ),
    "two controllers": (
        "configmaps",
        {"metadata": {"name": "x", "ownerReferences": [
            {"apiVersion": "v1", "kind": "A", "name": "a", "uid": "1", "controller": True},
            {"apiVersion": "v1", "kind": "B", "name": "b", "uid": "2", "controller": True},
        ]}},
        'metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"A","name":"a","uid":"1","controller":true},'
        '{"apiVersion":"v1","kind":"B","name":"b","uid":"2","controller":true}]: Only one reference can have Controller set to '
        'true. Found "true" in references for A/a and B/b',
    ),
    "recreate with numbers": (
        "deployments.apps", deployment(strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
        "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ),
    "no progress possible": (
        "deployments.apps", deployment(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
        "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
    ),
    "deadline before ready": (
        "deployments.apps", deployment(minReadySeconds=600),
        "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
    ),
    "job that restarts": (
        "jobs.batch", {"metadata": {"name": "x"}, "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}},
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ),
    "bad schedule": (
        "cronjobs.batch",
        {"metadata": {"name": "x"}, "spec": {"schedule": "* * *", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}}},
        'spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]',
    ),
    "long cron job name": (
        "cronjobs.batch",
        {"metadata": {"name": "x" * 53}, "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}}},
        f'metadata.name: Invalid value: "{"x" * 53}": must be no more than 52 characters',
    ),
    "ports without names": (
        "services", {"metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}, {"port": 81}]}},
        "spec.ports[0].name: Required value; spec.ports[1].name: Required value",
    ),
    "key of a ConfigMap": (
        "configmaps", {"metadata": {"name": "x"}, "data": {"a b": ""}},
        "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
        "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ),
    "TLS secret": (
        "secrets", {"metadata": {"name": "x"}, "type": "kubernetes.io/tls"},
        "data[tls.crt]: Required value; data[tls.key]: Required value",
    ),
    "claim without size": (
        "persistentvolumeclaims", {"metadata": {"name": "x"}, "spec": {"accessModes": ["ReadWriteOnce"]}},
        "spec.resources[storage]: Required value",
    ),
    "budget with both": (
        "poddisruptionbudgets.policy", {"metadata": {"name": "x"}, "spec": {"minAvailable": "101%"}},
        'spec.minAvailable: Invalid value: "101%": must not be greater than 100%',
    ),
    "path type": (
        "ingresses.networking.k8s.io",
        {"metadata": {"name": "x"}, "spec": {"rules": [{"http": {"paths": [
            {"path": "/", "backend": {"service": {"name": "s", "port": {"number": 1}}}}]}}]}},
        "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified",
    ),
    "priority": (
        "priorityclasses.scheduling.k8s.io", {"metadata": {"name": "x"}, "value": 2000000000},
        "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
    ),
    "no such subject": (
        "rolebindings.rbac.authorization.k8s.io",
        {"metadata": {"name": "x"}, "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "Person", "name": "p"}]},
        'subjects[0].kind: Unsupported value: "Person": supported values: "ServiceAccount", "User", "Group"',
    ),
    "unknown quota": (
        "resourcequotas", {"metadata": {"name": "x"}, "spec": {"hard": {"storage": "1"}}},
        'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("resource", "body", "sentences"), CREATES.values(), ids=CREATES)
def test_create(resource: str, body: Obj, sentences: str) -> None:
    kind = kinds.of(resource)
    assert "; ".join(c.sentence() for c in validation.validate(kind, prepared(kind, body))) == sentences


def changed(obj: Obj, path: str, value: Any) -> Obj:
    """A new object with one value exchanged; `path` is dotted, numbers are indices."""
    key, _, rest = path.partition(".")
    if isinstance(obj, list):
        return [changed(v, rest, value) if str(i) == key and rest else value if str(i) == key else v for i, v in enumerate(obj)]  # type: ignore[return-value]
    return {**obj, key: changed(obj.get(key, {}), rest, value) if rest else value}


UPDATES: dict[str, tuple[str, Obj, str, Any, str]] = {
    "image": ("pods", pod(), "spec.containers.0.image", "j", ""),
    "command": ("pods", pod(), "spec.containers.0.command", ["a"], "spec: Forbidden: pod updates may not change fields other"),
    "another toleration": ("pods", pod(), "spec.tolerations", [{"key": "a", "operator": "Exists"}], ""),
    "toleration gone": (
        "pods", pod(tolerations=[{"key": "a"}]), "spec.tolerations", [],
        "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
    ),
    "another container": (
        "pods", pod(), "spec.containers", [], "spec.containers: Required value; spec.containers: Forbidden: pod updates may not",
    ),
    "longer deadline": (
        "pods", pod(activeDeadlineSeconds=5), "spec.activeDeadlineSeconds", 9,
        "spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value",
    ),
    "gate taken away": ("pods", pod(schedulingGates=[{"name": "a.b/c"}]), "spec.schedulingGates", [], ""),
    "gate added": (
        "pods", pod(), "spec.schedulingGates", [{"name": "a.b/c"}],
        "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a.b/c'",
    ),
    "gated pod narrowed": ("pods", pod(schedulingGates=[{"name": "a.b/c"}]), "spec.nodeSelector", {"a": "b"}, ""),
    "selector": (
        "deployments.apps", deployment(), "spec.selector", {"matchLabels": {"a": "c"}},
        'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`; '
        'spec.selector: Invalid value: {"matchLabels":{"a":"c"}}: field is immutable',
    ),
    "replicas": ("deployments.apps", deployment(), "spec.replicas", 5, ""),
    "service name of a StatefulSet": (
        "statefulsets.apps", deployment(), "spec.serviceName", "other", "spec: Forbidden: updates to statefulset spec for fields",
    ),
    "type of a Secret": (
        "secrets", {"metadata": {"name": "x"}}, "type", "a/b", 'type: Invalid value: "a/b": field is immutable',
    ),
    "immutable ConfigMap": (
        "configmaps", {"metadata": {"name": "x"}, "immutable": True, "data": {"a": "b"}}, "data", {"a": "c"},
        "data: Forbidden: field is immutable when `immutable` is set",
    ),
    "class of storage": (
        "storageclasses.storage.k8s.io", {"metadata": {"name": "x"}, "provisioner": "a/b"}, "provisioner", "a/c",
        'provisioner: Invalid value: "a/c": field is immutable',
    ),
    "role of a binding": (
        "rolebindings.rbac.authorization.k8s.io", {"metadata": {"name": "x"}, "roleRef": {"kind": "Role", "name": "r"}},
        "roleRef", {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "s"},
        'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"s"}: cannot change roleRef',
    ),
    "priority": (
        "priorityclasses.scheduling.k8s.io", {"metadata": {"name": "x"}, "value": 1}, "value", 2,
        "value: Forbidden: may not be changed in an update.",
    ),
    "cluster IP": (
        "services",
        {"metadata": {"name": "x"}, "spec": {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "ports": [{"port": 1}]}},
        "spec.clusterIPs", ["10.96.0.77"],
        'spec.clusterIPs[0]: Invalid value: ["10.96.0.77"]: may not change once set',
    ),
    "size of an unbound claim": (
        "persistentvolumeclaims",
        {"metadata": {"name": "x"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        "spec.resources", {"requests": {"storage": "2Gi"}},
        "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName",
    ),
    "labels": (
        "configmaps", {"metadata": {"name": "x"}}, "metadata.labels", {"a": "b c"}, 'metadata.labels: Invalid value: "b c": a',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("resource", "body", "path", "value", "starts"), UPDATES.values(), ids=UPDATES)
def test_update(resource: str, body: Obj, path: str, value: Any, starts: str) -> None:
    kind = kinds.of(resource)
    old = prepared(kind, body)
    said = "; ".join(c.sentence() for c in validation.validate_update(kind, changed(old, path, value), old))
    assert said.startswith(starts) if starts else said == ""


def test_a_status_update_is_not_looked_at_again() -> None:
    kind = kinds.of("pods")
    old = prepared(kind, pod())
    assert validation.validate_update(kind, {**old, "status": {"phase": "Running"}}, old) == []
