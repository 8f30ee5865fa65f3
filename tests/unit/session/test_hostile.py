"""Hostile text in every place that a user or a container can write to: no display obeys it."""

from __future__ import annotations

import pytest

from k8s_notebook.session.current import Cluster
from k8s_notebook.session.problems import K8sError
from tests.unit.display import hostile
from tests.unit.session import world

TEXT = "".join(hostile.MARKUP) + "".join(hostile.TERMINAL[:-1]) + "".join(hostile.DIRECTION)


@pytest.fixture(scope="module")
def c() -> Cluster:
    found = world.cluster(1)
    annotations = {"note": TEXT}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "annotations": annotations},
        "spec": {
            "containers": [{"name": "c", "image": "busybox", "command": ["echo", TEXT], "env": [{"name": "E", "value": TEXT}]}]
        },
    }
    event = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "reason": TEXT, "message": TEXT, "type": "Warning",
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default", "apiVersion": "v1"}, "source": {"component": TEXT},
    }  # fmt: skip
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "annotations": annotations}, "data": {"k": TEXT}}
    found.apply([pod, config])
    found.create(event)
    world.plane_of(found).run(60)
    return found


@pytest.mark.parametrize(
    "line",
    ["get pods,cm,events -o wide", "get pod/p -o yaml", "get pod/p -o json", "describe pod/p", "describe cm/c", "describe events/e",
     "events", "get events", "get cm/c -o jsonpath={.data.k}", "logs p", "get pods --show-labels"],
)  # fmt: skip
def test_no_result_obeys(c: Cluster, line: str) -> None:
    found = c.kubectl(line)
    hostile.check_text(str(found))
    for shown in found._repr_mimebundle_().values():
        hostile.check_text(shown)
    hostile.check_html(found._repr_mimebundle_()["text/html"])


def test_no_error_obeys(c: Cluster) -> None:
    with pytest.raises(K8sError) as caught:
        c.kubectl(["get", "pod", "x\x1b[31m<script>"])
    hostile.check_text("\n".join(caught.value._render_traceback_()))
