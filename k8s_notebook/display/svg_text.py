"""Texts and marks of static SVG pictures: light literals as attributes, colours of the theme by class, widths without a browser."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from k8s_notebook.display import escaping, palette, shapes

_FONT = "system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif"
_CODE = "Menlo,Consolas,'DejaVu Sans Mono',monospace"

_STYLE = (
    f".kn text{{font-family:var(--jp-ui-font-family,{_FONT});fill:var(--kn-ink);font-variant-numeric:tabular-nums}}"
    f".kn .code{{font-family:var(--jp-code-font-family,{_CODE})}}"
    ".kn text.d,.kn tspan.d,.kn .code{fill:var(--kn-ink-2)}.kn text.w{fill:var(--kn-ink-2)}.kn text.a,.kn tspan.a{fill:var(--kn-accent)}.kn .h7{fill-opacity:.78}"
    ".kn .k{fill:none;stroke:var(--kn-ink-2)}.kn .k.on,.kn .on{stroke:var(--kn-accent)}.kn .heat{fill:var(--kn-accent)}.kn .flat{fill:var(--kn-ink-3)}"
    ".kn .x,.kn .lack{stroke:var(--kn-bad)}.kn .r{stroke:var(--kn-rule)}.kn .r2{stroke:var(--kn-rule-2)}.kn .paper{fill:var(--kn-paper)}"
    ".kn .bar,.kn .p{fill:var(--kn-ink-3)}.kn .track{fill:var(--kn-wash)}.kn .f{fill:var(--kn-bad)}.kn .o{stroke:var(--kn-bad)}"
    ".kn .q{fill:var(--kn-wash);stroke:var(--kn-rule)}.kn .ask{stroke:var(--kn-ink)}"
)
_SIZES = {"s": 11, "n": 13, "h": 16}
_LIGHT = {"d": "#616161", "w": "#616161", "a": "#1976d2"}


def esc(value: object) -> str:
    """One line of harmless text."""
    return escaping.html_text(escaping.line(value))


def width(said: str, size: float, *, bold: bool = False) -> float:
    """How wide a text is at most, in pixels."""
    return len(said) * size * (0.65 if bold else 0.60)


def cut(said: str, room: float, size: float) -> str:
    """The text, with its end replaced by `…` where it is too wide."""
    most = int(room / (size * 0.58))
    return said if len(said) <= most else said[: max(most - 1, 1)] + "…"


def document(width_: float, height: float, title: str, description: str, body: str) -> str:
    """A whole SVG with title and description for those who do not see it."""
    css = palette.tokens_css() + _STYLE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width_:g} {height:g}" width="{width_:g}" height="{height:g}" role="img" '
        f'font-family="Helvetica,Arial,sans-serif" font-size="12" aria-label="{esc(title)}">'
        f"<title>{esc(title)}</title><desc>{esc(description)}</desc><style>{css}</style>"
        f'<g class="kn"><rect class="paper" width="{width_:g}" height="{height:g}" fill="#fff"/>{body}</g></svg>'
    )


def heading(title: str, meta: Sequence[str], x: float, room: float) -> tuple[str, float]:
    """The sentence, in as few lines as it needs, and the line of facts; and where they end."""
    lines = textwrap.wrap(escaping.line(title), int(room / (16 * 0.62))) or [""]
    parts = [text(x, 33 + 24 * n, said, "h b") for n, said in enumerate(lines[:5])]
    y = 33 + 24 * len(lines[:5]) - 4
    strong, *more = meta or [""]
    facts = f'<tspan font-weight="600">{esc(strong)}</tspan>' + "".join(f"  ·  {esc(m)}" for m in more)
    parts.append(f'<text class="d" x="{x:g}" y="{y:g}" fill="#616161" xml:space="preserve">{facts}</text>')
    return "".join(parts), y


def text(x: float, y: float, said: str, look: str, *, hint: str = "") -> str:
    """A text. `look`: s, n, h for the size; b bold, m medium; d second ink, a accent; e ends at x; `hint` says what was cut off."""
    words = look.split()
    size = next((_SIZES[w] for w in words if w in _SIZES), 12)
    weight = ' font-weight="600"' if "b" in words else ' font-weight="500"' if "m" in words else ""
    anchor = ' text-anchor="end"' if "e" in words else ""
    colour = next((_LIGHT[w] for w in words if w in _LIGHT), "#212121")
    title = f"<title>{esc(hint)}</title>" if hint and hint != said else ""
    known = " ".join(w for w in words if w in ("d", "w", "a", "h7"))
    return (
        f'<text class="{known}" x="{x:g}" y="{y:g}" font-size="{size}"{weight}{anchor} fill="{colour}">{esc(said)}{title}</text>'
    )


def runs(x: float, y: float, parts: Sequence[tuple[str, str]], size: float, room: float) -> str:
    """Texts one after the other, each (text, look), cut at the end where they do not fit."""
    drawn, left = [], room
    for said, look in parts:
        shown = cut(said, left, size)
        colour = next((f' fill="{_LIGHT[w]}"' for w in look.split() if w in _LIGHT), "")
        drawn.append(f'<tspan class="{look}"{colour}>{esc(shown)}</tspan>' if left > 20 else "")
        left -= width(shown, size)
    hint = esc(" ".join(said for said, _ in parts))
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="#212121" xml:space="preserve">{"".join(drawn)}<title>{hint}</title></text>'


def paragraph(said: str, x: float, y: float, room: float) -> tuple[str, float]:
    """A text to be pasted, in the code font, on as many lines as it needs; and where it ends."""
    lines = textwrap.wrap(escaping.line(said), int(room / 7.3))[:6] if said else []
    drawn = "".join(
        f'<text class="code" x="{x:g}" y="{y + 20 * n:g}" font-size="12" font-family="monospace" fill="#616161">{esc(part)}</text>'
        for n, part in enumerate(lines)
    )
    return drawn, y + 20 * (len(lines) - 1) if lines else y - 22


def line(x0: float, y: float, x1: float, look: str) -> str:
    """A hairline: r, or the stronger r2."""
    return f'<path class="{look}" d="M{x0:g} {y:g}H{x1:g}" stroke="{"#bdbdbd" if look == "r2" else "#e0e0e0"}"/>'


def node(x: float, y: float, *, chosen: bool = False) -> str:
    """The shape of a node."""
    look, colour = ("k on", "#1976d2") if chosen else ("k", "#616161")
    return (
        f'<path class="{look}" d="{shapes.kind_path("Node")}" transform="translate({x:g} {y:g})" fill="none" stroke="{colour}" '
        f'stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"/>'
    )


def cross(x: float, y: float) -> str:
    """The glyph of a refusal."""
    return f'<path class="x" d="M2.5 2.5l7 7M9.5 2.5l-7 7" transform="translate({x:g} {y:g})" fill="none" stroke="#d32f2f" stroke-width="2.25"/>'


def heat(x: float, y: float, wide: float, high: float, value: float, *, flat: bool) -> str:
    """A cell whose shade is a value of 0 to 1; grey where all are equal."""
    look, colour, most = ("flat", "#949494", 0.16) if flat else ("heat", "#1976d2", 0.42)
    if value <= 0:
        return ""
    return (
        f'<rect class="{look}" x="{x + 0.5:g}" y="{y + 0.5:g}" width="{wide - 1:g}" height="{high - 1:g}" fill="{colour}" '
        f'fill-opacity="{value * most:.3g}"/>'
    )


def histogram(
    x: float, y: float, wide: float, high: float, counts: Sequence[int], low: str, above: str, hint: str, mark_at: float
) -> str:
    """Bars on a line, with its two ends named; an accent mark stands at a part of 0 to 1. Even a single one is seen."""
    most = max(counts, default=0)
    if not most:
        return ""
    step = wide / len(counts)
    tall = high - 11
    bars = "".join(
        f'<rect class="bar" x="{x + n * step:.4g}" y="{y + tall - h:.4g}" width="{max(step - 1, 1):.3g}" height="{h:.3g}" fill="#949494">'
        f"<title>{count:,}</title></rect>"
        for n, count in enumerate(counts)
        if count and (h := max(tall * count / most, 1.5))
    )
    ends = f'<text class="d" x="{x:g}" y="{y + high + 1:g}" font-size="11" fill="#616161">{esc(low)}</text>' + text(
        x + wide, y + high + 1, above, "s d e"
    )
    here = x + min(max(mark_at, 0.0), 1.0) * wide
    chosen = (
        f'<path class="on" d="M{here:.4g} {y - 3:g}v{tall + 3:.3g}" stroke="#1976d2" stroke-width="2"/>' if mark_at >= 0 else ""
    )
    return f'<g role="img" aria-label="{esc(hint)}">{line(x, y + tall + 0.5, x + wide, "r2")}{bars}{chosen}{ends}</g>'


def share(x: float, y: float, wide: float, high: float, part: float, hint: str) -> str:
    """A bar that is filled to a part of 0 to 1."""
    return (
        f'<g role="img" aria-label="{esc(hint)}"><title>{esc(hint)}</title>'
        f'<rect class="track" x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="1" fill="#f0f0f0"/>'
        f'<rect class="bar" x="{x:g}" y="{y:g}" width="{max(wide * part, 1):.4g}" height="{high:g}" rx="1" fill="#949494"/></g>'
    )


def mark(x: float, y: float, wide: float, look: str, hint: str) -> str:
    """What one filter said: p passed, f stopped here, o would refuse too, q was not asked."""
    high = {"f": 12, "o": 8}.get(look, 4)
    paint = {
        "p": 'fill="#949494"', "f": 'fill="#d32f2f"', "o": 'fill="none" stroke="#d32f2f" stroke-width="1"',
        "q": 'fill="#f0f0f0" stroke="#e0e0e0" stroke-width=".5"',
    }[look]  # fmt: skip
    inset = 0.5 if look == "o" else 0
    return (
        f'<rect class="{look}" x="{x + inset:g}" y="{y - high / 2 + inset:g}" width="{wide - 2 * inset:g}" height="{high - 2 * inset:g}" '
        f'rx="1" {paint}><title>{esc(hint)}</title></rect>'
    )


def gauge(x: float, y: float, wide: float, part: float) -> str:
    """What is there, what is missing, and what is asked for."""
    there = min(max(part, 0.0), 1.0) * wide
    return (
        f'<rect class="bar" x="{x:g}" y="{y - 3:g}" width="{there:.4g}" height="6" fill="#949494"/>'
        f'<path class="lack" d="M{x + there:.4g} {y:g}H{x + wide:g}" stroke="#d32f2f" stroke-width="2" stroke-dasharray="2 2"/>'
        f'<path class="ask" d="M{x + wide:g} {y - 6:g}v12" stroke="#212121" stroke-width="1.5"/>'
    )
