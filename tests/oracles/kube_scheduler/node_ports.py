"""NodePorts: one host port, one pod."""

from __future__ import annotations

from tests.oracles.kube_scheduler.amounts import is_sidecar
from tests.oracles.kube_scheduler.cluster import Verdict
from tests.oracles.kube_scheduler.plugin import Plugin, name_of

Port = tuple[str, str, int]


def ports_of(pod: dict) -> list[Port]:
    """The host ports of a pod."""
    sidecars = [c for c in pod["spec"].get("initContainers", []) if is_sidecar(c)]
    found: list[Port] = []
    for container in [*pod["spec"]["containers"], *sidecars]:
        held = [port for port in container.get("ports", []) if port.get("hostPort", 0) > 0]
        found += [(port.get("protocol") or "TCP", port.get("hostIP") or "0.0.0.0", port["hostPort"]) for port in held]
    return found


def clash(a: Port, b: Port) -> bool:
    """Whether two host ports cannot be on one node."""
    return a[0] == b[0] and a[2] == b[2] and (a[1] == b[1] or "0.0.0.0" in (a[1], b[1]))


class NodePorts(Plugin):
    """Refuses nodes on which a wanted host port is taken.

    kube-scheduler keeps a set of ports per node: should two pods hold the same one, it is free as soon as one of them leaves.
    """

    name = "NodePorts"

    def begin(self) -> str:
        self.wanted = ports_of(self.pod)
        self.skips = not self.wanted
        self.held = {name_of(n): {port for p in self.cluster.on(n) for port in ports_of(p)} for n in self.cluster.nodes}
        return ""

    def copied(self) -> NodePorts:
        twin = NodePorts(self.cluster, self.pod, self.args)
        twin.wanted, twin.skips = self.wanted, self.skips
        twin.held = {name: set(ports) for name, ports in self.held.items()}
        return twin

    def moved(self, other: dict, node: dict, by: int) -> None:
        if by > 0:
            self.held[name_of(node)] |= set(ports_of(other))
        else:
            self.held[name_of(node)] -= set(ports_of(other))

    def refusal(self, node: dict, there: list[dict]) -> Verdict | None:
        if any(clash(wanted, port) for wanted in self.wanted for port in self.held[name_of(node)]):
            return self.no("node(s) didn't have free ports for the requested pod ports")
        return None
