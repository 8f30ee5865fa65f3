"""Every request as an HTTP call."""

from __future__ import annotations

import pytest

from k8s_notebook.client import wire
from k8s_notebook.machinery.actions import Apply, Bind, Create, Delete, Get, List, Patch, Raw, Request, Update
from k8s_notebook.machinery.api import LogRequest
from k8s_notebook.objects import errors
from k8s_notebook.objects.kinds import BUILTIN

WEB = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
OLD_HPA = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h", "namespace": "shop"}}
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"


@pytest.mark.parametrize(
    ("request_", "method", "path", "query", "content_type"),
    [
        (Get("pods", "x", "shop"), "GET", "/api/v1/namespaces/shop/pods/x", {}, wire.JSON),
        (Get("pods", "../x?y", "a/b"), "GET", "/api/v1/namespaces/a%2Fb/pods/..%2Fx%3Fy", {}, wire.JSON),
        (Get("deployments.apps", "web", "shop", "scale"), "GET", f"{DEPLOYMENTS}/web/scale", {}, wire.JSON),
        (List("pods"), "GET", "/api/v1/pods", {}, wire.JSON),
        (List("nodes", "shop"), "GET", "/api/v1/nodes", {}, wire.JSON),
        (List("pods", "shop", "a=b", "c=d", 5, "token", "0"), "GET", "/api/v1/namespaces/shop/pods",
         {"labelSelector": "a=b", "fieldSelector": "c=d", "limit": "5", "continue": "token", "resourceVersion": "0"}, wire.JSON),
        (List("pods", table=True, whole_objects=True), "GET", "/api/v1/pods", {"includeObject": "Object"}, wire.JSON),
        (Create(WEB), "POST", DEPLOYMENTS, {}, wire.JSON),
        (Create(WEB, dry_run=True, strict=True, manager="me"), "POST", DEPLOYMENTS,
         {"fieldManager": "me", "dryRun": "All", "fieldValidation": "Strict"}, wire.JSON),
        (Create({}, "pods", "shop", "x", "eviction"), "POST", "/api/v1/namespaces/shop/pods/x/eviction", {}, wire.JSON),
        (Create(OLD_HPA, "horizontalpodautoscalers.autoscaling"), "POST",
         "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers", {}, wire.JSON),
        (Get("horizontalpodautoscalers.v1.autoscaling", "h", "shop"), "GET",
         "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers/h", {}, wire.JSON),
        (Update(WEB, "deployments.apps", "status"), "PUT", f"{DEPLOYMENTS}/web/status", {}, wire.JSON),
        (Patch("deployments.apps", "web", "shop", {}, "strategic", manager="me"), "PATCH", f"{DEPLOYMENTS}/web",
         {"fieldManager": "me"}, "application/strategic-merge-patch+json"),
        (Patch("deployments.apps", "web", "shop", [], "json"), "PATCH", f"{DEPLOYMENTS}/web", {}, "application/json-patch+json"),
        (Apply(WEB, "me"), "PATCH", f"{DEPLOYMENTS}/web",
         {"fieldManager": "me", "fieldValidation": "Strict", "force": "false"}, "application/apply-patch+yaml"),
        (Bind("shop", "x", "uid", "n1"), "POST", "/api/v1/namespaces/shop/pods/x/binding", {}, wire.JSON),
        (Raw("/version", {"a": "b"}), "GET", "/version", {"a": "b"}, wire.JSON),
    ],
)  # fmt: skip
def test_calls(request_: Request, method: str, path: str, query: dict[str, str], content_type: str) -> None:
    found = wire.call(request_, BUILTIN)
    assert (found.method, found.path, dict(found.query), found.content_type) == (method, path, query, content_type)


def test_tables_are_asked_for_by_accept() -> None:
    assert "as=Table" in wire.call(List("pods", table=True), BUILTIN).accept
    assert wire.call(List("pods"), BUILTIN).accept == wire.JSON


def test_deletions_say_how() -> None:
    body = wire.call(Delete("pods", "x", "shop", 0, "Orphan", "u", dry_run=True), BUILTIN).body
    assert (body["gracePeriodSeconds"], body["propagationPolicy"], body["preconditions"], body["dryRun"]) == (
        0,
        "Orphan",
        {"uid": "u"},
        ["All"],
    )


def test_logs() -> None:
    found = wire.log(LogRequest("shop", "x", "c", True, True, 0, 5, True), BUILTIN)
    assert found.path == "/api/v1/namespaces/shop/pods/x/log"
    assert dict(found.query) == {
        "container": "c", "follow": "true", "previous": "true", "tailLines": "0", "sinceSeconds": "5", "timestamps": "true",
    }  # fmt: skip


def test_an_unknown_kind() -> None:
    with pytest.raises(errors.NotFound, match='the server doesn\'t have a resource type "foos"'):
        wire.call(List("foos"), BUILTIN)
