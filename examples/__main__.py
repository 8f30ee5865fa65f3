"""`python3 examples`: sets everything up, then shows the tour.

With a display it opens the tour in JupyterLab; without one (or with `--run`) it executes the notebook and says what it showed.
"""

from __future__ import annotations

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOUR = ROOT / "examples" / "00-tour.ipynb"
sys.path.insert(0, str(ROOT / ".ci"))


def has_display() -> bool:
    """Whether a browser could show something to somebody here."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_lab() -> None:
    """Become JupyterLab with the tour open."""
    os.chdir(ROOT)
    print("Opening the tour in JupyterLab. Ctrl-C twice ends it; the cluster goes on: k8s-notebook stop tour.", flush=True)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(TOUR)])


def run() -> int:
    """Execute the tour and print, cell by cell, what it showed; 1 if a cell failed."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(TOUR, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(TOUR.parent)}})
    failed = ""
    try:
        client.execute()
    except CellExecutionError as error:
        failed = str(error).strip().splitlines()[-1]
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    for cell in cells:
        if "execution_count" in cell and cell.execution_count is not None:
            print("\n" + "\n".join(f">>> {line}" for line in cell.source.splitlines()[:6]))
            for output in cell.outputs:
                print(said(output))
    pictures = sum("image/svg+xml" in o.get("data", {}) for c in cells for o in c.get("outputs", ()))
    views = sum("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for c in cells for o in c.get("outputs", ()))
    print(f"\nThe tour ran {sum(c.execution_count is not None for c in cells)} of {len(cells)} cells and drew "
          f"{pictures} graph{'s' * (pictures != 1)} ({views} live).")  # fmt: skip
    if failed:
        print(f"It stopped at an error: {failed}", file=sys.stderr)
    else:
        print("There was no display to open JupyterLab on. To see it in a browser: .venv/bin/jupyter lab examples/00-tour.ipynb")
    return 1 if failed else 0


def said(output: dict[str, object]) -> str:
    """The text of one output."""
    if output["output_type"] == "stream":
        return str(output["text"]).rstrip()
    if output["output_type"] == "error":
        return str(output["evalue"])
    data = output.get("data", {})
    return str(data.get("text/plain", "")).rstrip() if isinstance(data, dict) else ""


if __name__ == "__main__":
    import environment

    environment.enter("test" if "--test" in sys.argv else "")
    if has_display() and "--run" not in sys.argv:
        open_lab()
    sys.exit(run())
