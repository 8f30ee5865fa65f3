"""A server is killed and started again: nothing acknowledged is lost, and those who watched go on where they were."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import select
import signal
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.conftest import Wire, command

pytestmark = pytest.mark.wire


class Raw:
    """A client of the bare API."""

    def __init__(self, wire: Wire, name: str = "default") -> None:
        self.folder = wire.home / "clusters" / name
        self.run = json.loads((self.folder / "run.json").read_text())
        self._context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        self._headers = {"Authorization": f"Bearer {(self.folder / 'token').read_text()}"}

    def connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.run["port"], timeout=20, context=self._context)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        connection = self.connection()
        sent = json.dumps(body) if body is not None else None
        connection.request(method, path, sent, {**self._headers, **headers})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, json.loads(data) if answer.headers["Content-Type"].startswith("application/json") else data.decode()

    def follow(self, path: str) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        connection = self.connection()
        connection.request("GET", path, headers=self._headers)
        return connection, connection.getresponse()


@pytest.fixture
def wire_alone(tmp_path: pathlib.Path) -> Iterator[Wire]:
    """A cluster of its own, without nodes."""
    started = command(tmp_path, "start", "--nodes", "0")
    yield Wire(tmp_path, pathlib.Path(started.stdout.strip()))
    command(tmp_path, "delete", "--all")


def gone(pid: int) -> None:
    """Wait until a process that is no child of ours has ended."""
    descriptor = os.pidfd_open(pid)
    assert select.select([descriptor], [], [], 20)[0]
    os.close(descriptor)


MAPS = "/api/v1/namespaces/default/configmaps"


def test_kill_minus_nine(wire_alone: Wire) -> None:
    raw = Raw(wire_alone)
    acknowledged: list[tuple[str, str]] = []
    killed = threading.Event()

    def write() -> None:
        while not killed.is_set():
            name = f"m-{len(acknowledged)}"
            try:
                code, obj = raw.ask("POST", MAPS, {"metadata": {"name": name}, "data": {"n": name}})
            except OSError:
                return
            assert code == 201
            acknowledged.append((name, obj["metadata"]["resourceVersion"]))
            if len(acknowledged) == 100:
                enough.set()

    enough = threading.Event()
    writer = threading.Thread(target=write)
    writer.start()
    assert enough.wait(20)
    os.kill(raw.run["pid"], signal.SIGKILL)
    killed.set()
    writer.join()
    gone(raw.run["pid"])
    assert command(wire_alone.home, "status", "default", check=False).returncode == 3
    again = command(wire_alone.home, "start")
    assert again.stdout.strip() == str(wire_alone.kubeconfig)
    resumed = Raw(wire_alone)
    assert resumed.run["port"] == raw.run["port"]
    _, found = resumed.ask("GET", MAPS)
    versions = {o["metadata"]["name"]: o["metadata"]["resourceVersion"] for o in found["items"]}
    assert {n: versions.get(n) for n, _ in acknowledged} == dict(acknowledged)
    middle = acknowledged[50]
    connection, stream = resumed.follow(f"{MAPS}?watch=1&resourceVersion={middle[1]}&timeoutSeconds=1")
    seen = [json.loads(line)["object"]["metadata"]["name"] for line in stream]
    connection.close()
    assert seen[: len(acknowledged) - 51] == [n for n, _ in acknowledged[51:]]


def test_stop_is_clean_and_keeps_the_state(wire_alone: Wire) -> None:
    raw = Raw(wire_alone)
    raw.ask("POST", MAPS, {"metadata": {"name": "kept"}})
    connection, stream = raw.follow(f"{MAPS}?watch=1&resourceVersion=0")
    assert json.loads(stream.readline())["type"] == "ADDED"
    command(wire_alone.home, "stop", "default")
    gone(raw.run["pid"])
    connection.close()
    assert not (raw.folder / "run.json").exists()
    command(wire_alone.home, "start")
    assert Raw(wire_alone).ask("GET", f"{MAPS}/kept")[0] == 200


def test_it_outlives_an_interrupt_of_its_starter(wire_alone: Wire) -> None:
    raw = Raw(wire_alone)
    assert os.getsid(raw.run["pid"]) == os.getpgid(raw.run["pid"]) != os.getsid(0)


def test_idle(tmp_path: pathlib.Path) -> None:
    command(tmp_path, "start", "--nodes", "0", "--idle", "1s")
    gone(json.loads((tmp_path / "clusters" / "default" / "run.json").read_text())["pid"])
    assert "stopped" in command(tmp_path, "list").stdout


def test_files_are_private(wire_alone: Wire) -> None:
    folder = wire_alone.home / "clusters" / "default"
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file.name


def test_full_disk(tmp_path: pathlib.Path) -> None:
    started = command(tmp_path, "start", "--nodes", "0", largest_file=2 << 20)
    raw = Raw(Wire(tmp_path, pathlib.Path(started.stdout.strip())))
    answers = [raw.ask("POST", MAPS, {"metadata": {"name": f"big-{n}"}, "data": {"a": "x" * 900_000}}) for n in range(4)]
    codes = [code for code, _ in answers]
    assert codes[0] == 201
    assert codes[-1] == 500
    assert answers[-1][1]["message"].startswith("the store could not be written: ")
    stored = {o["metadata"]["name"] for o in raw.ask("GET", MAPS)[1]["items"]}
    assert stored - {"kube-root-ca.crt"} == {f"big-{n}" for n, code in enumerate(codes) if code == 201}
    assert raw.ask("GET", "/readyz") == (200, "ok")
    command(tmp_path, "delete", "--all")


def test_watch_headers_come_before_events(wire_alone: Wire) -> None:
    raw = Raw(wire_alone)
    version = raw.ask("GET", MAPS)[1]["metadata"]["resourceVersion"]
    connection, stream = raw.follow(f"{MAPS}?watch=1&resourceVersion={version}&timeoutSeconds=1&allowWatchBookmarks=true")
    assert (stream.status, stream.headers["Content-Type"]) == (200, "application/json")
    last = [json.loads(line) for line in stream][-1]
    assert (last["type"], last["object"]["kind"]) == ("BOOKMARK", "ConfigMap")
    connection.close()


def test_requests_that_are_no_good(wire_alone: Wire) -> None:
    raw = Raw(wire_alone)
    assert raw.ask("POST", MAPS, {"metadata": {"name": "x"}, "data": {"a": "x" * (4 << 20)}})[0] == 413
    assert raw.ask("GET", "/api/v1/pods", Accept="application/foo")[0] == 406
    assert raw.ask("GET", "/nope") == (404, "404 page not found\n")
    assert raw.ask("GET", "/api/v1/pods", Authorization="Bearer nope")[0] == 401
