"""The configuration file of a scheduler as a person hands it over: a path, YAML or JSON text, or an object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8s_notebook.session import sources
from k8s_notebook.session.problems import K8sError, error
from k8s_notebook.session.yamltext import Document

if TYPE_CHECKING:
    from k8s_notebook.scheduler.configuration import Configuration
    from k8s_notebook.scheduler.own import Policy

Given = str | PathLike[str] | Mapping[str, Any]


def read(source: Given, own: Iterable[Policy] = ()) -> Configuration:
    """The KubeSchedulerConfiguration of a source; K8sError, one sentence with line and column, if it is not one.

    `own` are policies of one's own that it may name among its plugins.
    """
    from k8s_notebook.scheduler import configuration
    from k8s_notebook.scheduler.mistakes import Mistake

    found = document(source)
    try:
        return configuration.load(found.obj, own=own, where=lambda path: place(found, path))
    except Mistake as mistake:
        name = "" if found.source in ("STDIN", "object") else f"{found.source}: "
        raise error(f"{name}{mistake}") from None


def document(source: Given) -> Document:
    """The one object of a source."""
    given = Path(source) if isinstance(source, PathLike) else source
    found = sources.read(given)
    if len(found) != 1:
        what = "no object" if not found else f"{len(found)} objects"
        raise error(f"a scheduler's configuration is one KubeSchedulerConfiguration; {what} found")
    return found[0]


def place(document: Document, path: str) -> str:
    """`line 3, column 5` of a field, or of its closest parent that is there; "" if the text is not known."""
    line = document.line_of(path)
    if not 0 < line <= len(document.text):
        return ""
    text = document.text[line - 1]
    name = re.split(r"[.\[]", path.rstrip("]0123456789["))[-1]
    at = re.search(rf"(?<![\w-])['\"]?{re.escape(name)}['\"]?\s*:", text) if name else None
    column = at.start() if at else len(text) - len(text.lstrip(" -"))
    return f"line {line}, column {column + 1}"


__all__ = ["Given", "K8sError", "document", "place", "read"]
