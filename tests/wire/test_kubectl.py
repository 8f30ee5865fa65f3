"""Real kubectls do their everyday work on an embedded cluster."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from tests.wire.conftest import Wire

pytestmark = pytest.mark.wire

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app: web
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: nginx
        image: nginx:1.14.2
        ports:
        - containerPort: 80
"""


@pytest.fixture
def run(wire: Wire, kubectl: str) -> Iterator[object]:
    """kubectl in a namespace of its own."""
    namespace = f"t-{uuid.uuid4().hex[:8]}"
    wire.kubectl(kubectl, "create", "namespace", namespace)

    def call(*arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return wire.kubectl(kubectl, "-n", namespace, *arguments, check=check, stdin=stdin)

    yield call
    wire.kubectl(kubectl, "delete", "namespace", namespace, "--wait=false")


def rolled_out(run) -> None:
    assert "successfully rolled out" in run("rollout", "status", "deployment/web", "--timeout=30s").stdout


def test_life_of_a_deployment(run) -> None:
    assert run("apply", "-f", "-", stdin=DEPLOYMENT).stdout == "deployment.apps/web created\n"
    assert run("apply", "-f", "-", stdin=DEPLOYMENT).stdout == "deployment.apps/web unchanged\n"
    rolled_out(run)
    header, *rows = run("get", "pods", "-o", "wide").stdout.splitlines()
    assert " ".join(header.split()) == "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES"
    assert len(rows) == 3
    assert {r.split()[6] for r in rows} == {"node-1", "node-2", "node-3"}
    run("scale", "deployment", "web", "--replicas=5")
    rolled_out(run)
    assert run("set", "image", "deployment/web", "nginx=nginx:1.16").stdout == "deployment.apps/web image updated\n"
    rolled_out(run)
    images = run("get", "pods", "-o", "jsonpath={.items[*].spec.containers[*].image}").stdout.split()
    assert images.count("nginx:1.16") == 5
    assert len(run("rollout", "history", "deployment/web").stdout.strip().splitlines()) == 4
    assert run("delete", "-f", "-", stdin=DEPLOYMENT).stdout.startswith('deployment.apps "web" deleted')
    assert run("wait", "--for=delete", "pod", "-l", "app=web", "--timeout=60s").returncode == 0


def test_describe_and_logs(run) -> None:
    run("apply", "-f", "-", stdin=DEPLOYMENT)
    rolled_out(run)
    said = run("describe", "deployment", "web").stdout
    assert "Replicas:               3 desired | 3 updated | 3 total | 3 available | 0 unavailable" in said
    assert "Scaled up replica set" in said
    pod = run("get", "pods", "-o", "name").stdout.split()[0]
    said = run("describe", pod).stdout
    for reason in ("Scheduled", "Pulled", "Created", "Started"):
        assert reason in said
    assert run("logs", pod).stdout
    assert run("logs", "deployment/web", "--tail=1").stdout.count("\n") == 1
    assert "Ready" in run("describe", "node", "node-1").stdout


def test_output_formats(run) -> None:
    run("create", "configmap", "settings", "--from-literal=a=1")
    assert json.loads(run("get", "cm", "settings", "-o", "json").stdout)["data"] == {"a": "1"}
    assert '  a: "1"\n' in run("get", "cm", "settings", "-o", "yaml").stdout
    assert run("get", "cm", "settings", "-o", "name").stdout == "configmap/settings\n"
    names = run("get", "cm", "-o", "custom-columns=N:.metadata.name", "--no-headers", "--sort-by=.metadata.name").stdout
    assert names.split() == ["kube-root-ca.crt", "settings"]


def test_watch(run) -> None:
    run("create", "configmap", "first", "--from-literal=a=1")
    seen = run("get", "cm", "first", "--watch", "--request-timeout=2s", "-o", "name", check=False)
    assert seen.stdout == "configmap/first\n"


def test_refusals(run) -> None:
    cases = {
        ("get", "pod", "nope"): 'Error from server (NotFound): pods "nope" not found',
        ("get", "nonsense"): 'error: the server doesn\'t have a resource type "nonsense"',
        ("create", "configmap", "Bad_Name"): 'ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name"',
        ("get", "pods", "--as=jane"): 'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods"',
        ("exec", "nope", "--", "true"): 'Error from server (NotFound): pods "nope" not found',
    }
    for arguments, sentence in cases.items():
        refused = run(*arguments, check=False)
        assert refused.returncode == 1, arguments
        assert sentence in refused.stderr
    unknown = DEPLOYMENT.replace("replicas:", "replica:")
    assert 'unknown field "spec.replica"' in run("apply", "-f", "-", stdin=unknown, check=False).stderr


def test_exec_says_what_is_missing(run) -> None:
    run("apply", "-f", "-", stdin=DEPLOYMENT)
    rolled_out(run)
    refused = run("exec", "deployment/web", "--", "true", check=False)
    assert refused.returncode == 1
    assert "this embedded cluster does not run processes yet" in refused.stderr


def test_server_side_apply_and_patches(run) -> None:
    run("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    assert run("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT).stdout == "deployment.apps/web serverside-applied\n"
    run("scale", "deployment", "web", "--replicas=1")
    refused = run("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT, check=False)
    assert 'with subresource "scale" using apps/v1: .spec.replicas' in refused.stderr
    run("label", "deployment", "web", "tier=front")
    run("patch", "deployment", "web", "--type=json", "-p", '[{"op":"replace","path":"/spec/replicas","value":2}]')
    containers = [{"name": "nginx", "image": "nginx:1.15"}]
    run("patch", "deployment", "web", "-p", json.dumps({"spec": {"template": {"spec": {"containers": containers}}}}))
    found = json.loads(run("get", "deployment", "web", "-o", "json").stdout)
    assert found["metadata"]["labels"]["tier"] == "front"
    assert found["spec"]["replicas"] == 2
    container = found["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["ports"][0]["containerPort"]) == ("nginx:1.15", 80)


def test_who_may_what(run) -> None:
    assert "admin" in run("auth", "whoami").stdout
    assert run("auth", "can-i", "delete", "nodes").stdout == "yes\n"
    assert run("auth", "can-i", "delete", "nodes", "--as=jane", check=False).stdout == "no\n"
    run("create", "serviceaccount", "robot")
    token = run("create", "token", "robot").stdout.strip()
    assert token.count(".") == 2
    run("create", "role", "reader", "--verb=get,list", "--resource=pods")
    namespace = json.loads(run("get", "serviceaccount", "robot", "-o", "json").stdout)["metadata"]["namespace"]
    run("create", "rolebinding", "reads", "--role=reader", f"--serviceaccount={namespace}:robot")
    assert run("auth", "can-i", "list", "pods", f"--as=system:serviceaccount:{namespace}:robot").stdout == "yes\n"
    assert run("auth", "can-i", "list", "secrets", f"--as=system:serviceaccount:{namespace}:robot", check=False).stdout == "no\n"


def test_explain_and_discovery(run) -> None:
    assert "containers" in run("explain", "pod.spec").stdout
    assert "deployments" in run("api-resources").stdout
    assert "apps/v1" in run("api-versions").stdout.split()
    assert "v1.36.3+k8s-notebook" in run("version").stdout
