"""What a person names on a command line: "pods", "po,svc", "pod/x deploy/y", "pod a b", "all"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8s_notebook.objects.kinds import Kind
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import UsageError


@dataclass(frozen=True, slots=True)
class Target:
    """A kind, and the names of objects of it (none: all)."""

    kind: Kind
    names: tuple[str, ...] = ()


def parse(door: Door, words: Sequence[str]) -> list[Target]:
    """The targets of a command line, in its order; UsageError with kubectl's sentence if they make no sense."""
    if not words:
        raise UsageError("error: you must name what to get, for example pods, deploy/web or svc")
    if any("/" in w for w in words):
        return _slashed(door, words)
    kinds = [k for word in words[0].split(",") if word for k in _kinds(door, word)]
    unique = list({k.resource: k for k in kinds}.values())
    names = tuple(dict.fromkeys(checked(w) for w in words[1:]))
    if names and len(unique) > 1:
        raise UsageError("error: several kinds and names cannot be mixed: write TYPE/NAME, for example pod/a service/b")
    return [Target(k, names) for k in unique]


def _slashed(door: Door, words: Sequence[str]) -> list[Target]:
    found: list[Target] = []
    for word in words:
        kind, slash, name = word.partition("/")
        if not slash or not kind or not name or "/" in name:
            raise UsageError(
                "error: there is no need to specify a resource type as a separate argument when passing arguments in "
                f"resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource {word}'"
                if not slash
                else f'error: arguments in resource/name form must have a single resource and name, not "{word}"'
            )
        target = Target(door.kind(kind), (checked(name),))
        if found and found[-1].kind is target.kind:
            target = Target(target.kind, (*found.pop().names, name))
        found.append(target)
    return found


def checked(name: str) -> str:
    """The name; UsageError if a request for it would ask for something else, such as all objects."""
    if not name:
        raise UsageError("error: resource name may not be empty")
    if name in {".", ".."} or "/" in name or "%" in name:
        found = name if name in {".", ".."} else "/" if "/" in name else "%"
        verb = "be" if name == found else "contain"
        raise UsageError(f"error: invalid resource name \"{name}\": [may not {verb} '{found}']")
    return name


def one(door: Door, words: Sequence[str], *, default: str = "") -> tuple[Kind, str]:
    """The one object that the words name; a bare name is one of kind `default`."""
    if len(words) == 1 and "/" not in words[0] and default:
        return door.kind(default), checked(words[0])
    found = parse(door, words)
    if len(found) != 1 or len(found[0].names) != 1:
        raise UsageError(f'error: exactly one object must be named, as TYPE/NAME, not "{" ".join(words)}"')
    return found[0].kind, found[0].names[0]


def _kinds(door: Door, word: str) -> Sequence[Kind]:
    if door.api.kinds.named(word) is None:
        category = [k for k in door.api.kinds.in_category(word) if "list" in k.verbs]
        if category:
            return list({k.resource: k for k in category}.values())
    return [door.kind(word)]


def spelled(kind: Kind) -> str:
    """The kind as kubectl's messages spell it: "pod", "deployment.apps".

    >>> from k8s_notebook.objects.kinds import of
    >>> spelled(of("deployments.apps"))
    'deployment.apps'
    """
    singular = kind.singular or kind.kind.lower()
    return f"{singular}.{kind.group}" if kind.group else singular
