"""kubectl's JSONPath, the simple part."""

from __future__ import annotations

import pytest

from k8s_notebook.session import jsonpath
from k8s_notebook.session.problems import UsageError

LIST = {
    "kind": "List",
    "items": [
        {"metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "x"}}, "n": 1, "ok": True, "on": ["p", "q"]},
        {"metadata": {"name": "b"}, "n": 2, "ok": False, "on": []},
    ],
}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{.kind}", "List"),
        (".kind", "List"),
        ("{$.kind}", "List"),
        ("{.items[*].metadata.name}", "a b"),
        ("{.items[0].metadata.name}", "a"),
        ("{.items[-1].metadata.name}", "b"),
        ("{.items[0:1].metadata.name}", "a"),
        ("{.items[7].metadata.name}", ""),
        ("{..name}", "a b"),
        ("{.items[?(@.n>1)].metadata.name}", "b"),
        ('{.items[?(@.metadata.name=="a")].n}', "1"),
        ("{.items[?(@.metadata.name!='a')].n}", "2"),
        ("{.items[?(@.metadata.labels)].n}", "1"),
        ("{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "x"),
        ("{.items[0].metadata['labels']['app.kubernetes.io/name']}", "x"),
        ("{.items[*].ok}", "true false"),
        ("{.items[0].on}", '["p","q"]'),
        ("names: {.items[*].metadata.name}!", "names: a b!"),
        ('{range .items[*]}{.metadata.name}{"\\t"}{.n}{"\\n"}{end}', "a\t1\nb\t2\n"),
        ("{range .items[*]}{range .on[*]}{@},{end};{end}", "p,q,;;"),
    ],
)
def test_templates(template: str, said: str) -> None:
    assert jsonpath.evaluate(template, LIST) == said


@pytest.mark.parametrize("template", ["{.items", "{.items[}", "{range .items[*]}", "{end}", "{.items[?(!)]}"])
def test_what_cannot_be_understood_is_said(template: str) -> None:
    with pytest.raises(UsageError, match="error parsing jsonpath"):
        jsonpath.evaluate(template, LIST)
