"""The magics in a shell: what they return, print, silence, and how they say no."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from k8s_notebook.magics import expansion
from k8s_notebook.session import current
from k8s_notebook.session.problems import UsageError
from tests.unit.session import world


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current, "_known", {})
    monkeypatch.setattr(current, "_current", None)
    current._hold(world.cluster(2))


def run(shell: InteractiveShell, code: str) -> Any:
    done = shell.run_cell(code)
    done.raise_error()
    return done.result


@pytest.mark.usefixtures("cluster")
def test_a_line_returns_a_value(shell: InteractiveShell) -> None:
    assert run(shell, "%kubectl get nodes").names == ["node-1", "node-2"]
    assert run(shell, "x = %k get nodes\nx.df['name'].tolist()") == ["node-1", "node-2"]
    assert "get" in run(shell, "%kubectl --help").text


@pytest.mark.usefixtures("cluster")
def test_the_cell_is_the_manifest(shell: InteractiveShell) -> None:
    cell = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: $name\ndata:\n  a: '{{b}}'\n"
    with pytest.raises(Exception, match=r'ConfigMap "\$name" is invalid'):
        run(shell, "%%kubectl apply -f -\n" + cell)
    assert run(shell, "%%kubectl apply -f -\n" + cell.replace("$name", "x")).text == "configmap/x created"
    assert run(shell, "%%k apply -f -\n" + cell.replace("$name", "x")).text == "configmap/x unchanged"
    assert run(shell, "%kubectl get cm x -o jsonpath={.data.a}").text == "{{b}}"


@pytest.mark.usefixtures("cluster")
def test_variables(shell: InteractiveShell) -> None:
    assert run(shell, "node = 'node-1'\n%kubectl get node $node -o name").text == "node/node-1"
    assert run(shell, "n = 1\n%kubectl get node node-{{n + 1}} -o name").text == "node/node-2"


@pytest.mark.usefixtures("cluster")
def test_refusals_show_one_sentence_and_no_traceback(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    done = shell.run_cell("%kubectl get pod nope")
    assert type(done.error_in_exec).__name__ == "K8sError"
    assert capsys.readouterr().out.strip() == 'Error from server (NotFound): pods "nope" not found'
    run(
        shell,
        "import k8s_notebook as kn\ntry:\n    get_ipython().run_line_magic('kubectl', 'get foos')\nexcept kn.K8sError as e:\n    said = str(e)",
    )
    assert "resource type" in run(shell, "said")


@pytest.mark.usefixtures("cluster")
def test_streams_print_and_show_nothing_more(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(shell, "%kubectl get nodes -w --timeout=0.1s")
    said = capsys.readouterr().out
    assert said.count("NAME ") == 1
    assert "node-1" in found.text


@pytest.mark.usefixtures("cluster")
def test_k8s(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    run(shell, "%k8s ns kube-system")
    assert capsys.readouterr().out == "namespace kube-system of embedded test\n"
    run(shell, "%k8s ns default")
    assert "stopped" in run(shell, "%k8s fail node node-2").text
    assert run(shell, "%k8s heal node/node-2").text == "node/node-2 started"
    assert "2 of 2 ready" in run(shell, "%k8s status").text
    assert "--nodes" in run(shell, "%k8s start --help").text
    assert "start" in run(shell, "%k8s").text
    graph = run(shell, "%k8s graph --static")
    assert {k.kind for k in graph.nx} >= {"Node", "Service"}


@pytest.mark.parametrize(
    "line", ["frob", "fail pod x", "fail node", "use", "delete", "start --nodes x", "why deploy/x", "ns nope"]
)
@pytest.mark.usefixtures("cluster")
def test_k8s_refuses_in_one_sentence(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str) -> None:
    assert shell.run_cell(f"%k8s {line}").error_in_exec is not None
    assert len(capsys.readouterr().out.strip().split("\n")) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("get $a", "get 1"), ("get $unknown", "get $unknown"), ("$$a", "$a"), ("{{a + 1}}", "2"), ("jsonpath={.items[0]}", "jsonpath={.items[0]}"),
        ("{{ {'k': a}['k'] }}", "1"), ("$a$a", "11"), ("$HOME", "$HOME"), ("{{'-'.join('xy')}}", "x-y"),
    ],
)  # fmt: skip
def test_expansion(line: str, said: str) -> None:
    assert expansion.expand(line, {"a": 1}) == said


def test_an_expression_that_fails() -> None:
    with pytest.raises(UsageError, match=r"\{\{nope\}\} cannot be computed: NameError"):
        expansion.expand("{{nope}}", {})
