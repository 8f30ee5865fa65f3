"""The colours and the style sheet of every display: JupyterLab's variables first, literals for everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Token(NamedTuple):
    """One colour: JupyterLab's variables ("" for none) and the literals, for light and for dark."""

    light_variable: str
    light: str
    dark_variable: str
    dark: str


def _same(variable: str, light: str, dark: str) -> Token:
    return Token(variable, light, variable, dark)


TOKENS: Mapping[str, Token] = MappingProxyType(
    {
        "paper": _same("--jp-layout-color1", "#fff", "#212121"),
        "wash": _same("", "rgba(0,0,0,.04)", "rgba(255,255,255,.05)"),
        "cell": _same("", "rgba(0,0,0,.13)", "rgba(255,255,255,.17)"),
        "ink": _same("--jp-ui-font-color1", "rgba(0,0,0,.87)", "rgba(255,255,255,.87)"),
        "ink-2": _same("", "#616161", "#b3b3b3"),
        "ink-3": _same("", "#949494", "#858585"),
        "rule": _same("--jp-border-color2", "#e0e0e0", "#424242"),
        "rule-2": _same("--jp-border-color1", "#bdbdbd", "#616161"),
        "accent": Token("--jp-brand-color1", "#1976d2", "--jp-content-link-color", "#64b5f6"),
        "ok": _same("--jp-success-color1", "#388e3c", "#4caf50"),
        "wait": Token("--jp-warn-color0", "#e65100", "--jp-warn-color1", "#ff9800"),
        "bad": Token("--jp-error-color1", "#d32f2f", "", "#ff6659"),
        "done": _same("", "#757575", "#9e9e9e"),
        "away": _same("", "#7b1fa2", "#ce93d8"),
        "tint": _same("", ".10", ".20"),
    }
)
"""Name -> colour, as in `var(--kn-NAME)`."""

UI_FONT = 'var(--jp-ui-font-family, system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif)'
CODE_FONT = 'var(--jp-code-font-family, Menlo, Consolas, "DejaVu Sans Mono", monospace)'


def _value(variable: str, literal: str) -> str:
    return f"var({variable}, {literal})" if variable else literal


def _declared(dark: bool) -> str:
    pairs = ((n, (t.dark_variable, t.dark) if dark else (t.light_variable, t.light)) for n, t in TOKENS.items())
    return "".join(f"--kn-{name}:{_value(*pair)};" for name, pair in pairs)


def tokens_css() -> str:
    """The style rules that declare the colours on `.kn`: light, dark in JupyterLab, dark where the reader prefers it."""
    return (
        f".kn{{{_declared(False)}}}"
        f'[data-jp-theme-light="false"] .kn{{{_declared(True)}}}'
        "@media (prefers-color-scheme:dark){:root:not(:has([data-jp-theme-light])) .kn{" + _declared(True) + "}}"
    )


def table_css() -> str:
    """The whole style sheet of a table or a text."""
    return tokens_css() + _BASE + _TABLE


_BASE = (
    ".kn{box-sizing:border-box;margin:0;padding:16px;max-width:1200px;overflow-x:auto;background:var(--kn-paper);color:var(--kn-ink);"
    f"font:13px/20px {UI_FONT};font-variant-numeric:tabular-nums}}"
    ".kn *{box-sizing:border-box}"
    ".kn h1{font-size:16px;line-height:24px;font-weight:600;margin:0;letter-spacing:-.1px;text-wrap:balance;color:var(--kn-ink)}.kn *+h1{margin-top:20px}"
    ".kn .meta{color:var(--kn-ink-2);font-size:12px;line-height:20px;margin:0 0 16px}"
    ".kn .meta b{font-weight:600;color:var(--kn-ink)}"
    '.kn .meta span+span::before{content:"·";margin:0 6px;color:var(--kn-ink-3)}'
    ".kn .ok{color:var(--kn-ok)}.kn .wait{color:var(--kn-wait)}.kn .bad,.kn .stuck{color:var(--kn-bad)}"
    ".kn .done{color:var(--kn-done)}.kn .away,.kn .unknown{color:var(--kn-away)}"
    ".kn .dim{color:var(--kn-ink-2)}.kn .g{display:block;width:12px;height:12px;overflow:visible}"
    ".kn .sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
    f".kn pre{{margin:0;padding:0;background:none;color:var(--kn-ink);font:12px/20px {CODE_FONT};white-space:pre}}"
    ".kn.kn pre{background:none}"
)
_TABLE = (
    ".kn .get{border-collapse:collapse;border:0;margin:0;font-size:13px;line-height:20px;color:var(--kn-ink)}"
    ".kn .get tbody tr:nth-child(n){background:none}"
    ".kn .get th,.kn .get td{padding:2px 14px 2px 0;text-align:left;vertical-align:middle;font-weight:400;white-space:nowrap;"
    "border:0;max-width:none;color:inherit}"
    ".kn .get .num{text-align:right}"
    ".kn .get thead th{font-size:11px;line-height:16px;color:var(--kn-ink-2);padding-bottom:6px;"
    "border-bottom:1px solid var(--kn-rule-2)}"
    ".kn .get tbody tr:first-child>*{padding-top:6px}.kn .get>*>tr>:last-child{padding-right:0}"
    ".kn .get .st{width:20px;padding-right:8px}"
    ".kn .get .ago{padding-left:0;font-size:11px}.kn .get td.num:has(+.ago){padding-right:6px}"
    ".kn .get .row-bad th,.kn .get .row-stuck th{font-weight:600}.kn .get tr .dim{font-weight:400;color:var(--kn-ink-2)}"
    ".kn .get td.wait{color:var(--kn-wait)}.kn .get td.bad,.kn .get td.stuck{color:var(--kn-bad)}"
    ".kn .get td.away,.kn .get td.unknown{color:var(--kn-away)}"
    ".kn .get tr.reason td{padding:0 0 6px;font-size:12px;line-height:16px;color:var(--kn-ink-2);white-space:normal}"
    ".kn .get td.prose{white-space:normal;min-width:260px}.kn .get tr:has(>.prose)>*{vertical-align:top}"
    ".kn .get tbody tr:not(.reason):hover{background:var(--kn-wash)}"
)
