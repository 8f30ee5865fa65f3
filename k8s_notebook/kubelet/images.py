"""What a node knows about an image from its name: full name, digest, size, whether it can be pulled, how it behaves.

Nothing is really pulled. Every proper name is there, except by convention: a host that is or ends in `invalid` (the top-level
domain that never exists) and the tag `does-not-exist`.
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from typing import Any

from k8s_notebook.kubelet import stages

MISSING_TAG = "does-not-exist"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(
    rf"(?:(?P<host>(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]+)?)/)?(?P<path>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]{32,}))?"
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a container ends: after so many seconds, with this exit code."""

    after: float
    code: int


@dataclass(frozen=True, slots=True)
class Image:
    """One image. `error`: why `asked` is no name; `pull_error`: why it cannot be pulled; `size` in bytes, `pull` in seconds."""

    asked: str
    name: str
    repository: str
    digest: str
    size: int
    pull: float
    error: str = ""
    pull_error: str = ""
    shell: bool = False
    ends: Ending | None = None
    stops: Ending = Ending(1.0, 143)
    lines: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What a container status carries as imageID."""
        return f"{self.repository}@{self.digest}"

    def entry(self) -> dict[str, Any]:
        """The entry in a node's status.images; the names include the short one that pods use, so that ImageLocality finds it."""
        short = self.name.removeprefix("docker.io/").removeprefix("library/")
        return {"names": list(dict.fromkeys((self.id, self.name, short))), "sizeBytes": self.size}


@functools.lru_cache(maxsize=4096)
def image(asked: str) -> Image:
    """The image that a pod asks for."""
    host, path, tag, digest, error = _parse(asked)
    if error:
        said = f'Failed to apply default image tag "{asked}": couldn\'t parse image name "{asked}": {error}'
        return Image(asked, asked, asked, "", 0, 0.0, error=said)
    name = f"{host}/{path}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    table = stages.table("images")
    row = table["images"].get(path.rpartition("/")[2]) or {}
    hashed = hashlib.sha256(name.encode()).hexdigest()
    size = int(row["size"] * 1_000_000) if "size" in row else 20_000_000 + int(hashed[:8], 16) % 200_000_000
    return Image(
        asked,
        name,
        f"{host}/{path}",
        digest or f"sha256:{hashed}",
        size,
        round(0.2 + size / 4e8, 3),
        pull_error=_pull_error(host, path, tag or digest, name),
        shell=bool(row.get("shell")),
        ends=Ending(**row["ends"]) if "ends" in row else None,
        stops=Ending(**row.get("stops", {"after": 1.0, "code": 143})),
        lines=tuple(row.get("lines", () if row.get("shell") else table["default"]["lines"])),
    )


def _parse(asked: str) -> tuple[str, str, str, str, str]:
    """host, path, tag, digest, error; as in distribution/reference: ParseNormalizedNamed."""
    host, slash, rest = asked.partition("/")
    if not slash or not (set(".:") & set(host) or host == "localhost" or host.lower() != host):
        host, rest = "docker.io", asked if slash else f"library/{asked}"
    repository = re.split("[:@]", rest, maxsplit=1)[0]
    if repository.lower() != repository:
        return "", "", "", "", f"invalid reference format: repository name ({repository}) must be lowercase"
    found = _NAME.fullmatch(f"{host}/{rest}")
    if found is None:
        return "", "", "", "", "invalid reference format"
    tag, digest = found["tag"] or "", found["digest"] or ""
    return host, rest.partition("@")[0].removesuffix(f":{tag}"), tag or ("" if digest else "latest"), digest, ""


def _pull_error(host: str, path: str, tag: str, name: str) -> str:
    """containerd's sentence for an image that cannot be pulled, or ""."""
    unresolved = f'failed to pull and unpack image "{name}": failed to resolve reference "{name}"'
    domain = host.partition(":")[0]
    if domain == "invalid" or domain.endswith(".invalid") or domain.startswith("invalid."):
        url = f"https://{host}/v2/{path}/manifests/{tag}"
        return f'{unresolved}: failed to do request: Head "{url}": dial tcp: lookup {domain}: no such host'
    if tag == MISSING_TAG:
        return f"rpc error: code = NotFound desc = {unresolved}: {name}: not found"
    return ""


def go_seconds(seconds: float) -> str:
    """A duration as Go prints it, to the millisecond.

    >>> go_seconds(0.38), go_seconds(1.5), go_seconds(80), go_seconds(300)
    ('380ms', '1.5s', '1m20s', '5m0s')
    """
    milli = round(seconds * 1000)
    if milli < 1000:
        return f"{milli}ms" if milli else "0s"
    minutes, milli = divmod(milli, 60_000)
    text = f"{milli / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes // 60}h{minutes % 60}m{text}" if minutes >= 60 else f"{minutes}m{text}" if minutes else text
