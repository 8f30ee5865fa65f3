"""Rules and bindings, and the sentences of refusals."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.apiserver import boot_roles, rbac
from k8s_notebook.apiserver.auth import ADMIN, ANONYMOUS, User, account_user
from k8s_notebook.apiserver.rbac import Attributes
from k8s_notebook.objects import Obj

DEV = User("dev", ("testers", "system:authenticated"))
ROBOT = account_user("team", "robot")


class Roles:
    """The bootstrap policy and some roles of a team."""

    def __init__(self) -> None:
        found = [*boot_roles.roles(), *boot_roles.bindings()]
        self.roles: dict[tuple[str, str, str], Obj] = {
            ("ClusterRole", "", o["metadata"]["name"]): o for o in found if o["kind"] == "ClusterRole"
        }
        self.clusters = [o for o in found if o["kind"] == "ClusterRoleBinding"]
        self.inside: dict[str, list[Obj]] = {}

    def role_with(self, name: str, *rules: Obj, namespace: str = "") -> None:
        self.roles[("Role" if namespace else "ClusterRole", namespace, name)] = {"metadata": {"name": name}, "rules": list(rules)}

    def bind(self, role: str, subject: Obj, namespace: str = "", kind: str = "ClusterRole") -> None:
        binding = {"metadata": {"name": f"{role}-b"}, "roleRef": {"kind": kind, "name": role}, "subjects": [subject]}
        (self.inside.setdefault(namespace, []) if namespace else self.clusters).append(binding)

    def cluster_bindings(self) -> list[Obj]:
        return self.clusters

    def bindings(self, namespace: str) -> list[Obj]:
        return self.inside.get(namespace, [])

    def role(self, kind: str, namespace: str, name: str) -> Obj | None:
        return self.roles.get((kind, "" if kind == "ClusterRole" else namespace, name))


@pytest.fixture
def roles() -> Roles:
    found = Roles()
    found.role_with("reader", {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}, namespace="team")
    found.role_with("one", {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["key"], "verbs": ["*"]})
    found.role_with("scaler", {"apiGroups": ["*"], "resources": ["*/scale"], "verbs": ["update"]})
    found.bind("reader", {"kind": "User", "name": "dev"}, "team", "Role")
    found.bind("one", {"kind": "Group", "name": "testers"})
    found.bind("scaler", {"kind": "ServiceAccount", "name": "robot", "namespace": "team"})
    found.bind("view", {"kind": "ServiceAccount", "name": "robot"}, "team")
    found.bind("gone", {"kind": "User", "name": "dev"}, "other", "Role")
    return found


CASES: dict[str, tuple[User, dict[str, Any], bool]] = {
    "masters may everything": (ADMIN, {"verb": "delete", "resource": "nodes", "name": "n"}, True),
    "a role inside its namespace": (DEV, {"verb": "list", "resource": "pods", "namespace": "team"}, True),
    "a role outside its namespace": (DEV, {"verb": "list", "resource": "pods", "namespace": "default"}, False),
    "a role at the cluster scope": (DEV, {"verb": "list", "resource": "pods"}, False),
    "a verb it has not": (DEV, {"verb": "delete", "resource": "pods", "namespace": "team", "name": "x"}, False),
    "a subresource": (DEV, {"verb": "get", "resource": "pods", "subresource": "log", "namespace": "team", "name": "x"}, True),
    "a subresource it has not": (DEV, {"verb": "get", "resource": "pods", "subresource": "exec", "namespace": "team",
                                       "name": "x"}, False),
    "the named object": (DEV, {"verb": "get", "resource": "secrets", "namespace": "a", "name": "key"}, True),
    "another object": (DEV, {"verb": "get", "resource": "secrets", "namespace": "a", "name": "other"}, False),
    "a list is no named object": (DEV, {"verb": "list", "resource": "secrets", "namespace": "a"}, False),
    "any scale": (ROBOT, {"verb": "update", "group": "apps", "resource": "deployments", "subresource": "scale", "namespace": "x",
                          "name": "d"}, True),
    "a cluster role in one namespace": (ROBOT, {"verb": "watch", "group": "apps", "resource": "deployments",
                                               "namespace": "team"}, True),
    "view shows no secrets": (ROBOT, {"verb": "get", "resource": "secrets", "namespace": "team", "name": "s"}, False),
    "discovery for all who are known": (DEV, {"verb": "get", "path": "/apis/apps/v1"}, True),
    "discovery for nobody": (ANONYMOUS, {"verb": "get", "path": "/apis/apps/v1"}, False),
    "the version for everybody": (ANONYMOUS, {"verb": "get", "path": "/version"}, True),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_decision(roles: Roles, case: str) -> None:
    user, asked, expected = CASES[case]
    assert rbac.decide(roles, Attributes(user, **asked)).allowed is expected


def test_reason_names_the_binding(roles: Roles) -> None:
    decided = rbac.decide(roles, Attributes(DEV, "list", resource="pods", namespace="team"))
    assert decided.reason == 'RBAC: allowed by RoleBinding "reader-b/team" of Role "reader" to User "dev"'
    decided = rbac.decide(roles, Attributes(ROBOT, "update", "apps", "deployments", "scale", "x", "d"))
    by = 'ClusterRoleBinding "scaler-b" of ClusterRole "scaler" to ServiceAccount "robot/team"'
    assert decided.reason == f"RBAC: allowed by {by}"


SENTENCES = {
    "cluster scope": ({"verb": "list", "resource": "pods"},
                      'pods is forbidden: User "dev" cannot list resource "pods" in API group "" at the cluster scope'),
    "one object": ({"verb": "get", "resource": "pods", "namespace": "default", "name": "x"},
                   'pods "x" is forbidden: User "dev" cannot get resource "pods" in API group "" in the namespace "default"'),
    "a group": ({"verb": "create", "group": "apps", "resource": "deployments", "namespace": "a"},
                'deployments.apps is forbidden: User "dev" cannot create resource "deployments" in API group "apps" in the '
                'namespace "a"'),
    "a subresource": ({"verb": "get", "resource": "pods", "subresource": "log", "namespace": "a", "name": "x"},
                      'pods "x" is forbidden: User "dev" cannot get resource "pods/log" in API group "" in the namespace "a"'),
    "a path": ({"verb": "get", "path": "/healthz/etcd"}, 'forbidden: User "dev" cannot get path "/healthz/etcd"'),
}  # fmt: skip


@pytest.mark.parametrize("case", SENTENCES)
def test_sentence(case: str) -> None:
    asked, sentence = SENTENCES[case]
    assert str(rbac.refusal(Attributes(User("dev"), **asked))) == sentence


def test_a_missing_role_is_named(roles: Roles) -> None:
    decided = rbac.decide(roles, Attributes(DEV, "list", resource="pods", namespace="other"))
    assert decided.errors == ('role.rbac.authorization.k8s.io "gone" not found',)
    said = str(rbac.refusal(Attributes(DEV, "list", resource="pods", namespace="other"), decided.errors))
    assert said.endswith('in the namespace "other": RBAC: role.rbac.authorization.k8s.io "gone" not found')


def test_nobody_grants_more_than_he_has(roles: Roles) -> None:
    held = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    more = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "delete"]}
    assert rbac.not_held(roles, DEV, "team", [held]) == []
    missing = rbac.not_held(roles, DEV, "team", [more])
    assert missing == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}]
    said = str(rbac.escalation("roles.rbac.authorization.k8s.io", "r", DEV, missing))
    whose = 'user "dev" (groups=["testers" "system:authenticated"])'
    assert f"{whose} is attempting to grant RBAC permissions not currently held" in said
    assert '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}' in said
