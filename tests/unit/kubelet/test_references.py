from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.kubelet import references
from k8s_notebook.objects import Obj
from tests.fakes import FakeView

VIEW = FakeView(
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cm", "namespace": "ns"},
        "data": {"a": "1"},
        "binaryData": {"b": ""},
    },
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sec", "namespace": "ns"}, "data": {"a": "MQ=="}},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other", "namespace": "elsewhere"}},
)


def env(kind: str, name: str, key: str, **more: Any) -> Obj:
    return {
        "name": "c",
        "env": [
            {"name": "PLAIN", "value": "x"},
            {"name": "E", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key, **more}}},
        ],
    }


def env_from(kind: str, name: str, **more: Any) -> Obj:
    return {"name": "c", "envFrom": [{f"{kind}Ref": {"name": name, **more}}]}


@pytest.mark.parametrize(
    ("container", "said"),
    [
        pytest.param({"name": "c"}, "", id="nothing asked"),
        pytest.param(env("configMap", "cm", "a"), "", id="a key"),
        pytest.param(env("configMap", "cm", "b"), "", id="a binary key"),
        pytest.param(env("configMap", "no", "a"), 'configmap "no" not found', id="no ConfigMap"),
        pytest.param(env("configMap", "other", "a"), 'configmap "other" not found', id="another namespace"),
        pytest.param(env("configMap", "cm", "z"), "couldn't find key z in ConfigMap ns/cm", id="no key in a ConfigMap"),
        pytest.param(env("secret", "sec", "z"), "couldn't find key z in Secret ns/sec", id="no key in a Secret"),
        pytest.param(env("secret", "no", "a"), 'secret "no" not found', id="no Secret"),
        pytest.param(env("secret", "no", "a", optional=True), "", id="an optional key"),
        pytest.param(env_from("configMap", "no"), 'configmap "no" not found', id="all of no ConfigMap"),
        pytest.param(env_from("secret", "no"), 'secret "no" not found', id="all of no Secret"),
        pytest.param(env_from("secret", "no", optional=True), "", id="all of an optional Secret"),
    ],
)
def test_what_a_container_lacks(container: Obj, said: str) -> None:
    assert references.missing_for_container(VIEW, "ns", container) == said


@pytest.mark.parametrize(
    ("volume", "said"),
    [
        pytest.param({"emptyDir": {}}, [], id="an empty folder"),
        pytest.param({"configMap": {"name": "cm"}}, [], id="a ConfigMap"),
        pytest.param({"configMap": {"name": "no"}}, ['volume "v" : configmap "no" not found'], id="no ConfigMap"),
        pytest.param({"configMap": {"name": "no", "optional": True}}, [], id="an optional ConfigMap"),
        pytest.param(
            {"configMap": {"name": "cm", "items": [{"key": "z", "path": "p"}]}},
            ['volume "v" : configmap references non-existent config key: z'],
            id="no key",
        ),
        pytest.param({"secret": {"secretName": "no"}}, ['volume "v" : secret "no" not found'], id="no Secret"),
        pytest.param(
            {"projected": {"sources": [{"configMap": {"name": "no"}}, {"secret": {"name": "no2"}}, {"serviceAccountToken": {}}]}},
            ['volume "v" : [configmap "no" not found, secret "no2" not found]'],
            id="several sources",
        ),
        pytest.param({"projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}]}}, [], id="the root certificates"),
    ],
)
def test_what_cannot_be_mounted(volume: Obj, said: list[str]) -> None:
    pod = {"metadata": {"name": "p", "namespace": "ns"}, "spec": {"volumes": [{"name": "v", **volume}]}}
    assert references.missing_for_volumes(VIEW, pod) == said
