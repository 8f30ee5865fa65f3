"""Making the caches: compiled kernels, byte code of the package."""

from __future__ import annotations

import compileall
from collections.abc import Iterator
from pathlib import Path

from k8s_notebook import kernels
from k8s_notebook.sim.clock import monotonic


def run() -> Iterator[str]:
    """Do all that a first start would have to do; one line per thing done."""
    package = Path(__file__).resolve().parent.parent
    began = monotonic()
    compileall.compile_dir(package, quiet=2)
    yield f"byte code of {package.name}: {monotonic() - began:.1f} s"
    if not kernels.available():
        yield "numba is not installed: the scheduler runs interpreted"
        return
    spent = kernels.warmup(monotonic)
    yield f"scheduler kernels: {sum(spent.values()):.1f} s, kept in {kernels.folder()}"
