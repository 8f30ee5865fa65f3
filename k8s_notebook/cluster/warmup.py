"""Making the caches: compiled kernels, byte code of the package."""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from k8s_notebook import kernels
from k8s_notebook.sim.clock import monotonic


def command() -> tuple[str, ...]:
    """What to start as a process of its own that does all this behind more urgent work."""
    return (sys.executable, "-P", "-c", _RUN, _ROOT)


def run() -> Iterator[str]:
    """Do all that a first start would have to do; one line per thing done."""
    package = Path(__file__).resolve().parent.parent
    began = monotonic()
    compileall.compile_dir(package, quiet=2)
    yield f"byte code of {package.name}: {monotonic() - began:.1f} s"
    if not kernels.available():
        yield "numba is not installed: the scheduler runs interpreted"
        return
    spent = _together()
    yield f"scheduler kernels: {sum(spent.values()):.1f} s, kept in {kernels.folder()}"
    for name, seconds in sorted(spent.items(), key=lambda item: (-item[1], item[0])):
        yield f"{seconds:7.2f} s  {name.removeprefix('k8s_notebook.scheduler.')}"


_ROOT = str(Path(__file__).resolve().parent.parent.parent)
_RUN = "import os, sys; os.nice(10); sys.path.append(sys.argv[1]); from k8s_notebook.cluster import warmup; list(warmup.run())"
_PART = """
import json, sys
sys.path.append(sys.argv[1])
from k8s_notebook import kernels
from k8s_notebook.sim.clock import monotonic
print(json.dumps(kernels.warmup(monotonic, int(sys.argv[2]))))
"""


def _together() -> dict[str, float]:
    """Seconds per kernel. What can be compiled apart is compiled at the same time, if there are processors for it."""
    others: list[subprocess.Popen[str]] = []
    if not kernels.cached() and (os.cpu_count() or 1) > 1:
        others = [
            subprocess.Popen([sys.executable, "-P", "-c", _PART, _ROOT, str(part)], stdout=subprocess.PIPE, text=True)
            for part in range(1, kernels.parts())
        ]
    spent: dict[str, float] = kernels.warmup(monotonic, 0) if others else {}
    for other in others:
        said, _ = other.communicate()
        spent |= json.loads(said) if other.returncode == 0 else {}
    return {**kernels.warmup(monotonic), **spent}
