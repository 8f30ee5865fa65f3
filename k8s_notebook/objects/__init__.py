"""What an object is: pure functions over plain dicts; no I/O, no clock, no randomness."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]
"""A Kubernetes object as JSON gives it. Read-only once handed out: build a new one instead of changing it."""
