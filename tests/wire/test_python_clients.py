"""The official Python client and kr8s, unmodified."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.conftest import Wire

pytestmark = [
    pytest.mark.wire,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

POD_SPEC = {"containers": [{"name": "main", "image": "nginx:1.14.2"}]}
DEPLOYMENT = {
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": POD_SPEC},
    },
}


@pytest.fixture
def official(wire: Wire) -> Iterator[Any]:
    """The client module and an ApiClient of it."""
    kubernetes = pytest.importorskip("kubernetes", reason="needs the official Python client")
    client = kubernetes.config.new_client_from_config(str(wire.kubeconfig))
    yield kubernetes.client, client
    client.close()


@pytest.fixture
def namespace(official: Any) -> Iterator[str]:
    module, api = official
    name = f"p-{uuid.uuid4().hex[:8]}"
    core = module.CoreV1Api(api)
    core.create_namespace({"metadata": {"name": name}})
    yield name
    core.delete_namespace(name)


def test_official_client(official: Any, namespace: str) -> None:
    module, api = official
    core, apps = module.CoreV1Api(api), module.AppsV1Api(api)
    assert module.VersionApi(api).get_code().git_version == "v1.36.3+k8s-notebook"
    wanted = module.V1ConfigMap(metadata=module.V1ObjectMeta(generate_name="py-"), data={"a": "b"})
    made = core.create_namespaced_config_map(namespace, wanted)
    assert made.metadata.name.startswith("py-")
    patched = core.patch_namespaced_config_map(made.metadata.name, namespace, {"data": {"c": "d"}})
    assert patched.data == {"a": "b", "c": "d"}
    core.delete_namespaced_config_map(made.metadata.name, namespace)
    apps.create_namespaced_deployment(namespace, DEPLOYMENT)
    scaled = apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
    assert scaled.spec.replicas == 3
    with pytest.raises(module.ApiException) as refused:
        core.read_namespaced_pod("nope", namespace)
    assert refused.value.status == 404


def test_official_watch(official: Any, namespace: str) -> None:
    from kubernetes import watch

    module, api = official
    core, apps = module.CoreV1Api(api), module.AppsV1Api(api)
    apps.create_namespaced_deployment(namespace, DEPLOYMENT)
    ready: set[str] = set()
    watcher = watch.Watch()
    for event in watcher.stream(core.list_namespaced_pod, namespace, timeout_seconds=30):
        pod = event["object"]
        if any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ()):
            ready.add(pod.metadata.name)
        if len(ready) == 2:
            watcher.stop()
    assert len(ready) == 2
    name = sorted(ready)[0]
    assert core.read_namespaced_pod_log(name, namespace)
    assert core.delete_namespaced_pod(name, namespace).metadata.deletion_timestamp is not None


def test_official_dynamic_client(official: Any, namespace: str, tmp_path: Any) -> None:
    from kubernetes.dynamic import DynamicClient

    _, api = official
    dynamic = DynamicClient(api, cache_file=str(tmp_path / "discovery.json"))
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ssa"}, "data": {"a": "b"}}
    applied = dynamic.server_side_apply(maps, body=body, name="ssa", namespace=namespace, field_manager="py")
    assert applied.metadata.managedFields[0].operation == "Apply"
    assert "ssa" in [m.metadata.name for m in maps.get(namespace=namespace).items]


def test_kr8s(wire: Wire, official: Any, namespace: str) -> None:
    kr8s = pytest.importorskip("kr8s", reason="needs kr8s")
    from kr8s.objects import ConfigMap, Deployment

    with warnings.catch_warnings():
        # kr8s names the Kubernetes versions that it was tested with; 1.36 is newer.
        warnings.simplefilter("ignore")
        api = kr8s.api(kubeconfig=str(wire.kubeconfig), namespace=namespace)
        assert api.version()["gitVersion"] == "v1.36.3+k8s-notebook"
        settings = ConfigMap({"metadata": {"name": "settings", "namespace": namespace}, "data": {"a": "b"}}, api=api)
        settings.create()
        settings.patch({"data": {"c": "d"}})
        assert settings.raw["data"] == {"a": "b", "c": "d"}
        web = Deployment({**DEPLOYMENT, "metadata": {"name": "web", "namespace": namespace}}, api=api)
        web.create()
        web.wait("condition=Available", timeout=30)
        web.scale(1)
        assert len(list(api.get("pods", namespace=namespace))) >= 1
        for kind, found in api.watch("pods", namespace=namespace):
            assert (kind, found.kind) == ("ADDED", "Pod")
            break
        settings.delete()
        assert "admin" in str(api.whoami())
