"""How long a failing container or image pull waits before the next try.

As in client-go/util/flowcontrol/backoff.go with the kubelet's numbers: 10 s, doubled up to 300 s, forgotten after twice that.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST = 10.0
MOST = 300.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """The wait after the next failure, and when the last try was granted (seconds since the epoch)."""

    seconds: float
    granted: float


def wait(backoff: Backoff | None, failed: float) -> float:
    """Seconds to wait, counted from the failure; 0 for a first failure or one after a long good time."""
    return 0.0 if _forgotten(backoff, failed) or backoff is None else backoff.seconds


def grant(backoff: Backoff | None, failed: float, now: float) -> Backoff:
    """What holds after another try is granted.

    >>> grant(grant(None, 0, 1), 2, 12)
    Backoff(seconds=20.0, granted=12)
    """
    if backoff is None or _forgotten(backoff, failed):
        return Backoff(FIRST, now)
    return Backoff(min(2 * backoff.seconds, MOST), now)


def after(failures: int, granted: float) -> Backoff | None:
    """What holds after so many failures in a row; None for none."""
    if failures <= 0:
        return None
    return Backoff(min(FIRST * 2.0 ** min(failures - 1, 10), MOST), granted)


def _forgotten(backoff: Backoff | None, failed: float) -> bool:
    return backoff is None or failed - backoff.granted > 2 * MOST
