"""A picture as one SVG: no script, nothing loaded, light and dark by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

from k8s_notebook.display import escaping, glyphs, palette, shapes, words
from k8s_notebook.graph.picture import Band, Cells, Item, Line, Picture, Zone

CELL = 12
HEAD = 64
"""The room of the sentence and the line under it."""
_FONT = "system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif"

_LEGEND = (("owner", "owns"), ("route", "routes"), ("select", "selects"), ("use", "uses"), ("place", "placed on"))

_INK = {"stuck": "bad", "unknown": "away", "off": "ink-3"}
"""Status classes that share another's colour."""

_STYLE = """
.kn-g text{font:12px %(font)s;fill:var(--kn-ink)}
.kn-g .h{font-size:16px;font-weight:600}.kn-g .s{font-size:11px}.kn-g .d{fill:var(--kn-ink-2)}.kn-g .b{font-weight:600}
.kn-g .k{fill:none;stroke:var(--kn-ink-2);stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}
.kn-g .line{fill:none;stroke:var(--kn-ink-3);stroke-width:1.25}.kn-g .route{stroke:var(--kn-ink-2);stroke-width:2}
.kn-g .use,.kn-g .select{stroke-dasharray:1.5 3;stroke-linecap:round;stroke-width:1.5}
.kn-g .place{stroke:var(--kn-rule-2);stroke-width:1}.kn-g .hurt{stroke:var(--kn-bad);stroke-width:2}
.kn-g .band{fill:var(--kn-wash)}.kn-g .band.new{fill:var(--kn-accent);fill-opacity:.09}
.kn-g .zone{fill:none;stroke:var(--kn-rule-2)}.kn-g .cell{fill:var(--kn-cell)}
.kn-g .tint{fill:currentColor;fill-opacity:.12;stroke:currentColor;stroke-width:1.25}
.kn-g .cell.stuck{fill:none;stroke:currentColor;stroke-width:1.25;stroke-dasharray:3 2}
.kn-g .cell.done,.kn-g .cell.off{fill:none;stroke:var(--kn-rule-2)}
%(levels)s
""".strip()


_SOLID = {"ink": "#212121", "wash": "#f5f5f5", "cell": "#dedede"}
"""Opaque twins of the light colours that are translucent."""
_ATTRIBUTES = {
    "line": 'fill="none" stroke="#949494" stroke-width="1.25"',
    "route": 'fill="none" stroke="#616161" stroke-width="2"',
    "use": 'fill="none" stroke="#949494" stroke-width="1.5" stroke-dasharray="1.5 3"',
    "select": 'fill="none" stroke="#949494" stroke-width="1.5" stroke-dasharray="1.5 3"',
    "place": 'fill="none" stroke="#bdbdbd"',
    "hurt": 'fill="none" stroke="#d32f2f" stroke-width="2"',
    "k": 'fill="none" stroke="#616161" stroke-width="1.5"',
    "zone": 'fill="none" stroke="#bdbdbd"',
    "band": 'fill="#f5f5f5"',
    "cell": 'fill="#dedede"',
    "stuck": 'fill="none" stroke="#d32f2f"',
    "h": 'font-size="16" font-weight="600"',
    "s": 'font-size="11"',
    "d": 'fill="#616161"',
    "bad": 'fill="#d32f2f"',
    "wait": 'fill="#e65100"',
}
"""What a class looks like where style sheets are dropped; the last class of an element that is here decides."""
_CLASS = re.compile(r'class="([^"]*)"')
_VARIABLE = re.compile(r'(fill|stroke)="var\(--kn-([a-z0-9-]+)\)"')


def _without_style_sheet(text: str) -> str:
    """The same SVG, readable also in a viewer that drops its style sheet or knows no variables: light literals as attributes."""

    def literal(found: re.Match[str]) -> str:
        name, token = found.groups()
        colour = _SOLID.get(token) or palette.TOKENS[token].light
        return f'{name}="{colour}" style="{name}:var(--kn-{token})"'

    def attributes(found: re.Match[str]) -> str:
        known = [c for c in found[1].split() if c in _ATTRIBUTES]
        return f"{found[0]} {_ATTRIBUTES[known[-1]]}" if known else found[0]

    return _CLASS.sub(attributes, _VARIABLE.sub(literal, text))


def svg(picture: Picture, sentence: str, meta: Iterable[str], title: str = "Graph of a cluster") -> str:
    """The SVG document of a picture under its sentence and meta line."""
    width, height = max(picture.width, 560), picture.height + HEAD + 36
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'class="kn-g" font-family="Helvetica,Arial,sans-serif" font-size="12" role="img" aria-label="{_text(title)}: {_text(sentence)}">',
        f"<title>{_text(sentence)}</title>",
        f"<style>{style()}</style>",
        arrows(),
        f'<rect width="{width:g}" height="{height:g}" fill="#fff" style="fill:var(--kn-paper)"/>',
        f'<text x="16" y="33" class="h">{_text(sentence)}</text>',
        f'<text x="16" y="53" class="d">{_text("  ·  ".join(meta))}</text>',
        f'<g transform="translate(0 {HEAD - 24})">',
        *(f'<text x="{x:g}" y="32" class="s d">{_text(label)}</text>' for x, label in picture.columns),
        *(_band(b) for b in picture.bands),
        *(_line(x) for x in picture.lines),
        *(_zone(z) for z in picture.zones),
        *(_cells(c) for c in picture.cells),
        *(_item(i) for i in picture.items),
        "</g>",
        _legend(picture, height - 14),
        "</svg>",
    ]
    return _without_style_sheet("".join(body))


def _text(value: object) -> str:
    return escaping.html_text(value)


def style() -> str:
    """The style sheet of a picture: the literal light colours, JupyterLab's theme, or what the reader prefers."""

    def declared(dark: bool) -> str:
        return "".join(f"--kn-{name}:{t.dark if dark else t.light};" for name, t in palette.TOKENS.items())

    levels = "".join(f".kn-g .{n}{{color:var(--kn-{_INK.get(n, n)})}}" for n in glyphs.WORDS)
    levels += "".join(f".kn-g text.{n}{{fill:var(--kn-{_INK.get(n, n)})}}" for n in ("wait", "bad", "stuck", "away", "unknown"))
    return (
        f".kn-g{{{declared(False)}}}@media (prefers-color-scheme:dark){{.kn-g{{{declared(True)}}}}}"
        f"[data-jp-theme-light] .kn-g{{{declared(False)}}}"
        f'[data-jp-theme-light="false"] .kn-g{{{declared(True)}}}' + _STYLE % {"font": _FONT, "levels": levels}
    )


def arrows() -> str:
    """The arrow heads of a picture, as SVG definitions."""
    marks = "".join(
        f'<marker id="kn-{name}" viewBox="0 0 6 6" refX="5.2" refY="3" markerWidth="{size}" markerHeight="{size}" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0l6 3-6 3z" style="fill:var(--kn-{colour})"/></marker>'
        for name, size, colour in (("route", 8, "ink-2"), ("use", 7, "ink-3"), ("hurt", 8, "bad"))
    )
    return f"<defs>{marks}</defs>"


def _line(line: Line) -> str:
    arrow = {"route": "route", "use": "use", "select": "use"}.get(line.look, "")
    mark = f' marker-end="url(#kn-{"hurt" if line.hurt else arrow})"' if arrow else ""
    said = f"{line.source} {line.look} {line.target}: {line.via}"
    hurt = " hurt" if line.hurt else ""
    return f'<path class="line {line.look}{hurt}" d="{line.path}"{mark}><title>{_text(said)}</title></path>'


def _band(band: Band) -> str:
    new = " new" if band.new else ""
    return f'<rect class="band{new}" x="{band.x:g}" y="{band.y:g}" width="{band.width:g}" height="{band.height:g}" rx="4"/>'


def _zone(zone: Zone) -> str:
    path = f"M{zone.x + 4:g} {zone.y:g}h-4v{zone.height:g}h4"
    return f'<path class="zone" d="{path}"/><text x="{zone.x + 12:g}" y="{zone.y - 6:g}" class="s d">{_text(zone.label)}</text>'


def _glyph(level: str, x: float, y: float) -> str:
    return f'<g class="{level}" transform="translate({x:g} {y:g})">{glyphs.mark(level)}</g>'


def _square(level: str, x: float, y: float, size: float) -> str:
    """A pod: plain when it is ok, tinted or outlined when it is not."""
    look = {"ok": "cell", "stuck": "cell stuck", "done": "cell done", "off": "cell off"}.get(level, f"tint {level}")
    return f'<rect class="{look}" x="{x:g}" y="{y:g}" width="{size:g}" height="{size:g}" rx="2"/>'


def _item(item: Item) -> str:
    place = f"translate({item.x:g} {item.y:g})"
    return f'<g class="i" data-id="{_text(item.id)}" transform="{place}">{_item_body(item)}</g>'


def _item_body(item: Item) -> str:
    x = y = 0.0
    if item.key.kind == "Pod":
        mark = _square(item.level, x, y - 8, 16) + _glyph(item.level, x + 2, y - 6)
    else:
        mark = f'<path class="k" d="{shapes.kind_path(item.key.kind)}" transform="translate({x:g} {y - 8:g})"/>'
    bold = " b" if item.level in {"bad", "stuck"} else ""
    two = bool(item.sub) and item.key.kind != "Pod" and "@" not in item.id
    name = f'<tspan class="d">{_text(item.lead)}</tspan>{_text(item.name + item.tail)}'
    parts = [mark, f'<text x="{x + 22:g}" y="{y + (0 if two else 4):g}" class="n{bold}">{name}</text>']
    troubled = item.level not in {"ok", "done"} and item.word
    if two:
        colour = item.level if troubled else "d"
        parts.append(f'<text x="{x + 22:g}" y="{y + 13:g}" class="s {colour}">{_text(_under(item))}</text>')
    if item.key.kind == "Pod" and troubled:
        parts.append(f'<text x="{x + item.width + 6:g}" y="{y + 4:g}" class="s {item.level}">{_text(item.word)}</text>')
    elif item.word == "missing":
        parts.append(f'<text x="{x + item.width + 20:g}" y="{y + 4:g}" class="s bad">missing</text>')
    elif item.sub and not two:
        parts.append(f'<text x="{x + item.width + 12:g}" y="{y + 4:g}" class="s d">{_text(item.sub)}</text>')
    if item.key.kind != "Pod" and item.level not in {"ok", "done"}:
        parts.append(_glyph(item.level, x + item.width + 4, y - (10 if two else 6)))
    return f"<title>{_text(words.tooltip(item))}</title>{''.join(parts)}"


def _under(item: Item) -> str:
    """The second line of an item: what it is at; for a node that is not ready its word as well."""
    return f"{item.word}, {item.sub}" if item.key.kind == "Node" and item.level != "ok" else item.sub


def _cells(cells: Cells) -> str:
    return f'<g class="c" data-id="{_text(cells.id)}" transform="translate({cells.x:g} {cells.y:g})">{_cells_body(cells)}</g>'


def _cells_body(cells: Cells) -> str:
    squares = []
    for n, (key, level) in enumerate(zip(cells.keys, cells.levels, strict=True)):
        square = _square(level, n % cells.columns * 14, n // cells.columns * 14, CELL)
        squares.append(f'<g data-key="{_text(str(key))}"><title>{_text(f"{key.name}: {level}")}</title>{square}</g>')
    return f'<text x="0" y="-6" class="s d">{_text(cells.caption)}</text>{"".join(squares)}'


def parts(picture: Picture) -> list[dict[str, object]]:
    """The same picture in parts, for a view that redraws only what changed.

    Each part has `id`, `layer` (of "ground", "line", "object"), `svg` (its content, drawn at its own origin), `x` and `y`, and
    for lines `source` and `target` (ids of parts).
    """
    ground = [(f"band {n}", _band(b)) for n, b in enumerate(picture.bands)]
    ground += [(f"zone {n}", _zone(z)) for n, z in enumerate(picture.zones)]
    ground += [(f"head {n}", f'<text x="{x:g}" y="32" class="s d">{_text(t)}</text>') for n, (x, t) in enumerate(picture.columns)]
    found: list[dict[str, object]] = [{"id": i, "layer": "ground", "svg": s, "x": 0, "y": 0} for i, s in ground]
    for line in picture.lines:
        ends = {"source": str(line.source), "target": line.target.name if line.target.kind == "Pods" else str(line.target)}
        found.append({"id": line.id, "layer": "line", "svg": _line(line), "x": 0, "y": 0, **ends})
    for cells in picture.cells:
        grid: dict[str, object] = {"id": cells.id, "layer": "object", "svg": _cells_body(cells), "x": cells.x, "y": cells.y}
        found.append(grid)
    for item in picture.items:
        key, said = str(item.key), words.tooltip(item)
        body = {"id": item.id, "layer": "object", "svg": _item_body(item), "x": item.x, "y": item.y}
        found.append({**body, "key": key, "label": escaping.text(said), "level": item.level})
    return found


def legend(picture: Picture) -> list[tuple[str, str]]:
    """(look, label) of the lines that a picture has."""
    drawn = {line.look for line in picture.lines}
    return [(look, label) for look, label in _LEGEND if look in drawn]


def _legend(picture: Picture, y: float) -> str:
    drawn, x = [], 16.0
    for look, label in legend(picture):
        drawn.append(
            f'<path class="line {look}" d="M{x:g} {y - 4:g}h26"/><text x="{x + 34:g}" y="{y:g}" class="s d">{label}</text>'
        )
        x += 34 + len(label) * 6.7 + 20
    return "".join(drawn)
