"""Compiled functions: one decorator, one cache folder, and an interpreted twin that runs until compiled code is there.

`@kernel` marks a function whose loops Numba compiles. Until `enable()` was called it runs as written, or as its vectorised twin
(`@f.interpreted`). Importing this module imports neither Numba nor NumPy.

Numba's own cache notices a change of the function itself but not of a function it calls, and needs a writable place beside
the source. So compiled code is kept in a folder whose name is a hash of *all* kernel sources, the versions and the CPU.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Q = ParamSpec("Q")
S = TypeVar("S")
T = TypeVar("T")

HOMES = ("k8s_notebook.scheduler.cycle",)
"""The modules that have kernels (with all that they import)."""

KEPT_FOLDERS = 4
"""How many versions' compiled code stays on disk."""

SETTINGS: dict[str, Any] = {"nopython": True, "nogil": True, "fastmath": False, "error_model": "numpy"}
"""How everything is compiled. No fastmath: kube-scheduler's floats are rounded operation by operation."""

_kernels: list[Kernel[..., Any]] = []
_on_demand: dict[str, list[Kernel[..., Any]]] = {}
_records: list[type] = []
_exercises: list[Callable[[], object]] = []
_lock = threading.Lock()
_ready = False


class Kernel(Generic[P, R]):
    """A function in up to three forms: as written, vectorised for the interpreter, compiled."""

    def __init__(self, written: Callable[P, R]) -> None:
        functools.update_wrapper(self, written)
        self.written = written
        self.name = f"{written.__module__}.{written.__qualname__}"
        self.dispatcher: Any = None
        self.inner = False
        self._twin: Callable[P, R] = written
        self.run: Callable[P, R] = written

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The result, from the fastest form that is there."""
        return self.run(*args, **kwargs)

    def interpreted(self, twin: Callable[P, R]) -> Callable[P, R]:
        """Decorator for the form that runs while nothing is compiled: the same results from whole-array operations."""
        self._twin = twin
        if not _ready:
            self.run = twin
        return twin

    def vectorised(self, twin: Callable[Q, S]) -> Callable[Q, S]:
        """Decorator for the form that takes an array of indexes where this takes one; whoever runs interpreted calls it."""
        return twin

    def use(self, compiled: bool) -> None:
        """Choose the form that calls run."""
        self.run = self.dispatcher if compiled and not self.inner else self._twin


def kernel(written: Callable[P, R]) -> Kernel[P, R]:
    """The function as a kernel. It may call other kernels, takes arrays and numbers, and fills arrays that it is given."""
    made = Kernel(written)
    _kernels.append(made)
    return made


def inner(written: Callable[P, R]) -> Kernel[P, R]:
    """The function as a kernel that only kernels call: it takes less time to compile. From Python it runs interpreted."""
    made = kernel(written)
    made.inner = True
    return made


def record(cls: type[T]) -> type[T]:
    """Decorator: a NamedTuple that kernels get by reference, which takes less time to compile."""
    _records.append(cls)
    return cls


def on_demand(written: Callable[P, R]) -> Kernel[P, R]:
    """The function as a kernel that no cluster needs: `warmup` and `enable` leave it alone, `enable_package` lets it compile."""
    made = Kernel(written)
    _on_demand.setdefault(_package(made), []).append(made)
    return made


def exercise(calls: Callable[[], object]) -> Callable[[], object]:
    """Decorator: a function that calls every kernel of its module once, on a small example, with the types of real use."""
    _exercises.append(calls)
    return calls


def ready() -> bool:
    """Whether kernels run compiled."""
    return _ready


def available() -> bool:
    """Whether Numba is installed; asking does not import it."""
    return importlib.util.find_spec("numba") is not None


def folder() -> Path:
    """Where compiled code of exactly these sources, versions and CPU is kept; it need not exist."""
    return _root() / _key()


def cached() -> bool:
    """Whether everything was compiled before, so that `enable()` takes a moment."""
    return (folder() / "complete.json").is_file()


def parts() -> int:
    """In how many parts kernels can be compiled, each in a process of its own."""
    _load_homes()
    return len(_exercises)


def warmup(clock: Callable[[], float], part: int | None = None) -> dict[str, float]:
    """Compile every kernel and keep the code; seconds per kernel ("load numba", then names), as `clock` counts them.

    A kernel's seconds are without those of the kernels that it calls. Without a writable cache folder nothing is kept. With a `part`
    only what that part needs is compiled: the whole must be asked for afterwards.
    """
    began = clock()
    spent: dict[str, float] = {}
    _prepare()
    spent["load numba"] = clock() - began
    with _timed(clock, spent):
        for calls in _exercises if part is None else _exercises[part : part + 1]:
            calls()
    keep = folder()
    if keep.is_dir() and part is None:
        _write(keep / "complete.json", {"seconds": {k: round(v, 3) for k, v in spent.items()}})
        _forget_old(keep)
    return spent


def enable() -> bool:
    """Run kernels compiled from now on; whether they do. With `cached()` code about a second, else it compiles first.

    It may run in another thread: calls go on interpreted until all is loaded, and then change over at once.
    """
    if not available():
        return False
    _prepare()
    _exercise()
    _switch(True)
    return True


def enable_package(name: str) -> bool:
    """Let a package's on-demand kernels run compiled; whether they do. Each compiles, or is loaded, when it is first called.

    All of the package's modules must be imported: their compiled code is in one folder, named like `folder()`, beside it.
    """
    if not available():
        return False
    family = _on_demand[name]
    if any(each.dispatcher is None for each in family):
        keep = _root().with_name(f"kernels-{name.rpartition('.')[2]}") / _stamp(family)
        _dispatch(importlib.import_module("numba"), family, keep)
        if keep.is_dir():
            _forget_old(keep)
    for each in family:
        each.use(True)
    return True


def disable() -> None:
    """Run kernels interpreted again (tests compare the forms)."""
    _switch(False)


def _switch(compiled: bool) -> None:
    global _ready
    with _lock:
        _ready = compiled
        for each in _kernels:
            each.use(compiled)


def _load_homes() -> None:
    for home in HOMES:
        importlib.import_module(home)


def _exercise() -> None:
    """Call every kernel's compiled form, whatever `ready()` says."""
    for calls in _exercises:
        calls()


def _prepare() -> ModuleType:
    """The numba module, with a dispatcher made for every kernel."""
    _load_homes()
    numba = importlib.import_module("numba")
    _dispatch(numba, _kernels, folder())
    return numba


def _dispatch(numba: ModuleType, family: list[Kernel[..., Any]], where: Path) -> None:
    """Make the dispatchers that are missing; they keep their code in `where`, if it can be written."""
    with _lock:
        _teach()
        keep = _writable(where)
        for each in family:
            if each.dispatcher is None:
                each.dispatcher = numba.jit(**SETTINGS, no_cpython_wrapper=each.inner, no_cfunc_wrapper=True)(each.written)
                if keep is not None:
                    _keep_in(numba, each, keep)


def _package(of: Kernel[..., Any]) -> str:
    return str(of.written.__module__).rpartition(".")[0]


@functools.cache
def _teach() -> None:
    """Let compiled code call a Kernel: Numba sees its dispatcher instead."""
    extending = importlib.import_module("numba.extending")
    types = importlib.import_module("numba.core.types")

    def kernel_type(value: Kernel[..., Any], context: object) -> Any:
        return types.Dispatcher(value.dispatcher)

    extending.typeof_impl.register(Kernel)(kernel_type)
    records = importlib.import_module("k8s_notebook.kernel_records")
    for cls in _records:
        records.teach(cls)


def _keep_in(numba: ModuleType, each: Kernel[..., Any], keep: Path) -> None:
    """Let a dispatcher find and leave its compiled code in `keep`."""
    caching = importlib.import_module("numba.core.caching")

    class Here(caching._CacheLocator):  # type: ignore[misc, name-defined]
        """Files of one kernel in our folder; the folder's name is the stamp."""

        def get_cache_path(self) -> str:
            return str(keep)

        def get_source_stamp(self) -> str:
            return keep.name

        def get_disambiguator(self) -> str:
            return each.name.replace(".", "-")

        @classmethod
        def from_function(cls, function: object, file: str) -> Any:
            return cls()

    class Impl(caching.CompileResultCacheImpl):  # type: ignore[misc, name-defined]
        _locator_classes = (Here,)

    class Cache(caching.FunctionCache):  # type: ignore[misc, name-defined]
        _impl_class = Impl

    each.dispatcher._cache = Cache(each.written)


class _timed:
    """Adds to `spent` the seconds that Numba takes for each kernel, without those for the kernels that it calls."""

    def __init__(self, clock: Callable[[], float], spent: dict[str, float]) -> None:
        self._events = importlib.import_module("numba.core.event")
        self._clock, self._spent = clock, spent
        self._names = {id(each.dispatcher): each.name for each in _kernels}
        self._inside: list[str] = []
        self._since = 0.0

    def __enter__(self) -> None:
        outer = self

        class Listener(self._events.Listener):  # type: ignore[misc, name-defined]
            def on_start(self, event: Any) -> None:
                outer._count()
                outer._inside.append(outer._names.get(id(event.data["dispatcher"]), "other"))

            def on_end(self, event: Any) -> None:
                outer._count()
                outer._inside.pop()

        self._listener = Listener()
        self._events.register("numba:compile", self._listener)

    def __exit__(self, *error: object) -> None:
        self._events.unregister("numba:compile", self._listener)

    def _count(self) -> None:
        """Give the time since the last look to the kernel that is being compiled."""
        now = self._clock()
        if self._inside:
            self._spent[self._inside[-1]] = self._spent.get(self._inside[-1], 0.0) + now - self._since
        self._since = now


def _key() -> str:
    """A hash of everything that compiled code depends on. Every kernel module must be imported."""
    _load_homes()
    return _stamp(_kernels)


def _stamp(family: list[Kernel[..., Any]]) -> str:
    hashed = hashlib.sha256()
    for file in sorted({each.written.__code__.co_filename for each in family} | {__file__}):
        hashed.update(_contents(file))
    for name in ("numba", "llvmlite", "numpy"):
        hashed.update(f"{name} {_version(name)}\n".encode())
    hashed.update(f"{sys.version} {_cpu()}".encode())
    return hashed.hexdigest()[:20]


@functools.cache
def _contents(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError:
        return file.encode()


@functools.cache
def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


@functools.cache
def _cpu() -> str:
    """What tells this CPU from another one, without asking LLVM."""
    said = f"{platform.machine()} {platform.processor()}"
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return said
    return said + "".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))


def _root() -> Path:
    """K8S_NOTEBOOK_CACHE, else the platform's cache folder."""
    chosen = os.environ.get("K8S_NOTEBOOK_CACHE")
    if chosen:
        return Path(chosen).expanduser() / "kernels"
    import platformdirs

    return Path(platformdirs.user_cache_dir("k8s-notebook")) / "kernels"


def _writable(path: Path) -> Path | None:
    """The folder, made if need be; None if it cannot be written (then nothing is kept)."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return path if os.access(path, os.W_OK | os.X_OK) else None


def _write(path: Path, what: object) -> None:
    """Write a small JSON file in one piece; a full or read-only disk only means that it is missing."""
    part = path.with_suffix(f".{os.getpid()}")
    try:
        part.write_text(json.dumps(what))
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)


def _forget_old(current: Path) -> None:
    """Remove the folders of older versions, except the latest few."""
    others = [p for p in current.parent.iterdir() if p.is_dir() and p != current]
    for old in sorted(others, key=lambda p: (p.stat().st_mtime, p.name))[: -(KEPT_FOLDERS - 1)]:
        shutil.rmtree(old, ignore_errors=True)
