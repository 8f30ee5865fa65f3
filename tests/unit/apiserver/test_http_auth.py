"""Tokens and who they are good for."""

from __future__ import annotations

import pytest

from k8s_notebook.apiserver import auth, tls
from k8s_notebook.apiserver.auth import ADMIN, ANONYMOUS, Authenticator
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import Unauthorized

ACCOUNT: Obj = {"metadata": {"name": "robot", "namespace": "team", "uid": "u-1"}}
POD: Obj = {"metadata": {"name": "p", "namespace": "team", "uid": "u-2"}, "spec": {"nodeName": "node-1"}}


class Cluster:
    """What tokens are checked against, and the time."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.objects = {("serviceaccounts", "team", "robot"): ACCOUNT, ("pods", "team", "p"): POD}

    def find(self, resource: str, namespace: str, name: str) -> Obj | None:
        return self.objects.get((resource, namespace, name))


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def authenticator(cluster: Cluster) -> Authenticator:
    return Authenticator("secret", tls.Signer(tls.new_key()), cluster.find, lambda: cluster.now)


def test_admin_anonymous_and_wrong(authenticator: Authenticator) -> None:
    assert authenticator.who("Bearer secret") is ADMIN
    assert authenticator.who(None) is ANONYMOUS
    for wrong in ("Bearer nope", "Bearer a.b.c", "Bearer eyJ9.e30.AAAA"):
        with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
            authenticator.who(wrong)


def test_service_account_token(authenticator: Authenticator, cluster: Cluster) -> None:
    issued = authenticator.issue(ACCOUNT, {"spec": {"expirationSeconds": 600}})
    assert issued["status"]["expirationTimestamp"] == "1970-01-12T13:56:40Z"
    token = issued["status"]["token"]
    user = authenticator.check(token)
    assert user is not None
    assert user.name == "system:serviceaccount:team:robot"
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated")
    assert authenticator.check(token[:-4] + "AAAA") is None
    assert authenticator.check(token, ["another audience"]) is None
    cluster.now += 601
    assert authenticator.check(token) is None


def test_token_ends_with_its_account_and_its_pod(authenticator: Authenticator, cluster: Cluster) -> None:
    request = {"spec": {"boundObjectRef": {"kind": "Pod", "name": "p", "uid": "u-2"}}}
    token = authenticator.issue(ACCOUNT, request, POD)["status"]["token"]
    user = authenticator.check(token)
    assert user is not None
    assert user.extra["authentication.kubernetes.io/node-name"] == ("node-1",)
    del cluster.objects[("pods", "team", "p")]
    assert authenticator.check(token) is None
    free = authenticator.issue(ACCOUNT, {})["status"]["token"]
    cluster.objects[("serviceaccounts", "team", "robot")] = {"metadata": {**ACCOUNT["metadata"], "uid": "new"}}
    assert authenticator.check(free) is None


def test_impersonation() -> None:
    assert auth.impersonation([("Accept", "x")]) is None
    wish = auth.impersonation([("Impersonate-User", "jane"), ("Impersonate-Group", "g"), ("Impersonate-Extra-Scopes", "a")])
    assert wish is not None
    assert wish.needs() == [("", "users", "", "jane"), ("", "groups", "", "g")]
    assert wish.becomes().groups == ("g", "system:authenticated")
    robot = auth.impersonation([("impersonate-user", "system:serviceaccount:team:robot")])
    assert robot is not None
    assert robot.needs() == [("", "serviceaccounts", "team", "robot")]
    assert robot.becomes().groups[1] == "system:serviceaccounts:team"


def test_certificates() -> None:
    issuer = tls.authority("demo", 1_000_000.0)
    pair = tls.server_certificate(issuer, 1_000_000.0)
    assert tls.expires(pair.certificate) == 1_000_000 + tls.LIFETIME
    signer = tls.Signer(pair.key)
    assert signer.good(b"data", signer.sign(b"data"))
    assert not signer.good(b"other", signer.sign(b"data"))
