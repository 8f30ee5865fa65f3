"""The pytest plugin in a project of its own: a cluster per session, a namespace per test, and neither Jupyter nor Numba."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TESTS = """
import sys

def test_apply_get_wait_logs(k8s_cluster, k8s_namespace):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    assert k8s_cluster.apply(pod).text == "pod/p created"
    k8s_cluster.wait("pod/p", timeout=30)
    assert k8s_cluster.get("pods").items[0]["metadata"]["namespace"] == k8s_namespace
    assert k8s_cluster.logs("p").text
    assert open(k8s_cluster.kubeconfig).read()
    k8s_cluster.delete("pod/p", grace=0)

def test_a_namespace_of_its_own(k8s_cluster, k8s_namespace):
    assert k8s_cluster.get("pods").names == []
    assert k8s_namespace.startswith("test-a-namespace-of-its-own-")

def test_nothing_heavy_was_imported():
    heavy = {"numba", "IPython", "ipywidgets", "jupyter_server", "pandas", "plotly", "anywidget"} & set(sys.modules)
    assert not heavy
"""


def test_in_a_project_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "k8s_notebook.pytest_plugin", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
