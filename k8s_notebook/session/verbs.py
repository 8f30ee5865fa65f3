"""kubectl's verbs by name: each reads its words and options and calls one function."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s_notebook.session import (
    apply,
    arguments,
    awaiting,
    describe,
    events,
    generators,
    listing,
    logs,
    reading,
    rollout,
    watching,
    writing,
    yamltext,
)
from k8s_notebook.session.arguments import Asked, Parser
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import UsageError
from k8s_notebook.session.reading import Query
from k8s_notebook.session.results import Result
from k8s_notebook.session.sources import Source
from k8s_notebook.session.writing import Deletion


@dataclass(frozen=True, slots=True)
class Context:
    """What a verb works with. `stdin`: the cell's body; `say` prints a line at once, for `-w`, `-f` and rollouts."""

    door: Door
    stdin: str | None = None
    say: Callable[[str], None] | None = None


Run = Callable[[Context, argparse.Namespace], Any]


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: its parser and what it does."""

    parser: Callable[[], Parser]
    run: Run


def run(context: Context, words: list[str]) -> Any:
    """The result of a command line such as `["get", "pods", "-o", "wide"]`."""
    words = _hoisted(words)
    if not words or words[0] in {"-h", "--help", "help"}:
        return help_result()
    verb = VERBS.get(words[0])
    if verb is None:
        raise UsageError(f'error: unknown command "{words[0]}" for "kubectl"; known here: {", ".join(sorted(VERBS))}')
    try:
        return verb.run(context, verb.parser().parse(words[1:]))
    except Asked as asked:
        return Result(str(asked), label="help")


def _hoisted(words: list[str]) -> list[str]:
    """The words with global options (`-n x`) behind the verb, as kubectl takes them in front of it too."""
    front: list[str] = []
    rest = list(words)
    while (rest and rest[0] in {"-n", "--namespace", "-A", "--all-namespaces"}) or (rest and rest[0].startswith("--namespace=")):
        front.append(rest.pop(0))
        if front[-1] in {"-n", "--namespace"} and rest:
            front.append(rest.pop(0))
    return [*rest[:1], *front, *rest[1:]]


def help_result() -> Result:
    """The verbs, each with what it does."""
    lines = [f"  {name:<10}{verb.parser().description}" for name, verb in VERBS.items()]
    return Result("\n".join(["%kubectl VERB …, as kubectl; a verb and --help show its options:", *lines]), label="help")


def source(context: Context, files: Iterable[str]) -> Source:
    """What `-f` names: files, folders, or the cell's body for `-`."""
    names = list(files)
    if not names:
        raise UsageError("error: must specify one of -f FILE, or -f - with the manifest below in the cell")
    found: list[Source] = []
    for name in names:
        if name == "-":
            if context.stdin is None:
                raise UsageError("error: -f - reads the cell: write it below a line with %%kubectl")
            found += yamltext.documents(context.stdin)
        else:
            found.append(Path(name))
    return found


def _parser(prog: str, description: str, *words: str, optional: bool = False) -> Parser:
    parser = Parser(f"kubectl {prog}", description)
    for word in words:
        parser.add_argument(word, nargs="*" if word.endswith("s") or optional else 1)
    return parser


def _files(parser: Parser) -> Parser:
    parser.add_argument(
        "-f", "--filename", action="append", default=[], metavar="FILE", help="a manifest, a folder, or - for the cell"
    )
    return parser


def _dry(parser: Parser) -> Parser:
    parser.add_argument(
        "--dry-run", nargs="?", const="server", default="none", choices=("none", "client", "server"), help="write nothing"
    )
    return parser


def _get_parser() -> Parser:
    parser = _parser("get", "show objects as a table, or as YAML or JSON", "words")
    arguments.scope(parser, everywhere=True)
    arguments.selecting(parser)
    _files(parser)
    parser.add_argument("-o", "--output", default="", help="wide, yaml, json, name or jsonpath=…")
    parser.add_argument("--field-selector", default="", help="fields, such as status.phase=Running")
    parser.add_argument("-w", "--watch", action="store_true", help="show changes until interrupted or for --timeout")
    parser.add_argument("--sort-by", default="", metavar="PATH", help="sort by a field (.metadata.name) or a column (restarts)")
    parser.add_argument("--show-labels", action="store_true", help="a last column with all labels")
    parser.add_argument("--ignore-not-found", action="store_true", help="say nothing about objects that are not there")
    parser.add_argument("--no-headers", action="store_true", help="leave out the head of the table")
    parser.add_argument("--timeout", type=awaiting.seconds, default=None, help="how long -w watches: 30s, 5m")
    return parser


def _get(context: Context, given: argparse.Namespace) -> Result:
    words = tuple(given.words)
    if given.filename:
        words = tuple(
            f"{n.kind.resource}/{n.name}"
            for n in writing.in_source(context.door, source(context, given.filename), given.namespace)
        )
    query = Query(
        words, given.namespace, given.all_namespaces, given.selector, given.field_selector, given.output, given.show_labels,
        given.ignore_not_found, given.sort_by,
    )  # fmt: skip
    if given.watch:
        return watching.watch(context.door, query, given.timeout, context.say)
    found = reading.get(context.door, query)
    return listing.headless(found) if given.no_headers else found


def _describe_parser() -> Parser:
    parser = _parser("describe", "show one object and what is around it", "words")
    arguments.scope(parser, everywhere=True)
    arguments.selecting(parser)
    return parser


def _describe(context: Context, given: argparse.Namespace) -> Result:
    return describe.describe(context.door, tuple(given.words), given.namespace, given.selector, everywhere=given.all_namespaces)


def _apply_parser() -> Parser:
    parser = _dry(_files(_parser("apply", "create or change objects as a manifest says; nothing half-applied")))
    arguments.scope(parser)
    return parser


def _apply(context: Context, given: argparse.Namespace) -> Result:
    return apply.apply(context.door, source(context, given.filename), given.namespace, dry_run=given.dry_run != "none")


def _create_parser() -> Parser:
    parser = _dry(_files(_parser("create", "create objects from a manifest, or a simple one from its options", "words")))
    arguments.scope(parser)
    generators.options(parser)
    return parser


def _create(context: Context, given: argparse.Namespace) -> Result:
    made: Source = source(context, given.filename) if given.filename else generators.make(given)
    return apply.create(context.door, made, given.namespace, dry_run=given.dry_run != "none")


def _delete_parser() -> Parser:
    parser = _dry(_files(_parser("delete", "delete objects, and wait until they are gone", "words")))
    arguments.scope(parser, everywhere=True)
    arguments.selecting(parser)
    parser.add_argument("--all", action="store_true", help="all objects of the kind")
    parser.add_argument("--grace-period", type=int, default=None, help="seconds that pods may take to stop")
    parser.add_argument("--now", action="store_true", help="like --grace-period=1")
    parser.add_argument("--force", action="store_true", help="with --grace-period=0: remove at once")
    parser.add_argument("--cascade", default="background", choices=("background", "foreground", "orphan"))
    parser.add_argument("--ignore-not-found", action="store_true")
    parser.add_argument("--wait", type=_truth, nargs="?", const=True, default=True, help="false: return at once")
    parser.add_argument("--timeout", type=awaiting.seconds, default=300.0)
    return parser


def _delete(context: Context, given: argparse.Namespace) -> Result:
    door = context.door
    if given.filename:
        wanted = writing.in_source(door, source(context, given.filename), given.namespace)
    else:
        wanted = writing.find(
            door, given.words, given.namespace, given.selector, everything=given.all, everywhere=given.all_namespaces
        )
    grace = 1 if given.now else 0 if given.force and given.grace_period is None else given.grace_period
    how = Deletion(grace, given.cascade.title(), given.ignore_not_found, given.wait, given.timeout, given.dry_run != "none")
    return writing.delete(door, wanted, how)


def _truth(text: str) -> bool:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def _scale_parser() -> Parser:
    parser = _files(_parser("scale", "change how many replicas there are", "words"))
    arguments.scope(parser)
    arguments.selecting(parser)
    parser.add_argument("--replicas", type=int, required=True)
    parser.add_argument("--current-replicas", type=int, default=None)
    parser.add_argument("--all", action="store_true")
    return parser


def _scale(context: Context, given: argparse.Namespace) -> Result:
    door = context.door
    if given.filename:
        wanted = writing.in_source(door, source(context, given.filename), given.namespace)
    else:
        wanted = writing.find(door, given.words, given.namespace, given.selector, everything=given.all)
    return writing.scale(door, wanted, given.replicas, given.current_replicas)


def _labelling(name: str, field: str, description: str) -> Verb:
    def parser() -> Parser:
        found = _dry(_parser(name, description, "words"))
        arguments.scope(found)
        arguments.selecting(found)
        found.add_argument("--all", action="store_true")
        found.add_argument("--overwrite", action="store_true", help="change values that are there")
        return found

    def change(context: Context, given: argparse.Namespace) -> Result:
        pairs = [w for w in given.words if "=" in w or w.endswith("-")]
        words = [w for w in given.words if w not in pairs]
        wanted = writing.find(context.door, words, given.namespace, given.selector, everything=given.all)
        return writing.change_metadata(
            context.door, wanted, field, pairs, overwrite=given.overwrite, dry_run=given.dry_run != "none"
        )

    return Verb(parser, change)


def _logs_parser() -> Parser:
    parser = _parser("logs", "show what containers wrote", "words")
    arguments.scope(parser)
    arguments.selecting(parser)
    parser.add_argument("-c", "--container", default="")
    parser.add_argument("--all-containers", action="store_true")
    parser.add_argument("-f", "--follow", action="store_true", help="show new lines until the container ends or an interrupt")
    parser.add_argument("-p", "--previous", action="store_true", help="of the run before the last restart")
    parser.add_argument("--tail", type=int, default=None, help="only the last lines")
    parser.add_argument("--since", type=awaiting.seconds, default=None, help="only the last 5s, 2m, 3h")
    parser.add_argument("--timestamps", action="store_true")
    parser.add_argument("--prefix", action="store_true", help="say which pod and container wrote a line")
    parser.add_argument("--timeout", type=awaiting.seconds, default=None, help="how long -f follows")
    return parser


def _logs(context: Context, given: argparse.Namespace) -> Result:
    tail = None if given.tail is not None and given.tail < 0 else given.tail
    since = None if given.since is None else max(int(given.since), 1)
    wanted = logs.Wanted(
        tuple(given.words), given.namespace, given.selector, given.container, given.all_containers, given.follow, given.previous,
        tail, since, given.timestamps, given.prefix, given.timeout,
    )  # fmt: skip
    return logs.logs(context.door, wanted, context.say)


def _events_parser() -> Parser:
    parser = _parser("events", "show what happened, oldest first")
    arguments.scope(parser, everywhere=True)
    parser.add_argument("--for", dest="about", default="", metavar="TYPE/NAME", help="only what is about one object")
    parser.add_argument("--types", default="", help="Normal, Warning")
    return parser


def _events(context: Context, given: argparse.Namespace) -> Result:
    about = None
    if given.about:
        kind, slash, name = given.about.partition("/")
        if not slash:
            raise UsageError(f'error: --for needs TYPE/NAME, not "{given.about}"')
        about = (context.door.kind(kind).kind, name)
    types = [t for t in given.types.split(",") if t]
    return events.events(context.door, given.namespace, everywhere=given.all_namespaces, about=about, types=types)


def _rollout_parser() -> Parser:
    parser = _parser("rollout", "status, restart, undo or history of a deployment")
    parser.add_argument("what", choices=("status", "restart", "undo", "history"))
    parser.add_argument("words", nargs="*")
    arguments.scope(parser)
    parser.add_argument("--timeout", type=awaiting.seconds, default=None)
    parser.add_argument("-w", "--watch", type=_truth, nargs="?", const=True, default=True)
    parser.add_argument("--to-revision", type=int, default=0)
    return parser


def _rollout(context: Context, given: argparse.Namespace) -> Result:
    door, words, namespace = context.door, given.words, given.namespace
    if given.what == "status":
        found = rollout.status(door, words, namespace, timeout=given.timeout, watch=given.watch, say=context.say)
        return listing.said_already(found) if context.say is not None else found
    if given.what == "undo":
        return rollout.undo(door, words, namespace, given.to_revision)
    return rollout.restart(door, words, namespace) if given.what == "restart" else rollout.history(door, words, namespace)


def _wait_parser() -> Parser:
    parser = _parser("wait", "return when objects fulfil a condition", "words")
    arguments.scope(parser)
    arguments.selecting(parser)
    parser.add_argument(
        "--for", dest="for_", default="condition=Ready", help="delete, create, condition=Ready, jsonpath={…}=value"
    )
    parser.add_argument("--timeout", type=awaiting.seconds, default=30.0)
    parser.add_argument("--all", action="store_true")
    return parser


def _wait(context: Context, given: argparse.Namespace) -> Result:
    awaiting.condition(given.for_)
    wanted = awaiting.find(context.door, given.words, given.namespace, given.selector, everything=given.all)
    return awaiting.wait(context.door, wanted, given.for_, given.timeout)


VERBS: Mapping[str, Verb] = {
    "get": Verb(_get_parser, _get),
    "describe": Verb(_describe_parser, _describe),
    "apply": Verb(_apply_parser, _apply),
    "create": Verb(_create_parser, _create),
    "delete": Verb(_delete_parser, _delete),
    "scale": Verb(_scale_parser, _scale),
    "label": _labelling("label", "labels", "set labels: key=value, or key- to remove one"),
    "annotate": _labelling("annotate", "annotations", "set annotations: key=value, or key- to remove one"),
    "logs": Verb(_logs_parser, _logs),
    "events": Verb(_events_parser, _events),
    "rollout": Verb(_rollout_parser, _rollout),
    "wait": Verb(_wait_parser, _wait),
}
