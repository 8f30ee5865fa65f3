"""The Jupyter server extension: what it answers, and that it answers nobody who has no token."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPResponse

import k8s_notebook
from k8s_notebook.cluster import folder, options
from k8s_notebook.lab import found, routes

Fetch = Callable[..., Awaitable[HTTPResponse]]

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: two
clusters: [{name: c, cluster: {server: "https://192.0.2.1:6443"}}]
contexts:
- {name: one, context: {cluster: c, user: u}}
- {name: two, context: {cluster: c, user: u, namespace: team}}
users:
- name: u
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: touch, args: [RAN]}
"""


@pytest.fixture(autouse=True)
def state(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A state folder with one stopped cluster, and no kubeconfig."""
    monkeypatch.setenv("K8S_NOTEBOOK_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    kept = folder.Folder("demo")
    kept.make()
    kept.write_json("options.json", options.Options(nodes=5).to_dict())
    return tmp_path


async def asked(jp_fetch: Fetch) -> dict[str, Any]:
    response = await jp_fetch("k8s-notebook", "api", "clusters")
    assert response.headers["Content-Type"] == "application/json"
    answer = json.loads(response.body)
    assert isinstance(answer, dict)
    return answer


async def refused(fetch: Awaitable[HTTPResponse]) -> tuple[int, dict[str, Any]]:
    with pytest.raises(HTTPClientError) as caught:
        await fetch
    assert caught.value.response is not None
    return caught.value.code, json.loads(caught.value.response.body)


async def test_a_stopped_cluster_and_no_kubeconfig(jp_fetch: Fetch) -> None:
    assert await asked(jp_fetch) == {
        "clusters": [{"name": "demo", "state": "stopped", "server": "", "nodes": 5}],
        "contexts": [],
        "problems": [],
    }


async def test_contexts_are_read_and_no_plugin_runs(jp_fetch: Fetch, state: pathlib.Path) -> None:
    ran = state / "ran"
    (state / "kubeconfig").write_text(KUBECONFIG.replace("RAN", str(ran)))
    server = "https://192.0.2.1:6443"
    assert (await asked(jp_fetch))["contexts"] == [
        {"name": "one", "server": server, "namespace": "default", "current": False},
        {"name": "two", "server": server, "namespace": "team", "current": True},
    ]
    assert not ran.exists()


async def test_a_broken_kubeconfig_is_one_sentence_and_hides_nothing(jp_fetch: Fetch, state: pathlib.Path) -> None:
    (state / "kubeconfig").write_text("a: [")
    answer = await asked(jp_fetch)
    assert [c["name"] for c in answer["clusters"]] == ["demo"]
    assert len(answer["problems"]) == 1
    assert f"kubeconfig {state / 'kubeconfig'} is not YAML" in answer["problems"][0]
    assert "\n" not in answer["problems"][0]


async def test_what_was_not_foreseen_is_one_sentence_too(jp_fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> dict[str, Any]:
        raise ZeroDivisionError("secret inner words")

    monkeypatch.setattr(found, "everything", broken)
    code, answer = await refused(jp_fetch("k8s-notebook", "api", "clusters"))
    assert code == 500
    assert answer == {"message": "this was not foreseen: ZeroDivisionError; Jupyter's log has more."}


@pytest.mark.parametrize("path", sorted(routes.ROUTES))
@pytest.mark.parametrize("token", ["", "token wrong"])
async def test_nobody_without_the_token(jp_fetch: Fetch, path: str, token: str) -> None:
    # A header of ours keeps jp_fetch from adding the right one.
    code, answer = await refused(jp_fetch("k8s-notebook", "api", path, headers={"Authorization": token}))
    assert code == 403
    assert answer == {"message": "Forbidden."}


def test_every_verb_of_every_route_asks_who_is_there(jp_serverapp: Any) -> None:
    """Walks over what the server really has, so that a route that is added some other way is seen too."""
    ours = [
        rule
        for group in jp_serverapp.web_app.wildcard_router.rules + jp_serverapp.web_app.default_router.rules
        for rule in getattr(group.target, "rules", ())
        if routes.PREFIX in rule.matcher.regex.pattern
    ]
    assert len(ours) == len(routes.ROUTES)
    for rule in ours:
        for verb in ("get", "head", "post", "put", "patch", "delete"):
            method = getattr(rule.target, verb)
            inherited = method.__module__.startswith(("tornado.", "jupyter_server."))
            # functools.wraps leaves a trace: `authenticated` is the outermost.
            guarded = hasattr(method, "__wrapped__") and method.__code__.co_filename.endswith("tornado/web.py")
            assert inherited or guarded, f"{rule.target.__name__}.{verb} is open"


def test_installing_enables_it() -> None:
    home = pathlib.Path(k8s_notebook.__file__).parent
    config = json.loads((home / "lab" / "config" / "k8s_notebook.json").read_text())
    assert config == {"ServerApp": {"jpserver_extensions": {"k8s_notebook": True}}}
    assert k8s_notebook._jupyter_server_extension_points() == [{"module": "k8s_notebook.lab"}]
