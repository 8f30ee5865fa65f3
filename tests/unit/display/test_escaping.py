"""No text of the corpus gets through."""

from __future__ import annotations

import html as stdlib_html

import pytest

from k8s_notebook.display import escaping
from tests.unit.display import hostile


@pytest.mark.parametrize("text", hostile.CORPUS)
def test_text_is_harmless(text: str) -> None:
    hostile.check_text(escaping.text(text))


@pytest.mark.parametrize("text", hostile.CORPUS)
def test_a_line_is_one_line(text: str) -> None:
    said = escaping.line(text)
    hostile.check_text(said)
    assert "\n" not in said
    assert "\t" not in said


@pytest.mark.parametrize("text", hostile.CORPUS)
def test_html_shows_what_a_terminal_shows(text: str) -> None:
    page = escaping.html_text(text)
    hostile.check_html(page)
    assert not set("<>\"'") & set(page)
    assert stdlib_html.unescape(page) == escaping.text(text)


def test_ordinary_text_stays() -> None:
    assert escaping.text("größer\n  ✓ 東京\t1/1") == "größer\n  ✓ 東京\t1/1"
