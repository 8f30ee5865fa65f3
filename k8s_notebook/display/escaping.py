"""Hostile text made harmless: for terminals, and for pages."""

from __future__ import annotations

import html
import re

_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, clear screen
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_BREAK = re.compile(r"[\r\n\f]")


def text(value: object) -> str:
    r"""The text without terminal escapes, control characters and direction overrides; lines and tabs stay.

    >>> text("a\x1b[31mred\x1b[0m\x00\u202eb")
    'aredb'
    """
    return _CONTROL.sub("", _SEQUENCE.sub("", str(value).replace("\r\n", "\n")))


def line(value: object) -> str:
    r"""One line of harmless text; what follows a line break is cut off as kubectl does.

    >>> line("first\nsecond")
    'first...'
    """
    said = str(value)
    cut = _BREAK.search(said)
    return text(said[: cut.start()] + "..." if cut else said).replace("\t", " ")


def html_text(value: object) -> str:
    """Text that a page shows as it is, in content and in quoted attributes.

    >>> html_text('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(text(value), quote=True)
