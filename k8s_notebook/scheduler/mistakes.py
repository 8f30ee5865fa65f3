"""What a person got wrong in a configuration or in a policy: one sentence that says where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Mistake(ValueError):
    """`str()` is the sentence; `path` the field of a configuration that it is about, "" for a policy."""

    def __init__(self, said: str, path: str = "") -> None:
        super().__init__(f"{path}: {said}" if path else said)
        self.said = said
        self.path = path

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return [f"error: {self}"]


class PolicyError(Mistake):
    """A person's own policy gave an answer that is not allowed while a pod was being placed; the pod stays where it is."""


def meant(name: str, known: Iterable[str]) -> str:
    """`; did you mean "score"?`, or "" if nothing known is close.

    >>> meant("scor", ["filter", "score"])
    '; did you mean "score"?'
    """
    lowered = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.8)
    return f'; did you mean "{lowered[found[0]]}"?' if found else ""
