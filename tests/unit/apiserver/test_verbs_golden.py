"""The answers of a real server, replayed: defaulting with admission, and refusals."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from k8s_notebook.cluster.simulation import Simulation
from k8s_notebook.objects import Obj
from tests.unit.apiserver import replay

MASKS = (
    (r"kube-api-access-\w{5}", "kube-api-access-xxxxx"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "uid"),
    (r"20\d\d-\d\d-\d\dT[0-9:.]+Z", "time"),
    (r"10\.96\.\d+\.\d+", "address"),
    (r'"nodePort": 3\d{4}', '"nodePort": 30000'),
)


def masked(value: Any) -> Any:
    """The value without what differs from run to run."""
    text = json.dumps(value)
    for pattern, instead in MASKS:
        text = re.sub(pattern, instead, text)
    return json.loads(text)


def differences(want: Any, got: Any, path: str = "") -> Iterator[str]:
    """`path: want … got …`, one for each place."""
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted(want.keys() | got.keys()):
            yield from differences(want.get(key, "(nothing)"), got.get(key, "(nothing)"), f"{path}.{key}")
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for at, (one, other) in enumerate(zip(want, got, strict=True)):
            yield from differences(one, other, f"{path}[{at}]")
    elif want != got:
        yield f"{path}: want {json.dumps(want)[:200]} got {json.dumps(got)[:200]}"


def test_new_objects_come_out_as_a_real_server_gives_them_back(shared: pathlib.Path) -> None:
    cases = json.loads((shared / "data/kubernetes-golden/defaults.json").read_text())
    server = Simulation().server
    wrong = []
    for case in cases:
        if case["name"] == "SSAR":
            continue
        code, got = replay.ask(server, "POST", case["path"] + "?dryRun=All", case["input"], manager="Python-urllib")
        found = list(differences(masked(case["output"]), masked(got)))
        if code != 201 or found:
            wrong.append("\n  ".join([case["name"], str(got.get("message", "")), *found[:6]]))
    assert not wrong, "\n".join(wrong)


OTHER_ROOMS = (
    "Content-Type:application/json", "Content-Type:text/plain", "Accept:", "dryRun=Bogus", "limit=abc", "sendInitialEvents=true",
)  # fmt: skip
"""What the HTTP adapter and the rules of access answer: their own tests replay it."""


def refusals(text: str) -> Iterator[tuple[str, str, Any, str, int, Obj]]:
    """(method, URL, body, content type, code, Status) of each refusal whose body is recorded whole."""
    for block in text.split("--- ")[1:]:
        first, _, rest = block.partition("\n")
        found = re.fullmatch(r"(\w+) (\S+)(?: (\{.*\}|\[.*\]|-))?(?: (Content-Type|Accept):(\S+))?", first)
        answer = re.match(r"(\d+) (\{\"kind\": \"Status\".*\})\s*$", rest)
        if found is None or answer is None or 'User \\"dev\\"' in rest or answer[1] in ("401", "405", "406", "415"):
            continue
        method, url, body, _, content_type = found.groups()
        if any(word in first for word in OTHER_ROOMS) or "duplicate field" in rest or url == "/api/v1/nope":
            continue
        try:
            given = json.loads(body) if body else None
        except ValueError:
            continue
        yield method, url, given, content_type or "", int(answer[1]), json.loads(answer[2])


def prepared() -> Simulation:
    """A cluster with the objects that the recorded requests meet."""
    cluster = Simulation()
    server = cluster.server
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    web = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    assert replay.ask(server, "POST", deployments, web, manager="someone")[0] == 201
    scaled = replay.ask(
        server,
        "PATCH",
        f"{deployments}/web/scale?fieldManager=kubectl",
        {"spec": {"replicas": 3}},
        "application/merge-patch+json",
    )
    assert scaled[0] == 200, scaled
    root = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}}
    assert replay.ask(server, "POST", "/api/v1/namespaces/default/configmaps", root)[0] == 201
    cluster.run()
    return cluster


LIVE = (
    (r"current: \d+", "current: N"),
    (r"in record \([^)]*\)", "in record (…)"),
    (r"UID in object meta: [-0-9a-f]+", "UID in object meta"),
)


def said(status: Obj) -> Obj:
    """A Status without the revisions and uids of the moment."""
    text = json.dumps(status)
    for pattern, instead in LIVE:
        text = re.sub(pattern, instead, text)
    return dict(json.loads(text))


def test_refusals_are_those_of_a_real_server(shared: pathlib.Path) -> None:
    recorded = list(refusals((shared / "data/kubernetes-golden/errors.txt").read_text()))
    assert len(recorded) > 30
    server = prepared().server
    wrong = []
    for method, url, body, content_type, code, status in recorded:
        got_code, got = replay.ask(server, method, url, body, content_type)
        found = list(differences(said(status), said(got)))
        if got_code != code or found:
            wrong.append("\n  ".join([f"{method} {url} {json.dumps(body)[:100]}", f"{code} {got_code}", *found[:4]]))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("url", "items"), [("/api/v1/pods?resourceVersion=1&resourceVersionMatch=Exact", [])])
def test_early_states_are_empty_lists(url: str, items: list[Obj]) -> None:
    code, got = replay.ask(prepared().server, "GET", url)
    assert (code, got["items"], got["metadata"]) == (200, items, {"resourceVersion": "1"})
