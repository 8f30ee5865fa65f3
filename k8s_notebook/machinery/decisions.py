"""What a scheduler offers to the API server: its decisions. A scheduler implements it, the API server calls it."""

from __future__ import annotations

from typing import Protocol

from k8s_notebook.objects import Obj

RESOURCE = "decisions.k8s-notebook.io"


class Decisions(Protocol):
    """The last decisions of a scheduler as objects of kind Decision, each named after its pod."""

    def list(self, namespace: str = "") -> list[Obj]:
        """The last decision about each pod (of a namespace), without its columns, by (namespace, name)."""
        ...

    def get(self, namespace: str, name: str) -> Obj | None:
        """The last decision about a pod, with its columns; None if none is kept."""
        ...
