"""Starting, attaching, refusing, stopping and deleting clusters, through the command."""

from __future__ import annotations

import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.wire.conftest import command


@pytest.fixture
def home(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A state folder of its own; what runs in it at the end is deleted."""
    yield tmp_path
    command(tmp_path, "delete", "--all")


def run(home: pathlib.Path, name: str = "default") -> dict[str, object]:
    found: dict[str, object] = json.loads((home / "clusters" / name / "run.json").read_text())
    return found


def test_start_is_idempotent(home: pathlib.Path) -> None:
    first = command(home, "start", "--nodes", "0")
    assert first.stdout == f"{home / 'clusters' / 'default' / 'kubeconfig'}\n"
    before = run(home)
    second = command(home, "start", "--nodes", "0")
    assert second.stdout == first.stdout
    assert "runs already" in second.stderr
    assert run(home) == before
    refused = command(home, "start", "--nodes", "5", check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "cluster 'default' runs with 0 nodes, not 5: use another --name, or --fresh to recreate it.\n"
    command(home, "stop", "default")
    refused = command(home, "start", "--nodes", "5", check=False)
    assert refused.stderr == "cluster 'default' was made with 0 nodes, not 5: use another --name, or --fresh to recreate it.\n"
    command(home, "start", "--nodes", "1", "--fresh")
    assert run(home)["options"]["nodes"] == 1  # type: ignore[index]


def test_two_starters(home: pathlib.Path) -> None:
    environment = {**os.environ, "K8S_NOTEBOOK_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    both = [
        subprocess.Popen([sys.executable, "-m", "k8s_notebook", "start", "--nodes", "0"], env=environment, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]  # fmt: skip
    said = [p.communicate(timeout=60) for p in both]
    assert [p.returncode for p in both] == [0, 0], said
    assert sorted("runs already" in err for _, err in said) == [False, True]


def test_port_taken(home: pathlib.Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = command(home, "start", "--nodes", "0", "--port", str(port), check=False)
    assert refused.returncode == 1
    assert f"cluster 'default' cannot have port {port} on 127.0.0.1: Address already in use" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stderr.count("\n") == 1
    command(home, "start", "--nodes", "0", "--port", "0")


def test_stale_run_file(home: pathlib.Path) -> None:
    command(home, "start", "--nodes", "0")
    kept = (home / "clusters" / "default" / "run.json").read_text()
    command(home, "stop", "default")
    # As a kill or a power cut leaves it, with a process number that somebody else has by now.
    (home / "clusters" / "default" / "run.json").write_text(kept.replace(str(json.loads(kept)["pid"]), str(os.getpid())))
    assert command(home, "status", "default", check=False).returncode == 3
    assert "is stopped" not in command(home, "stop", "default").stderr
    command(home, "start")
    assert command(home, "status", "default").returncode == 0


MISTAKES = {
    "unknown cluster": (("stop", "nope"), 1, "there is no cluster 'nope' (there are: none yet).\n"),
    "status of an unknown one": (("status", "nope"), 1, "there is no cluster 'nope' (there are: none yet).\n"),
    "kubeconfig of an unknown one": (("kubeconfig", "nope"), 1, "there is no cluster 'nope' (there are: none yet).\n"),
    "bad name": (("start", "--name", "No_Name"), 1, "'No_Name' cannot be the name of a cluster"),
    "too many nodes": (("start", "--nodes", "100000"), 1, "a cluster can have 0 to 5000 nodes, not 100000.\n"),
    "bad duration": (("start", "--idle", "soon"), 2, "'soon' is not a duration: write it as 50s, 5m or 24h"),
    "delete nothing": (("delete",), 1, "say which cluster to delete, or --all.\n"),
    "no command": ((), 2, "usage: k8s-notebook"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes(tmp_path: pathlib.Path, case: str) -> None:
    arguments, code, sentence = MISTAKES[case]
    refused = command(tmp_path, *arguments, check=False)
    assert refused.returncode == code
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


def test_list_status_and_parts(home: pathlib.Path) -> None:
    command(home, "start", "--nodes", "0", "--name", "one")
    command(home, "start", "--nodes", "0", "--name", "two")
    command(home, "stop", "two")
    rows = [line.split() for line in command(home, "list").stdout.splitlines()]
    assert [r[:3] for r in rows] == [["NAME", "STATE", "NODES"], ["one", "running", "0"], ["two", "stopped", "0"]]
    assert "node grace:           50s" in command(home, "status", "one").stdout
    parts = json.loads(command(home, "status", "one", "--parts").stdout)
    assert parts["store"]["revision"] > 0
    assert parts["deployment-controller"]["queue"] == 0
    command(home, "delete", "two")
    assert not (home / "clusters" / "two").exists()


def test_serve_in_the_foreground(home: pathlib.Path) -> None:
    environment = {**os.environ, "K8S_NOTEBOOK_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    served = subprocess.Popen(
        [sys.executable, "-m", "k8s_notebook", "serve", "--nodes", "0"], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert served.stdout is not None
    assert served.stdout.readline() == f"{home / 'clusters' / 'default' / 'kubeconfig'}\n"
    assert "runs already" in command(home, "serve", check=False).stderr
    assert "runs already" in command(home, "start").stderr
    served.terminate()
    _, log = served.communicate(timeout=30)
    assert (served.returncode, "Traceback" in log) == (0, False)
    assert not (home / "clusters" / "default" / "run.json").exists()


def test_journal_of_a_later_version(home: pathlib.Path) -> None:
    command(home, "start", "--nodes", "0")
    command(home, "stop", "default")
    database = sqlite3.connect(home / "clusters" / "default" / "journal.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    refused = command(home, "start", check=False)
    assert refused.returncode == 1
    assert "was written by a later version of k8s-notebook" in refused.stderr
    assert "Traceback" not in refused.stderr
