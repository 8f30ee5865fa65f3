"""What a simulated container would do: the lines it writes, how long it runs, how it ends.

Scripts of the usual kind (`echo a; sleep 5; exit 1`, `while true; do date; sleep 1; done`) are followed by
stages/commands.yaml. What is not understood there runs for ever in a pod that is always restarted; in
every other it ends well after a moment.
"""

from __future__ import annotations

import functools
import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k8s_notebook.kubelet import stages
from k8s_notebook.kubelet.images import Image

MOST_LINES = 10_000
"""Lines of an endless script that are kept, as a log rotates."""
LEAST = 0.05
"""Seconds that the shortest command takes."""
_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a container does. Offsets and `lasts` in seconds from its start; `lasts` is None if it never ends by itself.

    `again`: lines of a loop that starts at `loops` and repeats every `every` seconds. `on_term`: what it exits with on SIGTERM.
    """

    lines: tuple[tuple[float, str], ...] = ()
    lasts: float | None = None
    code: int = 0
    again: tuple[tuple[float, str], ...] = ()
    loops: float = 0.0
    every: float = 0.0
    on_term: int | None = None

    def written(self, until: float) -> list[tuple[float, str]]:
        """(offset, text) of what is written up to `until` seconds after the start."""
        found = [line for line in self.lines if line[0] <= until]
        if self.again and self.every > 0 and until >= self.loops:
            rounds = int((until - self.loops) / self.every)
            first = max(0, rounds - MOST_LINES // len(self.again))
            for number in range(first, rounds + 1):
                base = self.loops + number * self.every
                found += [(base + offset, text) for offset, text in self.again if base + offset <= until]
        return found

    def next_line(self, since: float) -> float | None:
        """The offset of the first line that is written after `since`, or None."""
        found = [offset for offset, _ in self.lines if offset > since]
        if found:
            return min(found)
        if not self.again or self.every <= 0:
            return None
        number = max(0, int((since - self.loops) / self.every))
        later = (self.loops + n * self.every + offset for n in (number, number + 1) for offset, _ in self.again)
        return min(offset for offset in later if offset > since)


@functools.lru_cache(maxsize=4096)
def plan(image: Image, command: tuple[str, ...], args: tuple[str, ...], must_end: bool) -> Plan:
    """What a container of this image does with this command. `must_end`: its pod is not restarted for ever."""
    words = command + args if command or image.shell else ()
    start = tuple((0.0, line) for line in image.lines) if not command else ()
    if not words:
        return _without_command(image, start, must_end, bool(args))
    script = _Script()
    script.run(_tokens(words))
    lines = start + tuple(script.lines)
    trap = re.search(r"trap\s+[\"']?exit (\d+)[^;\n]*\bTERM\b", " ".join(words))
    on_term = int(trap[1]) if trap else None
    if script.every:
        again = tuple(script.again)
        return Plan(lines, None, again=again, loops=script.loops, every=script.every, on_term=on_term)
    if script.forever or (not script.understood and not must_end):
        return Plan(lines, on_term=on_term)
    return Plan(lines, max(script.at, LEAST), script.code, on_term=on_term)


def _without_command(image: Image, start: tuple[tuple[float, str], ...], must_end: bool, args: bool) -> Plan:
    if image.ends is not None:
        return Plan(start, image.ends.after, image.ends.code)
    if must_end and (image.shell or args):
        return Plan(start, 0.1 if image.shell else float(stages.table("commands")["default"]["takes"]), 0)
    return Plan(start)


def _tokens(words: tuple[str, ...]) -> list[str]:
    """The words of the script: what a shell is given with -c, or the command itself."""
    name = words[0].rpartition("/")[2]
    if name in _SHELLS:
        flags = [n for n, word in enumerate(words) if word.startswith("-") and word.endswith("c")]
        if not flags or flags[0] + 1 >= len(words):
            return []
        text = re.sub(r"(?m)(^|\s)#.*$", "", words[flags[0] + 1]).replace("\\\n", " ").strip().replace("\n", " ; ")
        lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|<>")
        lexer.commenters = ""
        lexer.wordchars += "$(){}*?@%!^,[]+:#"
        try:
            return list(lexer)
        except ValueError:
            return ["?"]
    return list(words)


_SEPARATORS = frozenset({";", "&&", "||", "&", "|", ";;"})
_REDIRECTIONS = frozenset({">", ">>", ">&", "&>", "<"})


@dataclass(slots=True)
class _Script:
    """A script while it is followed."""

    at: float = 0.0
    code: int = 0
    lines: list[tuple[float, str]] = field(default_factory=list)
    again: list[tuple[float, str]] = field(default_factory=list)
    loops: float = 0.0
    every: float = 0.0
    forever: bool = False
    understood: bool = True
    ended: bool = False

    def run(self, tokens: list[str]) -> None:
        """Follow the commands one after the other."""
        commands = _commands(tokens)
        number = 0
        while number < len(commands) and not (self.ended or self.forever or self.every):
            joint, words = commands[number]
            number += 1
            if words[0] in ("while", "until", "for", "if"):
                end = _end_of(commands, number - 1)
                self._block(words, commands[number:end])
                number = end + 1
            elif not (joint == "&&" and self.code) and not (joint == "||" and not self.code):
                self._do(words)

    def _block(self, head: list[str], body: list[tuple[str, list[str]]]) -> None:
        if head[0] == "until":
            return
        if head[0] != "while" or head[1:] not in (["true"], [":"], ["1"], ["[", "1", "]"]):
            # Which way it goes is not known, and so neither is what comes after it.
            self.understood, self.ended, self.code = False, True, 0
            self.at += float(stages.table("commands")["default"]["takes"])
            return
        inner = _Script()
        for _, words in body:
            inner._do(words[1:] if words[0] == "do" else words)
        self.loops, self.again, self.every = self.at, inner.lines, inner.at
        self.forever, self.understood = not inner.at, self.understood and inner.understood

    def _do(self, words: list[str]) -> None:
        words = words[1:] if words and words[0] == "exec" else words
        if not words or re.fullmatch(r"\w+=.*", words[0]):
            return
        quiet = any(word in _REDIRECTIONS for word in words)
        end = next((n for n, word in enumerate(words) if word in _REDIRECTIONS), len(words))
        name, arguments = words[0].rpartition("/")[2], words[1:end]
        table: Mapping[str, Any] = stages.table("commands")
        row = table["commands"].get(name)
        self.understood = self.understood and row is not None
        row = table["default"] if row is None else row
        if "prints" in row and not quiet:
            said = _printed(arguments) if row["prints"] == "arguments" else row["prints"]
            self.lines += [(self.at, line) for line in said.split("\n")]
        seconds = _seconds(arguments) if row.get("takes") == "argument" else float(row.get("takes", 0))
        self.forever = bool(row.get("forever")) or math.isinf(seconds)
        self.at += 0.0 if math.isinf(seconds) else seconds
        code = row.get("code", 0)
        self.code = _number(arguments, self.code) if code == "argument" else code
        self.ended = bool(row.get("ends"))


def _commands(tokens: list[str]) -> list[tuple[str, list[str]]]:
    """(what stands before, words) of each simple command."""
    found: list[tuple[str, list[str]]] = []
    joint = ";"
    for token in tokens:
        if token in _SEPARATORS:
            joint = token
        elif found and joint == "":
            found[-1][1].append(token)
        else:
            found.append((joint, [token]))
            joint = ""
    return found


def _end_of(commands: list[tuple[str, list[str]]], start: int) -> int:
    depth = 0
    for number in range(start, len(commands)):
        for word in commands[number][1]:
            depth += (word in ("while", "until", "for", "if")) - (word in ("done", "fi"))
        if depth <= 0:
            return number
    return len(commands)


def _printed(arguments: list[str]) -> str:
    while arguments and re.fullmatch("-[neE]+", arguments[0]):
        arguments = arguments[1:]
    return " ".join(arguments).replace("\\n", "\n").removesuffix("\n")


def _seconds(arguments: list[str]) -> float:
    total = 0.0
    for argument in arguments:
        if argument.startswith("inf"):
            return math.inf
        found = re.fullmatch(r"([0-9.]+)([smhd]?)", argument)
        total += float(found[1]) * _UNITS[found[2]] if found else 1.0
    return total


def _number(arguments: list[str], otherwise: int) -> int:
    return int(arguments[0]) % 256 if arguments and arguments[0].isdigit() else otherwise


_VARIABLE = re.compile(r"\$\$|\$\((\w+)\)|\$\{(\w+)(?::-[^}]*)?\}|\$(\w+)")


def expanded(text: str, names: Mapping[str, str]) -> str:
    """The text with `$NAME`, `${NAME}`, `$(NAME)` filled in from `names`; an unknown one becomes empty.

    >>> expanded("$(date) I am ${HOSTNAME}", {"HOSTNAME": "web-0", "date": "Mon"})
    'Mon I am web-0'
    """
    if "$" not in text:
        return text
    return _VARIABLE.sub(lambda m: names.get(m[1] or m[2] or m[3] or "", ""), text)


@functools.lru_cache(maxsize=1024)
def hook_seconds(command: tuple[str, ...]) -> float:
    """How long a preStop hook with this command takes; infinity if it never ends."""
    script = _Script()
    script.run(_tokens(command))
    if script.forever or script.every:
        return math.inf
    return script.at if script.understood else 0.0
