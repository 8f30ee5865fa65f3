"""kubectl's verbs against a whole control plane in memory: what they print, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from k8s_notebook.objects import errors
from k8s_notebook.session.current import Cluster
from k8s_notebook.session.problems import K8sError, UsageError
from tests.unit.session import world

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: nginx:1.14.2
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\ndata:\n  a: b\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  password: hunter2\n"


@pytest.fixture
def c() -> Iterator[Cluster]:
    found = world.cluster(2)
    yield found
    world.plane_of(found).close()


@pytest.fixture
def web(c: Cluster) -> Cluster:
    c.apply(WEB)
    c.rollout_status("deploy/web", timeout=60)
    return c


def refusal(c: Cluster, line: str, stdin: str | None = None) -> str:
    with pytest.raises(K8sError) as caught:
        c.kubectl(line, stdin)
    return str(caught.value)


def test_apply_says_what_kubectl_says(c: Cluster) -> None:
    assert c.apply(WEB).text == "deployment.apps/web created"
    assert c.apply(WEB).text == "deployment.apps/web unchanged"
    assert c.apply(WEB.replace("replicas: 2", "replicas: 3")).text == "deployment.apps/web configured"
    assert c.get("deploy/web").items[0]["spec"]["replicas"] == 3
    assert c.apply(WEB.replace("  replicas: 2\n", "")).text == "deployment.apps/web configured"
    assert c.get("deploy/web").items[0]["spec"]["replicas"] == 1


def test_apply_leaves_alone_what_others_set(web: Cluster) -> None:
    web.scale("deploy/web", 4)
    without = WEB.replace("  replicas: 2\n", "").replace("nginx:1.14.2", "nginx:1.16")
    web.apply(WEB)
    web.scale("deploy/web", 4)
    web.annotate("deploy/web", "note=mine")
    assert web.apply(without).text == "deployment.apps/web configured"
    assert web.get("deploy/web").items[0]["metadata"]["annotations"]["note"] == "mine"


def test_apply_takes_text_paths_folders_and_objects(c: Cluster, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(CONFIG % "b")
    (tmp_path / "a.yml").write_text(CONFIG % "a")
    (tmp_path / "c.txt").write_text("not a manifest")
    assert c.apply(tmp_path).text == "configmap/a created\nconfigmap/b created"
    assert c.apply(str(tmp_path / "b.yaml")).text == "configmap/b unchanged"
    objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": n}} for n in ("x", "y")]
    assert c.apply(objects).text == "configmap/x created\nconfigmap/y created"
    assert c.kubectl(f"apply -f {tmp_path}").ok


def test_apply_writes_namespaces_first(c: Cluster) -> None:
    inside = CONFIG % "x" + "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: new}\n"
    said = c.apply(inside.replace("name: x", "name: x\n  namespace: new"))
    assert said.text == "namespace/new created\nconfigmap/x created"
    assert c.get("cm", namespace="new", selector="").names[:1] != []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WEB.replace("replicas:", "replcas:"), 'unknown field "spec.replcas" (line 13: "replcas: 2")'),
        (WEB.replace("apps/v1", "apps/v7"), 'no matches for kind "Deployment" in version "apps/v7" (line 9: "kind: Deployment")'),
        (WEB.replace("kind: Deployment", "kind: Deploymint"), 'no matches for kind "Deploymint"'),
        (WEB.replace("replicas: 2", "replicas: two"), "cannot be handled as a Deployment: json: cannot unmarshal string"),
        (WEB.replace("name: web\nspec", "name: Web_\nspec"), 'The Deployment "Web_" is invalid: metadata.name: Invalid value'),
        (WEB.replace("app: web}\n    spec", "app: other}\n    spec"), "`selector` does not match template `labels`"),
        (WEB.replace("  name: web\nspec", "  name: web\n  namespace: nope\nspec"), 'namespaces "nope" not found (line 12'),
        (WEB.replace("  name: web\nspec", "  labels: {}\nspec"), "metadata.name is not set"),
        (WEB.replace("kind: Deployment\n", ""), "kind not set"),
        (WEB.replace("  replicas: 2", " replicas: 2"), "line 14, column 11"),
    ],
)
def test_nothing_is_half_applied(c: Cluster, text: str, said: str) -> None:
    with pytest.raises(K8sError) as caught:
        c.apply(CONFIG % "first" + "---\n" + text)
    assert said in str(caught.value)
    with pytest.raises(K8sError, match="NotFound"):
        c.get("cm/first")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n---\n"])
def test_nothing_to_apply(c: Cluster, text: str) -> None:
    assert refusal(c, "apply -f -", text) == "error: no objects passed to apply"


def test_secrets_are_masked_everywhere(c: Cluster) -> None:
    c.apply(SECRET)
    shown = [
        c.apply(SECRET), c.get("secret"), c.get("secret/s"), c.get("secret/s", output="yaml"), c.get("secret/s", output="json"),
        c.get("secrets", output="jsonpath={..data}"), c.describe("secret/s"), c.get("secret", all_namespaces=True),
        c.label("secret/s", "a=b"), c.kubectl("get secret -w --timeout=0.1s"),
    ]  # fmt: skip
    for result in shown:
        held = [str(result), result.yaml, repr(result.items), str(result._repr_mimebundle_())]
        assert not [h for h in held if "hunter2" in h or "aHVudGVyMg" in h]
    assert "password:  7 bytes" in str(c.describe("secret/s"))
    assert "••••••••" in c.get("secret/s", output="yaml").text


def test_get_prints_as_kubectl(web: Cluster) -> None:
    found = web.get("pods")
    lines = found.text.split("\n")
    assert lines[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert [line.split()[1:3] for line in lines[1:]] == [["1/1", "Running"]] * 2
    assert found.ok
    assert len(found.names) == 2
    assert list(found.df["status"]) == ["Running", "Running"]
    assert set(found.df["node"]) == {"node-1", "node-2"}
    assert [p["kind"] for p in found] == ["Pod", "Pod"]
    assert web.get("pod", found.names[0], output="name").text == f"pod/{found.names[0]}"
    both = web.get("deploy,rs").text
    assert "deployment.apps/web" in both
    assert "replicaset.apps/web-" in both
    assert "service/kubernetes" in web.get("all").text
    assert web.get("pods", selector="app=none").text == "No resources found in default namespace."
    assert "NAMESPACE" in web.get("pods", all_namespaces=True).text
    assert "pod-template-hash=" in web.get("pods", show_labels=True).text
    assert web.get("pods", field_selector="spec.nodeName=node-1").names != found.names
    assert web.get("pods", output="yaml").text.startswith("apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n")
    assert set(found._repr_mimebundle_()) == {"text/plain", "text/html"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("get pod nope", 'Error from server (NotFound): pods "nope" not found'),
        ("get foos", 'error: the server doesn\'t have a resource type "foos"'),
        ("get", "error: you must name what to get"),
        ("get pods -o xml", "error: unable to match a printer"),
        ("get pods web -l a=b", "name cannot be provided when a selector is specified"),
        ("get pod x -A", "cannot be retrieved by name across all namespaces"),
        ("get pod/x svc y", "no need to specify a resource type"),
        ("get pods --frobnicate", "unrecognized arguments: --frobnicate"),
        ("get pods -l 'a in'", "unable to parse"),
        ("get 'unclosed", "No closing quotation"),
        ("frob", 'unknown command "frob"'),
        ("scale deploy/web", "the following arguments are required: --replicas"),
        ("scale deploy/nope --replicas=1", 'deployments.apps "nope" not found'),
        ("scale cm/kube-root-ca.crt --replicas=1", "configmaps cannot be scaled"),
        ("delete pods", "no name was specified"),
        ("delete pod nope", 'pods "nope" not found'),
        ("delete ns default", "this namespace may not be deleted"),
        ("apply -f /nope.yaml", 'the path "/nope.yaml" does not exist'),
        ("apply -f -", "-f - reads the cell"),
        ("apply", "must specify one of -f"),
        ("apply -f https://example.org/x.yaml", "not read from the network"),
        ("label ns default", "at least one key=value"),
        ("logs nope", 'pods "nope" not found'),
        ("logs svc/kubernetes", "no pods are known of service/kubernetes"),
        ("describe pod nope", 'pods "nope" not found'),
        ("rollout status svc/kubernetes", "no rollout is known for services"),
        ("rollout frob deploy/web", "invalid choice: 'frob'"),
        ("wait pod/nope", 'pods "nope" not found'),
        ("wait pods --all --for=foo", "unrecognized condition"),
        ("wait pods --all", "no matching resources found"),
        ("events --for nope", "--for needs TYPE/NAME"),
        ("create deployment x", "--image not set"),
        ("create foo x", 'cannot create "foo" without a manifest'),
    ],
)
def test_refusals_are_one_clear_sentence(c: Cluster, line: str, said: str) -> None:
    found = refusal(c, line)
    assert said in found
    assert len(found.split("\n")) == 1


def test_some_found_and_some_not(web: Cluster) -> None:
    name = web.get("pods").names[0]
    found = web.get(["pod", name, "nope"])
    assert not found.ok
    assert found.problems == ('Error from server (NotFound): pods "nope" not found',)
    assert found.names == [name]
    assert web.kubectl("get pod nope --ignore-not-found").ok


def test_scale_label_annotate_delete(web: Cluster) -> None:
    assert web.scale("deploy/web", 3).text == "deployment.apps/web scaled"
    assert refusal(web, "scale deploy/web --current-replicas=7 --replicas=1") == "error: Expected replicas to be 7, was 3"
    assert web.label("deploy/web", "a=b").text == "deployment.apps/web labeled"
    assert web.label("deploy/web", a="b").text == "deployment.apps/web not labeled"
    assert "--overwrite is false" in refusal(web, "label deploy/web a=c")
    assert web.kubectl("label deploy/web a=c --overwrite").ok
    assert web.label("deploy/web", "a-").text == "deployment.apps/web unlabeled"
    assert web.annotate("deploy/web", "x=y").text == "deployment.apps/web annotated"
    assert web.delete("deploy/web").text == 'deployment.apps "web" deleted from default namespace'
    assert web.delete("deploy/web", ignore_not_found=True).text == ""
    assert web.delete(CONFIG % "nope", ignore_not_found=True).ok
    world.plane_of(web).run(60)
    assert web.get("pods").names == []


def test_generators(c: Cluster) -> None:
    assert c.kubectl("create ns shop").text == "namespace/shop created"
    assert c.kubectl("create deploy web --image=nginx -n shop").text == "deployment.apps/web created"
    assert c.kubectl("create cm x --from-literal=a=b").items[0]["data"] == {"a": "b"}
    assert c.kubectl("create secret generic s --from-literal=a=b").items[0]["data"] == {"a": "••••••••"}
    assert c.kubectl("create svc nodeport web --tcp=80:8080").items[0]["spec"]["ports"][0]["targetPort"] == 8080
    assert "already exists" in refusal(c, "create ns shop")


def test_waiting(web: Cluster) -> None:
    web.scale("deploy/web", 3)
    said = web.wait("pods", all=True, timeout=60).text.split("\n")
    assert len(said) == 3
    assert all(line.endswith(" condition met") for line in said)
    name = web.get("pods").names[0]
    assert web.wait(f"pod/{name}", "jsonpath={.status.phase}=Running").ok
    assert web.wait("deploy/web", "condition=Available").ok
    assert web.wait("pod/never", "delete").text == "pod/never deleted"
    with pytest.raises(K8sError, match=r"timed out waiting for the condition on deployments/web") as caught:
        web.wait("deploy/web", "condition=Available=False", timeout=0.05)
    assert caught.value.reason == "Timeout"


def test_rollouts(web: Cluster) -> None:
    web.apply(WEB.replace("1.14.2", "1.16.1"))
    heard: list[str] = []
    web.kubectl("rollout status deploy/web --timeout=120s", say=heard.append)
    assert heard[-1] == 'deployment "web" successfully rolled out'
    history = web.kubectl("rollout history deploy/web").text
    assert history.split("\n")[0] == "deployment.apps/web "
    assert [line.split()[0] for line in history.split("\n")[1:]] == ["REVISION", "1", "2"]
    assert web.kubectl("rollout undo deploy/web").text == "deployment.apps/web rolled back"
    assert web.rollout_status("deploy/web", timeout=120).ok
    assert web.get("deploy/web").items[0]["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.14.2"
    assert "skipped rollback" in web.kubectl("rollout undo deploy/web --to-revision=3").text
    assert "unable to find specified revision 9" in refusal(web, "rollout undo deploy/web --to-revision=9")
    assert web.kubectl("rollout restart deploy/web").text == "deployment.apps/web restarted"


def test_logs_events_describe(web: Cluster) -> None:
    name = web.get("pods").names[0]
    assert "start worker process" in web.logs(name).text
    assert web.logs("deploy/web", tail=1).notes == ("Found 2 pods, using pod/" + name,)
    assert len(web.logs(selector="app=web", tail=1, prefix=True).text.split("\n")) == 2
    assert "a container name must be specified" in refusal(web, f"logs {name} -c nope") or "nope" in refusal(
        web, f"logs {name} -c nope"
    )
    assert "Scheduled" in web.events().text
    assert set(web.events(f"pod/{name}").df["object"]) == {f"Pod/{name}"}
    said = str(web.describe(f"pod/{name}"))
    for line in ("Controlled By:  ReplicaSet/web-", "    Restart Count:  0", "QoS Class:", "  Normal  Scheduled"):
        assert line in said
    assert "NewReplicaSet:   web-" in str(web.describe("deploy/web"))
    assert "(2 replicas" not in str(web.describe("deploy/web"))
    assert "Non-terminated Pods:" in str(web.describe("node/node-1"))
    assert "Endpoints:" in str(web.describe("svc/kubernetes"))
    assert "====" in str(web.describe("cm/kube-root-ca.crt"))
    assert (
        "Kind:         Role" in str(web.describe("clusterroles/system:node"))
        or web.describe("leases", namespace="kube-node-lease").ok
    )
    assert str(web.describe("pods")).count("Name:             ") == 2


def test_watching(web: Cluster) -> None:
    heard: list[str] = []
    web.kubectl("get pods -w --timeout=0.3s", say=heard.append)
    assert heard[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert len(heard) == 3
    assert "one object, with -w" in refusal(web, "get pods,svc -w")


def test_faults(c: Cluster) -> None:
    assert c.fail("node", "node-1").text.startswith("node/node-1 stopped")
    assert "stopped already" in c.fail("node", "node-1").text
    assert c.get("faults").names == ["stop-node-1"]
    assert c.heal("node", "node-1").text == "node/node-1 started"
    assert c.heal("node", "node-1").text == "node/node-1 was not stopped"
    with pytest.raises(K8sError, match='nodes "nope" not found'):
        c.fail("node", "nope")
    with pytest.raises(UsageError, match="only nodes can be made to fail"):
        c.fail("pod", "x")


def test_why(web: Cluster) -> None:
    name = web.get("pods").names[0]
    why = web.why(f"pod/{name}")
    assert set(why.df["node"]) == {"node-1", "node-2"}
    assert list(why.df.columns)[:4] == ["node", "plugin", "passed", "reason"]
    assert why.sentence in str(why)
    shown = why._repr_mimebundle_()
    assert "<table" in shown["text/html"]
    assert shown["image/svg+xml"].startswith("<svg")
    assert why.source.startswith("recorded")
    assert web.why(f"pod/{name}", today=True).source.startswith("recomputed")
    assert list(why.wide.index) == list(why.ranking["node"])
    assert "Decision" in web.kubectl(f"get decisions {name} -o yaml").text
    assert name in web.get("decisions").names
    with pytest.raises(K8sError, match="only pods are placed"):
        web.why("deploy/web")


def test_status(web: Cluster) -> None:
    said = str(web.status())
    assert "2 of 2 ready" in said
    assert "2 Running" in said


def test_errors_of_the_server_keep_their_facts(c: Cluster) -> None:
    with pytest.raises(K8sError) as caught:
        c.get("pod/nope")
    assert (caught.value.reason, caught.value.code, caught.value.exit_code) == ("NotFound", 404, 1)
    assert caught.value.status is not None
    assert caught.value._render_traceback_() == [str(caught.value)]


class TestRights:
    """A user who may only see one namespace."""

    @pytest.fixture
    def limited(self, web: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
        inner = web.door.api.submit

        def submit(request: object) -> object:
            namespace, resource = getattr(request, "namespace", ""), getattr(request, "resource", "")
            if namespace != "default" and resource != "" and "reviews" not in resource:
                from k8s_notebook.machinery.api import Ticket

                return Ticket.failed(errors.forbidden(resource, "", f'User "dev" cannot list resource "{resource}"'))
            return inner(request)  # type: ignore[arg-type]

        monkeypatch.setattr(web.door.api, "submit", submit)
        return web

    def test_a_list_falls_back_to_what_is_allowed(self, limited: Cluster) -> None:
        found = limited.get("pods", all_namespaces=True)
        assert found.notes == ("You may not list pods in all namespaces: these are those of default.",)
        assert len(found.names) == 2

    def test_what_is_not_allowed_at_all_is_refused(self, limited: Cluster) -> None:
        assert "Forbidden" in refusal(limited, "get nodes")
        assert "Forbidden" in refusal(limited, "get pods -n kube-system")

    def test_status_says_what_may_not_be_seen(self, limited: Cluster) -> None:
        assert "is forbidden" in str(limited.status())

    def test_why_says_that_it_needs_the_nodes(self, limited: Cluster) -> None:
        with pytest.raises(K8sError, match="needs to read the nodes"):
            limited.why(limited.get("pods").names[0], today=True)

    def test_a_record_needs_no_right_to_read_nodes(self, limited: Cluster) -> None:
        found = limited.why(limited.get("pods").names[0])
        assert found.source.startswith("recorded")
        assert "You may not read the nodes" in str(found)
