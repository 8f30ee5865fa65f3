"""What a cell of a notebook returned, printed and displayed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import k8s_notebook as kn

Notebook = Callable[[str], "Cell"]


class Cell:
    """What a cell gave: its value, its error, what it printed and displayed."""

    def __init__(self, shell: InteractiveShell, code: str) -> None:
        with capture_output() as captured:
            done = shell.run_cell(code)
        self.value = done.result
        self.error = done.error_before_exec or done.error_in_exec
        self.printed = captured.stdout + captured.stderr
        self.displayed = [o.data for o in captured.outputs]

    def texts(self) -> list[tuple[str, str]]:
        """(MIME type, text) of everything that can be seen of it."""
        found = [("text/plain", self.printed)]
        for data in [*self.displayed, *([_bundle(self.value)] if hasattr(self.value, "_repr_mimebundle_") else [])]:
            found += [(mime, said if isinstance(said, str) else json.dumps(said)) for mime, said in data.items()]
        if self.value is not None:
            found += [("text/plain", str(self.value)), ("text/plain", repr(self.value))]
        if isinstance(self.value, kn.K8sError) or self.error is not None:
            found.append(("text/plain", "\n".join(self.error._render_traceback_())))  # type: ignore[union-attr]
        frame = getattr(self.value, "df", None)
        if frame is not None:
            found += [("text/html", frame.to_html()), ("text/plain", frame.to_string())]
        if hasattr(self.value, "to_svg"):
            found.append(("image/svg+xml", self.value.to_svg()))
        if hasattr(self.value, "nx"):
            found += _state(self.value)
        return found


def _bundle(value: Any) -> dict[str, Any]:
    made = value._repr_mimebundle_()
    return made[0] if isinstance(made, tuple) else dict(made)


def _state(graph: Any) -> list[tuple[str, str]]:
    """What the front end is told: its pieces of SVG, and its texts."""
    graph.selection = [str(k) for k in graph.nx]
    drawn = [graph.picture["arrows"], *(part["svg"] for part in graph.picture["parts"])]
    said = [{**graph.picture, "arrows": "", "parts": [{**part, "svg": ""} for part in graph.picture["parts"]]}, graph.details]
    return [*(("image/svg+xml", text) for text in drawn), *(("text/plain", text) for text in strings(said))]


def strings(found: Any) -> list[str]:
    """All texts in a nest of values."""
    if isinstance(found, str):
        return [found]
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, (list, tuple)) else ()
    return [said for part in parts for said in strings(part)]
