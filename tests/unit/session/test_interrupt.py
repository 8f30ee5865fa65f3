"""An interrupt of the kernel stops a wait at once."""

from __future__ import annotations

import signal
import threading

import pytest

from k8s_notebook.client import waiting
from k8s_notebook.machinery.api import Ticket
from k8s_notebook.objects import Obj
from k8s_notebook.session.problems import Interrupted
from k8s_notebook.sim import clock
from tests.unit.session import world


def interrupt_when_waiting() -> threading.Thread:
    """Send SIGINT to this process a moment from now."""

    def send() -> None:
        threading.Event().wait(0.2)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_a_ticket_that_never_comes() -> None:
    started = clock.monotonic()
    thread = interrupt_when_waiting()
    never: Ticket[Obj] = Ticket()
    with pytest.raises(KeyboardInterrupt):
        waiting.result(never, 60)
    assert clock.monotonic() - started < 5
    thread.join()


def test_a_condition_that_is_never_met() -> None:
    c = world.cluster(1)
    thread = interrupt_when_waiting()
    with pytest.raises(Interrupted, match="interrupted while waiting for node/node-1") as caught:
        c.wait("node/node-1", "condition=Never", timeout=60)
    assert caught.value._render_traceback_() == [str(caught.value)]
    thread.join()


def test_a_watch_ends_quietly() -> None:
    c = world.cluster(1)
    thread = interrupt_when_waiting()
    assert "node-1" in c.kubectl("get nodes -w").text
    thread.join()
