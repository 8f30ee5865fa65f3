"""What the parity tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.parity import harness


@pytest.fixture(scope="session")
def kube_scheduler() -> Iterator[harness.Harness]:
    """The real kube-scheduler, which decides what it is given; tests that use it skip where there is no Go to build it."""
    why = harness.missing()
    if why:
        pytest.skip(why)
    with harness.Harness() as running:
        yield running
