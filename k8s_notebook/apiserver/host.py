"""What a cluster needs to be reached: keys, certificates, token and kubeconfig, kept in its folder."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from k8s_notebook.apiserver import tls

Write = Callable[[str, str], Path]
"""(file name, text) -> its path; writes the file readable by its owner alone."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets of one cluster; certificate and key of the server are files."""

    token: str
    authority: str
    signing_key: str
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """The server's side of TLS."""
        return tls.server_context(self.certificate, self.key)


def credentials(folder: Path, write: Write, name: str, now: float) -> Credentials:
    """The cluster's credentials, made at its first start; certificates near their end are renewed."""
    token = _kept(folder / "token") or _new(write, "token", tls.new_token())
    signing_key = _kept(folder / "sa.key") or _new(write, "sa.key", tls.new_key())
    issuer = tls.Pair(_kept(folder / "ca.crt"), _kept(folder / "ca.key"))
    if not issuer.certificate or not issuer.key or tls.expires(issuer.certificate) < now + tls.YEAR:
        issuer = tls.authority(name, now)
        write("ca.crt", issuer.certificate)
        write("ca.key", issuer.key)
        (folder / "server.crt").unlink(missing_ok=True)
    certificate = _kept(folder / "server.crt")
    if not certificate or tls.expires(certificate) < now + tls.YEAR:
        pair = tls.server_certificate(issuer, now)
        write("server.key", pair.key)
        write("server.crt", pair.certificate)
    return Credentials(token.strip(), issuer.certificate, signing_key, folder / "server.crt", folder / "server.key")


def kubeconfig(name: str, server: str, authority: str, token: str) -> str:
    """A kubeconfig with one context. `server` is the URL, `authority` the PEM certificate that signs the server's."""
    data = base64.b64encode(authority.encode()).decode()
    return f"""\
apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    certificate-authority-data: {data}
    server: {server}
users:
- name: {name}
  user:
    token: {token}
contexts:
- name: {name}
  context:
    cluster: {name}
    namespace: default
    user: {name}
current-context: {name}
"""


def _kept(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _new(write: Write, file: str, text: str) -> str:
    write(file, text)
    return text
