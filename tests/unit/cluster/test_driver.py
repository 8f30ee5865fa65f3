"""The driver on the wall clock: due work runs, one commit per turn, a mistake of one part stops nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from k8s_notebook.cluster.driver import SLICE, Driver
from k8s_notebook.sim.clock import Wall, monotonic
from k8s_notebook.sim.loop import Loop
from k8s_notebook.store.journal import Journal
from k8s_notebook.store.revisions import Store


def thing(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}


class Driven:
    """A loop and a store that are driven while the block runs."""

    def __init__(self) -> None:
        self.loop = Loop(Wall())
        self.store = Store(self.loop.clock, Journal(":memory:"))
        self.driver = Driver(self.loop, self.store)

    async def __aenter__(self) -> Driven:
        self.driver.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        self.driver.stop()
        self.store.close()


async def happened(event: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await event.wait()


def test_due_work_runs_in_order() -> None:
    async def main() -> list[str]:
        done, seen = asyncio.Event(), []
        async with Driven() as driven:
            driven.loop.after(0.02, lambda: (seen.append("late"), done.set()))  # type: ignore[func-returns-value]
            driven.loop.soon(lambda: seen.append("soon"))
            await happened(done)
        return seen

    assert asyncio.run(main()) == ["soon", "late"]


def test_writes_of_one_turn_share_a_commit() -> None:
    async def main() -> tuple[int, int]:
        done = asyncio.Event()
        async with Driven() as driven:
            before = driven.store.commits
            for number in range(10):
                driven.loop.soon(lambda n=number: driven.store.put("configmaps", thing(f"a-{n}")))  # type: ignore[misc]
            driven.loop.soon(lambda: driven.store.on_commit(lambda error: done.set()))
            await happened(done)
            by_loop = driven.store.commits - before
            done.clear()
            for number in range(10):
                driven.store.put("configmaps", thing(f"b-{number}"))
            driven.store.on_commit(lambda error: done.set())
            await happened(done)
            return by_loop, driven.store.commits - before - by_loop

    by_loop, by_requests = asyncio.run(main())
    assert by_loop <= 3
    assert by_requests == 1


def test_a_mistake_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        done = asyncio.Event()
        async with Driven() as driven:
            driven.loop.soon(lambda: 1 // 0)  # type: ignore[arg-type, return-value]
            driven.loop.soon(done.set)
            await happened(done)

    asyncio.run(main())
    assert "ZeroDivisionError" in caplog.text


def test_requests_get_their_turn_under_load() -> None:
    async def main() -> float:
        async with Driven() as driven:

            def again() -> None:
                driven.loop.soon(again)

            again()
            longest, until = 0.0, monotonic() + 0.2
            while monotonic() < until:
                before = monotonic()
                await asyncio.sleep(0)
                longest = max(longest, monotonic() - before)
            return longest

    assert asyncio.run(main()) < 40 * SLICE
