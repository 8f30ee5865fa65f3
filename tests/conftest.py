"""What every test may use: the reference data beside the project, where it is there."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from tests import real

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> pathlib.Path:
    """The folder with answers of a real server; tests that need it skip where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("needs the reference data in ../shared, which is not part of the project")
    return folder


@pytest.fixture(scope="module")
def realcluster() -> Iterator[real.Real]:
    """A real control plane with three simulated nodes, for one module: only one can run on a machine."""
    why = real.missing()
    if why:
        pytest.skip(why)
    with real.running("tests") as running:
        yield running


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    """An IPython with the magics, as a notebook has it; it is gone after the module."""
    from IPython.core.interactiveshell import InteractiveShell

    found = InteractiveShell.instance()
    found.run_line_magic("load_ext", "k8s_notebook")
    yield found
    found.run_line_magic("unload_ext", "k8s_notebook")
    InteractiveShell.clear_instance()


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    """A state folder of the test's own; every cluster that the test started in it is gone afterwards."""
    folder = tmp_path / "state"
    monkeypatch.setenv("K8S_NOTEBOOK_HOME", str(folder))
    yield folder
    subprocess.run([sys.executable, "-m", "k8s_notebook", "delete", "--all"], capture_output=True, timeout=60)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A folder names what its tests need."""
    marks = {"wire": pytest.mark.wire, "parity": pytest.mark.parity, "lab": pytest.mark.browser}
    for item in items:
        for folder, mark in marks.items():
            if f"tests/{folder}/" in item.path.as_posix():
                item.add_marker(mark)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one: what it lacks should have been installed."""
    report = yield
    if report.skipped and os.environ.get("K8S_NOTEBOOK_CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI nothing may be: {report.longrepr}"
    return report
