"""The words of `%k8s`: start, stop, delete, list, connect, use, ns, status, graph, why, schedule, fail, heal."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from k8s_notebook.display import text
from k8s_notebook.machinery.actions import Get
from k8s_notebook.objects import errors
from k8s_notebook.session import arguments, awaiting, current, schedule_words
from k8s_notebook.session.arguments import Asked, Parser
from k8s_notebook.session.problems import K8sError, UsageError, told
from k8s_notebook.session.results import Result

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Verb:
    """One word of `%k8s`."""

    parser: Callable[[], Parser]
    run: Callable[[argparse.Namespace, Say], Any]


@told
def run(words: list[str], say: Say) -> Any:
    """The result of `%k8s WORDS`; `say` prints a line at once."""
    if not words or words[0] in {"-h", "--help", "help"}:
        lines = [f"  {name:<9}{verb.parser().description}" for name, verb in VERBS.items()]
        return Result("\n".join(["%k8s VERB …; a verb and --help show its options:", *lines]), label="help")
    verb = VERBS.get(words[0])
    if verb is None:
        raise UsageError(f'error: unknown command "{words[0]}" for %k8s; known: {", ".join(VERBS)}')
    try:
        return verb.run(verb.parser().parse(words[1:]), say)
    except Asked as asked:
        return Result(str(asked), label="help")


def _parser(name: str, description: str) -> Parser:
    return Parser(f"k8s {name}", description)


def _named(name: str, description: str, *, required: bool = False) -> Callable[[], Parser]:
    def parser() -> Parser:
        found = _parser(name, description)
        found.add_argument("cluster", nargs=None if required else "?", default=None)
        found.add_argument("--name", default=None)
        return found

    return parser


def _start_parser() -> Parser:
    parser = _parser("start", "start an embedded cluster, or take the one that runs")
    parser.add_argument("--name", default="default")
    parser.add_argument("--nodes", type=int, default=None, help="how many nodes (3)")
    parser.add_argument("--port", type=int, default=None)
    parser.add_argument("--node-grace", type=awaiting.seconds, default=None, help="until a silent node is NotReady (50s)")
    parser.add_argument("--eviction-after", type=awaiting.seconds, default=None, help="until its pods are moved (300s)")
    parser.add_argument("--idle", type=awaiting.seconds, default=None, help="stop when unused for so long (24h)")
    parser.add_argument("--fresh", action="store_true", help="begin with an empty cluster")
    return parser


def _start(given: argparse.Namespace, say: Say) -> None:
    cluster = current.start(
        given.name, nodes=given.nodes, port=given.port, node_grace=given.node_grace, eviction_after=given.eviction_after,
        fresh=given.fresh, idle=given.idle,
    )  # fmt: skip
    say(f"cluster {cluster.name} runs at {cluster.server}; kubeconfig {cluster.kubeconfig}")


def _chosen(given: argparse.Namespace) -> str:
    """The embedded cluster that is meant: the one named, or the current one."""
    name = given.cluster or given.name
    if name:
        return str(name)
    cluster = current.current()
    if not cluster.embedded:
        raise K8sError(f"error: {cluster.name} is a real cluster: it is not ours to stop or delete")
    return cluster.name


def _stop(given: argparse.Namespace, say: Say) -> None:
    name = _chosen(given)
    ran = current.stop(name)
    say(f"cluster {name} stopped; `%k8s start --name {name}` resumes it" if ran else f"cluster {name} did not run")


def _delete(given: argparse.Namespace, say: Say) -> None:
    from k8s_notebook.cluster import registry

    name = given.cluster or given.name
    if not name:
        raise UsageError("error: name the cluster that is to be deleted: `%k8s delete NAME`")
    registry.delete(name)
    current.forget(name)
    say(f"cluster {name} deleted")


def _list(_: argparse.Namespace, __: Say) -> Result:
    from k8s_notebook.client import connect
    from k8s_notebook.cluster import registry

    in_use = current.in_use()
    using = {in_use.name} if in_use is not None else set()
    rows = [["CURRENT", "NAME", "KIND", "STATE", "NODES", "SERVER"]]
    for found in registry.list_clusters():
        state = "running" if found.ready else "starting" if found.running else "stopped"
        rows.append(
            [
                "*" if found.name in using else "",
                found.name,
                "embedded",
                state,
                str(found.options.nodes),
                found.server or "<none>",
            ]
        )
    try:
        contexts = connect.contexts()
    except connect.ConfigError:
        contexts = []
    rows += [["*" if c.name in using else "", c.name, "context", "<unknown>", "", c.server] for c in contexts]
    listed = {row[1] for row in rows}
    rows += [
        ["*" if c.name in using else "", c.name, "embedded" if c.embedded else "connected", "<unknown>", "", c.server]
        for c in current.known()
        if c.name not in listed
    ]
    if len(rows) == 1:
        return Result("No cluster yet: `%k8s start` starts one.", label="list")
    return Result(text.columns(rows), label="list")


def _connect_parser() -> Parser:
    parser = _parser("connect", "use a cluster of a kubeconfig: minikube, kind, any")
    parser.add_argument("--context", default=None)
    parser.add_argument("--kubeconfig", default=None, metavar="FILE")
    return parser


def _connect(given: argparse.Namespace, say: Say) -> None:
    _in_use(current.connect(given.kubeconfig, given.context), say)


def _in_use(cluster: current.Cluster, say: Say) -> None:
    say(f"using {cluster.door.title} at {cluster.server}, namespace {cluster.namespace}")


def _use(given: argparse.Namespace, say: Say) -> None:
    name = given.cluster or given.name
    if not name:
        raise UsageError("error: name a cluster or a context: `%k8s use NAME`; `%k8s list` shows them")
    _in_use(current.use(name), say)


def _ns_parser() -> Parser:
    parser = _parser("ns", "use a namespace from now on, or say which one is in use")
    parser.add_argument("namespace", nargs="?", default=None)
    return parser


def _ns(given: argparse.Namespace, say: Say) -> None:
    cluster = current.current()
    if given.namespace:
        try:
            cluster.door.ask(Get("namespaces", given.namespace))
        except errors.Forbidden:
            say(f"(whether there is a namespace {given.namespace} you may not know)")
        cluster.namespace = given.namespace
    say(f"namespace {cluster.namespace} of {cluster.door.title}")


def _status_parser() -> Parser:
    parser = _parser("status", "versions, nodes, pods and rights")
    parser.add_argument("--parts", action="store_true", help="the parts of an embedded control plane")
    return parser


def _status(given: argparse.Namespace, _: Say) -> Result:
    return current.current().status(parts=given.parts)


def _graph_parser() -> Parser:
    parser = _parser("graph", "what has to do with what, as a picture")
    arguments.scope(parser, everywhere=True)
    parser.add_argument("--static", action="store_true", help="as it is now, without following the cluster")
    return parser


def _graph(given: argparse.Namespace, _: Say) -> Any:
    return current.current().graph(namespace=given.namespace, all_namespaces=given.all_namespaces, live=not given.static)


def _why_parser() -> Parser:
    parser = _parser("why", "which nodes were possible for a pod, and what each plugin scored")
    parser.add_argument("words", nargs="+", metavar="pod/NAME")
    arguments.scope(parser)
    parser.add_argument("--today", action="store_true", help="decide again with what is there now, also where there is a record")
    return parser


def _why(given: argparse.Namespace, _: Say) -> Any:
    return current.current().why(given.words, namespace=given.namespace, today=given.today)


def _fault_parser(name: str, description: str) -> Callable[[], Parser]:
    def parser() -> Parser:
        found = _parser(name, description)
        found.add_argument("what", metavar="node")
        found.add_argument("name", nargs="?", default="")
        return found

    return parser


def _target(given: argparse.Namespace) -> tuple[str, str]:
    what, name = (given.what, given.name) if given.name else given.what.partition("/")[::2]
    if not name:
        raise UsageError(f'error: name the node: "node {what}" or "node/{what}"')
    return what, name


def _fail(given: argparse.Namespace, _: Say) -> Result:
    return current.current().fail(*_target(given))


def _heal(given: argparse.Namespace, _: Say) -> Result:
    return current.current().heal(*_target(given))


VERBS: Mapping[str, Verb] = {
    "start": Verb(_start_parser, _start),
    "stop": Verb(_named("stop", "stop an embedded cluster; its state stays"), _stop),
    "delete": Verb(_named("delete", "stop an embedded cluster and remove all that it kept"), _delete),
    "list": Verb(lambda: _parser("list", "the embedded clusters, and the contexts of the kubeconfig"), _list),
    "connect": Verb(_connect_parser, _connect),
    "use": Verb(_named("use", "make a cluster or context the current one"), _use),
    "ns": Verb(_ns_parser, _ns),
    "status": Verb(_status_parser, _status),
    "graph": Verb(_graph_parser, _graph),
    "why": Verb(_why_parser, _why),
    "schedule": Verb(schedule_words.parser, schedule_words.run),
    "fail": Verb(_fault_parser("fail", "break a node on purpose; embedded clusters only"), _fail),
    "heal": Verb(_fault_parser("heal", "repair what fail broke"), _heal),
}
