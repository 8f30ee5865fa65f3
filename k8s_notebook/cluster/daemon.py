"""The first lines of a server process: it lets go of whoever started it, then becomes the server."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Serve the cluster of the folder in argv[1]; argv[2] is the descriptor of its lock, argv[3] where to say "ready"."""
    folder, lock, tell = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # The process that the starter knows ends here, so nobody has to reap the server.
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    os.set_inheritable(lock, False)
    os.set_inheritable(tell, False)
    # aiohttp reads the system's certificates when it is imported; the server needs none, and it takes 50 ms.
    os.environ["SSL_CERT_FILE"] = os.devnull
    from k8s_notebook.cluster import embedded

    sys.exit(embedded.run(folder, tell))
