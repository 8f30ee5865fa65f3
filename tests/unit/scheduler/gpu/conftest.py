"""What these tests share: a cache of their own for compiled code, and the stored trace."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator

import pytest

from k8s_notebook.scheduler import gpu


@pytest.fixture(scope="session", autouse=True)
def _compiled_code(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("K8S_NOTEBOOK_CACHE", str(request.config.cache.mkdir("kernels")))
        yield


@pytest.fixture(scope="session")
def openb(shared: pathlib.Path) -> pathlib.Path:
    """The folder with OpenB's files."""
    return shared / "data" / "openb"


@pytest.fixture(scope="session")
def stored(openb: pathlib.Path) -> Callable[[str], gpu.Trace]:
    """Reads a stored trace, each once."""
    read: dict[str, gpu.Trace] = {}

    def trace(name: str) -> gpu.Trace:
        if name not in read:
            read[name] = gpu.trace(openb, name)
        return read[name]

    return trace
