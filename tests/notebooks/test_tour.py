"""The tour, executed as a reader would: on an embedded cluster, and the same notebook on a real control plane."""

from __future__ import annotations

import pathlib

import nbformat
import pytest
from nbclient import NotebookClient

from tests import real

TOUR = pathlib.Path(__file__).resolve().parents[2] / "examples" / "00-tour.ipynb"


def execute(*, skip: str = "", first: str = "") -> nbformat.NotebookNode:
    """The executed notebook, without cells tagged `skip`; `first` is put behind its first code cell."""
    notebook = nbformat.read(TOUR, as_version=4)
    notebook.cells = [c for c in notebook.cells if skip not in c.metadata.get("tags", []) or not skip]
    if first:
        begin = next(i for i, c in enumerate(notebook.cells) if c.cell_type == "code")
        notebook.cells.insert(begin + 1, nbformat.v4.new_code_cell(first))
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(TOUR.parent)}}).execute()
    return notebook


def output(notebook: nbformat.NotebookNode, beginning: str) -> dict[str, str]:
    """The data of the last output of the cell whose source begins like this."""
    cell = next(c for c in notebook.cells if c.cell_type == "code" and c.source.startswith(beginning))
    data = [o["data"] for o in cell.outputs if "data" in o]
    assert data, f"{beginning!r} showed nothing"
    return data[-1]


def texts(notebook: nbformat.NotebookNode) -> str:
    """Everything that the notebook would show anywhere, as one text."""
    return nbformat.writes(notebook)


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_on_an_embedded_cluster(home: pathlib.Path) -> None:
    notebook = execute()
    assert "3/3" in output(notebook, "%kubectl get deployments,replicasets,pods")["text/plain"]
    graph = output(notebook, "%k8s graph")
    assert graph["image/svg+xml"].startswith("<svg")
    assert "application/vnd.jupyter.widget-view+json" in graph
    assert "CreateContainerConfigError" in output(notebook, "%kubectl get pod my-app-pod")["text/plain"]
    assert "my-password" not in texts(notebook).replace("password: my-password", "")


@pytest.mark.parity
@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_on_a_real_control_plane(realcluster: real.Real) -> None:
    notebook = execute(skip="embedded", first=f"%k8s connect --kubeconfig {realcluster.kubeconfig}")
    assert "3/3" in output(notebook, "%kubectl get deployments,replicasets,pods")["text/plain"]
    assert output(notebook, "%k8s graph")["image/svg+xml"].startswith("<svg")
    assert "my-password" not in texts(notebook).replace("password: my-password", "")
