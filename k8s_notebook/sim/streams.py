"""Named streams of chance: each consumer draws from its own, so one more draw here changes nothing there."""

from __future__ import annotations

import random

NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of generated names: no vowels, no 0, 1, 3 (as in apimachinery/pkg/util/rand)."""
_VARIANTS = "89ab"


class Streams:
    """Random streams under one seed; without a seed they are different in every process."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = random.SystemRandom().getrandbits(64) if seed is None else seed
        self._streams: dict[str, random.Random] = {}

    def stream(self, name: str) -> random.Random:
        """The stream of that name; the same one each time."""
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = random.Random(f"{self._seed}/{name}")
        return found

    def uid(self, name: str = "uid") -> str:
        """A version 4 UUID drawn from the stream."""
        digits = f"{self.stream(name).getrandbits(128):032x}"
        # The thirteenth digit is the version, the top bits of the seventeenth the variant (RFC 9562).
        variant = _VARIANTS[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def suffix(self, length: int = 5, name: str = "names") -> str:
        """The random end of a generated name."""
        return "".join(self.stream(name).choices(NAME_LETTERS, k=length))
