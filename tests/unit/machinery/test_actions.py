"""Requests are values: what they say by default, and that they are not changed."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest

from k8s_notebook.machinery import actions

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
SAMPLES: dict[str, Any] = {
    "get": actions.Get("pods", "a"),
    "list": actions.List("pods"),
    "create": actions.Create(POD),
    "update": actions.Update(POD),
    "patch": actions.Patch("pods", "a", "default", {}),
    "apply": actions.Apply(POD, "me"),
    "delete": actions.Delete("pods", "a"),
    "bind": actions.Bind("default", "a", "uid", "node-1"),
    "raw": actions.Raw("/version"),
    "emit": actions.Emit(POD, "Why", "said"),
    "requeue": actions.RequeueAfter(5),
}


def test_every_action_has_a_sample() -> None:
    assert {type(s) for s in SAMPLES.values()} == {*get_args(actions.Request), *get_args(actions.Action)}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_a_request_is_a_value(sample: Any) -> None:
    assert sample == dataclasses.replace(sample)
    field = dataclasses.fields(sample)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(sample, field, "other")


@pytest.mark.parametrize("sample", [s for s in SAMPLES.values() if hasattr(s, "dry_run")])
def test_writes_are_meant_unless_they_say_otherwise(sample: Any) -> None:
    assert sample.dry_run is False
