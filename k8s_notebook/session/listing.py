"""Small changes of results: without heads, or without what was said already."""

from __future__ import annotations

from dataclasses import replace

from k8s_notebook.session.results import Result, Said, Tables


def headless(result: Result) -> Result:
    """The result with a text that has no head line."""
    if not isinstance(result, Tables) or not any(s.rows for s in result.sheets):
        return result
    parts = [part.split("\n", 1)[1] for part in result.text.split("\n\n") if "\n" in part]
    return replace(result, text="\n\n".join(parts))


def said_already(result: Result) -> Result:
    """The result as one whose text was printed while it was waited for."""
    return Said(result.text, result.items, result.problems, result.notes, result.ok, result.label)
