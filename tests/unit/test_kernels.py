"""The compiled-code cache and the three forms of a kernel."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from k8s_notebook import kernels

ROOT = pathlib.Path(__file__).resolve().parents[2]


def python(code: str, **env: str) -> str:
    """What a fresh interpreter prints."""
    settings = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_does_not_import_numba() -> None:
    code = "import sys, k8s_notebook.scheduler.service; print('numba' in sys.modules)"
    assert python(code) == "False"


WARM = """
import json, time
from k8s_notebook import kernels
from k8s_notebook.scheduler import search
before = kernels.cached()
spent = kernels.warmup(time.monotonic)
hits = sum(search.run.dispatcher.stats.cache_hits.values())
print(json.dumps([before, kernels.cached(), hits, sorted(spent), kernels.enable(), kernels.ready()]))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment that has an empty cache folder."""
    return {"K8S_NOTEBOOK_CACHE": str(tmp_path_factory.mktemp("cache"))}


def test_the_second_process_finds_the_code_of_the_first(cache: dict[str, str]) -> None:
    before, after, hits, spent, enabled, ready = json.loads(python(WARM, **cache))
    assert (before, after, hits, enabled, ready) == (False, True, 0, True, True)
    assert {"load numba", "k8s_notebook.scheduler.search.run", "k8s_notebook.scheduler.eviction.try_nodes"} <= set(spent)
    before, after, hits, *_ = json.loads(python(WARM, **cache))
    assert (before, after, hits) == (True, True, 1)


def test_exercises_compile_every_kernel_for_one_kind_of_arguments(cache: dict[str, str]) -> None:
    code = """
from k8s_notebook import kernels
kernels.enable()
print([each.name for each in kernels._kernels if not each.inner and len(each.dispatcher.signatures) != 1])
"""
    assert python(code, **cache) == "[]"


def test_without_a_writable_folder_it_works_uncached() -> None:
    before, after, _, _, enabled, ready = json.loads(python(WARM, K8S_NOTEBOOK_CACHE="/proc/none", HOME="/proc/none"))
    assert (before, after, enabled, ready) == (False, False, True, True)


def test_another_source_is_another_folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_NOTEBOOK_CACHE", str(tmp_path))
    before = kernels.folder()
    assert before.parent.parent == tmp_path
    monkeypatch.setattr(kernels, "_contents", lambda file: file.encode())
    assert kernels.folder() != before
    changed = kernels.folder()
    monkeypatch.setattr(kernels, "_version", lambda name: "0.0")
    assert kernels.folder() != changed


def test_old_folders_are_forgotten(tmp_path: pathlib.Path) -> None:
    for i in range(8):
        (tmp_path / f"v{i}").mkdir()
        os.utime(tmp_path / f"v{i}", (i, i))
    kernels._forget_old(tmp_path / "v0")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["v0", "v5", "v6", "v7"]


def test_interpreted_until_enabled() -> None:
    made = kernels.Kernel(lambda x: ("written", x))
    assert made(1) == ("written", 1)
    made.interpreted(lambda x: ("interpreted", x))
    assert made(1) == ("interpreted", 1)
    made.dispatcher = lambda x: ("compiled", x)
    made.use(True)
    assert made(1) == ("compiled", 1)
    made.use(False)
    assert made(1) == ("interpreted", 1)


def test_what_only_kernels_call_stays_interpreted_for_python() -> None:
    made = kernels.Kernel(lambda x: ("written", x))
    made.inner = True
    made.dispatcher = lambda x: ("compiled", x)
    made.use(True)
    assert made(1) == ("written", 1)
