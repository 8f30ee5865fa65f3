"""`k8s-notebook serve`: a cluster in the foreground, for service managers and for looking at its log."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from k8s_notebook.cluster import options as opt
from k8s_notebook.cluster import registry
from k8s_notebook.cluster.folder import Folder
from k8s_notebook.cluster.options import ClusterError


def serve(name: str, wishes: Mapping[str, Any]) -> int:
    """Serve the cluster until SIGTERM or Ctrl-C; prints the path of its kubeconfig once it answers. The exit code."""
    opt.checked(wishes)
    folder = Folder(opt.checked_name(name))
    with folder.starting():
        descriptor = folder.lock()
        if descriptor is None:
            raise ClusterError(f"cluster {name!r} runs already: stop it with `k8s-notebook stop {name}`, or use another --name.")
        registry.prepare(folder, wishes)
    os.umask(0o077)
    os.set_inheritable(descriptor, False)
    os.environ.setdefault("SSL_CERT_FILE", os.devnull)
    from k8s_notebook.cluster import embedded

    def tell(said: str) -> None:
        if said == "ready\n":
            print(folder.kubeconfig, flush=True)
        else:
            print(said.strip(), file=sys.stderr)

    embedded.log_to(sys.stderr)
    return embedded.serve(folder, tell)
