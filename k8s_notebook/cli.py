"""The k8s-notebook command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

_DURATION = "a time such as 50s, 5m or 24h"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 refused (one sentence on stderr), 2 wrong usage, 3 status of a cluster that does not run."""
    parsed = _parser().parse_args(arguments)
    from k8s_notebook.cluster.options import ClusterError

    try:
        return int(parsed.run(parsed))
    except ClusterError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'the state folder'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="k8s-notebook", description="Kubernetes clusters inside one background process each.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    start = _command(commands, "start", _start, "start a cluster, resume it, or attach to it; prints the path of its kubeconfig")
    start.add_argument("--fresh", action="store_true", help="forget everything that the cluster has and make it anew")
    _options(start)
    _options(_command(commands, "serve", _serve, "serve a cluster in the foreground until Ctrl-C"))
    for name, run, said in (
        ("stop", _stop, "stop a cluster; its state is kept"),
        ("status", _status, "say whether a cluster runs (exit code 0) or not (3)"),
        ("kubeconfig", _kubeconfig, "print the path of a cluster's kubeconfig"),
    ):
        command = _command(commands, name, run, said)
        command.add_argument("name", metavar="NAME", nargs="?", default="default", help="the cluster (default: default)")
        if name == "status":
            command.add_argument("--parts", action="store_true", help="show the control plane's parts as JSON")
    delete = _command(commands, "delete", _delete, "stop a cluster and remove its state")
    delete.add_argument("names", metavar="NAME", nargs="*", help="the clusters")
    delete.add_argument("--all", action="store_true", help="every cluster of this user")
    _command(commands, "list", _list, "list the clusters")
    _schedule_options(
        _command(
            commands, "schedule", _schedule, "work as a second scheduler on any cluster until Ctrl-C: place the pods that name it"
        )
    )
    _command(commands, "warmup", _warmup, "compile what is compiled at first use, so that later starts are fast")
    return parser


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], said: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=said, description=said)
    command.set_defaults(run=run)
    return command


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--name", default="default", help="the cluster's name (default: default)")
    command.add_argument("--nodes", type=int, help="how many simulated nodes (default: 3)")
    command.add_argument("--port", type=int, help="the port on 127.0.0.1 (default: any free one, then always the same)")
    command.add_argument("--node-grace", type=_duration, metavar="TIME", help="silence after which a node is given up (50s)")
    command.add_argument("--eviction-after", type=_duration, metavar="TIME", help="and its pods after that (300s)")
    command.add_argument("--idle", type=_duration, metavar="TIME", help="stop when nobody asked anything for (default: 24h)")


def _schedule_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--kubeconfig", metavar="FILE", help="the cluster (default: where kubectl looks)")
    command.add_argument("--context", metavar="CONTEXT", help="the context of the kubeconfig (default: its current one)")
    command.add_argument("--name", metavar="NAME", help="the schedulerName of the pods that it places (default: numba-scheduler)")
    command.add_argument("--config", metavar="FILE", help="a KubeSchedulerConfiguration")
    command.add_argument("--leader-elect", action=argparse.BooleanOptionalAction, default=None,
                         help="work only while holding a Lease, so that several processes take turns (default: yes)")  # fmt: skip
    command.add_argument("--lease-namespace", metavar="NAMESPACE", default="kube-system", help="where the Lease is (kube-system)")
    command.add_argument(
        "--rbac", action="store_true", help="print the manifest of the rights that it needs, and do nothing else"
    )


def _duration(text: str) -> float:
    from k8s_notebook.cluster.options import duration

    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _wishes(parsed: argparse.Namespace) -> dict[str, Any]:
    return {k: getattr(parsed, k) for k in ("nodes", "port", "node_grace", "eviction_after", "idle")}


def _start(parsed: argparse.Namespace) -> int:
    from k8s_notebook.cluster import registry

    running = registry.start(parsed.name, fresh=parsed.fresh, **_wishes(parsed))
    verb = "runs already" if running.attached else "runs"
    print(f"cluster {running.name!r} {verb} at {running.server} (process {running.pid})", file=sys.stderr)
    print(running.kubeconfig)
    return 0


def _serve(parsed: argparse.Namespace) -> int:
    from k8s_notebook.cluster import foreground

    return foreground.serve(parsed.name, _wishes(parsed))


def _stop(parsed: argparse.Namespace) -> int:
    from k8s_notebook.cluster import registry

    ran = registry.stop(parsed.name)
    print(f"cluster {parsed.name!r} {'is stopped' if ran else 'was not running'}; its state is kept", file=sys.stderr)
    return 0


def _delete(parsed: argparse.Namespace) -> int:
    from k8s_notebook.cluster import folder, registry
    from k8s_notebook.cluster.options import ClusterError

    chosen = folder.names() if parsed.all else parsed.names
    if not chosen and not parsed.all:
        raise ClusterError("say which cluster to delete, or --all.")
    for name in chosen:
        registry.delete(name)
        print(f"cluster {name!r} is deleted", file=sys.stderr)
    return 0


def _list(parsed: argparse.Namespace) -> int:
    from k8s_notebook.cluster import registry

    rows = [("NAME", "STATE", "NODES", "SERVER", "PID")]
    for found in registry.list_clusters():
        state = "running" if found.ready else "not answering" if found.running else "stopped"
        rows.append((found.name, state, str(found.options.nodes), found.server or "-", str(found.pid or "-")))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        print("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _status(parsed: argparse.Namespace) -> int:
    from k8s_notebook.cluster import registry
    from k8s_notebook.cluster.options import shown
    from k8s_notebook.sim.clock import timestamp

    if parsed.parts:
        import json

        print(json.dumps(registry.parts(parsed.name), indent=2))
        return 0
    found = registry.status(parsed.name)
    options = found.options
    state = "running" if found.ready else "running, but does not answer" if found.running else "stopped"
    lines = [("cluster", found.name), ("state", state), ("nodes", str(options.nodes))]
    if found.running:
        lines += [("server", found.server), ("process", str(found.pid)), ("started", timestamp(found.started)),
                  ("version", found.version)]  # fmt: skip
    lines += [("node grace", shown(options.node_grace)), ("eviction after", shown(options.eviction_after)),
              ("stops when idle for", shown(options.idle)), ("folder", str(found.folder))]  # fmt: skip
    for label, value in lines:
        print(f"{label + ':':<22}{value}")
    return 0 if found.ready else 3


def _kubeconfig(parsed: argparse.Namespace) -> int:
    from k8s_notebook.cluster import registry

    print(registry.kubeconfig(parsed.name))
    return 0


def _warmup(parsed: argparse.Namespace) -> int:
    from k8s_notebook.cluster import warmup

    for line in warmup.run():
        print(line, file=sys.stderr)
    return 0


def _schedule(parsed: argparse.Namespace) -> int:
    from k8s_notebook.session import schedule
    from k8s_notebook.session.problems import K8sError

    try:
        if parsed.rbac:
            print(schedule.rbac(parsed.name, parsed.config, parsed.lease_namespace), end="")
            return 0
        return schedule.serve(
            kubeconfig=parsed.kubeconfig, context=parsed.context, name=parsed.name, config=parsed.config,
            elect=parsed.leader_elect, namespace=parsed.lease_namespace,
        )  # fmt: skip
    except K8sError as error:
        print(error, file=sys.stderr)
        return 1
