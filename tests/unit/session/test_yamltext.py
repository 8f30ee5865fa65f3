"""YAML as Kubernetes reads it, and the sentences about YAML that is broken."""

from __future__ import annotations

import pytest

from k8s_notebook.session import yamltext
from k8s_notebook.session.problems import K8sError


def read(text: str) -> list[dict[str, object]]:
    return [d.obj for d in yamltext.documents(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x", "x"), ("1", 1), ("0644", 0o644), ("0x1F", 31), ("1_000", 1000), ("-3", -3), ("1.5", 1.5), ("1e3", 1000.0),
        ("yes", True), ("Off", False), ("true", True), ("y", "y"), ("~", None), ("null", None), ("", None),
        ("2026-11-20", "2026-11-20"), ("12:30:45", "12:30:45"), ("1:30", "1:30"), ('"1"', "1"), ("'yes'", "yes"), ("100m", "100m"),
        ("09", 9.0), (".inf", ".inf"), ("1.14.2", "1.14.2"), ("[a, 1]", ["a", 1]), ("{a: b}", {"a": "b"}),
        ("|\n  a\n  b\n", "a\nb\n"), (">-\n  a\n  b\n", "a b"), ("=", "="), ("<<", "<<"),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    assert read(f"k: {text}\n")[0]["k"] == value


def test_keys_are_texts() -> None:
    assert read("80: a\ntrue: b\n1.5: c\n") == [{"80": "a", "true": "b", "1.5": "c"}]


def test_anchors_and_merges() -> None:
    assert read("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n") == [{"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}}]


def test_documents_and_lists_are_taken_apart() -> None:
    text = "---\na: 1\n---\n# nothing\n---\nkind: List\nitems:\n- b: 2\n- c: 3\n"
    found = yamltext.documents(text)
    assert [d.obj for d in found] == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert [d.line for d in found] == [2, 8, 9]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n  b: 2\n", "line 2, column 4"),
        ("a: [1\nb: 2\n", "line 2, column 2"),
        ("a: 'x\n", "not YAML"),
        ("\ta: 1\n", "line 1, column 1"),
        ("a: 1\na: 2\n", 'line 2: key "a" is already set in this map: "a: 2"'),
        ("- 1\n", "line 1: an object is expected"),
        ("just text\n", 'an object is expected, with apiVersion, kind and metadata: "just text"'),
        ("a: *nobody\n", "line 1, column 4: found undefined alias"),
        ("x: {{y}}\n", "a key must be a text"),
        ("a: &a [*a]\n", "endless"),
        ("a: \x00\n", "line 1, column 4: the character U+0000 is not allowed in YAML"),
    ],
)
def test_broken_yaml_is_one_clear_error(text: str, said: str) -> None:
    with pytest.raises(K8sError) as caught:
        yamltext.documents(text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("error: STDIN")


def test_the_broken_line_itself_is_shown() -> None:
    with pytest.raises(K8sError) as caught:
        yamltext.documents("spec:\n  replicas 3\n  x: 1\n")
    assert "  3 |   x: 1\n" in str(caught.value) or "  2 |   replicas 3\n" in str(caught.value)


def test_many_aliases_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(K8sError, match="endless"):
        yamltext.documents("\n".join(lines))


def test_a_field_is_found_in_its_line() -> None:
    text = "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: b\n    imag: c\n"
    document = yamltext.documents(text)[0]
    assert document.where("spec.containers[0].imag") == ' (line 6: "imag: c")'
    assert document.where("spec.containers[0].nope") == ' (line 4: "- name: a")'


def test_dump_reads_back_and_looks_like_kubectls() -> None:
    value = {
        "b": {"t": "yes", "n": "1", "e": "", "s": "plain", "m": "a\nb\n", "u": "größer", "f": 1.5, "x": None},
        "a": [{"k": [1]}],
    }
    text = yamltext.dump(value)
    assert read(text) == [value]
    assert text.startswith("a:\n- k:\n  - 1\nb:\n")
    assert '  t: "yes"\n' in text
    assert "  m: |\n    a\n    b\n" in text
