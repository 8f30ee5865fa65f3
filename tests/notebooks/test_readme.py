"""The README, done as a newcomer would do it: its cells, the three columns of its table, its test, its line for the shell."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS: list[str] = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PLACEHOLDER = "web-…"
"""How the README writes the name of a pod that nobody can know."""


def rows() -> list[list[str]]:
    """The table of commands: notebook, Python, terminal, as they stand there."""
    lines = [line for line in README.splitlines() if line.startswith("|")]
    assert lines[0] == "| in a notebook | in Python | in a terminal |"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def spans(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def statements(cell: str) -> list[str]:
    """The Python of a cell of the table: "`c.graph()`, `.nx`" are two, the second with the first in front."""
    found = spans(cell)
    return [found[0] + part if part.startswith(".") else part for part in found]


def cells(block: str) -> list[str]:
    """The notebook cells of a block: a cell magic takes it whole, else every line is one."""
    return [block] if block.startswith("%%") else block.strip().splitlines()


def filled(source: str) -> str:
    """The source with a pod's name for the placeholder, as the kernel's variable `pod` holds it."""
    if PLACEHOLDER not in source:
        return source
    return (
        source.replace(PLACEHOLDER, "{{pod}}")
        if source.startswith("%")
        else source.replace(f'"pod/{PLACEHOLDER}"', '"pod/" + pod')
    )


MANIFEST = next(b for b in BLOCKS if b.startswith("%%")).partition("\n")[2]
NOTEBOOK = [source for block in BLOCKS if block.startswith("%") for source in cells(block)]
NAMING = "import k8s_notebook as kn\npod = kn.current().get('pods', selector='app=web').names[0]"


CONNECTED = 'kn.connect(context="minikube").name'


def minikube(folder: pathlib.Path) -> str:
    """Python that writes the kubeconfig of a cluster called minikube, which is the one in use."""
    path = str(folder / "minikube")
    return (
        "import os, pathlib, yaml\n"
        "told = yaml.safe_load(pathlib.Path(kn.current().kubeconfig).read_text())\n"
        "told['contexts'][0]['name'] = told['current-context'] = 'minikube'\n"
        f"pathlib.Path({path!r}).write_text(yaml.safe_dump(told))\n"
        f"os.environ['KUBECONFIG'] = {path!r}\n"
    )


def executed(sources: list[str], folder: pathlib.Path) -> nbformat.NotebookNode:
    """A notebook of these cells, run in a kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def shown(notebook: nbformat.NotebookNode, source: str) -> str:
    """Everything that the last cell of this source showed, as text."""
    cell = [c for c in notebook.cells if c.source == source][-1]
    return "\n".join(o.get("text", "") + str(o.get("data", {}).get("text/plain", "")) for o in cell.outputs)


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_cells_and_table(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    sources: list[str] = []
    for source in NOTEBOOK:
        sources += [NAMING, filled(source)] if PLACEHOLDER in source else [source]
    sources += [NAMING, minikube(tmp_path), CONNECTED, f"text = {MANIFEST!r}\npath = {str(tmp_path / 'graph.svg')!r}"]
    for _, python, _ in rows():
        sources += [filled(s) for s in statements(python)]
    sources.append("%k8s start --nodes 3")
    for magic, _, _ in rows():
        cell = f"\n{MANIFEST}" if "%%" in magic else ""
        sources += [filled(line) + cell for line in spans(magic)]

    notebook = executed(sources, tmp_path)

    assert shown(notebook, CONNECTED) == "'default'", "an embedded cluster keeps its name, however it was found"
    assert "web-" in shown(notebook, "%kubectl get pods -o wide")
    assert shown(notebook, "c.graph()").count("Pod/default/web-") == 3
    assert shown(notebook, 'c.get("pods", selector="app=web").df').count("web-") == 3
    assert "MultiDiGraph" in shown(notebook, "c.graph().nx")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "NodeResourcesFit" in shown(notebook, filled("%k8s why pod/web-…"))
    assert "scheduler" in shown(notebook, "c.status(parts=True)")
    assert "stopped" in shown(notebook, "%k8s stop")


def terminal(command: str, home: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """A line of the README in a shell where k8s-notebook is installed."""
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "K8S_NOTEBOOK_HOME": str(home)}
    return subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=120)


def test_terminal(home: pathlib.Path) -> None:
    lines = [span for _, _, cell in rows() for span in spans(cell) if span.startswith("k8s-notebook ")]
    assert lines[0].split()[1] == "start"
    assert lines[-1].split()[1] == "stop"
    for line in lines:
        done = terminal(line, home)
        assert done.returncode == 0, f"{line}: {done.stderr}"
    export = next(line for line in README.splitlines() if line.startswith("export KUBECONFIG="))
    said = terminal(f'{export} && cat "$KUBECONFIG"', home)
    assert yaml.safe_load(said.stdout)["current-context"] == "k8s-notebook-default", said.stderr


def test_the_test(tmp_path: pathlib.Path) -> None:
    """In a project of somebody else's: the plugin is there by being installed, and brings in nothing heavy."""
    block = next(b for b in BLOCKS if "k8s_cluster" in b)
    (tmp_path / "test_web.py").write_text(
        f"import sys\n\nMANIFEST = {MANIFEST!r}\n\n{block}\n\n"
        "def test_nothing_heavy_came_in():\n"
        "    assert not {'IPython', 'ipykernel', 'ipywidgets', 'jupyter_server', 'numba', 'pandas'} & set(sys.modules)\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
