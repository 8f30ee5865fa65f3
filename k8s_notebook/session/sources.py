"""What a user hands to `apply`: YAML text, a path, a folder, an object or several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from k8s_notebook.session import yamltext
from k8s_notebook.session.problems import UsageError, error
from k8s_notebook.session.yamltext import Document

Source = str | Path | Document | Mapping[str, Any] | Iterable[Any]
SUFFIXES = (".json", ".yaml", ".yml")


def read(source: Source) -> list[Document]:
    """The objects of a source. A text with a line break or a colon and a space is YAML, any other text a path."""
    if isinstance(source, Document):
        return [source]
    if isinstance(source, Path):
        return from_path(source)
    if isinstance(source, str):
        return yamltext.documents(source) if _is_text(source) else from_path(Path(source))
    if isinstance(source, Mapping):
        return [Document(dict(source), "object", 0)]
    return [document for part in source for document in read(part)]


def from_path(path: Path) -> list[Document]:
    """The objects of a file, or of all manifests in a folder by name."""
    if str(path).startswith(("http:", "https:")):
        raise UsageError(f"error: {path} is not read from the network: download it and apply the file")
    found = path.expanduser()
    if found.is_dir():
        files = sorted(f for f in found.iterdir() if f.suffix in SUFFIXES and f.is_file())
        if not files:
            raise error(f"no manifest ({', '.join(SUFFIXES)}) in {path}")
        return [d for f in files for d in from_path(f)]
    try:
        return yamltext.documents(found.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise error(f'the path "{path}" does not exist') from None
    except UnicodeDecodeError:
        raise error(f'the file "{path}" is not text in UTF-8') from None
    except OSError as problem:
        raise error(f'the path "{path}" cannot be read: {problem.strerror}') from None


def _is_text(source: str) -> bool:
    return "\n" in source or ": " in source or source.lstrip().startswith(("{", "[", "---")) or not source.strip()
