"""Quantities: what Kubernetes prints, rounds and refuses. The expected texts were printed by k8s.io/apimachinery v0.36.3."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from k8s_notebook.objects import quantity

CANONICAL = {
    "half a CPU": ("0.5", "500m"),
    "fraction of a binary unit": ("1.5Gi", "1536Mi"),
    "thousandths become whole": ("1000m", "1"),
    "larger unit": ("1024Ki", "1Mi"),
    "below 1024 the suffix is dropped": ("0.5Ki", "512"),
    "exponent kept": ("1e3", "1e3"),
    "exponent to a multiple of three": ("12e2", "1200"),
    "written as it came": ("0100m", "0100m"),
    "decimals kept where the scale fits": ("1.500", "1.500"),
    "plus sign kept": ("+1", "+1"),
    "zero of any unit": ("0Gi", "0"),
    "negative": ("-1.5Gi", "-1536Mi"),
    "smallest rounds up": ("0.1n", "1n"),
    "largest binary": ("100000Pi", "9223372036854775807"),
    "a lone sign": ("-", "0"),
}


@pytest.mark.parametrize(("text", "printed"), CANONICAL.values(), ids=CANONICAL)
def test_canonical(text: str, printed: str) -> None:
    assert quantity.canonical(text) == printed


WRONG = {
    "empty": ("", quantity.WRONG_FORMAT),
    "word": ("abc", quantity.WRONG_FORMAT),
    "space": (" 1", quantity.WRONG_FORMAT),
    "two points": ("1.5.2", quantity.WRONG_FORMAT),
    "unknown suffix": ("1K", quantity.WRONG_SUFFIX),
    "two suffixes": ("1mm", quantity.WRONG_SUFFIX),
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.values(), ids=WRONG)
def test_wrong(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        quantity.parse(text)
    assert str(caught.value) == sentence


def test_exact_and_rounded() -> None:
    assert quantity.parse("1.5Gi") == Fraction(3 * 2**30, 2)
    assert (quantity.milli("0.1"), quantity.milli("1n"), quantity.milli("2")) == (100, 1, 2000)
    assert (quantity.value("100m"), quantity.value("1.5Gi")) == (1, 1610612736)
    assert quantity.rounded("100u") == "1m"
    assert quantity.rounded("1.5Gi") == "1536Mi"


def test_sums_keep_their_notation() -> None:
    assert quantity.total(["0", "1Gi", "512Mi"]) == "1536Mi"
    assert quantity.total(["250m", "1"]) == "1250m"
    assert quantity.show(Fraction(1, 2)) == "500m"
    assert quantity.show(3 * 2**20, like="1Ki") == "3Mi"


@given(some.integers(-(10**9), 10**9), some.sampled_from(["n", "u", "m", "", "k", "M", "Ki", "Mi", "Gi"]))
def test_canonical_text_is_the_same_amount(number: int, suffix: str) -> None:
    printed = quantity.canonical(f"{number}{suffix}")
    assert quantity.parse(printed) == quantity.parse(f"{number}{suffix}")
