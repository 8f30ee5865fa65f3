"""`fail` and `heal`: breaking a node on purpose, by objects of our own API group; embedded clusters only."""

from __future__ import annotations

from k8s_notebook.machinery.actions import Create, Delete, Get
from k8s_notebook.objects import errors
from k8s_notebook.objects.kinds import OWN_GROUP
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import K8sError, UsageError
from k8s_notebook.session.results import Result

RESOURCE = f"faults.{OWN_GROUP}"
REAL = (
    "this cluster is real: only embedded clusters can break a node on purpose; `%k8s start` starts one, "
    "on a real one stopping the node's kubelet comes closest."
)


def _checked(door: Door, what: str) -> None:
    if what not in {"node", "nodes", "no"}:
        raise UsageError(f'error: only nodes can be made to fail, not "{what}": for example `%k8s fail node node-2`')
    if not any(k.group == OWN_GROUP for k in door.api.kinds):
        raise K8sError(f"error: {REAL}")


def name_of(node: str) -> str:
    """The name of the fault that stops a node."""
    return f"stop-{node}"


def fail(door: Door, what: str, name: str) -> Result:
    """Stop a node's kubelet: what is said about it. Its pods move once Kubernetes has noticed."""
    _checked(door, what)
    door.ask(Get("nodes", name))
    fault = {
        "apiVersion": f"{OWN_GROUP}/v1alpha1",
        "kind": "Fault",
        "metadata": {"name": name_of(name)},
        "spec": {"target": {"kind": "Node", "name": name}, "action": "Stop"},
    }
    try:
        door.ask(Create(fault, RESOURCE))
    except errors.AlreadyExists:
        return Result(f"node/{name} is stopped already; `%k8s heal node {name}` starts it again", label="fail")
    return Result(f"node/{name} stopped; `%k8s heal node {name}` starts it again", (fault,), label="fail")


def heal(door: Door, what: str, name: str) -> Result:
    """Start a node's kubelet again: what is said about it."""
    _checked(door, what)
    try:
        door.ask(Delete(RESOURCE, name_of(name)))
    except errors.NotFound:
        door.ask(Get("nodes", name))
        return Result(f"node/{name} was not stopped", label="heal")
    return Result(f"node/{name} started", label="heal")
