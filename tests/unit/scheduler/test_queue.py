"""The queue: order, gates, back-off, waiting, what wakes a pod."""

from __future__ import annotations

import pytest

from k8s_notebook.objects import Obj
from k8s_notebook.scheduler import happenings
from k8s_notebook.scheduler.pods import PodClass
from k8s_notebook.scheduler.queue import Entry, Queue
from tests.builders import node, pod

FIT = frozenset({"NodeResourcesFit"})
GONE = pod("gone").on("a").stored()
LARGE = node("new").stored()


def entry(name: str, priority: int = 0) -> Entry:
    built = pod(name).uid(name).requests(cpu="1").stored()
    return Entry(name, built, PodClass.of(built["spec"], "default"), priority)


def names(queue: Queue, now: float) -> list[str]:
    """Everything that can be popped at `now`."""
    found = []
    while (popped := queue.pop(now)) is not None:
        found.append(popped.uid)
    return found


def gone(queue: Queue, now: float, **which: object) -> None:
    queue.happened(happenings.POD_DELETE, GONE, None, now, **which)


def test_priority_then_time_then_arrival() -> None:
    queue = Queue()
    for name, priority, now in (("c", 0, 5), ("b", 0, 4), ("a", 0, 4), ("high", 7, 9)):
        queue.add(entry(name, priority), now)
    assert names(queue, 10) == ["high", "b", "a", "c"]


def test_a_retried_pod_goes_behind_those_that_were_queued_before_its_retry() -> None:
    queue = Queue()
    first = entry("first")
    queue.add(first, 0)
    assert queue.pop(0) is first
    queue.add(entry("second"), 3)
    queue.failed(first, 5, FIT)
    gone(queue, 100)
    assert names(queue, 100) == ["second", "first"]


@pytest.mark.parametrize(("kind", "rejectors", "woken"), [
    (happenings.NODE_ADD, FIT, True),
    (happenings.POD_DELETE, FIT, True),
    (happenings.NODE_LABELS, FIT, False),
    (happenings.NODE_LABELS, frozenset({"VolumeBinding"}), True),
    (happenings.POD_DELETE, frozenset({"NodeAffinity"}), False),
    (happenings.POD_DELETE, frozenset({"NodeAffinity", "NodeResourcesFit"}), True),
    (happenings.NODE_TAINTS, frozenset({"SomebodysOwn"}), True),
    ("persistentvolumes/add", frozenset({"VolumeBinding"}), True),
    ("persistentvolumes/add", FIT, False),
])  # fmt: skip
def test_only_events_that_help_wake(kind: str, rejectors: frozenset[str], woken: bool) -> None:
    queue = Queue()
    waiting = entry("p")
    queue.add(waiting, 0)
    queue.pop(0)
    queue.failed(waiting, 0, rejectors)
    old, new = (GONE, None) if kind == happenings.POD_DELETE else (None, LARGE)
    queue.happened(kind, old, new, 60)
    assert queue.ready() is woken


def test_an_event_may_be_for_lower_priorities_or_for_all_but_one() -> None:
    queue = Queue()
    for each in (entry("low", 1), entry("high", 9), entry("other", 1)):
        queue.add(each, 0)
    for _ in range(3):
        popped = queue.pop(0)
        assert popped is not None
        queue.failed(popped, 0, FIT)
    gone(queue, 60, at_most=5, but="other")
    assert names(queue, 60) == ["low"]


def test_a_pod_that_backs_off_is_taken_when_nothing_else_is_there() -> None:
    queue = Queue()
    waiting = entry("p")
    queue.add(waiting, 0)
    queue.pop(0)
    queue.failed(waiting, 0, FIT)
    gone(queue, 0.1)
    assert queue.counts() == {"active": 0, "backoff": 1, "waiting": 0}
    queue.add(entry("new"), 0.2)
    assert names(queue, 0.3) == ["new", "p"]


def test_a_pod_that_was_refused_by_an_error_is_not_taken_before_its_time() -> None:
    queue = Queue()
    failing = entry("p")
    queue.erred(failing, 0.5)
    gone(queue, 0.6)
    assert names(queue, 0.6) == []


@pytest.mark.parametrize(("errors", "until"), [(1, 102), (2, 103), (3, 105), (4, 109), (5, 111), (9, 111)])
def test_back_off_doubles_up_to_ten_seconds_and_ends_with_a_whole_second(errors: int, until: float) -> None:
    queue = Queue()
    failing = entry("p")
    for _ in range(errors):
        queue.erred(failing, 100.5)
    assert queue.due() == until
    assert queue.pop(until - 0.01) is None
    assert queue.pop(until) is failing


def test_back_offs_that_end_in_one_second_are_ordered_by_priority() -> None:
    queue = Queue()
    low, high = entry("low"), entry("high", 5)
    queue.failed(low, 0.1, FIT)
    queue.failed(high, 0.9, FIT)
    gone(queue, 0.95)
    assert names(queue, 0.95) == ["high", "low"]


def test_without_back_off_a_pod_is_active_at_once() -> None:
    queue = Queue(longest_backoff=0)
    failing = entry("p")
    queue.erred(failing, 10.5)
    assert queue.pop(10.5) is failing


def test_an_error_ends_the_count_of_nothing_but_itself() -> None:
    queue = Queue()
    each = entry("p")
    queue.failed(each, 0, FIT)
    queue.failed(each, 0, FIT)
    queue.erred(each, 0)
    assert (each.failures, each.errors, each.until) == (2, 1, 1)
    queue.failed(each, 0, FIT)
    assert (each.failures, each.errors, each.until) == (3, 0, 4)


def test_five_minutes_are_long_enough_which_is_looked_at_every_half_minute() -> None:
    queue = Queue()
    waiting = entry("p")
    queue.failed(waiting, 50, FIT)
    assert queue.due() == 360
    assert queue.pop(359) is None
    assert queue.pop(360) is waiting


def test_what_happens_during_a_pods_cycle_is_not_lost() -> None:
    queue = Queue()
    first, second = entry("first"), entry("second")
    queue.add(first, 0)
    queue.add(second, 0)
    assert queue.pop(0) is first
    gone(queue, 0)
    assert queue.pop(0) is second
    queue.failed(first, 0, FIT)
    queue.failed(second, 0, FIT)
    assert queue.counts() == {"active": 0, "backoff": 1, "waiting": 1}
    assert queue.pop(0.1) is first
    queue.done("first")
    gone(queue, 0.2)
    assert queue.pop(0.2) is second


def test_without_a_rejector_a_pod_backs_off_as_after_an_error() -> None:
    queue = Queue()
    each = entry("p")
    queue.failed(each, 0, frozenset())
    assert (each.errors, each.failures) == (1, 0)
    assert queue.counts() == {"active": 0, "backoff": 1, "waiting": 0}


def test_a_held_back_pod_waits_for_its_gate_alone() -> None:
    gates = {"p": "SchedulingGates"}
    queue = Queue(lambda e: gates.get(e.uid, ""))
    held = entry("p")
    queue.add(held, 0)
    assert queue.counts() == {"active": 0, "backoff": 0, "waiting": 1}
    gone(queue, 400)
    assert names(queue, 400) == []
    assert queue.due() is None
    old: Obj = {**held.pod, "spec": {**held.pod["spec"], "schedulingGates": [{"name": "g"}]}}
    gates.clear()
    queue.updated(held, list(happenings.of_pod(old, held.pod)), old, held.pod, 401)
    assert names(queue, 401) == ["p"]


def test_a_preemptor_is_held_back_until_its_victims_were_asked_to_go() -> None:
    gates = {"p": "DefaultPreemption"}
    queue = Queue(lambda e: gates.get(e.uid, ""))
    preemptor = entry("p")
    queue.failed(preemptor, 0, FIT)
    gone(queue, 60)
    assert names(queue, 60) == []
    gates.clear()
    gone(queue, 61)
    assert names(queue, 61) == ["p"]


def test_a_pod_can_be_tried_again_whatever_it_waits_for() -> None:
    queue = Queue()
    waiting, flying = entry("waiting"), entry("flying")
    queue.failed(waiting, 0, FIT)
    queue.add(flying, 0)
    assert queue.pop(0) is flying
    for uid in ("waiting", "flying", "absent"):
        queue.again(uid, 0)
    queue.failed(flying, 0, FIT)
    assert names(queue, 1.9) == []
    assert names(queue, 2) == ["waiting", "flying"]


def test_many_alike_are_asked_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("k8s_notebook.scheduler.hints.helps", lambda e, p, _: asked.append((e.uid, p)) or False)
    queue = Queue()
    one = entry("p0")
    for number in range(50):
        built = pod(f"p{number}").requests(cpu="1").stored()
        queue.failed(Entry(f"p{number}", built, one.pod_class, 0), 0, FIT)
    gone(queue, 1)
    queue.happened(happenings.POD_ADD, None, GONE, 1)
    assert asked == [("p0", "NodeResourcesFit")]


def test_a_removed_pod_is_gone_wherever_it_was() -> None:
    queue = Queue()
    active, waiting, failing = entry("active"), entry("waiting"), entry("failing")
    queue.add(active, 0)
    queue.failed(waiting, 0, FIT)
    queue.erred(failing, 0)
    for each in (active, waiting, failing):
        queue.remove(each.uid)
    gone(queue, 1000)
    assert names(queue, 1000) == []
    assert len(queue) == 0
