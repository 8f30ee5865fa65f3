"""One exception per Kubernetes Status reason; each knows the Status object that it is on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from k8s_notebook.objects import Obj


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of `details.causes`, also the result of validation: what is wrong with which field."""

    reason: str
    message: str
    field: str = ""

    def sentence(self) -> str:
        """As the API server joins it into the message: `spec.replicas: Invalid value: -1: must be …`."""
        return f"{self.field}: {self.message}" if self.field else self.message

    def to_dict(self) -> Obj:
        """The entry in `details.causes`."""
        entry = {"reason": self.reason, "message": self.message, "field": self.field}
        return {k: v for k, v in entry.items() if v}


class ApiError(Exception):
    """A refused request. `str(error)` is the server's sentence."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None, status: Obj | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self._status = status

    def status(self) -> Obj:
        """The Status object, exactly as received if it came over the wire."""
        if self._status is not None:
            return self._status
        status: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details:
            status["details"] = self.details
        return {**status, "code": self.code}

    def kubectl(self) -> str:
        """The sentence kubectl prints: `Error from server (NotFound): pods "x" not found`."""
        return f"Error from server ({self.reason}): {self.message}" if self.reason else f"Error from server: {self.message}"


class BadRequest(ApiError):
    code, reason = 400, "BadRequest"


class NotAsked(BadRequest):
    """A request that means nothing and was never sent."""

    def kubectl(self) -> str:
        """`error: invalid namespace …`."""
        return f"error: {self.message}"


class Unauthorized(ApiError):
    code, reason = 401, "Unauthorized"

    def kubectl(self) -> str:
        """`error: You must be logged in to the server (Unauthorized)`."""
        return f"error: You must be logged in to the server ({self.message})"


class Forbidden(ApiError):
    code, reason = 403, "Forbidden"


class NotFound(ApiError):
    code, reason = 404, "NotFound"


class MethodNotAllowed(ApiError):
    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(ApiError):
    code, reason = 406, "NotAcceptable"


class AlreadyExists(ApiError):
    code, reason = 409, "AlreadyExists"


class Conflict(ApiError):
    code, reason = 409, "Conflict"


class Expired(ApiError):
    code, reason = 410, "Expired"


class TooLarge(ApiError):
    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    code, reason = 415, "UnsupportedMediaType"


class Invalid(ApiError):
    code, reason = 422, "Invalid"

    def kubectl(self) -> str:
        """`The Deployment "web" is invalid: spec.replicas: …`; several findings as a list below it."""
        return self.listed([f"{c.get('field', '')}: {c.get('message', '')}" for c in self.details.get("causes") or ()])

    def listed(self, findings: Iterable[str]) -> str:
        """The same with these sentences about its causes."""
        if not (self.details.get("kind") or self.details.get("name")):
            return f"The request is invalid: {self.message}"
        said = f'The {self.details.get("kind", "")} "{self.details.get("name", "")}" is invalid'
        unique = list(dict.fromkeys(findings))
        if len(unique) > 1:
            return "\n* ".join([f"{said}: ", *unique])
        return f"{said}: {unique[0]}" if unique else said


class TooManyRequests(ApiError):
    code, reason = 429, "TooManyRequests"


class InternalError(ApiError):
    code, reason = 500, "InternalError"


class ServiceUnavailable(ApiError):
    code, reason = 503, "ServiceUnavailable"


class Timeout(ApiError):
    code, reason = 504, "Timeout"


class Unreachable(ApiError):
    """The cluster did not answer at all: no Status came, the message is ours."""

    code, reason = 503, ""

    def kubectl(self) -> str:
        """The message alone: no server said it."""
        return self.message


_BY_REASON: dict[str, type[ApiError]] = {
    kind.reason: kind
    for kind in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, AlreadyExists, Conflict, Expired,
        TooLarge, UnsupportedMediaType, Invalid, TooManyRequests, InternalError, ServiceUnavailable, Timeout,
    )
}  # fmt: skip
_BY_REASON["Gone"] = Expired
_BY_CODE = {400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound, 405: MethodNotAllowed, 409: Conflict,
            410: Expired, 422: Invalid, 429: TooManyRequests, 503: ServiceUnavailable, 504: Timeout}  # fmt: skip


def from_status(status: Obj, code: int = 0) -> ApiError:
    """The exception for a Status object received over the wire (or for a bare HTTP code)."""
    code = int(status.get("code") or code or 500)
    kind = _BY_REASON.get(status.get("reason") or "") or _BY_CODE.get(code) or InternalError
    return kind(status.get("message") or f"the server answered {code}", details=status.get("details"), status=status)


def resource_details(resource: str, name: str = "") -> Obj:
    """`details` of NotFound, AlreadyExists, Conflict, Forbidden: the plural, its group, the name.

    >>> resource_details("deployments.apps", "web")
    {'name': 'web', 'group': 'apps', 'kind': 'deployments'}
    """
    plural, _, group = resource.partition(".")
    return {k: v for k, v in (("name", name), ("group", group), ("kind", plural)) if v}


def not_found(resource: str, name: str) -> NotFound:
    """`deployments.apps "web" not found`."""
    return NotFound(f'{resource} "{name}" not found', details=resource_details(resource, name))


def already_exists(resource: str, name: str) -> AlreadyExists:
    """`configmaps "x" already exists`."""
    return AlreadyExists(f'{resource} "{name}" already exists', details=resource_details(resource, name))


def conflict(resource: str, name: str, why: str = "") -> Conflict:
    """`Operation cannot be fulfilled on configmaps "x": the object has been modified; …`."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    return Conflict(f'Operation cannot be fulfilled on {resource} "{name}": {why}', details=resource_details(resource, name))


def forbidden(resource: str, name: str, why: str) -> Forbidden:
    """`pods "x" is forbidden: …`."""
    subject = f'{resource} "{name}"' if name else resource
    return Forbidden(f"{subject} is forbidden: {why}", details=resource_details(resource, name))


def invalid(group: str, kind: str, name: str, causes: Iterable[Cause]) -> Invalid:
    """`Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: …`, one cause per field error."""
    causes = list(causes)
    qualified = f"{kind}.{group}" if group else kind
    said = causes[0].sentence() if len(causes) == 1 else "[" + ", ".join(c.sentence() for c in causes) + "]"
    details: Obj = {"name": name, "group": group, "kind": kind}
    details = {k: v for k, v in details.items() if v}
    details["causes"] = [c.to_dict() for c in causes]
    return Invalid(f'{qualified} "{name}" is invalid: {said}', details=details)
