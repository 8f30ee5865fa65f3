"""What one thread puts another takes."""

from __future__ import annotations

import pytest

from k8s_notebook.client.inbox import Inbox
from k8s_notebook.objects import errors


def test_things_come_in_order_and_the_reader_is_called_once_per_batch() -> None:
    inbox: Inbox[int] = Inbox(limit=3)
    called: list[int] = []
    inbox.on_ready(lambda: called.append(1))
    inbox.put([1])
    inbox.put([2, 3])
    assert called == [1]
    assert inbox.full
    assert inbox.take() == [1, 2, 3]
    assert inbox.take() == []
    inbox.put([4])
    assert called == [1, 1]


def test_the_end_and_its_error_come_last() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put([1])
    inbox.end(errors.Expired("gone"))
    inbox.put([2])
    called: list[int] = []
    inbox.on_ready(lambda: called.append(1))
    assert called == [1]
    assert inbox.ended
    assert inbox.take() == [1]
    with pytest.raises(errors.Expired):
        inbox.take()


def test_a_reader_that_lets_go_is_left_alone() -> None:
    inbox: Inbox[int] = Inbox()
    told: list[int] = []
    inbox.put([1])
    inbox.close()
    inbox.on_close(lambda: told.append(1))
    inbox.put([2])
    assert told == [1]
    assert inbox.take() == []
    assert inbox.ended


def test_trouble_is_told_when_it_changes() -> None:
    inbox: Inbox[int] = Inbox()
    seen: list[str] = []
    inbox.on_ready(lambda: seen.append(inbox.trouble))
    for said in ("", "refused", "refused", "timed out", "", ""):
        inbox.say(said)
    assert seen == ["refused", "timed out", ""]
    inbox.close()
    inbox.say("refused")
    assert seen == ["refused", "timed out", ""]
