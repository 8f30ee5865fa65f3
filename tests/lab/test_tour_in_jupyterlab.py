"""The tour in JupyterLab, in a real browser: it opens, runs, draws the graph, and answers a click."""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import nbformat
import pytest

from tests import real

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
NODE = shutil.which("node")


@pytest.fixture
def artefacts(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where screenshots go: kept when ARTEFACTS names a folder."""
    folder = pathlib.Path(os.environ.get("ARTEFACTS") or tmp_path / "artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def lab(home: pathlib.Path, tmp_path: pathlib.Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a JupyterLab that shows a copy of the tour in the theme of the test."""
    theme = request.param
    notebooks, settings = tmp_path / "notebooks", tmp_path / "settings"
    notebooks.mkdir()
    tour = nbformat.read(ROOT / "examples" / "00-tour.ipynb", as_version=4)
    tour.cells.pop()  # it tidies up, and the test looks at the graph when everything has run
    nbformat.write(tour, notebooks / "00-tour.ipynb")
    themes = settings / "@jupyterlab" / "apputils-extension"
    themes.mkdir(parents=True)
    chosen = {"theme": "JupyterLab Dark" if theme == "dark" else "JupyterLab Light"}
    (themes / "themes.jupyterlab-settings").write_text(json.dumps(chosen))
    (themes / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    whole = settings / "@jupyterlab" / "notebook-extension"
    whole.mkdir()
    (whole / "tracker.jupyterlab-settings").write_text(json.dumps({"windowingMode": "none"}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1",
               f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={notebooks}", "--ServerApp.open_browser=False"]  # fmt: skip
    env = {**os.environ, "JUPYTERLAB_SETTINGS_DIR": str(settings), "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces")}
    with (tmp_path / "lab.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=notebooks)
    try:
        real.wait(lambda: _answers(f"http://127.0.0.1:{port}/api?token={token}", server), 60, "JupyterLab to answer")
        yield f"http://127.0.0.1:{port}/lab/tree/00-tour.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(30)


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, "JupyterLab ended"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.mark.parametrize("lab", ["light", "dark"], indirect=True)
def test_the_tour_draws_the_graph_and_answers_a_click(lab: str, artefacts: pathlib.Path, request: pytest.FixtureRequest) -> None:
    theme = request.node.callspec.params["lab"]
    command = [NODE or "node", str(ROOT / "tests" / "lab" / "tour.mjs"), lab, str(artefacts), theme]
    env = {**os.environ, "CHROMIUM": CHROMIUM or ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, env=env)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "failed" not in found, found
    assert found["errors"] == []
    assert found["pods"] >= 5
    assert found["nodes"] == 3
    assert found["lines"] >= 6
    assert found["sentence"]
    assert "Deployment" in found["details"]
    assert found["zoomed"]
    assert found["tables"] >= 1
    assert (artefacts / f"tour-graph-{theme}.png").stat().st_size > 10_000


def _why_not() -> str:
    if NODE is None:
        return "needs node"
    if CHROMIUM is None:
        return "needs a Chromium browser"
    if not (ROOT / "labextension" / "node_modules" / "playwright-core").is_dir():
        return "needs playwright-core: npm install in labextension/"
    return ""


pytestmark = pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "can run")
