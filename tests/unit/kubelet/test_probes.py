from __future__ import annotations

import pytest

from k8s_notebook.kubelet import probes
from k8s_notebook.objects import Obj

CONTAINER = {"name": "web", "readinessProbe": {"httpGet": {"port": 80}}}


@pytest.mark.parametrize(
    ("said", "kind", "fails"),
    [
        (None, "readiness", False),
        ({"k8s-notebook.io/readiness": "fail"}, "readiness", True),
        ({"k8s-notebook.io/readiness": "fail"}, "liveness", False),
        ({"k8s-notebook.io/readiness": "db, web"}, "readiness", True),
        ({"k8s-notebook.io/readiness": "db"}, "readiness", False),
        ({"k8s-notebook.io/liveness": "fail"}, "liveness", False),
    ],
)
def test_an_annotation_lets_a_probe_fail_that_is_there(said: dict[str, str] | None, kind: str, fails: bool) -> None:
    assert probes.fails(said, kind, CONTAINER) is fails


@pytest.mark.parametrize(
    ("probe", "when"),
    [
        (None, 100),
        ({}, 100),
        ({"initialDelaySeconds": 5}, 105),
        ({"initialDelaySeconds": 5, "successThreshold": 3, "periodSeconds": 2}, 109),
    ],
)
def test_when_a_probe_has_succeeded(probe: Obj | None, when: float) -> None:
    assert probes.first_success(probe, 100) == when


def test_when_a_probe_has_failed_for_good() -> None:
    assert probes.last_failure({"initialDelaySeconds": 1, "periodSeconds": 2, "failureThreshold": 4}, 100) == 107
    assert probes.last_failure({}, 100) == 120


def test_how_often_it_ran() -> None:
    probe = {"initialDelaySeconds": 3, "periodSeconds": 2}
    assert probes.attempts(probe, 100, 99, 102.9) == 0
    assert probes.attempts(probe, 100, 99, 103) == 1
    assert probes.attempts(probe, 100, 103, 108) == 2
    assert probes.next_attempt(probe, 100, 100) == 103
    assert probes.next_attempt(probe, 100, 103) == 105


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({"httpGet": {}}, "Readiness probe failed: HTTP probe failed with statuscode: 500"),
        ({"tcpSocket": {"port": 5}}, "Readiness probe failed: dial tcp 10.0.0.9:5: connect: connection refused"),
        ({"grpc": {"port": 5}}, 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")'),
        ({"exec": {}}, "Readiness probe failed: "),
    ],
)
def test_the_complaint(probe: Obj, said: str) -> None:
    assert probes.complaint("readiness", probe, "10.0.0.9") == said
