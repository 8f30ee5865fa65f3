"""What a notebook says when something cannot be done: one sentence, no traceback, and an exception that scripts can catch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from k8s_notebook.client.connect import ConfigError
from k8s_notebook.cluster.options import ClusterError
from k8s_notebook.display import escaping
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError

P = ParamSpec("P")
R = TypeVar("R")


class K8sError(Exception):
    """Something that could not be done. `str()` is what kubectl would print; `reason`, `code`, `status` come from the server.

    `exit_code` is kubectl's. In a notebook it shows as its sentence, without a traceback.
    """

    exit_code = 1

    def __init__(self, message: str, *, reason: str = "", code: int = 0, status: Obj | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.code = code
        self.status = status

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return escaping.text(str(self)).splitlines() or [type(self).__name__]


class UsageError(K8sError):
    """A command that cannot be understood."""


class Interrupted(KeyboardInterrupt):
    """The user stopped a wait."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return [str(self)]


def from_api(error: ApiError, prefix: str = "") -> K8sError:
    """The sentence kubectl prints for a refused request.

    >>> from k8s_notebook.objects import errors
    >>> str(from_api(errors.not_found("pods", "x")))
    'Error from server (NotFound): pods "x" not found'
    """
    said = error.kubectl()
    if prefix and error.reason:
        said = f"Error from server ({error.reason}): {prefix}: {error.message}"
    return K8sError(said, reason=error.reason, code=error.code, status=error.status())


def told(function: Callable[P, R]) -> Callable[P, R]:
    """The function with every foreseen error as a K8sError."""

    @functools.wraps(function)
    def telling(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except ApiError as error:
            raise from_api(error) from None
        except (ConfigError, ClusterError) as error:
            raise K8sError(f"error: {error}") from None
        except OSError as error:
            raise K8sError(f"error: {error.filename or 'the state folder'}: {error.strerror or error}") from None

    return telling


def error(message: str, **known: Any) -> K8sError:
    """An error that kubectl itself would find: `error: …`."""
    return K8sError(f"error: {message}", **known)
