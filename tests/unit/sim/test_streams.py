"""Named streams of chance."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from k8s_notebook.sim.streams import NAME_LETTERS, Streams

DRAWS: dict[str, Callable[[Streams], object]] = {
    "number": lambda s: s.stream("a").random(),
    "uid": lambda s: s.uid("a"),
    "suffix": lambda s: s.suffix(name="a"),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_seed_repeats_itself_and_another_does_not(draw: Callable[[Streams], object]) -> None:
    assert [draw(Streams(7)) for _ in range(3)] == [draw(Streams(7))] * 3
    assert draw(Streams(7)) != draw(Streams(8))
    assert draw(Streams()) != draw(Streams())


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_stream_goes_on(draw: Callable[[Streams], object]) -> None:
    streams = Streams(7)
    assert len({draw(streams) for _ in range(50)}) == 50


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_one_more_draw_elsewhere_changes_nothing_here(draw: Callable[[Streams], object]) -> None:
    plain, disturbed = Streams(7), Streams(7)
    first = [draw(plain) for _ in range(5)]
    second = []
    for _ in range(5):
        disturbed.stream("b").random()
        disturbed.uid("c")
        second.append(draw(disturbed))
    assert first == second


def test_streams_of_other_names_differ() -> None:
    streams = Streams(7)
    assert streams.stream("a") is streams.stream("a")
    assert streams.stream("a").random() != streams.stream("b").random()


def test_uids_are_uuids_and_suffixes_look_like_generated_names() -> None:
    streams = Streams(7)
    assert uuid.UUID(streams.uid()).version == 4
    assert len(streams.suffix()) == 5
    assert set(streams.suffix(1000)) == set(NAME_LETTERS)
