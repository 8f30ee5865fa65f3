"""Command lines: argparse that raises a sentence instead of ending the program."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import Any, NoReturn

from k8s_notebook.session.problems import UsageError


class Asked(Exception):
    """`--help` was given; `str()` is the help."""


class _Help(argparse.Action):
    """`-h` and `--help` raise what they would print."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(nargs=0, default=argparse.SUPPRESS, **kwargs)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        raise Asked(parser.format_help())


class Parser(argparse.ArgumentParser):
    """A parser for one verb; `parse` never exits and never prints."""

    def __init__(self, prog: str, description: str = "") -> None:
        super().__init__(prog=prog, description=description, add_help=False, allow_abbrev=False)
        self.add_argument("-h", "--help", action=_Help, help="show this text")

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments, options and words in any order; UsageError with one sentence if they cannot be understood."""
        try:
            return self.parse_intermixed_args(list(words))
        except argparse.ArgumentError as problem:
            raise UsageError(f"error: {problem}; see `{self.prog} --help`") from None

    def error(self, message: str) -> NoReturn:
        """Raise instead of ending the program."""
        raise UsageError(f"error: {message}; see `{self.prog} --help`")


def split(line: str) -> list[str]:
    """The words of a command line, quotes respected; UsageError for a quote that has no end.

    >>> split("get pods -l 'app in (a, b)'")
    ['get', 'pods', '-l', 'app in (a, b)']
    """
    try:
        return shlex.split(line, posix=True)
    except ValueError as problem:
        raise UsageError(f"error: {problem}: {line}") from None


def scope(parser: Parser, *, everywhere: bool = False) -> None:
    """The options `-n`, and `-A` if it makes sense."""
    parser.add_argument("-n", "--namespace", type=_namespace, default=None, help="the namespace to look in")
    if everywhere:
        parser.add_argument("-A", "--all-namespaces", action="store_true", help="look in all namespaces")


def _namespace(text: str) -> str:
    """The namespace; UsageError if no namespace can have that name."""
    if text in {"", ".", ".."} or "/" in text or "%" in text:
        raise UsageError(f'error: invalid namespace "{text}"')
    return text


def selecting(parser: Parser) -> None:
    """The option `-l`."""
    parser.add_argument("-l", "--selector", default="", help="labels, such as app=web,tier!=db")


def number(text: str) -> int:
    """A whole number for argparse."""
    return int(text)
