"""Command lines: options and words in any order, global options in front, help without leaving."""

from __future__ import annotations

import pytest

from k8s_notebook.session import arguments, targets, verbs
from k8s_notebook.session.problems import UsageError
from tests.unit.session import world


@pytest.fixture(scope="module")
def door() -> object:
    return world.cluster(1).door


@pytest.mark.parametrize(
    "line",
    ["get pods -n kube-system -o wide", "-n kube-system get pods -o wide", "get -o wide -n kube-system pods", "get pods -o=wide --namespace=kube-system"],
)  # fmt: skip
def test_options_stand_anywhere(door: object, line: str) -> None:
    found = verbs.run(verbs.Context(door), arguments.split(line))  # type: ignore[arg-type]
    assert found.text == "No resources found in kube-system namespace."


@pytest.mark.parametrize("verb", sorted(verbs.VERBS))
def test_every_verb_has_help(door: object, verb: str) -> None:
    said = verbs.run(verbs.Context(door), [verb, "--help"]).text  # type: ignore[arg-type]
    assert said.startswith(f"usage: kubectl {verb}")
    assert verb in verbs.help_result().text


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (["pods"], ["pods"]), (["po,svc,po"], ["pods", "services"]), (["Pod"], ["pods"]), (["deployments.apps"], ["deployments.apps"]),
        (["deployments.v1.apps"], ["deployments.apps"]), (["pod/a", "pod/b", "svc/c"], ["pods", "services"]), (["pod", "a", "a"], ["pods"]),
    ],
)  # fmt: skip
def test_targets(door: object, words: list[str], kinds: list[str]) -> None:
    assert [t.kind.resource for t in targets.parse(door, words)] == kinds  # type: ignore[arg-type]


@pytest.mark.parametrize("words", [[], ["po,svc", "x"], ["pod/a/b"], ["/a"], ["pod/"]])
def test_targets_that_make_no_sense(door: object, words: list[str]) -> None:
    with pytest.raises(UsageError):
        targets.parse(door, words)  # type: ignore[arg-type]
