"""`python3 examples`: sets everything up, then shows the tour; `python3 examples scheduling` another notebook.

With a display it opens it in JupyterLab; without one (or with `--run`) it executes the notebook and says what it showed.
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


def chosen(words: list[str]) -> pathlib.Path:
    """The notebook whose name has the first word in it; the tour without any."""
    named = [word for word in words if not word.startswith("-")]
    if not named:
        return TOUR
    books = sorted((ROOT / "examples").glob("*.ipynb"))
    found = [book for book in books if named[0] in book.name]
    if not found:
        sys.exit(f"No notebook is called {named[0]}; there are {', '.join(book.stem for book in books)}.")
    return found[0]


def title(book: pathlib.Path) -> str:
    """What a notebook is called in a sentence."""
    return book.stem.partition("-")[2]


def open_lab(book: pathlib.Path) -> None:
    """Become JupyterLab with the notebook open."""
    os.chdir(ROOT)
    name = title(book)
    print(f"Opening {book.name} in JupyterLab. Ctrl-C twice ends it; the cluster goes on: k8s-notebook stop {name}.", flush=True)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(book)])


def run(book: pathlib.Path) -> int:
    """Execute the notebook and print, cell by cell, what it showed; 1 if a cell failed."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(book, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(book.parent)}})
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
    what = "The tour" if book == TOUR else book.stem
    print(f"\n{what} ran {sum(c.execution_count is not None for c in cells)} of {len(cells)} cells and drew "
          f"{pictures} picture{'s' * (pictures != 1)} ({views} live).")  # fmt: skip
    if failed:
        print(f"It stopped at an error: {failed}", file=sys.stderr)
    else:
        print(f"There was no display to open JupyterLab on. To see it in a browser: .venv/bin/jupyter lab examples/{book.name}")
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
        open_lab(chosen(sys.argv[1:]))
    sys.exit(run(chosen(sys.argv[1:])))
