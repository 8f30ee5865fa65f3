"""JSON patch, merge patch, strategic merge: what comes out, what is refused, and that nothing given is changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_notebook.objects import patching, schema
from k8s_notebook.objects.errors import ApiError, BadRequest, Invalid, TooLarge

POD_SPEC = schema.of("v1", "Pod").field("spec")
META = schema.of("v1", "Pod").field("metadata")

JSON_PATCHES: dict[str, tuple[Any, list[dict[str, Any]], Any]] = {
    "add": ({"a": {}}, [{"op": "add", "path": "/a/b", "value": 1}], {"a": {"b": 1}}),
    "append": ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
    "remove": ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
    "replace": ({"a": 1}, [{"op": "replace", "path": "/a", "value": 3}], {"a": 3}),
    "move": ({"a": 1}, [{"op": "move", "from": "/a", "path": "/b"}], {"b": 1}),
    "copy": ({"a": 1}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": 1, "b": 1}),
    "escaped slash": ({"m": {"x/y": 1}}, [{"op": "replace", "path": "/m/x~1y", "value": 2}], {"m": {"x/y": 2}}),
    "test for null where nothing is": ({"a": 1}, [{"op": "test", "path": "/b", "value": None}], {"a": 1}),
    "test holds": ({"a": 1}, [{"op": "test", "path": "/a", "value": 1}], {"a": 1}),
}


@pytest.mark.parametrize(("obj", "operations", "expected"), JSON_PATCHES.values(), ids=JSON_PATCHES)
def test_json_patch(obj: Any, operations: list[dict[str, Any]], expected: Any) -> None:
    before = json.dumps(obj)
    assert patching.json_patch(obj, operations) == expected
    assert json.dumps(obj) == before


REFUSED: dict[str, Any] = {
    "test fails": [{"op": "test", "path": "/a", "value": 99}],
    "path is missing": [{"op": "replace", "path": "/nope/x", "value": 1}],
    "nothing to remove": [{"op": "remove", "path": "/nope"}],
    "unknown operation": [{"op": "swap", "path": "/a"}],
    "no operation": [{}],
    "no object comes out": [{"op": "replace", "path": "", "value": 1}],
}


@pytest.mark.parametrize("operations", REFUSED.values(), ids=REFUSED)
def test_a_json_patch_that_does_not_fit_is_refused_as_the_server_does(operations: Any) -> None:
    with pytest.raises(Invalid) as error:
        patching.json_patch({"a": 1}, operations)
    assert error.value.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "the server rejected our request due to an error in our request",
        "reason": "Invalid",
        "details": {},
        "code": 422,
    }


def test_json_patches_have_limits() -> None:
    with pytest.raises(TooLarge, match="10000, got 10001"):
        patching.json_patch({}, [{"op": "test", "path": "", "value": {}}] * 10_001)
    with pytest.raises(BadRequest, match="cannot unmarshal object"):
        patching.json_patch({}, {"op": "add"})


MERGES = {
    "replace a value": ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    "add a value": ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    "null deletes": ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    "a list is replaced": ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
    "a map replaces a value": ({"a": 1}, {"a": {"b": None, "c": 2}}, {"a": {"c": 2}}),
    "nulls in a list stay": ({}, {"a": [None]}, {"a": [None]}),
    "deep": ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": None}}}, {"a": {"b": {"d": 2}}}),
}


@pytest.mark.parametrize(("obj", "patch", "expected"), MERGES.values(), ids=MERGES)
def test_merge_patch(obj: Any, patch: Any, expected: Any) -> None:
    before = json.dumps(obj)
    assert patching.merge_patch(obj, patch) == expected
    assert json.dumps(obj) == before


def test_a_merge_patch_is_a_map() -> None:
    with pytest.raises(BadRequest, match="cannot unmarshal array into Go value of type map"):
        patching.merge_patch({}, [])


def pod(**spec: Any) -> dict[str, Any]:
    return spec


A, B, C = {"name": "a", "image": "1"}, {"name": "b", "image": "1"}, {"name": "c", "image": "1"}
STRATEGIC: dict[str, tuple[Any, Any, Any]] = {
    "elements merge by key": (
        pod(containers=[A, B]),
        pod(containers=[{"name": "b", "image": "2"}]),
        pod(containers=[A, {**B, "image": "2"}]),
    ),
    "a new element comes first": (pod(containers=[A]), pod(containers=[B]), pod(containers=[B, A])),
    "the order is given": (
        pod(containers=[A, B]),
        {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]},
        pod(containers=[B, A]),
    ),
    "a new element at its place": (
        pod(containers=[A, B]),
        {"$setElementOrder/containers": [{"name": "a"}, {"name": "c"}, {"name": "b"}], "containers": [C]},
        pod(containers=[A, C, B]),
    ),
    "the server's own element keeps its place": (
        pod(containers=[A, C, B]),
        {"$setElementOrder/containers": [{"name": "a"}, {"name": "b"}], "containers": [{"name": "b", "image": "2"}]},
        pod(containers=[A, C, {**B, "image": "2"}]),
    ),
    "delete an element": (pod(containers=[A, B]), pod(containers=[{"name": "a", "$patch": "delete"}]), pod(containers=[B])),
    "delete an element of no list": (pod(), pod(containers=[{"name": "a", "$patch": "delete"}]), pod(containers=[])),
    "replace the list": (pod(containers=[A, B]), pod(containers=[C, {"$patch": "replace"}]), pod(containers=[C])),
    "null deletes a field": (pod(nodeName="n", containers=[A]), pod(nodeName=None), pod(containers=[A])),
    "null in an element": (pod(containers=[A]), pod(containers=[{"name": "a", "image": None}]), pod(containers=[{"name": "a"}])),
    "a list without key is replaced": (
        pod(tolerations=[{"key": "a"}, {"key": "b"}]),
        pod(tolerations=[{"key": "c"}]),
        pod(tolerations=[{"key": "c"}]),
    ),
    "replace a map": (
        pod(nodeSelector={"a": "1", "b": "2"}),
        pod(nodeSelector={"$patch": "replace", "c": "3"}),
        pod(nodeSelector={"c": "3"}),
    ),
    "delete a map": (pod(nodeSelector={"a": "1"}), pod(nodeSelector={"$patch": "delete"}), pod(nodeSelector={})),
    "delete a map that is not there": (pod(), pod(nodeSelector={"$patch": "delete"}), pod()),
    "retain keys in an element": (
        pod(volumes=[{"name": "v", "emptyDir": {}}]),
        pod(volumes=[{"$retainKeys": ["name", "hostPath"], "name": "v", "hostPath": {"path": "/x"}}]),
        pod(volumes=[{"name": "v", "hostPath": {"path": "/x"}}]),
    ),
    "retain keys in a new element": (
        pod(),
        pod(volumes=[{"$retainKeys": ["name", "emptyDir"], "name": "v", "emptyDir": {}}]),
        pod(volumes=[{"name": "v", "emptyDir": {}}]),
    ),
    "nulls in new values go": (pod(), pod(nodeSelector={"a": None, "b": "1"}), pod(nodeSelector={"b": "1"})),
    "nested lists merge": (
        pod(containers=[{"name": "a", "env": [{"name": "x", "value": "1"}]}]),
        pod(
            containers=[
                {"name": "a", "env": [{"name": "y", "value": "2"}], "$setElementOrder/env": [{"name": "x"}, {"name": "y"}]}
            ]
        ),
        pod(containers=[{"name": "a", "env": [{"name": "x", "value": "1"}, {"name": "y", "value": "2"}]}]),
    ),
    "ports merge by number": (
        pod(containers=[{"name": "a", "ports": [{"containerPort": 80}, {"containerPort": 81}]}]),
        pod(containers=[{"name": "a", "ports": [{"containerPort": 80, "name": "web"}]}]),
        pod(containers=[{"name": "a", "ports": [{"containerPort": 80, "name": "web"}, {"containerPort": 81}]}]),
    ),
}


@pytest.mark.parametrize(("obj", "patch", "expected"), STRATEGIC.values(), ids=STRATEGIC)
def test_strategic_merge(obj: Any, patch: Any, expected: Any) -> None:
    before = json.dumps([obj, patch])
    assert patching.strategic_merge(obj, patch, POD_SPEC) == expected
    assert json.dumps([obj, patch]) == before


FINALIZERS = {
    "the patch's come first": (["a.b/c"], {"finalizers": ["d.e/f"]}, ["d.e/f", "a.b/c"]),
    "no doubles": (["a.b/c"], {"finalizers": ["a.b/c"]}, ["a.b/c"]),
    "deleted": (["a", "b"], {"$deleteFromPrimitiveList/finalizers": ["a"]}, ["b"]),
    "in the given order": (["a"], {"$setElementOrder/finalizers": ["a", "b"], "finalizers": ["b"]}, ["a", "b"]),
    "deleted and added": (
        ["a", "b"],
        {"$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["b", "c"], "finalizers": ["c"]},
        ["b", "c"],
    ),
}


@pytest.mark.parametrize(("before", "patch", "expected"), FINALIZERS.values(), ids=FINALIZERS)
def test_lists_of_texts_merge(before: list[str], patch: Any, expected: list[str]) -> None:
    assert patching.strategic_merge({"finalizers": before}, patch, META)["finalizers"] == expected


def test_retain_keys_of_a_map() -> None:
    before = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}
    assert patching.strategic_merge(before, patch, schema.of("apps/v1", "Deployment").field("spec")) == {
        "strategy": {"type": "Recreate"}
    }


STRATEGIC_ERRORS: dict[str, tuple[Any, int, str]] = {
    "no merge key": (pod(containers=[{"image": "x"}]), 500, "map: map[image:x] does not contain declared merge key: name"),
    "unknown directive": (pod(nodeSelector={"$patch": "swap"}), 500, "unknown patch type: swap in map: map[$patch:swap]"),
    "merge in a list": (
        pod(containers=[{"name": "a", "$patch": "merge"}]),
        500,
        "merging lists cannot yet be specified in the patch",
    ),
    "not among the kept": ({"$retainKeys": ["volumes"], "nodeName": "n"}, 400, "invalid patch format of retainKeys"),
    "order is no list": ({"$setElementOrder/containers": "a"}, 500, "expected a []interface {}, but received a string"),
    "order contradicts": (
        {"$setElementOrder/containers": [{"name": "a"}], "containers": [B]},
        500,
        "The order in patch list:\n[map[image:1 name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
    ),
}


@pytest.mark.parametrize(("patch", "code", "sentence"), STRATEGIC_ERRORS.values(), ids=STRATEGIC_ERRORS)
def test_strategic_merge_refuses(patch: Any, code: int, sentence: str) -> None:
    with pytest.raises(ApiError) as error:
        patching.strategic_merge(pod(containers=[A], nodeSelector={"a": "1"}), patch, POD_SPEC)
    assert (error.value.status()["code"], str(error.value)) == (code, sentence)
