"""Protobuf bodies: bytes written by hand, and a round trip of every kind of object."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from k8s_notebook.objects import kinds, protobuf
from k8s_notebook.objects.errors import BadRequest
from tests.unit.objects import proto_encoder as proto

NAME = proto.block(1, proto.block(1, "x"))
"""ObjectMeta with a name, as field 1 of every object."""

BY_HAND: dict[str, tuple[str, str, bytes, dict[str, Any]]] = {
    "a ConfigMap with a map": (
        "v1",
        "ConfigMap",
        NAME + proto.block(2, proto.block(1, "k") + proto.block(2, "v")),
        {"metadata": {"name": "x"}, "data": {"k": "v"}},
    ),
    "an empty value in a map": (
        "v1",
        "ConfigMap",
        NAME + proto.block(2, proto.block(1, "k")),
        {"metadata": {"name": "x"}, "data": {"k": ""}},
    ),
    "a Secret's bytes": (
        "v1",
        "Secret",
        NAME + proto.block(2, proto.block(1, "k") + proto.block(2, b"\x00\xff")),
        {"metadata": {"name": "x"}, "data": {"k": "AP8="}},
    ),
    "a pointer to zero stays, a plain zero goes": (
        "apps/v1",
        "Deployment",
        NAME + proto.block(2, proto.integer(1, 0) + proto.integer(5, 0)),
        {
            "metadata": {"name": "x"},
            "spec": {
                "replicas": 0,
                "selector": None,
                "template": {"metadata": {}, "spec": {"containers": None}},
                "strategy": {},
            },
            "status": {},
        },
    ),
    "options of a deletion, with any group": (
        "apps/v1",
        "DeleteOptions",
        proto.integer(1, 0) + proto.block(2, proto.block(1, "u")) + proto.block(4, "Background"),
        {"gracePeriodSeconds": 0, "preconditions": {"uid": "u"}, "propagationPolicy": "Background"},
    ),
    "a Binding": (
        "v1",
        "Binding",
        NAME + proto.block(2, proto.block(1, "Node") + proto.block(3, "n1")),
        {"metadata": {"name": "x"}, "target": {"kind": "Node", "name": "n1"}},
    ),
    "an Eviction": ("policy/v1", "Eviction", NAME, {"metadata": {"name": "x"}}),
    "a Scale": (
        "autoscaling/v1",
        "Scale",
        NAME + proto.block(2, proto.integer(1, 3)),
        {"metadata": {"name": "x"}, "spec": {"replicas": 3}, "status": {"replicas": 0}},
    ),
    "a Lease with microseconds": (
        "coordination.k8s.io/v1",
        "Lease",
        NAME + proto.block(2, proto.integer(2, 15) + proto.block(4, proto.integer(1, 60) + proto.integer(2, 1_500_000))),
        {"metadata": {"name": "x"}, "spec": {"leaseDurationSeconds": 15, "renewTime": "1970-01-01T00:01:00.001500Z"}},
    ),
    "a review's lists of lists": (
        "authorization.k8s.io/v1",
        "SubjectAccessReview",
        proto.block(2, proto.block(3, "u") + proto.block(5, proto.block(1, "e") + proto.block(2, proto.block(1, "1")))),
        {"metadata": {}, "spec": {"user": "u", "extra": {"e": ["1"]}}, "status": {"allowed": False}},
    ),
    "a negative number": (
        "scheduling.k8s.io/v1",
        "PriorityClass",
        NAME + proto.integer(2, -5),
        {"metadata": {"name": "x"}, "value": -5},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("api_version", "kind", "raw", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_bytes_written_by_hand(api_version: str, kind: str, raw: bytes, expected: dict[str, Any]) -> None:
    found = protobuf.decode(proto.envelope(api_version, kind, raw))
    assert found == {"kind": kind, "apiVersion": api_version, **expected}


POD = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {
        "name": "p",
        "creationTimestamp": "2026-11-20T22:53:03Z",
        "labels": {"a": "b"},
        "managedFields": [{"manager": "m", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}}],
    },
    "spec": {
        "volumes": [
            {"name": "v", "configMap": {"name": "c", "optional": False}},
            {"name": "e", "emptyDir": {"sizeLimit": "1Gi"}},
        ],
        "containers": [
            {
                "name": "c",
                "image": "i",
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                "resources": {"requests": {"cpu": "100m"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 3},
                "readinessProbe": {"tcpSocket": {"port": 80}},
            }
        ],
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsUser": 0, "supplementalGroups": [1, 2]},
        "tolerations": [{"key": "k", "operator": "Exists", "tolerationSeconds": 300}],
    },
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True", "lastProbeTime": None, "lastTransitionTime": "2026-11-20T22:53:03Z"}],
    },
}
CRD = {
    "kind": "CustomResourceDefinition",
    "apiVersion": "apiextensions.k8s.io/v1",
    "metadata": {"name": "shirts.example.com"},
    "spec": {
        "group": "example.com",
        "names": {"plural": "shirts", "kind": "Shirt"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "default": {"a": [1]},
                        "enum": ["a", 1],
                        "maximum": 1.5,
                        "minimum": 0,
                        "additionalProperties": False,
                        "items": {"type": "string"},
                        "properties": {"spec": {"type": "object", "additionalProperties": {"type": "string"}}},
                    }
                },
            }
        ],
    },
    "status": {
        "conditions": None,
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": None,
    },
}


@pytest.mark.parametrize("obj", [POD, CRD], ids=["Pod", "CustomResourceDefinition"])
def test_round_trip_keeps_everything(obj: dict[str, Any]) -> None:
    assert protobuf.decode(proto.encode(obj)) == obj


def test_fields_come_in_the_order_of_a_real_server() -> None:
    assert json.dumps(protobuf.decode(proto.encode(POD))) == json.dumps(POD)


def without_nulls(value: Any, *, inside: str = "") -> Any:
    """Null, an empty list and nothing are the same in protobuf; an embedded object does not say of what kind it is."""
    if isinstance(value, dict):
        hidden = ("kind", "apiVersion") if inside == "volumeClaimTemplates" else ()
        kept = {name: without_nulls(inner, inside=name) for name, inner in value.items() if name not in hidden}
        return {name: inner for name, inner in kept.items() if inner not in (None, [])}
    return [without_nulls(inner, inside=inside) for inner in value] if isinstance(value, list) else value


def test_round_trip_of_what_a_real_server_returned(shared: pathlib.Path) -> None:
    for case in json.loads((shared / "data/kubernetes-golden/defaults.json").read_text()):
        obj = case["output"]
        assert without_nulls(protobuf.decode(proto.encode(obj))) == without_nulls(obj), case["name"]


def test_the_table_knows_every_built_in_kind() -> None:
    assert {f"{kind.api_version} {kind.kind}" for kind in kinds.BUILTIN} <= set(protobuf.table().kinds)


def test_the_url_names_what_the_envelope_does_not() -> None:
    found = protobuf.decode(proto.envelope("", "", NAME), "v1", "ConfigMap")
    assert found == {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "x"}}


def test_integers_may_come_packed() -> None:
    context = proto.block(4, proto.varint(1) + proto.varint(300))
    found = protobuf.decode(proto.envelope("v1", "Pod", NAME + proto.block(2, proto.block(14, context))))
    assert found["spec"]["securityContext"] == {"supplementalGroups": [1, 300]}


BROKEN = {
    "JSON": (b"{}", "expected prefix"),
    "cut off": (proto.envelope("v1", "ConfigMap", NAME)[:-14], "unexpected EOF"),
    "unknown kind": (proto.envelope("v9", "Nope", b""), 'no kind "Nope" is registered for version "v9"'),
    "wrong wire type": (proto.envelope("v1", "ConfigMap", proto.integer(1, 5)), "wrong wireType"),
    "no text": (proto.envelope("v1", "ConfigMap", proto.block(1, proto.block(1, b"\xff"))), "utf-8"),
}


@pytest.mark.parametrize(("body", "sentence"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_object_is_refused(body: bytes, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        protobuf.decode(body)
