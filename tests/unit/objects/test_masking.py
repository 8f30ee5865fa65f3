"""Secrets are never shown: not in a list, not in a table, not in an annotation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_notebook.objects import masking

APPLIED = json.dumps({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "hunter2"}})


def secret(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "aHVudGVyMg==", "b": ""}, **more}


def annotated(obj: dict[str, Any], applied: str = APPLIED) -> dict[str, Any]:
    return {**obj, "metadata": {"name": "s", "annotations": {masking.LAST_APPLIED: applied, "team": "red"}}}


def text(obj: Any) -> str:
    return json.dumps(obj, ensure_ascii=False)


HIDING = {
    "a Secret": secret(),
    "written as text": secret(stringData={"c": "hunter2"}),
    "with kubectl's annotation": annotated(secret()),
    "a SecretList whose items do not repeat the kind": {
        "apiVersion": "v1",
        "kind": "SecretList",
        "items": [{"metadata": {"name": "s"}, "data": {"a": "aHVudGVyMg=="}}],
    },
    "a List": {"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod", "apiVersion": "v1"}, secret()]},
    "a List in a List": {
        "apiVersion": "v1",
        "kind": "List",
        "items": [{"apiVersion": "v1", "kind": "List", "items": [secret()]}],
    },
    "a Table with metadata": {
        "kind": "Table",
        "rows": [{"cells": ["s"], "object": annotated({"kind": "PartialObjectMetadata"})}],
    },
    "a Table with objects": {"kind": "Table", "rows": [{"cells": ["s"], "object": annotated(secret())}]},
    "a watch event": {"type": "ADDED", "object": secret()},
    "a broken annotation": annotated(secret(), '{"kind": "Secret", "data": {"a": "hunter2'),
}


@pytest.mark.parametrize("obj", HIDING.values(), ids=HIDING)
def test_nothing_secret_is_left(obj: dict[str, Any]) -> None:
    before = text(obj)
    shown = text(masking.masked(obj))
    assert "hunter2" not in shown
    assert "aHVudGVyMg==" not in shown
    assert masking.BULLETS in shown
    assert text(obj) == before


def test_every_key_gets_the_same_bullets() -> None:
    assert masking.masked(secret())["data"] == {"a": "••••••••", "b": "••••••••"}


def test_other_annotations_stay() -> None:
    assert masking.masked(annotated(secret()))["metadata"]["annotations"]["team"] == "red"


PLAIN = {
    "a ConfigMap": {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}},
    "a Secret of another group": {"apiVersion": "example.com/v1", "kind": "Secret", "data": {"a": "b"}},
    "an annotation about a Pod": annotated({"apiVersion": "v1", "kind": "Pod"}, '{"apiVersion":"v1","kind":"Pod","x":"Secret"}'),
    "an empty List": {"apiVersion": "v1", "kind": "List", "items": []},
}


@pytest.mark.parametrize("obj", PLAIN.values(), ids=PLAIN)
def test_what_holds_no_secret_comes_back_as_it_is(obj: dict[str, Any]) -> None:
    assert masking.masked(obj) is obj
