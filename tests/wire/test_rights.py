"""A user with few rights: everything works with what may be seen, and one sentence says what may not."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

import k8s_notebook as kn
from k8s_notebook.machinery.actions import Create
from k8s_notebook.session.results import Result
from tests.wire.conftest import Wire, command

pytestmark = pytest.mark.wire

ROBOT = "system:serviceaccount:team:robot"
RULES = """\
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: team}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: works, namespace: team}
rules:
- {apiGroups: [""], resources: [pods, pods/log, services, events], verbs: [get, list, watch]}
- {apiGroups: [apps], resources: [deployments, deployments/scale], verbs: [get, list, watch, create, update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: works, namespace: team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: works}
subjects:
- {kind: ServiceAccount, name: robot, namespace: team}
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
"""


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A cluster with a service account that may work in one namespace."""
    home = tmp_path_factory.mktemp("rights")
    before = os.environ.get("K8S_NOTEBOOK_HOME")
    os.environ["K8S_NOTEBOOK_HOME"] = str(home)
    yield Wire(home, pathlib.Path(command(home, "start", "--nodes", "2").stdout.strip()))
    command(home, "delete", "--all")
    os.environ.pop("K8S_NOTEBOOK_HOME")
    if before is not None:
        os.environ["K8S_NOTEBOOK_HOME"] = before


@pytest.fixture(scope="module")
def admin(mine: Wire) -> kn.Cluster:
    """Who may do everything, with a Deployment in two namespaces."""
    found = kn.connect(mine.kubeconfig)
    found.apply(RULES)
    for namespace in ("team", "other"):
        found.apply(WEB, namespace=namespace)
        found.wait("deploy/web", "condition=Available", 30, namespace=namespace)
    return found


def kubeconfig(mine: Wire, name: str, user: dict[str, Any], namespace: str = "team") -> pathlib.Path:
    """A kubeconfig written by hand for a user of the cluster."""
    config = yaml.safe_load(mine.kubeconfig.read_text())
    context = {"cluster": config["clusters"][0]["name"], "user": name, "namespace": namespace}
    config |= {"users": [{"name": name, "user": user}], "contexts": [{"name": name, "context": context}], "current-context": name}
    path = mine.home / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def token(admin: kn.Cluster) -> str:
    """A token of the robot, from a TokenRequest."""
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = admin.door.ask(Create(request, "serviceaccounts", "team", subresource="token", name="robot"))
    return str(answer["status"]["token"])


@pytest.fixture(scope="module")
def robot(admin: kn.Cluster, mine: Wire) -> kn.Cluster:
    """The cluster as the service account sees it."""
    return kn.connect(kubeconfig(mine, "robot", {"token": token(admin)}))


def pod(admin: kn.Cluster, namespace: str) -> str:
    """The name of one of the web's pods."""
    return admin.get("pods", namespace=namespace).names[0]


Ask = Callable[[kn.Cluster], Any]
SEES: dict[str, tuple[Ask, str, str]] = {
    "pods everywhere": (lambda c: c.kubectl("get pods -A"), "You may not list pods in all namespaces: these are those of team.", "web-"),
    "as YAML": (lambda c: c.kubectl("get pods -A -o yaml"), "You may not list pods in all namespaces", "namespace: team"),
    "events everywhere": (lambda c: c.kubectl("events -A"), "You may not list events in all namespaces", "Scheduled"),
    "all kinds": (lambda c: c.kubectl("get all"), 'cannot list resource "statefulsets"', "deployment.apps/web"),
    "the picture": (lambda c: c.graph(live=False), "You may not list: Node, ", "Deployment/team/web"),
    "the live picture": (lambda c: c.graph(), "You may not list: Node, ", "Deployment/team/web"),
    "the picture of all": (lambda c: c.graph(all_namespaces=True), "You may not list: Node, ", "Deployment/team/web"),
    "the picture of what is not ours": (lambda c: c.graph(namespace="other"), "You may not list: Deployment, Node, Pod and", ""),
    "status": (lambda c: c.status(), "you may not list nodes, list secrets, delete namespaces", ROBOT),
    "a description": (lambda c: c.describe("deploy/web"), "", "Available"),
    "a rollout": (lambda c: c.rollout_status("deploy/web"), "", "successfully rolled out"),
    "a watch": (lambda c: c.kubectl("get pods -w --timeout=0.3s"), "", "web-"),
    "a change": (lambda c: c.scale("deploy/web", 2), "", "scaled"),
}  # fmt: skip


@pytest.mark.parametrize("name", SEES)
def test_what_may_be_seen_is_seen(robot: kn.Cluster, name: str) -> None:
    ask, sentence, seen = SEES[name]
    found = ask(robot)
    said = str(found) if isinstance(found, Result) else repr(found)
    assert sentence in said
    assert seen in said
    assert "other" not in said.replace("otherwise", "")


REFUSED: dict[str, tuple[Ask, str]] = {
    "nodes": (lambda c: c.get("nodes"), f'nodes is forbidden: User "{ROBOT}" cannot list resource "nodes" in API group "" at the cluster scope'),
    "another namespace": (lambda c: c.get("pods", namespace="other"), 'pods is forbidden: User'),
    "secrets": (lambda c: c.get("secrets"), 'cannot list resource "secrets" in API group "" in the namespace "team"'),
    "a watch of all": (lambda c: c.kubectl("get pods -w -A --timeout=9s"), 'cannot list resource "pods" in API group "" at the cluster scope'),
    "the reasons": (lambda c: c.why(["pod", c.get("pods").names[0]]), "why needs to read the nodes, and you may not"),
    "the parts": (lambda c: c.status(parts=True), 'cannot get path "/k8s-notebook/parts"'),
    "a fault": (lambda c: c.fail("node", "node-2"), 'nodes "node-2" is forbidden'),
    "its repair": (lambda c: c.heal("node", "node-2"), 'faults.k8s-notebook.io "stop-node-2" is forbidden'),
    "a namespace": (lambda c: c.kubectl("create ns mine"), "namespaces is forbidden"),
    "two documents": (lambda c: c.apply(WEB.replace("web", "two") + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
                      'configmaps "x" is forbidden'),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_not_be_is_one_sentence(robot: kn.Cluster, admin: kn.Cluster, name: str) -> None:
    ask, sentence = REFUSED[name]
    with pytest.raises(kn.K8sError) as caught:
        ask(robot)
    assert sentence in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert admin.get("deploy", namespace="team").names == ["web"]


def test_reasons_count_only_the_pods_that_may_be_seen(robot: kn.Cluster, admin: kn.Cluster) -> None:
    admin.apply(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: nodes}\n"
        "rules:\n- {apiGroups: [''], resources: [nodes], verbs: [get, list, watch]}\n---\n"
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: nodes}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: nodes}\n"
        "subjects:\n- {kind: ServiceAccount, name: robot, namespace: team}\n"
    )
    try:
        found = robot.why(["pod", pod(admin, "team")])
        assert "You may see the pods of namespace team only: others are not counted." in str(found)
        assert robot.status().text.count("2 of 2 ready") == 1
        assert set(found.ranking["node"]) == {"node-1", "node-2"}
    finally:
        admin.delete("clusterrolebinding/nodes")


def test_a_namespace_may_be_used_without_the_right_to_read_it(robot: kn.Cluster, admin: kn.Cluster) -> None:
    from k8s_notebook.session import clusters, current

    said: list[str] = []
    assert current.current() is robot
    clusters.run(["ns", "other"], said.append)
    assert said == ["(whether there is a namespace other you may not know)", f"namespace other of {robot.door.title}"]
    assert "of team" in str(robot.get("pods", all_namespaces=True))
    robot.namespace = "team"
    assert admin.namespace == "default"


@pytest.mark.parametrize(
    ("name", "user", "said"),
    [
        ("wrong", {"token": "nope"}, "You must be logged in to the server (Unauthorized: the cluster does not accept these credentials;"),
        ("nobody", {}, 'User "system:anonymous" cannot get path "/api"'),
        ("lost", {"tokenFile": "/nope"}, "kubeconfig"),
    ],
)  # fmt: skip
def test_who_may_not_come_in(mine: Wire, robot: kn.Cluster, name: str, user: dict[str, Any], said: str) -> None:
    with pytest.raises(kn.K8sError) as caught:
        kn.connect(kubeconfig(mine, name, user))
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert kn.current().get("pods").names == robot.get("pods").names


def test_who_acts_for_somebody_else_has_their_rights_only(mine: Wire, admin: kn.Cluster) -> None:
    own = yaml.safe_load(mine.kubeconfig.read_text())["users"][0]["user"]
    jane = kn.connect(
        kubeconfig(mine, "jane", {**own, "as": "jane", "as-groups": ["dev", "ops"], "as-user-extra": {"reason": ["test"]}})
    )
    with pytest.raises(kn.K8sError, match='User "jane" cannot list resource "pods"'):
        jane.get("pods")
    assert "jane (dev, ops, system:authenticated)" in str(jane.status())
    account = kn.connect(kubeconfig(mine, "account", {**own, "as": ROBOT}))
    assert "of team" in str(account.get("pods", all_namespaces=True))
    assert len(admin.get("pods", all_namespaces=True).names) >= 4


def test_an_embedded_cluster_is_known_by_what_it_serves(mine: Wire, robot: kn.Cluster, admin: kn.Cluster) -> None:
    assert robot.embedded
    assert admin.embedded
    assert robot.kubeconfig != str(mine.kubeconfig)


def test_kubectl_has_the_same_rights(mine: Wire, admin: kn.Cluster, robot: kn.Cluster, kubectl: str) -> None:
    del robot
    made = mine.kubectl(kubectl, "-n", "team", "create", "token", "robot").stdout.strip()
    as_robot = Wire(mine.home, kubeconfig(mine, "with-token", {"token": made}))
    assert len(as_robot.kubectl(kubectl, "get", "pods", "-o", "name").stdout.split()) == 2
    assert as_robot.kubectl(kubectl, "logs", pod(admin, "team")).stdout
    cases: dict[tuple[str, ...], str] = {
        (
            "get",
            "pods",
            "-A",
        ): f'pods is forbidden: User "{ROBOT}" cannot list resource "pods" in API group "" at the cluster scope',
        ("get", "nodes"): 'cannot list resource "nodes"',
        ("get", "pods", "--as=jane"): f'users "jane" is forbidden: User "{ROBOT}" cannot impersonate resource "users"',
    }
    for arguments, said in cases.items():
        refused = as_robot.kubectl(kubectl, *arguments, check=False)
        assert (refused.returncode, said in refused.stderr) == (1, True), refused.stderr
    as_account = mine.kubectl(kubectl, "-n", "team", "get", "pods", f"--as={ROBOT}", "-o", "name")
    assert len(as_account.stdout.split()) == 2
    wrong = mine.kubectl(kubectl, "--token=nope", "get", "pods", check=False)
    assert wrong.returncode == 1 or "pods" in wrong.stdout
    stranger = Wire(mine.home, kubeconfig(mine, "stranger", {"token": "nope"}))
    assert "You must be logged in to the server" in stranger.kubectl(kubectl, "get", "pods", check=False).stderr
