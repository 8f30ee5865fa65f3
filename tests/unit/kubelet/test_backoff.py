from __future__ import annotations

from k8s_notebook.kubelet import backoff


def test_waits_double_up_to_five_minutes() -> None:
    held, waits, now = None, [], 0.0
    for _ in range(8):
        wait = backoff.wait(held, now)
        waits.append(wait)
        held = backoff.grant(held, now, now + wait)
        now += wait + 1
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_long_good_time_is_a_new_beginning() -> None:
    held = backoff.Backoff(160.0, granted=1000.0)
    assert backoff.wait(held, 1600.0) == 160
    assert backoff.wait(held, 1600.1) == 0
    assert backoff.grant(held, 1600.1, 1601.0) == backoff.Backoff(10.0, 1601.0)


def test_a_restart_count_tells_what_was_waited() -> None:
    assert backoff.after(0, 5) is None
    assert [(backoff.after(n, 5) or backoff.Backoff(0, 0)).seconds for n in (1, 2, 3, 6, 60)] == [10, 20, 40, 300, 300]
