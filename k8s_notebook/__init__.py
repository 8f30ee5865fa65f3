"""Kubernetes in Jupyter notebooks: `%load_ext k8s_notebook`, or `import k8s_notebook as kn; c = kn.start(nodes=3)`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k8s_notebook import scheduler
    from k8s_notebook.session.current import Cluster, connect, current, start, use
    from k8s_notebook.session.problems import K8sError, UsageError

    __version__: str

__all__ = ["Cluster", "K8sError", "UsageError", "connect", "current", "load_ipython_extension", "scheduler", "start", "use"]

_HOMES = {
    "Cluster": "session.current",
    "K8sError": "session.problems",
    "UsageError": "session.problems",
    "connect": "session.current",
    "current": "session.current",
    "start": "session.current",
    "use": "session.current",
}
"""Public name -> the module that has it, imported when somebody asks."""


def __getattr__(name: str) -> Any:
    """A public name, from its home."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name == "scheduler":
        return importlib.import_module(f"{__name__}.scheduler")
    if name == "__version__":
        return importlib.import_module(f"{__name__}.release").VERSION
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted([*__all__, "__version__"])


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext k8s_notebook`: the magics `%kubectl` (short `%k`) and `%k8s`."""
    from k8s_notebook.magics import register

    register(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext k8s_notebook`: take the magics away."""
    from k8s_notebook.magics import unregister

    unregister(shell)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Where Jupyter's server finds our extension."""
    return [{"module": "k8s_notebook.lab"}]
