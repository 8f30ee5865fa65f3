"""Options of a cluster: how they are written, and what is said when a cluster has others."""

from __future__ import annotations

import os
import pathlib

import pytest

from k8s_notebook.cluster import options as opt
from k8s_notebook.cluster.folder import Folder
from k8s_notebook.cluster.options import ClusterError, Options

DURATIONS = {"50s": 50.0, "5m": 300.0, "1h30m": 5400.0, "24h": 86400.0, "500ms": 0.5, "90": 90.0, "1.5s": 1.5, "2d": 172800.0}


@pytest.mark.parametrize("text", DURATIONS)
def test_duration(text: str) -> None:
    assert opt.duration(text) == DURATIONS[text]
    assert opt.duration(opt.shown(DURATIONS[text])) == DURATIONS[text]


@pytest.mark.parametrize("text", ["", "soon", "5 m", "-5s", "5x", "1h-2m"])
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write it as 50s, 5m or 24h"):
        opt.duration(text)


DIFFERENCES = {
    "nothing wished": (True, {"nodes": None}, ""),
    "the same": (True, {"nodes": 3, "idle": 86400.0}, ""),
    "nodes": (True, {"nodes": 5},
              "cluster 'demo' runs with 3 nodes, not 5: use another --name, or --fresh to recreate it."),
    "a stopped one": (False, {"nodes": 1},
                      "cluster 'demo' was made with 3 nodes, not 1: use another --name, or --fresh to recreate it."),
    "several": (True, {"nodes": 5, "node_grace": 4.0},
                "cluster 'demo' runs with 3 nodes, not 5 and --node-grace 50s, not 4s: use another --name, or --fresh to "
                "recreate it."),
    "port": (True, {"port": 1234},
             "cluster 'demo' runs with port 6443, not 1234: use another --name, or --fresh to recreate it."),
    "any port": (True, {"port": 0}, ""),
    "the port of a stopped one may change": (False, {"port": 1234}, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", DIFFERENCES)
def test_difference(case: str) -> None:
    running, wishes, sentence = DIFFERENCES[case]
    assert opt.difference("demo", Options(port=6443), wishes, running=running) == sentence


@pytest.mark.parametrize("wishes", [{"nodes": -1}, {"nodes": 10**6}, {"port": 70000}, {"node_grace": 0.0}, {"idle": -5.0}])
def test_senseless(wishes: dict[str, float]) -> None:
    with pytest.raises(ClusterError):
        opt.checked(wishes)


@pytest.mark.parametrize("name", ["", "Upper", "a b", "../x", "-a", "x" * 41, "a/b"])
def test_bad_name(name: str) -> None:
    with pytest.raises(ClusterError, match="cannot be the name of a cluster"):
        opt.checked_name(name)


def test_folder_is_private(tmp_path: pathlib.Path) -> None:
    folder = Folder("demo", tmp_path / "clusters")
    folder.make()
    folder.write_json("options.json", {"nodes": 1})
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (folder / "options.json").stat().st_mode & 0o777 == 0o600
    assert folder.read_json("options.json") == {"nodes": 1}
    folder.write("run.json", "no json")
    assert folder.read_json("run.json") is None
    assert folder.read_json("absent") is None


def test_lock_is_the_truth(tmp_path: pathlib.Path) -> None:
    folder = Folder("demo", tmp_path / "clusters")
    folder.make()
    assert not folder.running()
    held = folder.lock()
    assert held is not None
    assert folder.lock() is None
    assert folder.running()
    os.close(held)
    assert not folder.running()


def test_unwritable_home(tmp_path: pathlib.Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ClusterError, match="set K8S_NOTEBOOK_HOME to a folder that can be written"):
        Folder("demo", blocked / "clusters").make()
