"""Which node a pod goes to: kube-scheduler 1.36's decisions over arrays, with the reasons for them.

In a notebook `kn.scheduler` is also the door to one's own policies: `score`, `filter`, `profile`, `load`, `try_out`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

DOOR = "k8s_notebook.session.policies"
"""The module that has the public names; it is imported when somebody asks for one."""
PUBLIC = ("filter", "load", "profile", "score", "try_out")

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A public name, from its home."""
        if name in PUBLIC:
            return getattr(importlib.import_module(DOOR), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """What a person may want."""
        return list(PUBLIC)
