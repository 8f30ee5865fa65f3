"""The notebook about scheduling, executed as a reader would; each of its ideas shows what its text says."""

from __future__ import annotations

import pathlib
import re

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOOK = ROOT / "examples" / "01-scheduling.ipynb"
NAMED = "metadata: {name: web}"
POD = f"apiVersion: v1\nkind: Pod\n{NAMED}\nspec: {{containers: [{{name: web, image: nginx}}]}}\n"
FILE = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: packer
  pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 1}]}}}]
- schedulerName: spreader
"""
"""What the documents call scheduler.yaml."""


def blocks(document: str, title: str) -> list[str]:
    """The Python below a heading of a document, as cells: a magic is a cell of its own."""
    text = (ROOT / document).read_text(encoding="utf-8")
    chapter = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert chapter, f"{document} has no chapter {title!r}"
    found = re.findall(r"^```python\n(.*?)^```", chapter[1], re.MULTILINE | re.DOTALL)
    assert found
    return [cell for block in found for cell in (block.splitlines() if block.startswith("%") else [block])]


def executed(cells: list[str], folder: pathlib.Path) -> nbformat.NotebookNode:
    """A notebook of these cells, run in a kernel; a cell that fails is an error."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def shown(notebook: nbformat.NotebookNode, part: str) -> str:
    """The text of what the cell with this part in its source showed last."""
    cell = next(c for c in notebook.cells if c.cell_type == "code" and part in c.source)
    data = [o["data"] for o in cell.outputs if "data" in o]
    assert data, f"{part!r} showed nothing"
    return str(data[-1]["text/plain"])


def test_it_is_kept_without_outputs() -> None:
    cells = [c for c in nbformat.read(BOOK, as_version=4).cells if c.cell_type == "code"]
    assert not any(c.outputs or c.execution_count for c in cells)


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_on_an_embedded_cluster(home: pathlib.Path) -> None:
    notebook = nbformat.read(BOOK, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(BOOK.parent)}}).execute()

    assert "one of 4 nodes that share the highest score" in shown(notebook, "%k8s why pod/first")
    assert "node-3 because it is the only node that fits" in shown(notebook, "%k8s why pod/database")
    assert "node-4 because it has more room than node-3" in shown(notebook, 'why = cluster.why("pod/second")')
    assert [line.split()[-1] for line in shown(notebook, "value_counts()").splitlines() if line.startswith("zone-")] == [
        "2",
        "2",
        "2",
    ]
    assert "4 nodes beside pods that it must keep away from" in shown(notebook, "%k8s why $waiting")
    assert "Preempted by pod" in shown(notebook, "reason=Preempted")
    placed = [line.split() for line in shown(notebook, "usual.nodes").splitlines()[1:]]
    assert sum(int(usual) for _, usual, _ in placed) == 8
    assert max(int(usual) for _, usual, _ in placed) < 8
    assert max(int(thrifty) for _, _, thrifty in placed) == 8, "the thrifty way they are all on one machine"
    assert "Decided by the profile of thrifty" in shown(notebook, "%k8s why pod/modest")
    assert "1 pods placed" in shown(notebook, "running.stop()")
    assert "smallest change that would help: label node-1 with gpu=yes" in shown(notebook, 'why = cluster.why("pod/painter")')
    assert shown(notebook, "gpu=yes\n%kubectl wait").startswith("pod/painter: node-1 because")


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_what_the_documents_say(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "scheduler.yaml").write_text(FILE)
    begin = ["%load_ext k8s_notebook", "%k8s start", f"import k8s_notebook as kn\nc = kn.current()\nPOD = {POD!r}\nc.apply(POD)"]
    policies, files = (
        blocks("docs/scheduler.md", "Policies of one's own"),
        blocks("docs/scheduler.md", "Your kube-scheduler's configuration"),
    )
    second, readme = blocks("docs/scheduler.md", "In a notebook"), blocks("README.md", "Where pods go")
    cells = [*begin, *policies, *files, *second, *readme, "%k8s schedule --name mine --status", "%k8s schedule --stop"]
    notebook = executed([cell.replace("pod/web-…", "pod/web") for cell in cells], tmp_path)
    assert "mine" in shown(notebook, "--name mine --status")
