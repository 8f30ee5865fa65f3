"""URLs become verbs as the API server's request info resolver makes them."""

from __future__ import annotations

import pytest

from k8s_notebook.apiserver import routing
from k8s_notebook.apiserver.routing import PageNotFound, Plain, Route
from k8s_notebook.objects import kinds
from k8s_notebook.objects.errors import ApiError, BadRequest, MethodNotAllowed, NotFound

RESOURCES = {
    "list in a namespace": ("GET", "/api/v1/namespaces/default/pods", {}, ("pods", "list", "default", "", "")),
    "list everywhere": ("GET", "/api/v1/pods", {}, ("pods", "list", "", "", "")),
    "watch": ("GET", "/api/v1/pods", {"watch": "true"}, ("pods", "watch", "", "", "")),
    "watch, old spelling": ("GET", "/api/v1/watch/namespaces/a/pods", {}, ("pods", "watch", "a", "", "")),
    "watch=0 is a list": ("GET", "/api/v1/pods", {"watch": "0"}, ("pods", "list", "", "", "")),
    "get": ("GET", "/apis/apps/v1/namespaces/a/deployments/web", {}, ("deployments.apps", "get", "a", "web", "")),
    "trailing slash": ("GET", "/apis/apps/v1/namespaces/a/deployments/", {}, ("deployments.apps", "list", "a", "", "")),
    "percent-encoded": ("GET", "/api/v1/namespaces/a/secrets/x%2Ey", {}, ("secrets", "get", "a", "x.y", "")),
    "status": ("PUT", "/apis/apps/v1/namespaces/a/deployments/web/status", {},
               ("deployments.apps", "update", "a", "web", "status")),
    "a namespace": ("GET", "/api/v1/namespaces/kube-system", {}, ("namespaces", "get", "", "kube-system", "")),
    "a namespace's status": ("GET", "/api/v1/namespaces/x/status", {}, ("namespaces", "get", "", "x", "status")),
    "finalize": ("PUT", "/api/v1/namespaces/x/finalize", {}, ("namespaces", "update", "", "x", "finalize")),
    "namespaces": ("POST", "/api/v1/namespaces", {}, ("namespaces", "create", "", "", "")),
    "delete a collection": ("DELETE", "/api/v1/namespaces/a/pods", {}, ("pods", "deletecollection", "a", "", "")),
    "binding": ("POST", "/api/v1/namespaces/a/pods/p/binding", {}, ("pods", "create", "a", "p", "binding")),
    "a review": ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {},
                 ("selfsubjectaccessreviews.authorization.k8s.io", "create", "", "", "")),
    "exec": ("GET", "/api/v1/namespaces/a/pods/p/exec", {}, ("pods", "get", "a", "p", "exec")),
    "proxy keeps the rest": ("GET", "/api/v1/namespaces/a/services/s:80/proxy/x/y", {},
                             ("services", "get", "a", "s:80", "proxy")),
}  # fmt: skip


@pytest.mark.parametrize("case", RESOURCES)
def test_resource(case: str) -> None:
    method, path, query, expected = RESOURCES[case]
    found = routing.route(method, path, query, kinds.BUILTIN)
    assert isinstance(found, Route)
    assert (found.kind.resource, found.verb, found.namespace, found.name, found.subresource) == expected


PLAIN = ["/", "/version", "/api", "/api/v1", "/apis", "/apis/apps/v1", "/openapi/v3/apis/apps/v1", "/nope"]


@pytest.mark.parametrize("path", PLAIN)
def test_plain_path(path: str) -> None:
    assert routing.route("GET", path, {}, kinds.BUILTIN) == Plain(path, "get")
    assert routing.route("GET", path.rstrip("/") + "/", {}, kinds.BUILTIN) == Plain(path, "get")


REFUSED = {
    "unknown resource": ("GET", "/api/v1/nope", NotFound),
    "unknown group": ("GET", "/apis/nope/v1/x", PageNotFound),
    "unknown subresource": ("GET", "/api/v1/namespaces/a/pods/p/nope", NotFound),
    "create without a namespace": ("POST", "/api/v1/pods", MethodNotAllowed),
    "delete everywhere": ("DELETE", "/api/v1/pods", MethodNotAllowed),
    "put a collection": ("PUT", "/api/v1/namespaces/default/pods", MethodNotAllowed),
    "post to an object": ("POST", "/api/v1/namespaces/default/pods/x", MethodNotAllowed),
    "cluster kind in a namespace": ("GET", "/api/v1/namespaces/a/nodes", NotFound),
    "namespaced object without a namespace": ("GET", "/api/v1/pods/x", NotFound),
    "get a review": ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", MethodNotAllowed),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    method, path, error = REFUSED[case]
    with pytest.raises(ApiError) as caught:
        routing.route(method, path, {}, kinds.BUILTIN)
    assert type(caught.value) is error
    if error is not PageNotFound:
        assert caught.value.status()["details"] == {}


def test_numbers_in_queries() -> None:
    assert routing.whole_number({"limit": "500"}, "limit") == 500
    assert routing.whole_number({}, "limit") is None
    with pytest.raises(BadRequest, match=r'strconv\.ParseInt: parsing "abc": invalid syntax'):
        routing.whole_number({"limit": "abc"}, "limit")
