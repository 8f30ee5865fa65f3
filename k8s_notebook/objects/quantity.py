"""Amounts such as `500m`, `1.5Gi`, `2e3`: exact arithmetic, printed as Kubernetes prints them.

Kubernetes keeps nine decimal places, so every amount is a whole number of billionths; that is what is computed with here.
As in k8s.io/apimachinery/pkg/api/resource.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

WRONG_FORMAT: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
WRONG_NUMBER: Final = "unable to parse numeric part of quantity"
WRONG_SUFFIX: Final = "unable to parse quantity's suffix"

_BILLION: Final = 10**9
_LARGEST: Final = (2**63 - 1) * _BILLION
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_LETTER: Final = {exponent: letter for letter, exponent in _DECIMAL.items()}
_BINARY_LETTER: Final = {0: ""} | {exponent: letter for letter, exponent in _BINARY.items()}
_SPLIT: Final = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_EXPONENT: Final = re.compile(r"[eE]([-+]?[0-9]+)")

DECIMAL, BINARY, EXPONENT = "decimal", "binary", "exponent"


class _Parsed:
    """One amount: billionths, the way it was written, and its text if that is already canonical."""

    __slots__ = ("form", "nanos", "text")

    def __init__(self, nanos: int, form: str, text: str) -> None:
        self.nanos, self.form, self.text = nanos, form, text


def _split(text: str) -> tuple[bool, str, str, str, str, int]:
    """negative, whole digits, decimals, suffix, form, exponent; ValueError with Kubernetes' sentence."""
    found = _SPLIT.fullmatch(text)
    if not text or found is None:
        raise ValueError(WRONG_FORMAT)
    sign, whole, decimals, suffix = found[1], found[2], found[3] or "", found[4]
    if suffix in _DECIMAL:
        return sign == "-", whole, decimals, suffix, DECIMAL, _DECIMAL[suffix]
    if suffix in _BINARY:
        return sign == "-", whole, decimals, suffix, BINARY, _BINARY[suffix]
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is None:
        raise ValueError(WRONG_SUFFIX)
    return sign == "-", whole, decimals, suffix, EXPONENT, int(exponent[1])


@functools.lru_cache(maxsize=8192)
def _parse(text: str) -> _Parsed:
    negative, whole, decimals, _, form, exponent = _split(text)
    digits = int((whole + decimals) or "0")
    if form == BINARY:
        scaled = Fraction((digits << exponent) * _BILLION, 10 ** len(decimals))
    else:
        if abs(exponent) > 400:
            raise ValueError(WRONG_NUMBER)
        power = exponent - len(decimals) + 9
        scaled = Fraction(digits * 10**power) if power >= 0 else Fraction(digits, 10**-power)
    nanos = -(-scaled.numerator // scaled.denominator)
    if form == BINARY:
        nanos = min(nanos, _LARGEST)
        form = DECIMAL if 0 < nanos < _BILLION else form
    nanos = -nanos if negative else nanos
    return _Parsed(nanos, form, text if _reused(text, whole, decimals, form, exponent) else _print(nanos, form))


def _reused(text: str, whole: str, decimals: str, form: str, exponent: int) -> bool:
    """Whether the server hands the text back as it came (it spares itself the work where it is sure enough)."""
    digits = (whole or "0") + decimals
    if text == "0":
        return True
    if not text.strip("+-0") or digits.strip("0") == "":
        return False
    if form == BINARY:
        precision = 15 - len(whole) - int(exponent * 3 / 10) - 1
        return not decimals and precision >= 0 and bool(int(digits) & 7)
    scale = exponent - len(decimals)
    fits = 18 - len(digits) >= 0 and scale >= -9
    return fits and scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def _print(nanos: int, form: str) -> str:
    if form == BINARY and abs(nanos) >= 1024 * _BILLION and nanos % _BILLION == 0:
        amount, power = nanos // _BILLION, 0
        while amount % 1024 == 0 and power < 60:
            amount, power = amount // 1024, power + 10
        return f"{amount}{_BINARY_LETTER[power]}"
    if nanos == 0:
        return "0"
    amount, power = nanos, -9
    while amount % 1000 == 0 and (power < 18 or form == EXPONENT):
        amount, power = amount // 1000, power + 3
    if form == EXPONENT:
        return f"{amount}e{power}" if power else str(amount)
    return f"{amount}{_LETTER[power]}"


def _up(nanos: int, unit: int) -> int:
    """Whole units, away from zero."""
    return -(-nanos // unit) if nanos >= 0 else nanos // unit


def parse(text: str | float) -> Fraction:
    """The exact amount; ValueError with Kubernetes' sentence.

    >>> parse("1500m"), parse("1Ki")
    (Fraction(3, 2), Fraction(1024, 1))
    """
    return Fraction(_parse(str(text)).nanos, _BILLION)


def milli(text: str | float) -> int:
    """Thousandths, rounded up: what CPU is counted in.

    >>> milli("0.1"), milli("2"), milli("1n")
    (100, 2000, 1)
    """
    return _up(_parse(str(text)).nanos, 10**6)


def value(text: str | float) -> int:
    """Whole units, rounded up: bytes of memory, a number of pods.

    >>> value("1.5Gi"), value("100m")
    (1610612736, 1)
    """
    return _up(_parse(str(text)).nanos, _BILLION)


def canonical(text: str | float) -> str:
    """The text as the API server gives it back.

    >>> [canonical(text) for text in ("0.5", "1.5Gi", "1000m", "2048Ki", "1e3", 2)]
    ['500m', '1536Mi', '1', '2Mi', '1e3', '2']
    """
    return _parse(str(text)).text


def rounded(text: str | float) -> str:
    """As `canonical`, but no finer than thousandths: the form of requests and limits.

    >>> rounded("100u"), rounded("0.5")
    ('1m', '500m')
    """
    parsed = _parse(str(text))
    return parsed.text if parsed.nanos % 10**6 == 0 else _print(_up(parsed.nanos, 10**6) * 10**6, parsed.form)


def show(amount: Fraction | int, like: str = "") -> str:
    """An amount as text, in the notation of `like` (binary suffixes if it has one).

    >>> show(Fraction(3, 2)), show(2 * 1024**3, like="1Gi")
    ('1500m', '2Gi')
    """
    exact = Fraction(amount) * _BILLION
    return _print(_up(exact.numerator, exact.denominator), _parse(like).form if like else DECIMAL)


def total(texts: Iterable[str | float]) -> str:
    """The sum as text, in the notation of the first term that is not zero.

    >>> total(["0", "1Gi", "512Mi"])
    '1536Mi'
    """
    parsed = [_parse(str(text)) for text in texts]
    form = next((p.form for p in parsed if p.nanos), DECIMAL)
    return _print(sum(p.nanos for p in parsed), form)
