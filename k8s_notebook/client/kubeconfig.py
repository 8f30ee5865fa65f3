"""Kubeconfig files: which contexts there are, and how to reach the cluster of one."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from k8s_notebook.client.transport import Endpoint


class ConfigError(Exception):
    """A kubeconfig that is missing or wrong; `str()` is one clear sentence."""


@dataclass(frozen=True, slots=True)
class Context:
    """One context of a kubeconfig."""

    name: str
    cluster: str = ""
    server: str = ""
    user: str = ""
    namespace: str = "default"
    current: bool = False


SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def default_path() -> str:
    """Where kubectl looks: $KUBECONFIG (several files joined by ':'), else ~/.kube/config."""
    return os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())


def exists(path: str) -> bool:
    """Whether any file of the path list is there."""
    return any(Path(p).expanduser().is_file() for p in path.split(os.pathsep) if p)


def in_cluster() -> bool:
    """Whether this process runs in a pod that has a service account."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and (SERVICE_ACCOUNT / "token").is_file()


def contexts(path: str | None = None) -> list[Context]:
    """The contexts of a kubeconfig, in its order; runs no plugin and asks no cluster."""
    config = _config(path or default_path()).value
    clusters = {c["name"]: c.get("cluster") or {} for c in _named(config, "clusters")}
    current = config.get("current-context")
    found = []
    for entry in _named(config, "contexts"):
        context = entry.get("context") or {}
        cluster = context.get("cluster") or ""
        server = (clusters.get(cluster) or {}).get("server") or ""
        user, namespace = context.get("user") or "", context.get("namespace") or "default"
        found.append(Context(entry["name"], cluster, server, user, namespace, entry["name"] == current))
    return found


def _named(config: Mapping[str, Any], section: str) -> list[Mapping[str, Any]]:
    entries = config.get(section) or []
    return [getattr(e, "value", e) for e in entries]


def endpoint(path: str, context: str | None = None) -> tuple[Context, Endpoint]:
    """The context (None: the current one) and how to reach its cluster; may run its credentials plugin."""
    from kubernetes.config import ConfigException, kube_config

    merged = _config(path)
    known = contexts(path)
    chosen = next((c for c in known if (c.name == context if context else c.current)), None)
    if chosen is None:
        names = ", ".join(c.name for c in known) or "none"
        wanted = f'context "{context}" does not exist' if context else "no current context is set; name one"
        raise ConfigError(f"{wanted} in {path} (contexts: {names}).")
    found = SimpleNamespace(api_key={})
    try:
        with _quiet():
            loader = kube_config.KubeConfigLoader(config_dict=merged, active_context=chosen.name)
            loader.load_and_set(found)
    except ConfigException as error:
        raise ConfigError(f"kubeconfig {path}: {error}.") from None
    except OSError as error:
        raise ConfigError(f"kubeconfig {path} names {error.filename}: {error.strerror}.") from None
    if not chosen.server:
        raise ConfigError(f'cluster "{chosen.cluster}" of context "{chosen.name}" has no server in {path}.')
    user = next((u.get("user") or {} for u in _named(merged.value, "users") if u["name"] == chosen.user), {})
    if "exec" in user and not found.api_key and not getattr(found, "cert_file", None):
        command = (user["exec"] or {}).get("command", "?")
        raise ConfigError(
            f'the credentials plugin "{command}" of context "{chosen.name}" gave no credentials; '
            "is it installed, and are you logged in?"
        )
    return chosen, _reachable(chosen.server, found, user)


def service_account() -> tuple[Context, Endpoint]:
    """The cluster that this pod runs in, as its service account."""
    from kubernetes.config import ConfigException, incluster_config

    found = SimpleNamespace(api_key={})
    try:
        incluster_config.load_incluster_config(client_configuration=found)
    except ConfigException as error:
        raise ConfigError(f"this pod cannot reach its cluster: {error}.") from None
    namespace_file = SERVICE_ACCOUNT / "namespace"
    namespace = namespace_file.read_text(encoding="utf-8").strip() if namespace_file.is_file() else "default"
    context = Context("in-cluster", "in-cluster", found.host, "service account", namespace or "default", True)
    return context, _reachable(found.host, found, {})


def _reachable(server: str, found: Any, user: Mapping[str, Any]) -> Endpoint:
    hook = getattr(found, "refresh_api_key_hook", None)
    renewable = hook is not None and ("exec" in user or "auth-provider" in user or "tokenFile" in user or not user)

    def fresh() -> Mapping[str, str]:
        if hook is not None:
            hook(found)
        return _authorization(found)

    return Endpoint(
        server.rstrip("/"),
        _tls(found) if server.startswith("https") else None,
        _authorization(found),
        _acting_as(user),
        fresh if renewable else None,
        getattr(found, "tls_server_name", None),
        getattr(found, "proxy", None),
    )


def _acting_as(user: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The headers of `as`, `as-uid`, `as-groups` and `as-user-extra`: to leave them out would give more rights than meant."""
    extra = user.get("as-user-extra") or {}
    return (
        *(
            (header, str(user[key]))
            for header, key in (("Impersonate-User", "as"), ("Impersonate-Uid", "as-uid"))
            if user.get(key)
        ),
        *(("Impersonate-Group", str(group)) for group in user.get("as-groups") or ()),
        *((f"Impersonate-Extra-{quote(key, safe='')}", str(value)) for key, values in extra.items() for value in values),
    )


def _authorization(found: Any) -> Mapping[str, str]:
    token = next(iter(found.api_key.values()), None)
    return {"Authorization": token} if token else {}


def _tls(found: Any) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=getattr(found, "ssl_ca_cert", None))
        if not getattr(found, "verify_ssl", True):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if getattr(found, "cert_file", None):
            context.load_cert_chain(found.cert_file, getattr(found, "key_file", None))
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"the certificates of the kubeconfig cannot be used: {error}.") from None
    return context


def _config(path: str) -> Any:
    from kubernetes.config import ConfigException, kube_config

    if not exists(path):
        raise ConfigError(f"no kubeconfig at {path}; `%k8s start` starts an embedded cluster.")
    try:
        merged = kube_config.KubeConfigMerger(path).config
    except ConfigException as error:
        raise ConfigError(f"kubeconfig {path}: {error}.") from None
    except (OSError, TypeError, KeyError) as error:
        raise ConfigError(f"kubeconfig {path} cannot be read: {error}.") from None
    except Exception as error:  # the parser's own errors, which need its package to be named
        raise ConfigError(f"kubeconfig {path} is not YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(getattr(merged, "value", None), dict):
        raise ConfigError(f"kubeconfig {path} holds no configuration.")
    return merged


class _quiet:
    """Keeps the loader's own log lines off the notebook: a sentence of ours follows."""

    def __enter__(self) -> None:
        logging.getLogger().addFilter(self._none)

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeFilter(self._none)

    @staticmethod
    def _none(record: logging.LogRecord) -> bool:
        return record.module not in {"kube_config", "exec_provider"}
