"""One cluster's folder: its files, who may read them, the lock that says whether its server runs."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from k8s_notebook.cluster.options import ClusterError


def home() -> Path:
    """The folder of all clusters: K8S_NOTEBOOK_HOME, else the platform's user state folder."""
    chosen = os.environ.get("K8S_NOTEBOOK_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_state_dir("k8s-notebook"))


def names() -> list[str]:
    """The names of all clusters that have a folder."""
    root = home() / "clusters"
    return sorted(p.name for p in root.iterdir() if (p / "options.json").is_file()) if root.is_dir() else []


class Folder:
    """The folder of one cluster."""

    def __init__(self, name: str, root: Path | None = None) -> None:
        self.name = name
        self.path = (root if root is not None else home() / "clusters") / name

    def __truediv__(self, file: str) -> Path:
        return self.path / file

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig that unmodified tools use."""
        return self.path / "kubeconfig"

    def exists(self) -> bool:
        """Whether the cluster was ever started."""
        return (self.path / "options.json").is_file()

    def make(self) -> None:
        """Create the folder, readable by its owner alone; ClusterError if it cannot be written."""
        try:
            for folder in (self.path.parent.parent, self.path.parent, self.path):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            if not os.access(self.path, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise ClusterError(
                f"cannot write the state folder {self.path}: {error.strerror}; "
                "set K8S_NOTEBOOK_HOME to a folder that can be written."
            ) from None

    def write(self, file: str, text: str) -> Path:
        """Put `text` into a file of mode 0600, all of it or nothing."""
        target, fresh = self.path / file, self.path / f".{file}.{os.getpid()}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        fresh.replace(target)
        return target

    def read(self, file: str) -> str | None:
        """The text of a file, or None."""
        try:
            return (self.path / file).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def read_json(self, file: str) -> dict[str, Any] | None:
        """The object in a file, or None if it is not there or no JSON object."""
        try:
            found = json.loads(self.read(file) or "null")
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def write_json(self, file: str, content: dict[str, Any]) -> None:
        """Put an object into a file."""
        self.write(file, json.dumps(content, indent=1) + "\n")

    def empty(self, keep: Sequence[str] = ()) -> None:
        """Take out everything but the locks and the files to `keep`: the cluster is gone."""
        for entry in self.path.iterdir() if self.path.is_dir() else ():
            if entry.name in ("lock", "start.lock", *keep):
                continue
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)

    def remove(self) -> None:
        """Take out the folder itself."""
        shutil.rmtree(self.path, ignore_errors=True)

    def lock(self) -> int | None:
        """The descriptor that holds the server's lock, or None: then a server of this cluster runs.

        The lock lives as long as any process has the descriptor open, so it never outlives its server.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def running(self) -> bool:
        """Whether a server of this cluster runs."""
        if not (self.path / "lock").exists():
            return False
        descriptor = self.lock()
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Keep other starters and stoppers out; waits for one that is at it."""
        descriptor = self._started_alone()
        try:
            yield
        finally:
            os.close(descriptor)

    def _started_alone(self) -> int:
        while True:
            self.make()
            descriptor = os.open(self.path / "start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever held the lock may have deleted the cluster, and this file with it.
            if _same_file(descriptor, self.path / "start.lock"):
                return descriptor
            os.close(descriptor)


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
