"""`%k8s schedule`: its options, and what it shows."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from k8s_notebook.display import text
from k8s_notebook.session import current
from k8s_notebook.session.arguments import Parser
from k8s_notebook.session.results import Result

if TYPE_CHECKING:
    from k8s_notebook.session.schedule import Schedule

Say = Callable[[str], None]


def parser() -> Parser:
    """The options of `%k8s schedule`."""
    found = Parser("k8s schedule", "work as a second scheduler: place the pods whose schedulerName is NAME")
    found.add_argument("--name", default=None, help="the schedulerName (numba-scheduler)")
    found.add_argument("--config", default=None, metavar="FILE", help="a KubeSchedulerConfiguration")
    found.add_argument("--leader-elect", action=argparse.BooleanOptionalAction, default=None, help="take turns by a Lease (yes)")
    found.add_argument("--lease-namespace", default="kube-system", metavar="NAMESPACE")
    found.add_argument("--rbac", action="store_true", help="show the manifest of the rights that it needs")
    found.add_argument("--status", action="store_true", help="how the schedulers of this notebook do")
    found.add_argument("--stop", action="store_true", help="end the one of that name, or all")
    return found


def run(given: argparse.Namespace, say: Say) -> Result | None:
    """Start a scheduler, show those that work, end them, or print the manifest of its rights."""
    from k8s_notebook.session import schedule

    if given.rbac:
        return Result(schedule.rbac(given.name, given.config, given.lease_namespace), label="manifest")
    found = [each for each in schedule.running() if given.name in (None, *each.names)]
    if given.stop:
        for each in found:
            each.stop()
            say(f"scheduler {', '.join(each.names)} stopped")
        return None if found else Result("No scheduler works in this notebook.", label="schedule")
    if given.status:
        return _schedulers(found)
    config = Path(given.config).expanduser() if given.config is not None else None
    each = current.current().schedule(
        given.name, config=config, leader_elect=given.leader_elect, lease_namespace=given.lease_namespace
    )  # fmt: skip
    say(f"scheduler {', '.join(each.names)} works on {each.cluster}; `%k8s schedule --status` tells how, `--stop` ends it")
    return None


def _schedulers(found: Sequence[Schedule]) -> Result:
    """One line per scheduler, and what each told last."""
    columns = ("name", "cluster", "state", "scheduled", "waiting", "backoff", "holder")
    rows = [[c.upper() for c in columns]]
    said = []
    for each in found:
        status = each.status
        rows.append([str(status.get(c, "")) or "<none>" for c in columns])
        said += [f"{each.name}: {line}" for line in list(each.lines)[-5:]]
    if not found:
        return Result("No scheduler works in this notebook: `%k8s schedule --name NAME` starts one.", label="schedule")
    return Result("\n".join([text.columns(rows), "", *said]), label="schedule")
