"""A whole control plane behind the front, without sockets and on a virtual clock: answers, watches, refusals."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from k8s_notebook.apiserver import discovery, host
from k8s_notebook.apiserver.answers import Answer, Following, Request, Watching
from k8s_notebook.cluster.folder import Folder
from k8s_notebook.cluster.options import Options
from k8s_notebook.cluster.plane import ControlPlane
from k8s_notebook.objects import kinds
from k8s_notebook.sim.clock import Virtual
from k8s_notebook.sim.loop import Loop
from k8s_notebook.store.revisions import Store

DEPLOYMENT = {
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "nginx", "image": "nginx:1"}]}},
    },
}
MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")


class Door:
    """Asks the front as the admin, and lets a little time pass after each question."""

    def __init__(self, folder: Folder) -> None:
        self.loop = Loop(Virtual(1_790_000_000.0))
        self.store = Store(self.loop.clock)
        self._credentials = host.credentials(folder.path, folder.write, "test", self.loop.now())
        self.plane = ControlPlane(self.loop, self.store, Options(nodes=0), self._credentials)
        self.plane.begin("127.0.0.1", 6443)
        self.plane.work()
        self.run(5)

    def run(self, seconds: float) -> None:
        self.loop.run(self.loop.now() + seconds)

    def ask(self, method: str, url: str, body: Any = None, *headers: tuple[str, str], token: str | None = None) -> Any:
        split = urlsplit(url)
        query: dict[str, str] = {}
        for name, value in parse_qsl(split.query, keep_blank_values=True):
            query.setdefault(name, value)
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        token = self._credentials.token if token is None else token
        known = (("Authorization", f"Bearer {token}"),) if token else ()
        result = self.plane.front.answer(Request(method, split.path, query, [*known, *headers], sent))
        self.run(0.1)
        return result

    def json(
        self, method: str, url: str, body: Any = None, *headers: tuple[str, str], token: str | None = None
    ) -> tuple[int, Any]:
        result = self.ask(method, url, body, *headers, token=token)
        assert isinstance(result, Answer)
        return result.code, json.loads(result.body)


@pytest.fixture
def door(tmp_path: pathlib.Path) -> Iterator[Door]:
    folder = Folder("test", tmp_path)
    folder.make()
    made = Door(folder)
    yield made
    made.plane.stop()


def lines(watching: Any) -> list[Any]:
    assert isinstance(watching, Watching)
    return [json.loads(watching.frame(e)) for e in watching.subscription.take()]


def test_discovery_is_the_real_one(shared: pathlib.Path) -> None:
    for file, core in (("discovery_api_v2.json", True), ("discovery_apis_v2.json", False)):
        real = json.loads((shared / "data" / "kubernetes-golden" / file).read_text())
        assert discovery.aggregated(kinds.BUILTIN, core=core) == real


def test_discovery_documents(door: Door) -> None:
    accept = ("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json")
    found = door.ask("GET", "/apis", None, accept)
    assert found.content_type == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    tag = dict(found.headers)["Etag"]
    assert door.ask("GET", "/apis", None, accept, ("If-None-Match", tag)).code == 304
    assert door.json("GET", "/apis/")[1]["kind"] == "APIGroupList"
    assert door.json("GET", "/api")[1]["versions"] == ["v1"]
    core = {r["name"]: r for r in door.json("GET", "/api/v1/")[1]["resources"]}
    eviction = core["pods/eviction"]
    assert (eviction["group"], eviction["version"], eviction["kind"]) == ("policy", "v1", "Eviction")
    assert door.json("GET", "/apis/apps")[1]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert door.ask("GET", "/apis/nope").body == b"404 page not found\n"


def test_openapi(door: Door) -> None:
    paths = door.json("GET", "/openapi/v3")[1]["paths"]
    place = paths["apis/apps/v1"]["serverRelativeURL"]
    document = door.ask("GET", place)
    assert ("Cache-Control", "public, immutable") in document.headers
    operations = json.loads(document.body)["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    assert "fieldValidation" in [p["name"] for p in operations["patch"]["parameters"]]
    assert door.json("GET", paths["apis/k8s-notebook.io/v1alpha1"]["serverRelativeURL"])[0] == 200
    assert door.json("GET", "/openapi/v2")[1]["swagger"] == "2.0"
    accept = ("Accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")
    assert door.ask("GET", "/openapi/v2", None, accept).body == b"\n\x032.0\x12\x10\n\nKubernetes\x12\x02v1B\x00"


def test_health_and_version(door: Door) -> None:
    assert door.ask("GET", "/readyz", token="").body == b"ok"
    assert door.ask("GET", "/livez?verbose").body.endswith(b"livez check passed\n")
    assert door.json("GET", "/version/", token="")[1]["gitVersion"] == "v1.36.3+k8s-notebook"
    assert "deployment-controller" in door.json("GET", "/k8s-notebook/parts")[1]
    assert door.json("GET", "/k8s-notebook/parts", token="")[0] == 403


def test_who_asks(door: Door) -> None:
    assert door.json("GET", "/api/v1/pods", token="wrong")[0] == 401
    code, status = door.json("GET", "/api/v1/pods", token="")
    assert (code, status["message"]) == (
        403, 'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
    )  # fmt: skip
    code, status = door.json("GET", "/api/v1/pods", None, ("Impersonate-User", "jane"))
    assert 'User "jane" cannot list' in status["message"]
    code, token = door.json("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", {})
    assert code == 201
    code, review = door.json("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, token=token["status"]["token"])
    assert review["status"]["userInfo"]["username"] == "system:serviceaccount:default:default"
    code, review = door.json("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token["status"]["token"]}})
    assert review["status"]["authenticated"] is True
    accept = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
    assert door.json("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {}, accept)[0] == 406


def test_nobody_lifts_himself(door: Door) -> None:
    rules = [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["create", "get"]}]
    door.json("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", {"metadata": {"name": "roler"}, "rules": rules})
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "roler"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}
    binding = {"metadata": {"name": "jane"}, "roleRef": ref, "subjects": [subject]}
    assert door.json("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)[0] == 201
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
    jane = ("Impersonate-User", "jane")
    assert door.json("POST", roles, {"metadata": {"name": "same"}, "rules": rules}, jane)[0] == 201
    more = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    code, status = door.json("POST", roles, {"metadata": {"name": "more"}, "rules": more}, jane)
    assert (code, "is attempting to grant RBAC permissions not currently held" in status["message"]) == (403, True)


def test_shapes(door: Door) -> None:
    door.json("POST", MAPS, {"metadata": {"name": "one"}, "data": {"a": "1"}})
    table = door.json("GET", MAPS, None, TABLE)[1]
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert [r["cells"][:2] for r in table["rows"]] == [["kube-root-ca.crt", 1], ["one", 1]]
    bare = ("Accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
    listed = door.json("GET", MAPS, None, bare)[1]
    assert listed["kind"] == "PartialObjectMetadataList"
    assert "data" not in listed["items"][1]
    text = door.ask("GET", f"{MAPS}/one", None, ("Accept", "application/yaml"))
    assert (text.content_type, b"data:\n  a: '1'\n" in text.body) == ("application/yaml", True)
    made = door.ask("POST", MAPS, b"metadata:\n  name: two\ndata:\n  n: x\n", ("Content-Type", "application/yaml"))
    assert made.code == 201


def test_watch(door: Door) -> None:
    door.json("POST", MAPS, {"metadata": {"name": "one"}})
    watching = door.ask("GET", f"{MAPS}?watch=1&fieldSelector=metadata.name%3Done")
    assert 1800 <= watching.timeout <= 3600
    assert [e["type"] for e in lines(watching)] == ["ADDED"]
    door.json("PATCH", f"{MAPS}/one", {"data": {"a": "1"}}, ("Content-Type", "application/merge-patch+json"))
    door.json("DELETE", f"{MAPS}/one")
    changed, gone = lines(watching)
    assert (changed["type"], changed["object"]["data"], gone["type"]) == ("MODIFIED", {"a": "1"}, "DELETED")
    assert int(gone["object"]["metadata"]["resourceVersion"]) > int(changed["object"]["metadata"]["resourceVersion"])


def test_watch_list(door: Door) -> None:
    query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=9"
    watching = door.ask("GET", f"{MAPS}?{query}")
    added, bookmark = lines(watching)
    assert (watching.bookmarks, watching.timeout) == (True, 9.0)
    assert (added["type"], added["object"]["kind"]) == ("ADDED", "ConfigMap")
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert (bookmark["object"]["kind"], bookmark["object"]["apiVersion"]) == ("ConfigMap", "v1")
    watching.subscription.progress()
    (progress,) = lines(watching)
    assert (progress["type"], "annotations" in progress["object"]["metadata"]) == ("BOOKMARK", False)
    tables = door.ask("GET", f"{MAPS}?{query}", None, TABLE)
    first, last = lines(tables)
    assert first["object"]["columnDefinitions"] is not None
    assert (last["object"]["kind"], last["object"]["columnDefinitions"], last["object"]["rows"]) == ("Table", None, [])


def test_warnings(door: Door) -> None:
    found = door.ask("POST", f"{MAPS}?fieldValidation=Warn&dryRun=All", {"metadata": {"name": "x"}, "dat": {}})
    assert ("Warning", '299 - "unknown field \\"dat\\""') in found.headers
    found = door.ask("GET", "/api/v1/endpoints")
    assert any(name == "Warning" and "EndpointSlice" in value for name, value in found.headers)


def test_processes_are_refused_in_one_sentence(door: Door) -> None:
    code, status = door.json("GET", "/api/v1/namespaces/default/pods/x/exec?command=ls")
    assert code == 405
    assert status["message"].startswith("this embedded cluster does not run processes yet: pods/exec")


def test_golden_refusals(door: Door, shared: pathlib.Path) -> None:
    door.json("POST", "/apis/apps/v1/namespaces/default/deployments", DEPLOYMENT)
    door.run(5)
    text = (shared / "data" / "kubernetes-golden" / "errors.txt").read_text()
    wrong = [said for case in text.removeprefix("--- ").split("\n--- ") for said in _differs(door, case)]
    assert wrong == []


def _differs(door: Door, case: str) -> Iterator[str]:
    """What is different, for a recorded question whose body was recorded whole and that an admin asked."""
    head, _, recorded = case.partition("\n")
    found = re.match(r"(\S+) (\S+)(?: (.*?))?(?: (Content-Type|Accept):(\S+))?$", head)
    assert found is not None
    method, url, body, header, value = found.groups()
    body, code = (body or "").removeprefix("-").strip(), int(recorded[:3])
    if code in (401, 403) and ("dev" in recorded or code == 401):
        return
    if body.startswith("{") and not body.startswith("{bad") and body.count("{") != body.count("}"):
        return
    if (method, "clusterIP" in body, "fieldManager=me" in url) in (("POST", True, False), ("PATCH", False, True)):
        # Recorded after other writes than these.
        return
    headers = [(header, value)] if header else [("Content-Type", "application/json")] if body else []
    result = door.ask(method, url, body.encode(), *headers)
    if isinstance(result, (Watching, Following)):
        return
    if result.code != code:
        yield f"{head}: {result.code} instead of {code}: {result.body[:200]!r}"
    elif recorded[4:].startswith('{"kind": "Status"'):
        real, ours = (_comparable(json.loads(t)) for t in (recorded[4:].splitlines()[0], result.body))
        if real != ours:
            yield f"{head}: {ours} instead of {real}"


def _comparable(status: Any) -> str:
    text = json.dumps({k: status.get(k) for k in ("message", "reason", "details")}, sort_keys=True)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|current: \d+|in record \(\d+\)", "…", text)
