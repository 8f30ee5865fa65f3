"""What a hint is: a question about a waiting pod and a change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from k8s_notebook.scheduler.happenings import Event

if TYPE_CHECKING:
    from k8s_notebook.scheduler.queue import Entry

Hint = Callable[["Entry", Event], bool]


def always(entry: Entry, event: Event) -> bool:
    """True: any such change may help."""
    return True


def never(entry: Entry, event: Event) -> bool:
    """False: others see to it."""
    return False


def itself(entry: Entry, event: Event) -> bool:
    """Whether it was the pod itself that changed."""
    return event.about(entry.uid)
