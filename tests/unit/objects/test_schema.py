"""The schema of every kind, and request bodies read by it."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from k8s_notebook.objects import kinds, schema
from k8s_notebook.objects.errors import BadRequest


def node(kind: str, *path: str, api: str = "v1") -> schema.Node:
    found = schema.of(api, kind)
    for name in path:
        assert found is not None
        found = found.items if name == "*" else found.field(name)
    assert found is not None
    return found


def test_every_kind_has_a_schema() -> None:
    missing = [k.resource for k in kinds.EMBEDDED if schema.of(k.api_version, k.kind) is None]
    assert missing == []
    for kind in ("DeleteOptions", "Status"):
        assert schema.of("v1", kind) is not None
    assert schema.of("autoscaling/v1", "Scale") is not None
    assert schema.of("policy/v1", "Eviction") is not None
    assert schema.of("v1", "Nothing") is None


def test_merge_rules() -> None:
    ports = node("Pod", "spec", "containers", "*", "ports")
    assert (ports.type, ports.patch_strategy, ports.merge_key) == ("array", "merge", "containerPort")
    assert (ports.list_type, ports.list_keys) == ("map", ("containerPort", "protocol"))
    assert node("Pod", "spec", "containers", "*", "ports", "*", "protocol").default == "TCP"
    assert node("Pod", "spec", "volumes").patch_strategy == "merge,retainKeys"
    assert node("Pod", "metadata", "finalizers").list_type == "set"
    assert node("Pod", "spec", "tolerations").list_type == "atomic"
    assert node("Pod", "spec", "nodeSelector").map_type == "atomic"
    assert node("Deployment", "spec", "selector", api="apps/v1").map_type == "atomic"
    assert node("Deployment", "spec", "strategy", api="apps/v1").patch_strategy == "retainKeys"


def test_types() -> None:
    assert node("Service", "spec", "ports", "*", "targetPort").int_or_string
    assert node("Service", "spec", "ports", "*", "port").format == "int32"
    assert node("Pod", "metadata", "labels", "anything").type == "string"
    assert node("Pod", "spec").required == ("containers",)
    assert node("Pod", "metadata", "creationTimestamp").format == "date-time"
    assert node("Pod").field("nothing") is None
    assert node("Fault", "spec", "target", "name", api="k8s-notebook.io/v1alpha1").type == "string"


def test_custom_schemas_become_the_same_nodes() -> None:
    described = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer"},
                    "port": {"x-kubernetes-int-or-string": True},
                    "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        },
    }
    root = schema.from_openapi(described, root=True)
    kind = kinds.Kind("ex.com", "v1", "foos", "Foo")
    body = {"metadata": {"name": "x"}, "spec": {"size": 1, "port": "a", "tags": ["b"], "free": {"any": 1}, "no": 1}}
    decoded, warnings = schema.decode(kind, body, False, node=root)
    assert decoded["spec"] == {"size": 1, "port": "a", "tags": ["b"], "free": {"any": 1}}
    assert warnings == ['unknown field "spec.no"']
    tags = root.fields["spec"].field("tags")
    assert tags is not None
    assert tags.list_type == "set"


REFUSED: dict[str, tuple[str, Any, str]] = {
    "number for text": (
        "configmaps",
        {"data": {"a": 1}},
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
    ),
    "text for list": (
        "pods",
        {"spec": {"containers": "x"}},
        'Pod in version "v1" cannot be handled as a Pod: '
        "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
    ),
    "number inside a list": (
        "deployments.apps",
        {"spec": {"template": {"spec": {"containers": [{"env": [{"value": 1}]}]}}}},
        'Deployment in version "v1" cannot be handled as a Deployment: '
        "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string",
    ),
    "fraction for whole number": (
        "deployments.apps",
        {"spec": {"replicas": 1.5}},
        'Deployment in version "v1" cannot be handled as a Deployment: '
        "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ),
    "too large": (
        "deployments.apps",
        {"spec": {"replicas": 3000000000}},
        'Deployment in version "v1" cannot be handled as a Deployment: '
        "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ),
    "named text type": (
        "pods",
        {"spec": {"restartPolicy": True}},
        'Pod in version "v1" cannot be handled as a Pod: '
        "json: cannot unmarshal bool into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
    ),
    "bad quantity": (
        "pods",
        {"spec": {"containers": [{"resources": {"requests": {"cpu": "abc"}}}]}},
        'Pod in version "v1" cannot be handled as a Pod: '
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ),
    "another kind": (
        "configmaps",
        {"apiVersion": "v1", "kind": "Secret"},
        'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    ),
    "another version": (
        "configmaps",
        {"apiVersion": "apps/v1", "kind": "ConfigMap"},
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
        'no kind "ConfigMap" is registered for version "apps/v1" in scheme "pkg/runtime/scheme.go:111"',
    ),
    "embedded struct": (
        "pods",
        {"spec": {"containers": [{"livenessProbe": {"httpGet": {"port": 1.5}}}]}},
        'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number 1.5 into Go struct field '
        "HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32",
    ),
    "number for time": (
        "pods",
        {"metadata": {"creationTimestamp": 5}},
        'Pod in version "v1" cannot be handled as a Pod: '
        "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
    ),
    "micro time without fraction": (
        "leases.coordination.k8s.io",
        {"spec": {"renewTime": "2026-01-01T00:00:00Z"}},
        'Lease in version "v1" cannot be handled as a Lease: '
        'parsing time "2026-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    ),
    "bad time": (
        "leases.coordination.k8s.io",
        {"metadata": {"creationTimestamp": "x"}},
        'Lease in version "v1" cannot be handled as a Lease: '
        'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    ),
}


@pytest.mark.parametrize(("resource", "body", "sentence"), REFUSED.values(), ids=REFUSED)
def test_refused(resource: str, body: Any, sentence: str) -> None:
    with pytest.raises(BadRequest) as caught:
        schema.decode(kinds.of(resource), body, False)
    assert str(caught.value) == sentence


def test_unknown_and_duplicate_fields() -> None:
    body, duplicates = schema.parse_json('{"dat":{"a":"1"},"data":{"a":"b","a":"c"}}')
    decoded, warnings = schema.decode(kinds.of("configmaps"), body, False, duplicates=duplicates)
    assert decoded == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": {"a": "c"}}
    assert warnings == ['unknown field "dat"', 'duplicate field "data.a"']
    with pytest.raises(BadRequest) as caught:
        schema.decode(kinds.of("configmaps"), body, True, duplicates=duplicates)
    assert str(caught.value) == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
        'strict decoding error: unknown field "dat", duplicate field "data.a"'
    )


def test_what_is_kept() -> None:
    body = {
        "metadata": {"name": "x", "creationTimestamp": None, "labels": {}},
        "spec": {
            "hostNetwork": False,
            "automountServiceAccountToken": False,
            "containers": [{"name": "c", "env": [], "resources": {"requests": {"cpu": 0.5, "memory": "100u"}}, "bogus": 1}],
        },
        "status": {},
    }
    decoded, warnings = schema.decode(kinds.of("pods"), body, False)
    assert warnings == ['unknown field "spec.containers[0].bogus"']
    assert decoded["metadata"] == {"name": "x"}
    assert decoded["spec"] == {
        "automountServiceAccountToken": False,
        "containers": [{"name": "c", "resources": {"requests": {"cpu": "500m", "memory": "1m"}}}],
    }
    as_meant, _ = schema.decode(
        kinds.of("deployments.apps"), {"metadata": {"name": "x"}, "spec": {"replicas": 0}}, False, fill=False
    )
    assert as_meant == {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"replicas": 0}}


def test_objects_of_a_real_server_stay_as_they_are(shared: pathlib.Path) -> None:
    """A real server's answer is a fixed point of decoding."""
    for case in json.loads((shared / "data" / "kubernetes-golden" / "defaults.json").read_text()):
        told = case["output"]
        kind = kinds.BUILTIN.for_object(told["apiVersion"], told["kind"])
        assert kind is not None
        assert schema.decode(kind, told, True) == (told, []), case["name"]


SENTENCES = {
    "no quotes": ("{bad", "invalid character 'b' looking for beginning of object key string"),
    "half": ('{"a":', "unexpected end of JSON input"),
    "open text": ('{"a', "unexpected end of JSON input"),
    "missing colon": ('{"a" 1}', "invalid character '1' after object key"),
    "missing comma": ('{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
    "missing comma in a list": ("[1 2]", "invalid character '2' after array element"),
    "too much": ("{} x", "invalid character 'x' after top-level value"),
    "no value": ('{"a":x}', "invalid character 'x' looking for beginning of value"),
    "no number of JSON": ('{"a":NaN}', "invalid character 'N' looking for beginning of value"),
}


@pytest.mark.parametrize(("text", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_unreadable_text(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        schema.parse_json(text.encode())
    assert str(caught.value) == sentence


def test_unreadable_body() -> None:
    why = "invalid character 'b' looking for beginning of object key string"
    assert str(schema.unreadable("ConfigMap", b"{bad", why)) == (
        "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; "
        f"json parse error: {why} ({{bad)"
    )


def test_duplicates_anywhere() -> None:
    _, found = schema.parse_json(b'{"a":[{"b":1,"b":2,"c":{"d":1,"d":1}}]}')
    assert found == ["a[0].b", "a[0].c.d"]


def test_openapi_document() -> None:
    document = schema.openapi_v3("apps", "v1", kinds.EMBEDDED)
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert {"fieldValidation", "dryRun"} <= {p["name"] for p in patch["parameters"]}
    schemas = document["components"]["schemas"]
    gvk = [{"group": "apps", "version": "v1", "kind": "Deployment"}]
    assert schemas["io.k8s.api.apps.v1.Deployment"]["x-kubernetes-group-version-kind"] == gvk
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["items"] == {"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"}
    text = json.dumps(document)
    used = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used <= schemas.keys()


def test_openapi_document_of_our_own_group() -> None:
    own = schema.own_node("k8s-notebook.io/v1alpha1", "Fault")
    assert own is not None
    document = schema.openapi_v3("k8s-notebook.io", "v1alpha1", kinds.EMBEDDED, {"Fault": own})
    described = document["components"]["schemas"]["io.k8s-notebook.v1alpha1.Fault"]
    assert {"apiVersion", "kind", "metadata", "spec"} == described["properties"].keys()
    assert "patch" in document["paths"]["/apis/k8s-notebook.io/v1alpha1/faults/{name}"]
