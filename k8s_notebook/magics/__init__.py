"""The magics: parse, call one session function, return its result."""

from __future__ import annotations

from typing import Any

from k8s_notebook.magics.k8s import K8sMagics
from k8s_notebook.magics.kubectl import KubectlMagics

NAMES = ("kubectl", "k", "k8s")


def register(shell: Any) -> None:
    """Give a shell `%kubectl`, `%%kubectl`, their short form `k`, and `%k8s`."""
    shell.register_magics(KubectlMagics(shell), K8sMagics(shell))
    for kind in ("line", "cell"):
        shell.magics_manager.register_alias("k", "kubectl", kind)


def unregister(shell: Any) -> None:
    """Take them away."""
    for kind in ("line", "cell"):
        for name in NAMES:
            shell.magics_manager.magics[kind].pop(name, None)
