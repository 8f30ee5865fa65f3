"""The status glyphs: one 12 x 12 mark per class, told apart by shape and not by colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "ok": "ok",
        "wait": "in progress",
        "bad": "error",
        "stuck": "cannot be placed",
        "done": "done",
        "away": "leaving",
        "unknown": "unknown",
        "off": "off",
    }
)
"""Class -> what a screen reader says."""

_MARKS: Mapping[str, str] = MappingProxyType(
    {
        "ok": '<circle cx="6" cy="6" r="3.5" fill="var(--kn-ok)"/>',
        "wait": '<circle cx="6" cy="6" r="3.75" fill="none" stroke="var(--kn-wait)" stroke-width="1.5"/>'
        '<path d="M6 2.25a3.75 3.75 0 0 0 0 7.5z" fill="var(--kn-wait)"/>',
        "bad": '<path d="M2.5 2.5l7 7M9.5 2.5l-7 7" fill="none" stroke="var(--kn-bad)" stroke-width="2.25"/>',
        "stuck": '<circle cx="6" cy="6" r="4.25" fill="none" stroke="var(--kn-bad)" stroke-width="1.5"/>'
        '<path d="M3.5 6h5" stroke="var(--kn-bad)" stroke-width="2"/>',
        "done": '<path d="M2.25 6.5l2.6 2.6 4.9-6" fill="none" stroke="var(--kn-done)" stroke-width="1.75"/>',
        "away": '<circle cx="6" cy="6" r="3.75" fill="none" stroke="var(--kn-away)" stroke-width="1.5"/>',
        "unknown": '<path d="M4 4.2a2 2 0 1 1 3 1.7c-.7.4-1 .8-1 1.6M6 9.2v.9" fill="none" '
        'stroke="var(--kn-away)" stroke-width="1.5"/>',
        "off": '<circle cx="6" cy="6" r="3.75" fill="none" stroke="var(--kn-ink-3)"/>',
    }
)


def svg(level: str) -> str:
    """The glyph of a class as inline SVG; nothing for a class that has none."""
    mark = _MARKS.get(level)
    if mark is None:
        return ""
    return f'<svg class="g" viewBox="0 0 12 12" role="img" aria-label="{WORDS[level]}">{mark}</svg>'


def mark(level: str) -> str:
    """The inside of the glyph, for a picture that places it itself."""
    return _MARKS.get(level, "")
