"""What the scheduler's tests share: one folder for compiled code, and the two forms in which kernels run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from k8s_notebook import kernels


@pytest.fixture(scope="session")
def compiled_code(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compiled code is kept from one session to the next, so that kernels compile once per version of their sources."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("K8S_NOTEBOOK_CACHE", str(request.config.cache.mkdir("kernels")))
        yield


@pytest.fixture(params=["interpreted", "compiled"], scope="module")
def form(request: pytest.FixtureRequest, compiled_code: None) -> Iterator[str]:
    """Which form of the kernels runs."""
    if request.param == "compiled":
        kernels.enable()
    yield request.param
    kernels.disable()


@pytest.fixture(scope="module")
def dispatchers(compiled_code: None) -> Iterator[None]:
    """Every kernel has its compiled form beside the others."""
    kernels.enable()
    kernels.disable()
    return
