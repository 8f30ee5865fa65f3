"""Asking a running server of ours, with nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any

from k8s_notebook.cluster.folder import Folder

PATIENCE = 5.0
"""Seconds until a server that does not answer counts as hanging."""


def get(folder: Folder, port: int, path: str) -> tuple[int, str]:
    """(HTTP status, body) of a GET with the cluster's own token; OSError if nobody answers."""
    context = ssl.create_default_context(cadata=folder.read("ca.crt"))
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=context)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {folder.read('token')}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


def ready(folder: Folder, port: int) -> bool:
    """Whether the server says that it is ready."""
    try:
        return get(folder, port, "/readyz")[0] == 200
    except OSError:
        return False


def parts(folder: Folder, port: int) -> dict[str, Any]:
    """The state of the control plane's parts."""
    status, body = get(folder, port, "/k8s-notebook/parts")
    found = json.loads(body) if status == 200 else {}
    return found if isinstance(found, dict) else {}
