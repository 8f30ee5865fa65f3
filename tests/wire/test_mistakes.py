"""A user's mistakes against a running embedded cluster: one sentence each, nothing half-applied, kubectl's words and exit codes."""

from __future__ import annotations

import json
import os
import pathlib
import re
import select
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import k8s_notebook as kn
from k8s_notebook.session import current
from k8s_notebook.sim import clock
from tests.wire import conftest
from tests.wire.conftest import Wire, command
from tests.wire.notebook import Notebook

pytestmark = pytest.mark.wire


def held(c: kn.Cluster) -> set[str]:
    """What could have been applied by mistake."""
    return set(c.get("cm,pods,deploy,secrets,svc,ns", output="name").text.split())


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\ndata:\n  a: '1'\n"
BEFORE = CONFIG.format("before") + "---\n"
"""A good object: when the one after it is bad, it must not be there either."""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx
"""

OUR_WORDS = {
    "a bracket is missing": ("metadata: {name: x\ndata: 1\n", "STDIN is not YAML: line 9, column 5: ", "  9 | data: 1\n    |     ^"),
    "a tab": ("metadata:\n\tname: x\n", "line 9, column 1: found character '\\t'", "  9 | →name: x"),
    "a wrong indentation": ("metadata:\n  name: x\n labels: {}\n", "line 10, column 2: ", " labels: {}"),
    "two colons": ("metadata:\n  name: x: y\n", "line 9, column 10: mapping values are not allowed here", "name: x: y"),
    "an open quote": ('metadata:\n  name: "x\n', "line 9, column 11: found unexpected end of stream", '  9 |   name: "x'),
    "it ends too early": ("metadata: [\n", "line 8, column 12: ", "  8 | metadata: ["),
    "a control character": ("metadata: {name: x\1}\n", "line 8, column 19: the character U+0001 is not allowed", "8 | metadata"),
    "a key twice": ("metadata:\n  name: x\n  name: y\n", 'line 10: key "name" is already set in this map: "name: y"', ""),
    "a list on top": ("- a\n", 'line 8: an object is expected, with apiVersion, kind and metadata: "- a"', ""),
    "a word": ("hello\n", 'line 8: an object is expected, with apiVersion, kind and metadata: "hello"', ""),
    "a list with a word": ("kind: List\napiVersion: v1\nitems:\n- hello\n", 'line 11: an object is expected', '"- hello"'),
    "a list with nothing": ("kind: List\napiVersion: v1\nitems:\n- null\n", "line 11: an object is expected", ""),
    "aliases without end": ("a: &a [*a]\n", "line 8: these aliases spell an endless object", ""),
    "too deep": ("a: " + "[" * 5000 + "]" * 5000, "STDIN is nested too deeply", ""),
    "no kind": ("apiVersion: v1\nmetadata: {name: x}\n", 'error validating "STDIN": kind not set (line 8: "apiVersion: v1")', ""),
    "a number as kind": ("apiVersion: v1\nkind: 3\nmetadata: {name: x}\n", "kind isn't string type", ""),
    "no name": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", 'metadata.name is not set (line 10: "metadata: {}")', ""),
    "a generated name": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: x-}\n", "from x-: cannot use generate name", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", OUR_WORDS)
def test_a_text_that_cannot_be_read(c: kn.Cluster, run: Notebook, name: str) -> None:
    text, said, line = OUR_WORDS[name]
    before = held(c)
    cell = run(f"%%kubectl apply -f -\n{BEFORE}{text}")
    assert isinstance(cell.error, kn.K8sError), cell.error
    assert said in str(cell.error)
    assert line in str(cell.error)
    assert (cell.printed.strip(), cell.error.exit_code) == (str(cell.error).strip(), 1)
    assert held(c) == before


KUBECTLS_WORDS = {
    "nothing": ("", ""),
    "only a comment": ("# nothing\n---\n", ""),
    "an unknown field": (DEPLOYMENT.replace("replicas:", "replcas:"), '(line 12: "replcas: 1")'),
    "two unknown fields": (
        DEPLOYMENT.replace("replicas:", "replcas:").replace("image:", "imagee:"),
        '(line 12: "replcas: 1")',
    ),
    "a wrong type": (DEPLOYMENT.replace("replicas: 1", "replicas: one"), '(line 12: "replicas: one")'),
    "a number as text": (CONFIG.format("x").replace("'1'", "1"), '(line 12: "data:")'),
    "a map where a list belongs": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers: {name: c}\n",
        '(line 12: "containers: {name: c}")',
    ),
    "a quantity": (DEPLOYMENT + "        resources: {requests: {cpu: abc}}\n", ""),
    "no base64": ("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  a: notbase64!\n", ""),
    "an unknown kind": (CONFIG.format("x").replace("ConfigMap", "ConfigMapp"), '(line 9: "kind: ConfigMapp")'),
    "an unknown version": (DEPLOYMENT.replace("apps/v1", "apps/v1beta9"), '(line 9: "kind: Deployment")'),
    "a missing namespace": (CONFIG.format("x\n  namespace: nope"), '(line 12: "namespace: nope")'),
    "an invalid name": (CONFIG.format("Bad_Name"), '(line 11: "name: Bad_Name")'),
    "an invalid value": (DEPLOYMENT.replace("replicas: 1", "replicas: -1"), '(line 12: "replicas: -1")'),
    "two invalid values": (DEPLOYMENT.replace("replicas: 1", "replicas: -1").replace("name: web\n", "name: W_\n"), '(line 18: "- name: W_")'),
    "another selector": (
        DEPLOYMENT.replace("labels: {app: web}", "labels: {app: other}"),
        '(line 15: "metadata: {labels: {app: other}}")',
    ),
    "a missing field": ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers: []\n", '(line 12: "containers: []")'),
    "a wrong port": ("apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  ports:\n  - port: 99999\n", '(line 13: "- port: 99999")'),
}  # fmt: skip


def without_lines(said: str) -> str:
    """The sentence without where it is in the text, and as one line."""
    flat = re.sub(r' \(line \d+: "[^\n]*?"\)(?=$|\n|; ensure)', "", said)
    return " ".join(flat.replace("; ensure", " ensure").split())


@pytest.mark.parametrize("name", KUBECTLS_WORDS)
def test_what_kubectl_refuses_too(c: kn.Cluster, mine: Wire, kubectl: str, name: str) -> None:
    text, line = KUBECTLS_WORDS[name]
    before = held(c)
    theirs = mine.kubectl(kubectl, "apply", "-f", "-", stdin=text, check=False)
    assert (held(c), theirs.returncode) == (before, 1)
    with pytest.raises(kn.K8sError) as caught:
        c.kubectl("apply -f -", stdin=BEFORE + text if text.strip("# nothig\n-") else text)
    assert line in str(caught.value)
    assert caught.value.exit_code == theirs.returncode
    assert without_lines(str(caught.value)) == without_lines(theirs.stderr)
    assert held(c) == before


def test_a_change_that_is_refused_keeps_the_rest_from_being_applied(c: kn.Cluster) -> None:
    c.apply(DEPLOYMENT)
    before = held(c)
    with pytest.raises(kn.K8sError, match=r'The Deployment "web" is invalid: spec.selector: .*field is immutable \(line 13'):
        c.apply(BEFORE + DEPLOYMENT.replace("app: web", "app: other"))
    with pytest.raises(kn.K8sError, match=r'error when patching "STDIN".*unknown field "spec.replcas" \(line 12'):
        c.apply(BEFORE + DEPLOYMENT.replace("replicas", "replcas"))
    with pytest.raises(kn.K8sError, match=r'AlreadyExists\): error when creating "STDIN": configmaps "twice" already exists'):
        c.create(CONFIG.format("twice") + "---\n" + CONFIG.format("twice"))
    assert held(c) == before
    c.delete("deploy/web")


COMMANDS = {
    "an unknown kind": "get nonsense",
    "an object that is not there": "get pod nope",
    "two of them": "get pods x y",
    "a path": "apply -f /nonexistent",
    "no name": "delete pod ''",
    "dots": "delete pod ..",
    "too many slashes": "get pod a/b/c",
    "a negative number": "scale deploy/nope --replicas=-1",
    "a condition": "wait pod/x --for=condition=Ready --timeout=1s",
    "no such revision": "delete deploy",
    "a node": "label node nope a=b",
    "a namespace twice": "create ns default",
    "an invalid namespace": "create ns Bad",
    "an image": "create deploy x",
    "a resource and a kind": "get po,foo",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_that_kubectl_refuses_too(c: kn.Cluster, mine: Wire, run: Notebook, kubectl: str, name: str) -> None:
    before = held(c)
    theirs = mine.kubectl(kubectl, *shlex.split(COMMANDS[name]), check=False)
    cell = run(f"%kubectl {COMMANDS[name]}")
    assert isinstance(cell.error, kn.K8sError), cell.printed
    assert cell.error.exit_code == theirs.returncode
    ours, real = without_lines(cell.printed), without_lines(theirs.stderr)
    assert ours[:60].replace('"', "").replace("--image", "image") == real[: len(ours[:60])].replace('"', "")[:60] or ours == real
    assert held(c) == before


ONLY_OURS = {
    "%kubectl get pods -o foo": "unable to match a printer",
    "%kubectl get pods --timeout x": '"x" is not a duration',
    "%kubectl scale deploy/web --replicas=x": "invalid int value: 'x'",
    "%kubectl get pods -n ../x": 'invalid namespace "../x"',
    "%kubectl apply -f -": "-f - reads the cell",
    "%kubectl nope": 'unknown command "nope"',
    '%kubectl get "pods': "No closing quotation",
    "%kubectl get --nope": "unrecognized arguments: --nope",
    "%k8s nope": 'unknown command "nope"',
    "%k8s start --nope": "unrecognized arguments: --nope",
    "%k8s start --nodes x": "invalid int value: 'x'",
    "%k8s start --nodes 5": "cluster 'default' runs with 2 nodes, not 5: use another --name, or --fresh to recreate it.",
    "%k8s start --nodes 5001": "a cluster can have 0 to 5000 nodes, not 5001.",
    "%k8s start --node-grace 5x": '"5x" is not a duration',
    "%k8s start --node-grace 9s": "runs with --node-grace 50s, not 9s",
    "%k8s start --idle 0s": "--idle must be longer than nothing",
    "%k8s start --port 99999": "99999 is not a port",
    "%k8s start --name ../x": "'../x' cannot be the name of a cluster",
    "%k8s stop nope": "there is no cluster 'nope'",
    "%k8s delete ../x": "'../x' cannot be the name of a cluster",
    "%k8s use nope": "there is no cluster or context 'nope'",
    "%k8s connect --kubeconfig /nope": "no kubeconfig at /nope",
    "%k8s fail node nope": 'nodes "nope" not found',
    "%k8s fail pod x": 'only nodes can be made to fail, not "pod"',
    "%k8s why pod/nope": 'pods "nope" not found',
    "%k8s why ''": "resource name may not be empty",
    "kn.start(5)": "5 cannot be the name of a cluster",
    "kn.start(nodes='3')": "nodes must be a whole number, not '3'.",
    "kn.start(port=2.5)": "port must be a whole number, not 2.5.",
}


@pytest.mark.parametrize("line", ONLY_OURS)
def test_one_sentence_and_no_traceback(run: Notebook, line: str) -> None:
    run("import k8s_notebook as kn")
    cell = run(line)
    assert isinstance(cell.error, kn.K8sError), cell.error
    assert ONLY_OURS[line] in cell.printed
    assert len(cell.printed.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("stop nope", 1, "there is no cluster 'nope' (there are: default)."),
        ("delete nope", 1, "there is no cluster 'nope' (there are: default)."),
        ("status nope", 1, "there is no cluster 'nope' (there are: default)."),
        ("status nope --parts", 1, "there is no cluster 'nope' (there are: default)."),
        ("kubeconfig nope", 1, "there is no cluster 'nope' (there are: default)."),
        ("delete ../../x", 1, "'../../x' cannot be the name of a cluster: use up to 40"),
        ("delete", 1, "say which cluster to delete, or --all."),
        ("serve", 1, "cluster 'default' runs already: stop it with `k8s-notebook stop default`"),
        ("start --nodes 5", 1, "cluster 'default' runs with 2 nodes, not 5: use another --name, or --fresh to recreate it."),
        ("start --idle abc", 2, "'abc' is not a duration: write it as 50s, 5m or 24h"),
        ("start --port abc", 2, "invalid int value: 'abc'"),
        ("start --nope", 2, "unrecognized arguments: --nope"),
        ("nope", 2, "invalid choice: 'nope'"),
    ],
)
def test_the_command_says_no(mine: Wire, arguments: str, code: int, said: str) -> None:
    done = mine.command(*arguments.split(), check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_leaves_nothing_behind(state: pathlib.Path, mine: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command(state, "start", "--name", "taken", "--port", str(port), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"cluster 'taken' cannot have port {port} on 127.0.0.1: Address already in use; ")
    assert "taken" not in mine.command("list").stdout
    assert command(state, "start", "--name", "taken", "--nodes", "0").returncode == 0
    command(state, "delete", "taken")


def test_two_starters_at_once_get_one_server(state: pathlib.Path) -> None:
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda _: command(state, "start", "--name", "both", "--nodes", "0"), range(2)))
    assert found[0].stdout == found[1].stdout
    assert sorted("already" in f.stderr for f in found) == [False, True]
    assert len({f.stderr.partition("(process ")[2] for f in found}) == 1
    command(state, "delete", "both")


def spoiled(path: pathlib.Path) -> None:
    path.write_bytes(b"no database at all" * 300)


def damaged(path: pathlib.Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


def from_the_future(path: pathlib.Path) -> None:
    opened = sqlite3.connect(path)
    opened.execute("PRAGMA user_version = 99")
    opened.close()


def cut_short(path: pathlib.Path) -> None:
    path.write_text('{"nodes": ')


def retyped(path: pathlib.Path) -> None:
    path.write_text('{"nodes": "three", "format": 1}')


def upgraded(path: pathlib.Path) -> None:
    path.write_text('{"nodes": 0, "format": 9, "version": "9.9"}')


@pytest.mark.parametrize(
    ("file", "how", "said"),
    [
        ("journal.db", spoiled, "cannot be read: file is not a database; put a copy of it back, or recreate the cluster with --fresh."),
        ("journal.db", damaged, "put a copy of it back, or recreate the cluster with --fresh."),
        ("journal.db", from_the_future, "was written by a later version of k8s-notebook (layout 99, this one reads up to 1): upgrade"),
        ("options.json", cut_short, "options.json is damaged: mend it, or use --fresh to recreate the cluster."),
        ("options.json", retyped, "options.json is damaged: mend it, or use --fresh to recreate the cluster."),
        ("options.json", upgraded, "was made by a later version of k8s-notebook (9.9): upgrade k8s-notebook, or use --fresh"),
    ],
)  # fmt: skip
def test_files_that_are_no_good(state: pathlib.Path, file: str, how: Callable[[pathlib.Path], None], said: str) -> None:
    command(state, "start", "--name", "bad", "--nodes", "0")
    command(state, "stop", "bad")
    how(state / "clusters" / "bad" / file)
    done = command(state, "start", "--name", "bad", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "bad" in command(state, "list").stdout
    command(state, "start", "--name", "bad", "--nodes", "0", "--fresh")
    command(state, "delete", "bad")


def test_a_disk_that_is_full_from_the_start(tmp_path: pathlib.Path) -> None:
    done = command(tmp_path, "start", "--nodes", "0", check=False, largest_file=20_000)
    assert (done.returncode, done.stdout) == (1, "")
    assert "journal.db cannot be opened: " in done.stderr
    assert done.stderr.endswith("; the disk is full, or the folder cannot be written.\n")
    assert command(tmp_path, "list").stdout.splitlines()[1:] == []


def test_a_home_that_cannot_be_written(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    done = command(tmp_path / "file", "start", check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("set K8S_NOTEBOOK_HOME to a folder that can be written.\n")
    assert len(done.stderr.splitlines()) == 1
    assert command(tmp_path / "file", "status", check=False).stderr == "there is no cluster 'default' (there are: none yet).\n"


def test_files_are_private_and_nothing_tells_the_token(state: pathlib.Path, mine: Wire, c: kn.Cluster) -> None:
    folder = state / "clusters" / "default"
    token = (folder / "token").read_text().strip()
    pid = json.loads((folder / "run.json").read_text())["pid"]
    for path in (state, state / "clusters", folder):
        assert path.stat().st_mode & 0o777 == 0o700, path
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file.name
    assert token not in (folder / "server.log").read_text()
    assert token not in pathlib.Path(f"/proc/{pid}/cmdline").read_text() + pathlib.Path(f"/proc/{pid}/environ").read_text()
    assert token not in str(c.status()) + repr(c) + str(c.status(parts=True)) + repr(c.status().items)
    addresses = subprocess.run(["ss", "-Htlnp"], capture_output=True, text=True, check=False).stdout if shutil.which("ss") else ""
    assert {line.split()[3].rpartition(":")[0] for line in addresses.splitlines() if f"pid={pid}," in line} <= {"127.0.0.1"}


def after(seconds: float, act: Callable[[], None]) -> threading.Thread:
    """Do something a moment from now."""
    thread = threading.Thread(target=lambda: (threading.Event().wait(seconds), act()))
    thread.start()
    return thread


def interrupt() -> None:
    """What the Stop button does."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@pytest.mark.parametrize(
    "line",
    ["wait --for=condition=Never deploy/web --timeout=60s", "wait --for=delete deploy/web --timeout=60s", "logs -f deploy/web",
     "get pods -w", "rollout status deploy/stuck"],
)  # fmt: skip
def test_an_interrupt_ends_a_wait_at_once(c: kn.Cluster, run: Notebook, line: str) -> None:
    stuck = DEPLOYMENT.replace("web", "stuck").replace("replicas: 1", "replicas: 1\n  minReadySeconds: 300")
    c.apply(DEPLOYMENT + "---\n" + stuck)
    c.wait("deploy/web", "condition=Available", 30)
    pressed: list[float] = []
    thread = after(0.4, lambda: (pressed.append(clock.monotonic()), interrupt()))  # type: ignore[arg-type,func-returns-value]
    cell = run(f"%kubectl {line}")
    assert clock.monotonic() - pressed[0] < 1
    thread.join()
    assert "Traceback" not in cell.printed
    assert cell.error is None or (isinstance(cell.error, KeyboardInterrupt) and "interrupted while waiting" in cell.printed)


def test_a_cluster_that_is_gone(state: pathlib.Path, run: Notebook) -> None:
    assert run("%k8s start --name gone --nodes 1").error is None
    graph = run("%k8s graph").value
    record = json.loads((state / "clusters" / "gone" / "run.json").read_text())
    os.kill(record["pid"], signal.SIGKILL)
    for line in ("%kubectl get pods", "%kubectl get pods -w", "%kubectl apply -f -", "%k8s graph", "%k8s graph --static", "%k8s status",
                 "%k8s status --parts", "%k8s why pod/x", "%k8s fail node node-1", "%kubectl logs -f x", "%kubectl rollout status deploy/x",
                 "%kubectl wait deploy/x"):  # fmt: skip
        began = clock.monotonic()
        cell = run("%" + line + "\n" + CONFIG.format("x") if "apply" in line else line)
        assert cell.printed.startswith(f"the cluster at https://127.0.0.1:{record['port']} does not answer: "), line
        assert len(cell.printed.strip().splitlines()) == 1
        assert clock.monotonic() - began < 5, line
    assert run("%k8s start --name gone").error is None
    assert run("%kubectl create configmap later").error is None
    assert run("%kubectl get cm later").error is None
    run("%kubectl create deploy late --image=nginx")
    follows(graph, "Deployment/default/late")
    run("%k8s delete gone")


def follows(graph: Any, name: str) -> None:
    """Wait until a graph that was made before its cluster went shows an object."""
    deadline = clock.monotonic() + 30
    while name not in map(str, graph.nx):
        assert clock.monotonic() < deadline
        threading.Event().wait(0.1)


PLUGIN_TESTS = """
import json, os, pathlib, sys

def test_apply(k8s_cluster):
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    assert k8s_cluster.apply(config).text == "configmap/x created"
    run = pathlib.Path(k8s_cluster.kubeconfig).with_name("run.json")
    pathlib.Path(os.environ["SEEN"]).write_text(run.read_text())

def test_what_is_imported():
    heavy = {"IPython", "ipykernel", "jupyter_client", "jupyter_core", "jupyter_server", "ipywidgets", "numba", "llvmlite", "pandas"}
    assert not heavy & set(sys.modules)
"""


def test_the_pytest_plugin_stops_its_cluster(tmp_path: pathlib.Path) -> None:
    (tmp_path / "test_it.py").write_text(PLUGIN_TESTS)
    seen = tmp_path / "seen.json"
    paths = os.pathsep.join([str(conftest.ROOT), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "SEEN": str(seen)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "k8s_notebook.pytest_plugin", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout + done.stderr
    ended(json.loads(seen.read_text())["pid"])


def ended(pid: int) -> None:
    """Fail unless a process has ended (its parent may not have noticed yet)."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    assert select.select([descriptor], [], [], 0)[0]
    os.close(descriptor)


def test_current_is_forgotten_with_its_cluster(state: pathlib.Path, run: Notebook) -> None:
    run("%k8s start --name brief --nodes 0")
    run("%k8s delete brief")
    assert run("%kubectl get pods").printed.startswith("error: no cluster is in use: `%k8s start` starts one")
    assert current.in_use() is None


KERNEL = """
import threading
from jupyter_client.manager import start_new_kernel
from k8s_notebook.sim import clock

manager, client = start_new_kernel(kernel_name="python3")
ready = client.execute_interactive("import k8s_notebook as kn\\nc = kn.start()", timeout=60)
assert ready["content"]["status"] == "ok", ready
client.execute("print('waiting', flush=True)\\nc.kubectl('wait --for=condition=Never node/node-1 --timeout=60s')")
while client.get_iopub_msg(timeout=30)["content"].get("text") != "waiting\\n":
    pass
threading.Event().wait(0.3)
pressed = clock.monotonic()
manager.interrupt_kernel()
answer = client.get_shell_msg(timeout=30)["content"]
took = clock.monotonic() - pressed
again = client.execute_interactive("assert c.nodes == ['node-1', 'node-2']", timeout=60)
manager.shutdown_kernel(now=True)
print([answer["traceback"], took < 2, again["content"]["status"]])
"""


@pytest.mark.usefixtures("c")
def test_the_stop_button_of_a_real_kernel(state: pathlib.Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(conftest.ROOT), *sys.path])}
    done = subprocess.run([sys.executable, "-c", KERNEL], cwd=state, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1:] == ["[['interrupted while waiting for node/node-1'], True, 'ok']"], done.stderr
