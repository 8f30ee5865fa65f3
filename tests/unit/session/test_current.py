"""Which cluster is the current one, and the sentences when there is none."""

from __future__ import annotations

import pytest

import k8s_notebook as kn
from k8s_notebook.session import current
from tests.unit.session import world


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(current, "_known", {})
    monkeypatch.setattr(current, "_current", None)
    monkeypatch.setenv("K8S_NOTEBOOK_HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/none")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def test_no_cluster_yet() -> None:
    with pytest.raises(kn.K8sError, match="no cluster is in use"):
        kn.current()


def test_use_and_forget() -> None:
    a, b = world.cluster(0), world.cluster(0)
    b.door.name = "other"
    current._hold(a)
    current._hold(b)
    assert kn.current() is b
    assert kn.use("test") is a
    assert kn.current() is a
    current.forget("test")
    with pytest.raises(kn.K8sError, match="no cluster is in use"):
        kn.current()
    with pytest.raises(kn.K8sError, match=r"there is no cluster or context 'test' \(there are: other\)"):
        kn.use("test")


def test_no_kubeconfig() -> None:
    with pytest.raises(kn.K8sError, match="error: no kubeconfig at"):
        kn.connect()


def test_start_refuses_in_one_sentence() -> None:
    with pytest.raises(kn.K8sError, match="a cluster can have 0 to 5000 nodes, not -1"):
        kn.start(nodes=-1)
    with pytest.raises(kn.K8sError, match="cannot be the name of a cluster"):
        kn.start("Not_A_Name")


def test_the_public_names_are_there() -> None:
    for name in kn.__all__:
        assert getattr(kn, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        kn.nope  # type: ignore[attr-defined]


def test_stop_refuses_in_one_sentence() -> None:
    real = world.cluster(0)
    real.door.embedded = False
    with pytest.raises(kn.K8sError, match=r"^error: test is a real cluster: it is not ours to stop$"):
        real.stop()
    with pytest.raises(kn.K8sError, match=r"^error: there is no cluster 'test' \(there are: none yet\)"):
        world.cluster(0).stop()
