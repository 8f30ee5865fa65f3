"""Texts that a cluster may hold and that no display may let through: the one corpus for all displays."""

from __future__ import annotations

MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</table></figure><iframe src=//evil>",
    "' onmouseover='alert(1)",
    "</style><style>*{display:none}",
    "javascript:alert(1)",
    "&lt;b&gt;",
    "]]><svg onload=alert(1)>",
)
TERMINAL = (
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31mred",
    "\x1bPdcs\x1b\\",
    "bell\x07back\x08\x7f",
    "nul\x00",
)
DIRECTION = ("safe\u202egnp.exe", "\u2066isolate\u2069", "\ufeffbom")
LINES = ("one\ntwo", "carriage\rreturn", "tab\tbed", "form\x0cfeed")
CORPUS = (*MARKUP, *TERMINAL, *DIRECTION, *LINES)

FORBIDDEN_IN_HTML = ("<script", "<img", "<iframe", "onerror=alert(1)>", "<svg onload", "</style><style>")
"""Nothing of this may be in a page that shows the corpus, except where it is escaped."""
CONTROL = [chr(c) for c in (*range(9), *range(11, 32), 127, *range(128, 160), 0x202E, 0x2066, 0x2069, 0xFEFF)]
"""Characters that no display may hold (line ends and tabs aside)."""


def check_html(page: str) -> None:
    """Fail if a page would obey a text of the corpus."""
    for text in FORBIDDEN_IN_HTML:
        assert text not in page, text
    check_text(page)


def check_text(said: str) -> None:
    """Fail if a terminal would obey a text."""
    found = [repr(c) for c in CONTROL if c in said]
    assert not found, found
