"""Refusals whose Status carries empty details, as the API machinery writes them."""

from __future__ import annotations

from typing import TypeVar

from k8s_notebook.objects.errors import ApiError, Cause, Invalid, MethodNotAllowed, NotFound, invalid

E = TypeVar("E", bound=ApiError)


def bare(kind: type[E], message: str) -> E:
    """The error with `"details": {}` in its Status."""
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
              "reason": kind.reason, "details": {}, "code": kind.code}  # fmt: skip
    return kind(message, status=status)


def unknown() -> NotFound:
    """No such resource in a group that is served."""
    return bare(NotFound, "the server could not find the requested resource")


def wrong_method() -> MethodNotAllowed:
    """The path is served, but not with this method."""
    return bare(MethodNotAllowed, "the server does not allow this method on the requested resource")


def bad_option(options: str, field: str, reason: str, message: str) -> Invalid:
    """A query parameter or an option that is not allowed: `ListOptions.meta.k8s.io "" is invalid: …`."""
    return invalid("meta.k8s.io", options, "", [Cause(reason, message, field)])
