"""No feed outlives its test."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from k8s_notebook.widgets import live
from tests.unit.widgets import fake


def feeding() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "k8s-notebook-views"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Feeds that notice soon that they are abandoned, and that are gone when the test is over."""
    monkeypatch.setattr(live, "ABANDONED", 0.02)
    monkeypatch.setattr(live, "BATCH", 0.02)
    yield
    fake.until(lambda: not feeding(), "a feed still runs")
