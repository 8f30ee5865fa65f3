"""What a second scheduler is to be: its profiles and its lease, from a name, a profile or a configuration; and where it must not work."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from k8s_notebook.client.connect import Connection
from k8s_notebook.machinery.actions import Get, List
from k8s_notebook.objects.errors import ApiError
from k8s_notebook.objects.validating import names
from k8s_notebook.scheduler import election, profiles
from k8s_notebook.scheduler.election import Terms
from k8s_notebook.scheduler.profiles import Profile
from k8s_notebook.session import rights, schedule_config
from k8s_notebook.session.door import Door
from k8s_notebook.session.problems import K8sError
from k8s_notebook.session.schedule_config import Given
from k8s_notebook.sim import clock

if TYPE_CHECKING:
    from k8s_notebook.scheduler.configuration import Configuration

NAME = "numba-scheduler"
NAMESPACE = "kube-system"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a scheduler is to be: its profiles, the lease that it asks for (None: none), its back-offs."""

    served: tuple[Profile, ...]
    terms: Terms | None
    backoff: tuple[float, float] = (1.0, 10.0)
    remarks: tuple[str, ...] = ()


def wanted(
    name: str | None = None, *, profile: Profile | Sequence[Profile] | None = None, config: Given | None = None,
    elect: bool | None = None, namespace: str = NAMESPACE,
) -> Wanted:  # fmt: skip
    """What is meant by a name, a profile (or several) or a configuration; `elect` None is as the configuration says, or yes."""
    if profile is not None and config is not None:
        raise K8sError("error: give a profile or a configuration, not both")
    if name is not None and names.subdomain(name):
        raise K8sError(f'error: a scheduler cannot be called "{name}": names have small letters, digits, "-" and "." only')
    if config is not None:
        return _configured(schedule_config.read(config), name, elect, namespace)
    given = [profile] if isinstance(profile, Profile) else list(profile or ())
    for each in given:
        if not isinstance(each, Profile):
            raise K8sError(f"error: profile is one of kn.scheduler.profile(…), or several in a list, not {profile!r}")
    served = _named(given or [dataclasses.replace(profiles.DEFAULT, name=NAME)], name)
    return Wanted(served, None if elect is False else rights.lease_terms(served[0].name, namespace))


def _configured(found: Configuration, name: str | None, elect: bool | None, namespace: str) -> Wanted:
    """What a configuration asks for. The lease is called after the scheduler unless the file names one."""
    served = _named(list(found.profiles.values()), name)
    said = found.leader_election
    stated = found.source.get("leaderElection") or {}
    terms = rights.lease_terms(served[0].name, stated.get("resourceNamespace") or namespace)
    terms = dataclasses.replace(
        terms, name=stated.get("resourceName") or terms.name, lease_duration=said.lease_duration,
        renew_deadline=said.renew_deadline, retry_period=said.retry_period,
    )  # fmt: skip
    if terms.problem():
        raise K8sError(f"error: leaderElection: {terms.problem()}")
    elects = said.leader_elect if elect is None else elect
    return Wanted(served, terms if elects else None, (found.backoff.initial, found.backoff.maximum), found.remarks)


def _named(found: list[Profile], name: str | None) -> tuple[Profile, ...]:
    """All profiles, or the one of that name; a single one takes the name."""
    if name is None:
        return tuple(found)
    chosen = [each for each in found if each.name == name] or (
        [dataclasses.replace(found[0], name=name)] if len(found) == 1 else []
    )
    if not chosen:
        raise K8sError(f"error: no profile is called {name} (there are: {', '.join(p.name for p in found)})")
    return tuple(chosen)


def refuse(connection: Connection, door: Door, name: str) -> None:
    """K8sError if another scheduler of this name is known to be at work here."""
    if name != rights.DEFAULT:
        return
    advice = "; give this one another --name, and pods that it shall place that schedulerName"
    if connection.embedded:
        raise K8sError(f"error: {door.title} places the pods of {name} itself{advice}")
    try:
        lease = door.ask(Get(election.LEASES, "kube-scheduler", "kube-system"))
        holder = election.held_by(lease, clock.Wall().now())
    except ApiError:
        holder = ""
    if not holder:
        try:
            running = door.ask(List("pods", "kube-system", labels="component=kube-scheduler"))["items"]
            holder = next((p["metadata"]["name"] for p in running if (p.get("status") or {}).get("phase") == "Running"), "")
        except ApiError:
            holder = ""
    if holder:
        raise K8sError(f"error: {holder} places the pods of {name} on {door.title}{advice}")
