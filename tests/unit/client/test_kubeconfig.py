"""Kubeconfigs: what they say, what is wrong with them, and that a mere listing runs nothing."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from k8s_notebook.client import kubeconfig
from k8s_notebook.client.kubeconfig import ConfigError

CONFIG = """\
apiVersion: v1
kind: Config
current-context: two
clusters:
- name: a
  cluster: {server: "http://127.0.0.1:1/"}
- name: b
  cluster: {server: "https://127.0.0.1:2", insecure-skip-tls-verify: true}
- name: broken
  cluster: {}
users:
- name: token
  user: {token: abc}
- name: plugin
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: "%s", interactiveMode: Never}
- name: basic
  user: {username: u, password: p}
contexts:
- name: one
  context: {cluster: a, user: token, namespace: shop}
- name: two
  context: {cluster: b, user: token}
- name: three
  context: {cluster: a, user: plugin}
- name: four
  context: {cluster: a, user: basic}
- name: five
  context: {cluster: broken, user: token}
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A credentials plugin that leaves a trace when it runs."""
    path = tmp_path / "plugin"
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "fresh"}}
    path.write_text(
        f"#!{sys.executable}\nopen({str(tmp_path / 'ran')!r}, 'w').close()\nprint({json.dumps(json.dumps(credential))})\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def config(tmp_path: Path, plugin: Path) -> str:
    path = tmp_path / "config"
    path.write_text(CONFIG % plugin)
    return str(path)


def test_contexts_are_listed_without_running_anything(config: str, tmp_path: Path) -> None:
    found = kubeconfig.contexts(config)
    assert [c.name for c in found] == ["one", "two", "three", "four", "five"]
    assert [c.name for c in found if c.current] == ["two"]
    assert (found[0].namespace, found[1].namespace, found[0].server) == ("shop", "default", "http://127.0.0.1:1/")
    assert not (tmp_path / "ran").exists()


def test_several_files_are_merged(config: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(json.dumps({"contexts": [{"name": "six", "context": {"cluster": "a"}}], "current-context": "six"}))
    found = kubeconfig.contexts(os.pathsep.join([config, str(other), str(tmp_path / "absent")]))
    assert [c.name for c in found][-1] == "six"


@pytest.mark.parametrize(
    ("context", "authorization"),
    [("one", "Bearer abc"), ("three", "Bearer fresh"), ("four", "Basic dTpw")],
)
def test_credentials(config: str, context: str, authorization: str) -> None:
    found, endpoint = kubeconfig.endpoint(config, context)
    assert found.name == context
    assert endpoint.server == "http://127.0.0.1:1"
    assert endpoint.headers == {"Authorization": authorization}
    assert (endpoint.fresh is not None) == (context == "three")
    if endpoint.fresh is not None:
        assert endpoint.fresh() == {"Authorization": authorization}


def test_tls_without_verification(config: str) -> None:
    _, endpoint = kubeconfig.endpoint(config)
    assert endpoint.tls is not None
    assert not endpoint.tls.check_hostname


@pytest.mark.parametrize(
    ("content", "context", "said"),
    [
        (None, None, "no kubeconfig at"),
        ("", None, "empty"),
        ("a: [", None, "is not YAML"),
        ("just text", None, "cannot be read|holds no configuration"),
        (CONFIG % "x", "seven", r'context "seven" does not exist .* \(contexts: one, two, three, four, five\)'),
        (CONFIG.replace("current-context: two", "") % "x", None, "no current context is set"),
        (CONFIG % "x", "five", 'cluster "broken" of context "five" has no server'),
        (CONFIG % "/no/such/plugin", "three", 'the credentials plugin "/no/such/plugin" of context "three" gave no credentials'),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, content: str | None, context: str | None, said: str) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=said) as caught:
        kubeconfig.endpoint(str(path), context)
    assert "\n" not in str(caught.value)
