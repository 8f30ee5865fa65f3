"""Clocks and the texts of times."""

from __future__ import annotations

import re

import pytest

from k8s_notebook.sim import clock


@pytest.mark.parametrize(
    ("moves", "now"),
    [
        pytest.param((), 100.0, id="stands still"),
        pytest.param((160.0,), 160.0, id="forward"),
        pytest.param((160.0, 130.0), 160.0, id="never back"),
        pytest.param((100.0,), 100.0, id="to now"),
    ],
)
def test_a_virtual_clock(moves: tuple[float, ...], now: float) -> None:
    found = clock.Virtual(100.0)
    for to in moves:
        found.advance(to)
    assert found.now() == now


def test_the_wall_clock_and_the_monotonic_one_go_on() -> None:
    wall, start = clock.Wall(), clock.monotonic()
    before = wall.now()
    assert before > clock.seconds("2020-01-01T00:00:00Z")
    assert wall.now() >= before
    assert clock.monotonic() >= start


@pytest.mark.parametrize(
    ("seconds", "text", "micro"),
    [
        (0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
        (1.9999999, "1970-01-01T00:00:01Z", "1970-01-01T00:00:01.999999Z"),
        (1_767_225_600.25, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.250000Z"),
        (951_782_400, "2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z"),
    ],
)
def test_time_stamps(seconds: float, text: str, micro: str) -> None:
    assert clock.timestamp(seconds) == text
    assert clock.micro_timestamp(seconds) == micro
    assert clock.seconds(text) == int(seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T01:01:00+01:00", 60.0),
        ("1970-01-01T00:01:00.500000Z", 60.5),
    ],
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert clock.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "1970-13-01T00:00:00Z"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):
        clock.seconds(text)


def test_the_time_of_day_moves_with_the_seconds() -> None:
    assert re.fullmatch(r"\d\d:\d\d:\d\d", clock.time_of_day(0))
    assert clock.time_of_day(59)[-2:] == "59"
    assert clock.time_of_day(60)[-2:] == "00"
