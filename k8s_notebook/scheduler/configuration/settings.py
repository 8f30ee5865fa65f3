"""What a configuration says beside its profiles: leader election, back-off, the connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k8s_notebook.scheduler.mistakes import Mistake


@dataclass(frozen=True, slots=True)
class LeaderElection:
    """How one of several schedulers becomes the one that acts; times in seconds."""

    leader_elect: bool = True
    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0
    resource_name: str = "kube-scheduler"
    resource_namespace: str = "kube-system"

    @classmethod
    def read(cls, stated: Mapping[str, Any]) -> LeaderElection:
        """What a file states; Mistake for what cannot work (as in component-base/config/validation)."""
        found = cls(
            stated.get("leaderElect", True), stated.get("leaseDuration") or 15.0, stated.get("renewDeadline") or 10.0,
            stated.get("retryPeriod") or 2.0, stated.get("resourceName") or "kube-scheduler",
            stated.get("resourceNamespace") or "kube-system",
        )  # fmt: skip
        if not found.leader_elect:
            return found
        lock = stated.get("resourceLock") or "leases"
        for field in ("leaseDuration", "renewDeadline", "retryPeriod"):
            if stated.get(field, 1.0) < 0:
                raise Mistake("must be greater than zero", f"leaderElection.{field}")
        if found.lease_duration <= found.renew_deadline:
            raise Mistake("must be greater than renewDeadline", "leaderElection.leaseDuration")
        if lock != "leases":
            raise Mistake(f'Invalid value: "{lock}": resourceLock value must be "leases"', "leaderElection.resourceLock")
        return found


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a pod that found no node waits, in seconds: doubled each time."""

    initial: int = 1
    maximum: int = 10

    @classmethod
    def read(cls, stated: Mapping[str, Any]) -> Backoff:
        """What a file states; Mistake for what cannot work."""
        found = cls(stated.get("podInitialBackoffSeconds", 1), stated.get("podMaxBackoffSeconds", 10))
        if found.initial <= 0:
            raise Mistake(f"Invalid value: {found.initial}: must be greater than 0", "podInitialBackoffSeconds")
        if found.maximum < found.initial:
            said = f"Invalid value: {found.maximum}: must be greater than or equal to podInitialBackoffSeconds ({found.initial})"
            raise Mistake(said, "podMaxBackoffSeconds")
        return found


@dataclass(frozen=True, slots=True)
class ClientConnection:
    """How the API server is reached."""

    kubeconfig: str = ""
    accept_content_types: str = ""
    content_type: str = "application/vnd.kubernetes.protobuf"
    qps: float = 50.0
    burst: int = 100

    @classmethod
    def read(cls, stated: Mapping[str, Any]) -> ClientConnection:
        """What a file states; Mistake for what cannot work."""
        burst = stated.get("burst") or 100
        if burst < 0:
            raise Mistake(f"Invalid value: {burst}: must be non-negative", "clientConnection.burst")
        return cls(
            stated.get("kubeconfig") or "", stated.get("acceptContentTypes") or "",
            stated.get("contentType") or "application/vnd.kubernetes.protobuf", stated.get("qps") or 50.0, burst,
        )  # fmt: skip
