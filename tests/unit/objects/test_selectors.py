"""Label and field selectors: the grammar, the sentences, and which fields each kind offers."""

from __future__ import annotations

import json
import pathlib

import pytest

from k8s_notebook.objects import kinds, selectors
from k8s_notebook.objects.errors import BadRequest

MATCHES = {
    "equal": ("app=web", {"app": "web"}, True),
    "double equal": ("app==web", {"app": "api"}, False),
    "not equal, missing": ("app!=web", {}, True),
    "not equal, same": ("app!=web", {"app": "web"}, False),
    "in": ("app in (web, api)", {"app": "api"}, True),
    "in, missing": ("app in (web,api)", {}, False),
    "notin, missing": ("app notin (web)", {}, True),
    "notin, there": ("app notin (web)", {"app": "web"}, False),
    "exists": ("app", {"app": ""}, True),
    "does not exist": ("!app", {"app": ""}, False),
    "greater": ("n>3", {"n": "4"}, True),
    "less": ("n<3", {"n": "4"}, False),
    "greater, no number": ("n>3", {"n": "x"}, False),
    "all must hold": ("a=1,b=2", {"a": "1"}, False),
    "empty value": ("a=", {"a": ""}, True),
    "empty set holds the empty value": ("a in ()", {"a": ""}, True),
    "keywords as values": ("a in (in,notin)", {"a": "notin"}, True),
    "nothing asked": ("", {}, True),
}


@pytest.mark.parametrize(("text", "labels", "expected"), MATCHES.values(), ids=MATCHES)
def test_label_selector_matches(text: str, labels: dict[str, str], expected: bool) -> None:
    assert selectors.labels(text).matches(labels) is expected


TEXTS = {
    "sorted by key, values sorted": ("b in (z,y),a", "a,b in (y,z)"),
    "spaces go": (" ! a , b = c ", "!a,b=c"),
    "empty members": ("x in (,a,,b,)", "x in (,a,b)"),
    "comparison": ("a > 1", "a>1"),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_label_selector_prints_as_kubernetes_does(text: str, expected: str) -> None:
    assert str(selectors.labels(text)) == expected


VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
    "an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
PARSE_ERRORS = {
    "no operator": ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
    "open set": ("a in (x", "unable to parse requirement: found '', expected: ',' or ')'"),
    "no set": ("a in x", "unable to parse requirement: found 'x' expected: '('"),
    "comma at the end": ("a,", "found '', expected: identifier after ','"),
    "starts with an operator": ("=a", "found '=', expected: !, identifier, or 'end of string'"),
    "two keys": ("a=b c", "found 'c', expected: ',' or 'end of string'"),
    "lonely not": ("!", "unable to parse requirement: found '', expected: identifier"),
    "operator as value": ("a=!", "unable to parse requirement: found '!', expected: identifier"),
    "bad value": ("a=-", f'unable to parse requirement: values[0][a]: Invalid value: "-": {VALUE_RULE}'),
    "no integer": (
        "a>x",
        "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    ),
    "empty prefix": ("/a", 'unable to parse requirement: <nil>: Invalid value: "/a": prefix part must be non-empty'),
}


@pytest.mark.parametrize(("text", "sentence"), PARSE_ERRORS.values(), ids=PARSE_ERRORS)
def test_label_selector_errors_are_kubernetes_sentences(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as error:
        selectors.labels(text)
    assert str(error.value) == sentence


def test_selector_of_a_spec() -> None:
    spec = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [
            {"key": "tier", "operator": "NotIn", "values": ["db"]},
            {"key": "x", "operator": "Exists"},
            {"key": "y", "operator": "DoesNotExist"},
        ],
    }
    selector = selectors.from_spec(spec)
    assert str(selector) == "app=web,tier notin (db),x,!y"
    assert selector.matches({"app": "web", "x": "1"})
    assert not selector.matches({"app": "web", "x": "1", "y": ""})
    assert not selectors.from_spec(None).matches({})
    assert selectors.from_spec({}).matches(None)
    assert selector.exact("app") == "web"
    assert selector.exact("tier") is None


SPEC_ERRORS = {
    "unknown operator": ({"key": "a", "operator": "Near"}, '"Near" is not a valid label selector operator'),
    "in without values": (
        {"key": "a", "operator": "In"},
        "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty",
    ),
    "exists with values": (
        {"key": "a", "operator": "Exists", "values": ["x"]},
        'values: Invalid value: ["x"]: values set must be empty for exists and does not exist',
    ),
}


@pytest.mark.parametrize(("expression", "sentence"), SPEC_ERRORS.values(), ids=SPEC_ERRORS)
def test_errors_of_a_spec(expression: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError) as error:
        selectors.from_spec({"matchExpressions": [expression]})
    assert str(error.value) == sentence


POD = {
    "metadata": {"name": "p", "namespace": "n"},
    "spec": {"nodeName": "node-1"},
    "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]},
}
FIELD_MATCHES = {
    "the scheduler's informer": ("pods", "status.phase!=Succeeded,status.phase!=Failed", POD, True),
    "a node's pods": ("pods", "spec.nodeName=node-1", POD, True),
    "another node": ("pods", "spec.nodeName=node-2", POD, False),
    "unscheduled": ("pods", "spec.nodeName=", {"metadata": {"name": "p"}}, True),
    "old alias": ("pods", "spec.host==node-1", POD, True),
    "host network is false when absent": ("pods", "spec.hostNetwork=false", POD, True),
    "address": ("pods", "status.podIP=10.0.0.1", POD, True),
    "the same term twice": ("pods", "metadata.name=p,metadata.name=p", POD, True),
    "node": ("nodes", "spec.unschedulable=true", {"spec": {"unschedulable": True}}, True),
    "node, absent": ("nodes", "spec.unschedulable=false", {"metadata": {}}, True),
    "job": ("jobs.batch", "status.successful=0", {"status": {}}, True),
    "event": ("events", "involvedObject.name=p,source=x", {"involvedObject": {"name": "p"}, "source": {"component": "x"}}, True),
    "event's reporter is its source": ("events", "source=scheduler", {"reportingComponent": "scheduler"}, True),
    "escapes": ("secrets", r"type=a\,b\=c\\", {"type": "a,b=c\\"}, True),
}


@pytest.mark.parametrize(("resource", "text", "obj", "expected"), FIELD_MATCHES.values(), ids=FIELD_MATCHES)
def test_field_selector_matches(resource: str, text: str, obj: dict[str, object], expected: bool) -> None:
    assert selectors.fields(text, kinds.of(resource)).matches(obj) is expected


FIELD_ERRORS = {
    "unsupported": ("pods", "foo=bar", "field label not supported: foo"),
    "a kind without own fields": (
        "deployments.apps",
        "spec.replicas=1",
        '"spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ),
    "job": ("jobs.batch", "foo=1", 'field label "foo" not supported for Job'),
    "slice": ("resourceslices.resource.k8s.io", "a=b", "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: a"),
    "no operator": ("pods", "abc", "invalid selector: 'abc'; can't understand 'abc'"),
    "escape": ("pods", r"metadata.name=a\b", r"invalid field selector: invalid escape sequence: \b"),
    "equals in the value": ("pods", "metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
}


@pytest.mark.parametrize(("resource", "text", "sentence"), FIELD_ERRORS.values(), ids=FIELD_ERRORS)
def test_field_selector_errors(resource: str, text: str, sentence: str) -> None:
    with pytest.raises(BadRequest) as error:
        selectors.fields(text, kinds.of(resource))
    assert str(error.value) == sentence


def test_field_selector_text_and_exact_value() -> None:
    selector = selectors.fields(r"spec.nodeName=a\,b,status.phase!=Failed", kinds.of("pods"))
    assert str(selector) == r"spec.nodeName=a\,b,status.phase!=Failed"
    assert selector.exact("spec.nodeName") == "a,b"
    assert selector.exact("status.phase") is None


def test_custom_resources_offer_what_they_declare() -> None:
    kind = kinds.Kind("example.com", "v1", "shirts", "Shirt")
    assert selectors.fields("spec.color=blue", kind, [".spec.color"]).matches({"spec": {"color": "blue"}})
    with pytest.raises(BadRequest, match=r"field label not supported: spec\.size"):
        selectors.fields("spec.size=1", kind, [".spec.color"])


NEVER_TRIED = {"regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath"}


def test_every_kind_offers_the_fields_of_a_real_server(shared: pathlib.Path) -> None:
    golden = json.loads((shared / "data/kubernetes-golden/field_selectors.json").read_text())
    for row, expected in golden.items():
        group_version, plural = row.split(" ")
        group, _, version = group_version.rpartition("/")
        kind = kinds.BUILTIN.at(group, version, plural)
        if kind is not None:
            assert set(expected) == set(selectors.supported(kind).getters) - NEVER_TRIED, row
