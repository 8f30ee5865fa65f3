"""What a cluster says is shown and never obeyed, and what a Secret holds is not even shown."""

from __future__ import annotations

import base64
import html
import json
from typing import Any

import pytest
import yaml

import k8s_notebook as kn
from tests.unit.display import hostile
from tests.wire import conftest
from tests.wire.conftest import Wire
from tests.wire.notebook import Cell, Notebook, strings

pytestmark = pytest.mark.wire

TEXT = "".join(hostile.MARKUP) + "".join(hostile.TERMINAL[:-1]) + "".join(hostile.DIRECTION)
MARKED = "alert(1)"


@pytest.fixture(scope="module")
def evil(c: kn.Cluster, mine: Wire) -> kn.Cluster:
    """The cluster with hostile text in every place that takes it."""
    annotated = {"namespace": "evil", "annotations": {"note": TEXT}}
    container = {"name": "c", "image": "busybox", "command": ["echo", TEXT], "env": [{"name": "E", "value": TEXT}]}
    template = {
        "metadata": {"labels": {"a": "b"}, "annotations": {"x": TEXT}},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]},
    }
    cause = {"kubernetes.io/change-cause": TEXT}
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "evil", "annotations": {"x": TEXT}}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", **annotated}, "spec": {"containers": [container]}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "image", **annotated},
         "spec": {"containers": [{"name": "c", "image": "".join(hostile.MARKUP)}]}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "gate", **annotated},
         "spec": {"schedulingGates": [{"name": "x/y"}], "containers": [{"name": "c", "image": "x"}]}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", **annotated}, "data": {"k": TEXT}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", **annotated}, "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "evil", "annotations": cause},
         "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}},
    ]  # fmt: skip
    c.apply(objects)
    about = {"kind": "Pod", "name": "p", "namespace": "evil", "apiVersion": "v1"}
    event = {
        "metadata": {"name": "e", "namespace": "evil"},
        "reason": TEXT,
        "message": TEXT,
        "type": "Warning",
        "involvedObject": about,
    }
    c.create({"apiVersion": "v1", "kind": "Event", **event, "source": {"component": TEXT}})
    condition = {"type": "Ready", "status": "False", "reason": TEXT, "message": TEXT}
    status = {"status": {"message": TEXT, "reason": TEXT, "conditions": [condition]}}
    kubectl = next(iter(conftest.KUBECTLS.values()), None)
    if kubectl is None:
        pytest.skip("needs a kubectl")
    mine.kubectl(kubectl, "-n", "evil", "patch", "pod", "gate", "--subresource=status", "-p", json.dumps(status))
    mine.kubectl(kubectl, "annotate", "node", "node-1", f"x={TEXT}")
    c.wait("pod/p", "jsonpath={.status.containerStatuses[0].containerID}", namespace="evil", timeout=30)
    return c


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize(
    "line",
    [*(f"%kubectl -n evil {verb}" for verb in (
        "get pods,cm,events,svc,deploy -o wide", "get all -o wide", "get pod/gate -o yaml", "get pod/gate -o json", "get pods --show-labels",
        "get pods -o jsonpath={..message}", "describe pod p", "describe pod gate", "describe pod image", "describe cm c", "describe deploy d",
        "describe svc s", "describe ns evil", "describe node node-1", "events", "get events -o wide", "get events -o yaml", "logs p",
        "logs p --prefix --timestamps", "rollout history deploy/d", "get pods -w --timeout=0.5s")),
     "%k8s graph -n evil --static", "%k8s graph -n evil", "%k8s why -n evil pod/gate", "%k8s why -n evil pod/image"],
)  # fmt: skip
def test_no_display_obeys_hostile_text(run: Notebook, line: str) -> None:
    cell = run(line)
    assert cell.error is None, cell.printed
    harmless(cell)


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize(
    "line",
    ["%kubectl get pod <script>alert(1)</script>", "%kubectl get <script>", "%kubectl -n evil logs p -c <script>alert(1)</script>",
     "%kubectl wait -n evil pod/p --for=jsonpath={.status.phase}=<script> --timeout=0.2s", "%kubectl apply -f <script>", "%k8s use <script>",
     "%k8s start --name <script>", "%k8s connect --kubeconfig <script>", "%k8s fail node <script>", "%k8s ns <script>",
     "%%kubectl apply -f -\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: '\\e[31m<script>'}"],
)  # fmt: skip
def test_no_refusal_obeys_hostile_text(run: Notebook, line: str) -> None:
    cell = run(line.replace("\\e", "\x1b"))
    assert isinstance(cell.error, kn.K8sError)
    harmless(cell)


def harmless(cell: Cell) -> None:
    """Fail if anything that a cell shows could run or steer a terminal."""
    for mime, said in cell.texts():
        if mime in {"text/html", "image/svg+xml"}:
            hostile.check_html(said)
        elif mime == "text/plain":
            hostile.check_text(said)
        else:
            hostile.check_text("".join(strings(json.loads(said))) if said[:1] in "{[" else said)


def test_the_hostile_text_was_there(evil: kn.Cluster) -> None:
    for said in (evil.describe("pod/gate", namespace="evil"), evil.events(namespace="evil"), evil.logs("p", namespace="evil")):
        assert MARKED in str(said)
        assert html.escape("<script>") in said._repr_mimebundle_()["text/html"]


VALUE = "hunter2-\"<&' spécial"
ENCODED = base64.b64encode(VALUE.encode()).decode()
NEEDLES = [VALUE, ENCODED, json.dumps(VALUE)[1:-1], html.escape(VALUE), "hunter2", ENCODED[:10]]


def manifest(name: str, **fields: Any) -> str:
    """The manifest of a Secret in namespace safe."""
    return yaml.safe_dump(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "safe"}, **fields}, allow_unicode=True
    )


@pytest.fixture(scope="module")
def safe(c: kn.Cluster, mine: Wire) -> kn.Cluster:
    """The cluster with Secrets that kubectl made, and a pod that uses them."""
    kubectl = next(iter(conftest.KUBECTLS.values()), None)
    if kubectl is None:
        pytest.skip("needs a kubectl")
    mine.kubectl(kubectl, "create", "ns", "safe")
    mine.kubectl(kubectl, "-n", "safe", "create", "secret", "generic", "made", f"--from-literal=password={VALUE}")
    mine.kubectl(kubectl, "apply", "-f", "-", stdin=manifest("applied", stringData={"password": VALUE}))
    c.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "safe"},
            "spec": {
                "containers": [{"name": "c", "image": "nginx", "envFrom": [{"secretRef": {"name": "made"}}]}],
                "volumes": [{"name": "v", "secret": {"secretName": "applied"}}],
            },
        }
    )
    c.wait("pod/p", namespace="safe", timeout=30)
    return c


HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: broken, namespace: safe}\n"
CELLS = [
    *(f"%kubectl -n safe {verb}" for verb in (
        "get secret made -o yaml", "get secret applied -o json", "get secrets -o yaml", "get secrets -o wide", "get secrets,pods -o json",
        "get secret made -o jsonpath={.data.password}", "get secret applied -o jsonpath={.metadata.annotations}", "describe secret made",
        "describe secret applied", "describe pod p", "get secrets -w --timeout=0.5s", "get secrets --show-labels", "events", "logs p",
        "label secret made a=b --overwrite", "annotate secret applied a=c --overwrite",
        "wait secret/made --for=jsonpath={.data.password}=x --timeout=0.2s", "create secret generic again --from-literal=password=hunter2",
        "create secret generic again --from-literal=password=hunter2")),
    "%k8s graph -n safe --static", "%k8s graph -n safe", "%k8s why -n safe pod/p",
    *(f"%%kubectl {verb} -f -\n{text}" for verb, text in (
        ("apply", manifest("applied", stringData={"password": VALUE})),
        ("apply", manifest("applied", stringData={"password": VALUE + "2"})),
        ("apply --dry-run=server", manifest("applied", stringData={"password": VALUE + "3"})),
        ("apply", manifest("new", stringData={"password": VALUE})),
        ("create", manifest("made", stringData={"password": VALUE})),
        ("get -o yaml", manifest("made", stringData={"password": VALUE})),
        ("apply", manifest("broken", data={"password": VALUE})),
        ("apply", manifest("broken", data=ENCODED)),
        ("apply", manifest("broken", stringData=[ENCODED])),
        ("apply", manifest("broken", type="kubernetes.io/dockerconfigjson", stringData={".dockerconfigjson": ENCODED})),
        ("apply", f"{HEAD}stringData:\n  password: {ENCODED}: {ENCODED}\n"),
        ("apply", f"{HEAD}stringData:\n  password: a\n  password: {ENCODED}\n"),
        ("apply", f"{HEAD}stringData:\n  password: *{ENCODED.rstrip('=')}\n"),
        ("apply", f"{HEAD}stringData:\n  password: '{ENCODED}\n"),
        ("apply", f"{HEAD}stringData:\n  password: |\n    {ENCODED}\n   {ENCODED}\n"),
        ("apply", f"{HEAD}stringDatas: {{password: {ENCODED}}}\n"),
        ("apply", f"{HEAD}{ENCODED}\n"),
        ("apply", f'{{"apiVersion": "v1", "kind": "Secret", "stringData": {{"password": "{ENCODED}"}}, "metadata": {{"name": }}'),
    )),
]  # fmt: skip


@pytest.mark.usefixtures("safe")
@pytest.mark.parametrize("code", CELLS, ids=lambda code: code.partition("\n")[0])
def test_the_value_of_a_secret_is_never_shown(run: Notebook, code: str) -> None:
    cell = run(code)
    seen = [said for _, said in cell.texts()] + [str(getattr(cell.value, name, "")) for name in ("items", "yaml", "names")]
    if hasattr(cell.value, "nx"):
        seen.append(str(list(cell.value.nx.nodes(data=True))))
    if cell.error is not None:
        assert isinstance(cell.error, kn.K8sError), cell.error
        seen += [str(cell.error), repr(cell.error), str(cell.error.status), repr(cell.error.__cause__)]
    leaks = [needle for needle in NEEDLES if any(needle in said for said in seen)]
    assert not leaks, next(said for said in seen if leaks[0] in said)[:2000]
