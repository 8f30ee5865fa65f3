"""Server-side apply: who owns which field, who may take it, and what stays when it is dropped.

`tests/golden/ownership.json` holds one write after the other to ConfigMaps of a real 1.36.3 server, with its answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from k8s_notebook.objects import decoding, fieldsv1, kinds, ownership, patching, protobuf, schema
from k8s_notebook.objects.errors import ApiError, BadRequest, Conflict
from tests import conftest

NOW = 1_800_000_000.0
STAMP = "2027-01-15T08:00:00Z"
CONFIG_MAP = schema.of("v1", "ConfigMap")
DEPLOYMENT = schema.of("apps/v1", "Deployment")
Obj = dict[str, Any]

PATCHES: dict[str, Callable[[Obj, Any], Obj]] = {
    "update": lambda live, body: schema.decode(kinds.of("configmaps"), body, False)[0],
    "merge": patching.merge_patch,
    "json": patching.json_patch,
    "strategic": lambda live, body: patching.strategic_merge(live, body, CONFIG_MAP),
}


def written(live: Obj | None, step: Obj, now: float) -> Obj:
    if step["by"] == "apply":
        return ownership.apply(live, step["body"], step["manager"], step.get("force", False), now, CONFIG_MAP)
    changed = PATCHES[step["by"]](live or {}, step["body"])
    return ownership.updated(live, changed, step["manager"], now, CONFIG_MAP)


def without_times(entries: list[Obj]) -> list[Obj]:
    return sorted(({k: v for k, v in e.items() if k != "time"} for e in entries), key=json.dumps)


def test_one_write_after_the_other_as_on_a_real_server() -> None:
    live: Obj | None = None
    for second, step in enumerate(json.loads((conftest.ROOT / "tests/golden/ownership.json").read_text())):
        live = None if step.get("new") else live
        if "error" in step:
            with pytest.raises(ApiError) as error:
                written(live, step, NOW + second)
            assert error.value.status() == step["error"], step["name"]
            continue
        live = written(live, step, NOW + second)
        metadata = live["metadata"]
        assert live.get("data", {}) == step["data"], step["name"]
        for field in ("labels", "annotations", "finalizers"):
            assert metadata.get(field) == step["metadata"].get(field), (step["name"], field)
        assert without_times(metadata.get("managedFields", [])) == without_times(step["managedFields"]), step["name"]


def deployment(**spec: Any) -> Obj:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def with_containers(*containers: Obj, **spec: Any) -> Obj:
    return deployment(template={"spec": {"containers": list(containers)}}, **spec)


def apply(live: Obj | None, config: Obj, manager: str = "m1", force: bool = False, now: float = NOW, sub: str = "") -> Obj:
    return ownership.apply(live, config, manager, force, now, DEPLOYMENT, sub)


def owned(obj: Obj, manager: str) -> list[str]:
    """The paths that a manager owns."""
    entries = [e for e in obj["metadata"].get("managedFields", []) if e["manager"] == manager]
    return [path for entry in entries for path in fieldsv1.paths(fieldsv1.decode(entry["fieldsV1"]))]


def names(obj: Obj) -> list[str]:
    return [c["name"] for c in obj["spec"]["template"]["spec"]["containers"]]


A, B, C = ({"name": name, "image": "i"} for name in "abc")
ORDERS: dict[str, tuple[list[Obj], list[Obj], list[str]]] = {
    "new ones come last": ([A], [B], ["a", "b"]),
    "in the order of the config": ([A, B], [B, A], ["b", "a"]),
    "others stay where they stood": ([A, C, B], [B], ["a", "c", "b"]),
    "new ones before known ones": ([A, B], [C, A], ["c", "a", "b"]),
}


@pytest.mark.parametrize(("before", "config", "expected"), ORDERS.values(), ids=ORDERS)
def test_order_of_elements(before: list[Obj], config: list[Obj], expected: list[str]) -> None:
    live = apply(None, with_containers(*before))
    merged = ownership.apply(live, with_containers(*config), "m2", True, NOW, DEPLOYMENT)
    assert names(merged) == expected


def test_elements_are_owned_by_their_key() -> None:
    live = apply(None, with_containers({**A, "ports": [{"containerPort": 80}]}))
    assert owned(live, "m1") == [
        '.spec.template.spec.containers[name="a"]',
        '.spec.template.spec.containers[name="a"].image',
        '.spec.template.spec.containers[name="a"].name',
        '.spec.template.spec.containers[name="a"].ports[containerPort=80,protocol="TCP"]',
        '.spec.template.spec.containers[name="a"].ports[containerPort=80,protocol="TCP"].containerPort',
    ]


def test_a_dropped_element_goes_with_all_its_fields() -> None:
    live = apply(None, with_containers(A, B))
    assert names(apply(live, with_containers(B))) == ["b"]


def test_a_dropped_element_that_another_manager_shares_stays() -> None:
    live = apply(apply(None, with_containers(A, B)), with_containers({"name": "a", "tty": True}), "m2")
    left = apply(live, with_containers(B))
    assert left["spec"]["template"]["spec"]["containers"][0] == {"name": "a", "tty": True}


def test_atomic_maps_change_as_a_whole() -> None:
    live = apply(None, deployment(selector={"matchLabels": {"a": "b"}}))
    assert owned(live, "m1") == [".spec.selector"]
    with pytest.raises(Conflict, match=r'conflict with "m1": \.spec\.selector'):
        apply(live, deployment(selector={"matchLabels": {"c": "d"}}), "m2")
    forced = apply(live, deployment(selector={"matchLabels": {"c": "d"}}), "m2", True)
    assert forced["spec"]["selector"] == {"matchLabels": {"c": "d"}}
    assert owned(forced, "m1") == []


def test_a_conflict_tells_subresource_and_version() -> None:
    live = apply(None, deployment(replicas=1))
    scaled = ownership.updated(live, {**live, "spec": {"replicas": 3}}, "kubectl", NOW, DEPLOYMENT, "scale")
    assert owned(scaled, "m1") == []
    with pytest.raises(Conflict) as error:
        apply(scaled, deployment(replicas=1))
    status = error.value.status()
    assert status["message"] == (
        'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas'
    )
    assert status["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl" with subresource "scale" using apps/v1',
            "field": ".spec.replicas",
        }
    ]


def test_status_is_owned_through_its_subresource_only() -> None:
    config = {**deployment(replicas=1), "status": {"replicas": 7}}
    assert owned(apply(None, config), "m1") == [".spec.replicas"]
    live = apply(apply(None, deployment(replicas=1)), config, "st", False, NOW, "status")
    entry = next(e for e in live["metadata"]["managedFields"] if e["manager"] == "st")
    assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {"f:replicas": {}}})


def test_objects_that_nobody_tracks_stay_so_until_somebody_applies() -> None:
    live = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "uid": "1"}, "spec": {"replicas": 1}}
    changed = ownership.updated(live, {**live, "spec": {"replicas": 2}}, "someone", NOW, DEPLOYMENT)
    assert "managedFields" not in changed["metadata"]
    applied = apply(changed, deployment(paused=True))
    assert owned(applied, "before-first-apply") == [".spec.replicas"]
    assert owned(applied, "m1") == [".spec.paused"]


def test_nothing_changes_but_the_time() -> None:
    live = apply(None, deployment(replicas=1))
    again = apply(live, deployment(replicas=1), now=NOW + 60)
    assert ownership.settled(live, again) is live
    renamed = {**live, "metadata": {**live["metadata"], "managedFields": [{**live["metadata"]["managedFields"][0], "time": "x"}]}}
    assert ownership.settled(live, renamed) is live
    other = apply(live, deployment(replicas=2), now=NOW + 60)
    assert ownership.settled(live, other) is other


def test_nothing_given_is_changed() -> None:
    live, config = apply(None, with_containers(A, B)), with_containers({**A, "image": "j"})
    before = json.dumps([live, config])
    apply(live, config)
    ownership.updated(live, {**live, "spec": {}}, "x", NOW, DEPLOYMENT)
    assert json.dumps([live, config]) == before


def test_entries_carry_the_time_of_the_last_change() -> None:
    live = apply(None, deployment(replicas=1))
    assert live["metadata"]["managedFields"] == [
        {
            "manager": "m1",
            "operation": "Apply",
            "apiVersion": "apps/v1",
            "time": STAMP,
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
        }
    ]


REFUSED: dict[str, tuple[Obj, str]] = {
    "unknown field": (deployment(bogus=1), ".spec.bogus: field not declared in schema"),
    "wrong type": (deployment(replicas="three"), ".spec.replicas: expected numeric (int or float), got string"),
    "the same element twice": (with_containers(A, A), '.spec.template.spec.containers: duplicate entries for key [name="a"]'),
}


@pytest.mark.parametrize(("config", "sentence"), REFUSED.values(), ids=REFUSED)
def test_configs_that_cannot_be_applied(config: Obj, sentence: str) -> None:
    with pytest.raises(ApiError) as error:
        apply(None, config)
    assert error.value.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"failed to create typed patch object (/d; apps/v1, Kind=Deployment): {sentence}",
        "code": 500,
    }


def test_a_config_may_not_bring_managed_fields() -> None:
    with pytest.raises(BadRequest, match=r"metadata\.managedFields must be nil"):
        apply(None, {**deployment(), "metadata": {"name": "d", "managedFields": []}})


def test_unknown_schema_lets_everything_in() -> None:
    config = {"apiVersion": "example.com/v1", "kind": "Shirt", "metadata": {"name": "s"}, "spec": {"a": [1], "b": {"c": 1}}}
    live = ownership.apply(None, config, "m1", False, NOW, None)
    assert {".spec.a", ".spec.b.c"} <= set(owned(live, "m1"))
    assert ownership.apply(live, {**config, "spec": {"a": [2]}}, "m1", False, NOW, None)["spec"] == {"a": [2]}


def test_two_sources_agree_on_what_an_empty_object_shows() -> None:
    for kind in kinds.BUILTIN:
        node = schema.of(kind.api_version, kind.kind)
        if node is not None:
            empty = protobuf.decode(protobuf.MAGIC, kind.api_version, kind.kind)
            assert plain(empty) == plain(decoding.zero(node)), kind.resource


def plain(obj: Obj) -> Obj:
    """The object without its kind; no bytes are as good as null."""
    shown = {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}
    if "request" in shown.get("spec", {}):
        shown["spec"] = {**shown["spec"], "request": shown["spec"]["request"] or None}
    return shown
