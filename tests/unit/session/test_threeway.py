"""The patch of `apply`: what it changes, what it leaves alone, and that the server's merge gives what was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_notebook.objects import Obj, schema, strategic
from k8s_notebook.session import threeway

DEPLOYMENT = schema.of("apps/v1", "Deployment")
POD = schema.of("v1", "Pod")


def config(**spec: Any) -> Obj:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def containers(*found: Obj) -> Obj:
    return {"template": {"spec": {"containers": list(found)}}}


CASES = [
    ("nothing", {"a": 1}, {"a": 1}, {"a": 1, "default": 2}, {}),
    ("a change", {"a": 1}, {"a": 2}, {"a": 1}, {"a": 2}),
    ("an addition", {}, {"a": 1}, {}, {"a": 1}),
    ("a removal", {"a": 1, "b": 1}, {"a": 1}, {"a": 1, "b": 1}, {"b": None}),
    ("removed by somebody else already", {"a": 1, "b": 1}, {"a": 1}, {"a": 1}, {}),
    ("somebody else's field stays", {"a": 1}, {"a": 1}, {"a": 1, "other": 1}, {}),
    ("changed behind our back", {"a": 1}, {"a": 1}, {"a": 7}, {"a": 1}),
    ("an explicit null", {}, {"a": None}, {"a": 1}, {"a": None}),
    ("one and true differ", {}, {"a": True}, {"a": 1}, {"a": True}),
    ("one and 1.0 do not", {}, {"a": 1}, {"a": 1.0}, {}),
    ("inside", {"a": {"x": 1}}, {"a": {"x": 2}}, {"a": {"x": 1, "y": 1}}, {"a": {"x": 2}}),
    ("a list is replaced", {"a": [1]}, {"a": [1, 2]}, {"a": [1]}, {"a": [1, 2]}),
]


@pytest.mark.parametrize(("name", "original", "modified", "live", "patch"), CASES, ids=[c[0] for c in CASES])
def test_without_a_schema(name: str, original: Obj, modified: Obj, live: Obj, patch: Obj) -> None:
    assert threeway.patch(original, modified, live, None) == patch


def test_one_container_of_two_changes() -> None:
    live = config(**containers({"name": "a", "image": "x", "imagePullPolicy": "Always"}, {"name": "b", "image": "y"}))
    wanted = config(**containers({"name": "a", "image": "z"}, {"name": "b", "image": "y"}))
    patch = threeway.patch(live, wanted, live, DEPLOYMENT)
    assert patch["spec"]["template"]["spec"] == {
        "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
        "containers": [{"name": "a", "image": "z", "imagePullPolicy": None}],
    }


def test_a_container_goes() -> None:
    before = config(**containers({"name": "a", "image": "x"}, {"name": "b", "image": "y"}))
    wanted = config(**containers({"name": "a", "image": "x"}))
    patch = threeway.patch(before, wanted, before, DEPLOYMENT)["spec"]["template"]["spec"]
    assert patch["containers"] == [{"$patch": "delete", "name": "b"}]
    merged = strategic.strategic_merge(before, threeway.patch(before, wanted, before, DEPLOYMENT), DEPLOYMENT)
    assert merged == wanted


def test_a_strategy_changes_its_type() -> None:
    before = config(strategy={"type": "RollingUpdate"})
    live = config(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}})
    wanted = config(strategy={"type": "Recreate"})
    patch = threeway.patch(before, wanted, live, DEPLOYMENT)
    assert patch["spec"]["strategy"]["$retainKeys"] == ["type"]
    assert strategic.strategic_merge(live, patch, DEPLOYMENT)["spec"]["strategy"] == {"type": "Recreate"}


def test_finalizers_are_merged() -> None:
    live = {"metadata": {"finalizers": ["a/b", "other/c"]}}
    patch = threeway.patch({"metadata": {"finalizers": ["a/b"]}}, {"metadata": {"finalizers": ["d/e"]}}, live, POD)
    assert patch["metadata"]["finalizers"] == ["d/e"]
    assert patch["metadata"]["$deleteFromPrimitiveList/finalizers"] == ["a/b"]


def test_the_annotation_is_what_kubectl_writes() -> None:
    obj = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "x"}, "data": {"k": "<&>é"}}
    text = threeway.annotated(obj)["metadata"]["annotations"][threeway.LAST_APPLIED]
    assert text == (
        '{"apiVersion":"v1","data":{"k":"\\u003c\\u0026\\u003eé"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"x"}}\n'
    )
    assert threeway.last_applied(threeway.annotated(obj)) == {**obj, "metadata": {"name": "x", "annotations": {}}}


NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.sampled_from(["1", "2", "3"])
ENTRY = st.fixed_dictionaries({"image": SCALARS}, optional={"workingDir": SCALARS, "tty": st.booleans()})
LISTS = st.dictionaries(NAMES, ENTRY, min_size=1).map(lambda d: [{"name": k, **v} for k, v in d.items()])
OBJECTS = st.builds(
    lambda labels, found: {"metadata": {"labels": labels}, "spec": {"containers": found}}, st.dictionaries(NAMES, SCALARS), LISTS
)


@settings(max_examples=200, deadline=None)
@given(OBJECTS, OBJECTS, OBJECTS)
def test_the_servers_merge_gives_what_was_asked_for(original: Obj, modified: Obj, live: Obj) -> None:
    """Every field of the configuration has its value; what only the last configuration had is gone."""
    assert POD is not None
    patch = json.loads(json.dumps(threeway.patch(original, modified, live, POD)))
    merged = strategic.strategic_merge(live, patch, POD) if patch else live
    assert threeway.patch(original, modified, merged, POD) == {}
    found = {c["name"]: c for c in merged["spec"]["containers"]}
    order = [c["name"] for c in merged["spec"]["containers"] if c["name"] in {m["name"] for m in modified["spec"]["containers"]}]
    assert order == [m["name"] for m in modified["spec"]["containers"]]
    for container in modified["spec"]["containers"]:
        assert container.items() <= found[container["name"]].items()
    assert modified["metadata"]["labels"].items() <= (merged["metadata"].get("labels") or {}).items()
