"""An embedded cluster of its own for tests with real clients, and the kubectls of this machine."""

from __future__ import annotations

import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from IPython.core.interactiveshell import InteractiveShell

import k8s_notebook as kn
from tests.wire.notebook import Cell, Notebook

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def kubectls() -> dict[str, str]:
    """Version -> path of every kubectl here: on the PATH, named in K8S_NOTEBOOK_KUBECTL, built by realcluster."""
    named = os.environ.get("K8S_NOTEBOOK_KUBECTL", "").split(os.pathsep)
    cache = pathlib.Path(os.environ.get("REALCLUSTER_HOME", "~/.cache/k8s-notebook-realcluster")).expanduser()
    candidates = [*named, shutil.which("kubectl") or "", *map(str, sorted(cache.glob("bin-*/kubectl")))]
    found: dict[str, str] = {}
    for path in candidates:
        if path and os.access(path, os.X_OK):
            said = subprocess.run([path, "version", "--client"], capture_output=True, text=True, timeout=20).stdout
            version = re.search(r"Client Version: v(\d+\.\d+)", said)
            if version:
                found.setdefault(version[1], path)
    return found


KUBECTLS = kubectls()


@dataclass(frozen=True)
class Wire:
    """A running cluster, and how to talk to it from outside."""

    home: pathlib.Path
    kubeconfig: pathlib.Path

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the k8s-notebook command."""
        return command(self.home, *arguments, check=check)

    def kubectl(
        self, path: str, *arguments: str, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a kubectl."""
        done = subprocess.run(
            [path, "--kubeconfig", str(self.kubeconfig), "--cache-dir", str(self.home / "kubectl-cache"), *arguments],
            capture_output=True, text=True, timeout=60, input=stdin, cwd=self.home,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, done.stderr
        return done


def command(home: pathlib.Path, *arguments: str, check: bool = True, largest_file: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the k8s-notebook command with its state in `home`; with `largest_file` no file can grow beyond so many bytes."""

    def limit() -> None:
        if largest_file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    environment = {**os.environ, "K8S_NOTEBOOK_HOME": str(home), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-m", "k8s_notebook", *arguments],
        capture_output=True, text=True, timeout=90, env=environment, preexec_fn=limit,
    )  # fmt: skip
    if check:
        assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A cluster of three nodes."""
    home = tmp_path_factory.mktemp("wire")
    started = command(home, "start", "--nodes", "3")
    yield Wire(home, pathlib.Path(started.stdout.strip()))
    command(home, "delete", "--all")


@pytest.fixture(params=["1.32", "1.36"])
def kubectl(request: pytest.FixtureRequest) -> str:
    """The path of a kubectl of that version."""
    path = KUBECTLS.get(request.param)
    if path is None:
        pytest.skip(f"needs kubectl {request.param}: put it on the PATH, or name it in K8S_NOTEBOOK_KUBECTL")
    return path


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """A state folder that the notebook and the commands of this module share."""
    folder = tmp_path_factory.mktemp("notebook")
    before = os.environ.get("K8S_NOTEBOOK_HOME")
    os.environ["K8S_NOTEBOOK_HOME"] = str(folder)
    yield folder
    command(folder, "delete", "--all")
    os.environ.pop("K8S_NOTEBOOK_HOME")
    if before is not None:
        os.environ["K8S_NOTEBOOK_HOME"] = before


@pytest.fixture(scope="module")
def mine(state: pathlib.Path) -> Wire:
    """The cluster of this module."""
    return Wire(state, pathlib.Path(command(state, "start", "--nodes", "2").stdout.strip()))


@pytest.fixture(scope="module")
def c(mine: Wire) -> kn.Cluster:
    """The same cluster, from the notebook's side."""
    return kn.start()


@pytest.fixture
def run(shell: InteractiveShell, c: kn.Cluster) -> Notebook:
    """Runs a cell in a notebook that uses the cluster of this module."""
    kn.use(c.name)
    return lambda code: Cell(shell, code)
