"""The words of a picture: the sentence on top, and what is said about one object."""

from __future__ import annotations

from k8s_notebook.graph import status
from k8s_notebook.graph.build import Graph
from k8s_notebook.graph.picture import Item
from k8s_notebook.graph.relations import Key

_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicationController", "Job", "CronJob"})


def tooltip(item: Item) -> str:
    """At most three lines: kind and name, status in kubectl's word, the reason."""
    said = f"{item.key.kind} {item.key.name}" + (f": {item.word}" if item.word else "")
    return "\n".join([said, *([item.reason] if item.reason else []), *([item.sub] if item.sub and item.sub != item.word else [])])


def sentence(graph: Graph) -> str:
    """What the picture says, in one sentence: problems first, by name; and one about what may not be seen."""
    unseen = graph.graph.get("unseen")
    if not unseen:
        return _seen(graph)
    said = f"You may not list: {_some(unseen)}."
    return f"{_seen(graph)} {said}" if graph else said


def _seen(graph: Graph) -> str:
    if not graph:
        return "Nothing is here yet."
    nodes = graph.nodes
    down = [k for k in graph if k.kind == "Node" and nodes[k]["status"] == "bad" and not nodes[k]["missing"]]
    failing = [k for k in graph if k.kind == "Pod" and nodes[k]["status"] in status.PROBLEMS]
    missing = [k for k in graph if nodes[k]["missing"]]
    said = [
        *([_nodes_down(graph, down)] if down else []),
        *([_failing(graph, failing)] if failing else []),
        *([_missing(graph, missing)] if missing and not failing else []),
    ]
    return " ".join(said) or _well(graph)


def _well(graph: Graph) -> str:
    pods = [k for k in graph if k.kind == "Pod"]
    moving = [k for k in pods if graph.nodes[k]["status"] in {"wait", "away"}]
    nodes = sum(1 for k in graph if k.kind == "Node")
    where = f" on {_count(nodes, 'node')}" if nodes else ""
    if not pods:
        return f"No pod runs here yet{where}."
    if moving:
        ready = len(pods) - len(moving)
        return f"{ready} of {_count(len(pods), 'pod')} {'is' if ready == 1 else 'are'} up, {len(moving)} on the way{where}."
    workloads = sum(1 for k in graph if k.kind in _WORKLOADS)
    whole = f"{_count(workloads, 'workload')}, " if workloads else ""
    return f"All is well: {whole}{_count(len(pods), 'pod')}{where}."


def _nodes_down(graph: Graph, down: list[Key]) -> str:
    pods = sum(1 for k in down for *_, r in graph.in_edges(k, data="relation") if r == "runs-on")
    names = _some([k.name for k in down])
    there = f", {_count(pods, 'pod')} {'was' if pods == 1 else 'were'} on {'it' if len(down) == 1 else 'them'}" if pods else ""
    return f"{names} {'is' if len(down) == 1 else 'are'} not ready{there}."


def _failing(graph: Graph, failing: list[Key]) -> str:
    pods = sum(1 for k in graph if k.kind == "Pod")
    why = graph.nodes[failing[0]]["word"]
    stuck = graph.nodes[failing[0]]["status"] == "stuck"
    if len(failing) == 1:
        return f"{failing[0].name} {'cannot be placed' if stuck else f'is not running: {why}'}."
    words = sorted({graph.nodes[k]["word"] for k in failing})
    return f"{len(failing)} of {_count(pods, 'pod')} are not running: {_some(words)}."


def _missing(graph: Graph, missing: list[Key]) -> str:
    return f"{_some([f'{k.kind} {k.name}' for k in missing])} {'does' if len(missing) == 1 else 'do'} not exist."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _some(names: list[str], most: int = 3) -> str:
    shown, rest = names[:most], len(names) - most
    if rest > 0:
        return ", ".join(shown) + f" and {rest} more"
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]
