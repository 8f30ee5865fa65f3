"""get, list and watch."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from k8s_notebook.apiserver import conversion, refusals
from k8s_notebook.apiserver.calls import Answer, ListOptions, WatchOptions
from k8s_notebook.apiserver.state import State
from k8s_notebook.objects import Obj, selectors
from k8s_notebook.objects.errors import ApiError, BadRequest, Expired, Timeout
from k8s_notebook.objects.kinds import Kind
from k8s_notebook.store.watches import Convert, Delivered, Entry, Matches, Subscription, bookmark, encode

_GONE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
    "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with "
    "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


@dataclass(slots=True)
class Page:
    """A list, or one page of it."""

    kind: Kind
    revision: int
    entries: list[Entry]
    continue_: str = ""
    remaining: int | None = None
    convert: Convert | None = None

    def metadata(self) -> Obj:
        """The list's metadata."""
        found: Obj = {"resourceVersion": str(self.revision)}
        if self.continue_:
            found["continue"] = self.continue_
        if self.remaining:
            found["remainingItemCount"] = self.remaining
        return found

    def objects(self) -> list[Obj]:
        """The items; read-only."""
        if self.convert is None:
            return [e.obj for e in self.entries]
        return [self.convert(e.obj) for e in self.entries]

    def to_dict(self) -> Obj:
        """The list object."""
        head = {"kind": f"{self.kind.kind}List", "apiVersion": self.kind.api_version, "metadata": self.metadata()}
        return {**head, "items": self.objects()}

    def encoded(self) -> bytes:
        """The JSON of the list object: the items are joined as they were stored."""
        head = encode({"kind": f"{self.kind.kind}List", "apiVersion": self.kind.api_version, "metadata": self.metadata()})
        convert = self.convert
        items = [e.encoded if convert is None else encode(convert(e.obj)) for e in self.entries]
        return b'%s,"items":[%s]}' % (head[:-1], b",".join(items))


def get(state: State, kind: Kind, namespace: str, name: str, *, version: str = "") -> Answer:
    """One object; NotFound."""
    if version not in ("", "0"):
        _not_newer(state, _number(version))
    entry = state.find(kind, namespace, name)
    convert = conversion.from_storage(kind)
    if convert is not None:
        return Answer(convert(entry.obj), revision=entry.revision)
    return Answer(entry.obj, revision=entry.revision, encoded=entry.encoded)


def listed(state: State, kind: Kind, options: ListOptions) -> Page:
    """The objects that the options select, of one consistent state."""
    matches = matcher(kind, options.namespace, options.labels, options.fields)
    namespace = options.namespace if kind.namespaced else ""
    resource = conversion.storage(kind)
    revision, start = _from_where(state, options)
    try:
        entries = state.entries(resource, namespace, revision)
    except Expired as error:
        raise (_expired_page(start) if start else error) from error
    page = Page(kind, state.store.revision if revision is None else revision, entries, convert=conversion.from_storage(kind))
    if start:
        first = tuple(start.split("/", 1))
        page.entries = [e for e in entries if _place(e.obj, namespace) >= first]
    only = _only(options)
    if only is not None:
        page.entries = [e for e in page.entries if e.obj["metadata"]["name"] == only]
    if options.limit > 0:
        _cut(page, options.limit, namespace, matches)
    elif matches is not None:
        page.entries = [e for e in page.entries if matches(e.obj)]
    return page


def watch(state: State, kind: Kind, options: WatchOptions) -> Subscription:
    """The changes that the options select; Expired if they start before the window.

    Without a version first everything that is there; the bookmark behind it comes only with `initial`.
    """
    _check_watch(options)
    matches = matcher(kind, options.namespace, options.labels, options.fields)
    version = None if options.version in ("", "0") else _number(options.version)
    initial = options.initial or (version is None and options.initial is None)
    subscription = state.store.watch(
        conversion.storage(kind),
        since=None if initial else state.store.revision if version is None else version,
        namespace=options.namespace if kind.namespaced else "",
        matches=matches,
        convert=conversion.from_storage(kind),
        about=(kind.api_version, kind.kind),
        initial_end=bool(options.initial and options.bookmarks),
    )
    return subscription


def changes(state: State, kind: Kind, since: int | None, namespace: str, labels: str, fields: str) -> Subscription:
    """What `machinery.api.Api.watch` promises."""
    return state.store.watch(
        conversion.storage(kind),
        since=since,
        namespace=namespace if kind.namespaced else "",
        matches=matcher(kind, namespace, labels, fields),
        convert=conversion.from_storage(kind),
        about=(kind.api_version, kind.kind),
    )


def matcher(kind: Kind, namespace: str, labels: str, fields: str) -> Matches | None:
    """The test that both selectors make of a stored object; None if everything passes. BadRequest for a bad selector."""
    tests: list[Callable[[Obj], bool]] = []
    if labels:
        try:
            chosen = selectors.labels(labels)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        if not chosen.empty:
            tests.append(lambda obj: chosen.matches(obj["metadata"].get("labels")))
    if fields:
        named = selectors.fields(fields, kind)
        if not named.empty:
            tests.append(named.matches)
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda obj: tests[0](obj) and tests[1](obj)


def ending(subscription_kind: Kind, revision: int) -> Delivered:
    """The bookmark before a watch is closed in order."""
    return bookmark(subscription_kind.api_version, subscription_kind.kind, revision)


def _only(options: ListOptions) -> str | None:
    """The one name that a field selector asks for, so that nothing else need be looked at."""
    terms = [t.partition("=") for t in options.fields.split(",")] if options.fields else []
    return next((v.lstrip("=") for k, _, v in terms if k == "metadata.name" and "\\" not in v), None)


def _cut(page: Page, limit: int, namespace: str, matches: Matches | None) -> None:
    kept: list[Entry] = []
    for at, entry in enumerate(page.entries):
        if len(kept) == limit:
            if matches is None:
                page.remaining = len(page.entries) - at
            elif not any(matches(e.obj) for e in page.entries[at:]):
                break
            page.continue_ = _token(page.revision, "/".join(_place(kept[-1].obj, namespace)) + "\0")
            break
        if matches is None or matches(entry.obj):
            kept.append(entry)
    page.entries = kept


def _place(obj: Obj, namespace: str) -> tuple[str, ...]:
    """Where an object stands in its list."""
    metadata = obj["metadata"]
    inside = metadata.get("namespace")
    return (inside, metadata["name"]) if inside and not namespace else (metadata["name"],)


def _token(revision: int, start: str) -> str:
    token = orjson.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": start})
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def _from_where(state: State, options: ListOptions) -> tuple[int | None, str]:
    """(revision to read at, None for the newest; key to start from)."""
    _check_match(options)
    if options.continue_:
        if options.version not in ("", "0"):
            raise BadRequest("specifying resource version is not allowed when using continue")
        revision, start = _continued(options.continue_)
        return (revision if revision > 0 else None), start
    if options.version in ("", "0"):
        return None, ""
    revision = _number(options.version)
    _not_newer(state, revision)
    return (revision if options.match == "Exact" else None), ""


def _check_match(options: ListOptions) -> None:
    if not options.match:
        return
    if not options.version:
        message = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise refusals.bad_option("ListOptions", "resourceVersionMatch", "FieldValueForbidden", message)
    if options.match not in ("Exact", "NotOlderThan"):
        message = f'Unsupported value: "{options.match}": supported values: "Exact", "NotOlderThan", ""'
        raise refusals.bad_option("ListOptions", "resourceVersionMatch", "FieldValueNotSupported", message)
    if options.match == "Exact" and options.version == "0":
        message = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        raise refusals.bad_option("ListOptions", "resourceVersionMatch", "FieldValueForbidden", message)


def _check_watch(options: WatchOptions) -> None:
    field, forbidden = "resourceVersionMatch", "FieldValueForbidden"
    if options.initial is not None and options.match != "NotOlderThan":
        message = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise refusals.bad_option("ListOptions", field, forbidden, message)
    if options.initial is None and options.match:
        message = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        raise refusals.bad_option("ListOptions", field, forbidden, message)


def _continued(token: str) -> tuple[int, str]:
    prefix = "invalid continue token: "
    try:
        data = _base64(token)
    except ValueError as error:
        raise BadRequest(f"{prefix}continue key is not valid: {error}") from error
    try:
        found = orjson.loads(data)
        version, revision, start = found["v"], int(found["rv"]), str(found["start"])
    except (ValueError, TypeError, KeyError) as error:
        raise BadRequest(f"{prefix}continue key is not valid: {error}") from error
    if version != "meta.k8s.io/v1" or not start or revision == 0:
        raise BadRequest(f"{prefix}continue key is not valid: server does not recognize this encoded version {version}")
    return revision, start


def _base64(token: str) -> bytes:
    """The bytes of unpadded URL-safe base64; ValueError with Go's sentence."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    wrong = next((at for at, letter in enumerate(token) if letter not in letters), None)
    if wrong is None and len(token) % 4 == 1:
        wrong = len(token) - 1
    if wrong is not None:
        raise ValueError(f"illegal base64 data at input byte {wrong}")
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _expired_page(start: str) -> ApiError:
    """410 with a token that goes on from the newest state."""
    status = Expired(_GONE).status()
    return Expired(_GONE, status={**status, "metadata": {"continue": _token(-1, start)}})


def _number(version: str) -> int:
    if not (version.isascii() and version.isdigit()):
        wrong = f'Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax'
        raise BadRequest(f"invalid resource version: resourceVersion: {wrong}")
    return int(version)


def _not_newer(state: State, revision: int) -> None:
    if revision <= state.store.revision:
        return
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    raise Timeout(
        f"Timeout: Too large resource version: {revision}, current: {state.store.revision}",
        details={"causes": [cause], "retryAfterSeconds": 1},
    )
