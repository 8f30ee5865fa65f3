"""The Jupyter server extension: what a front end may ask about clusters, below `<base>/k8s-notebook/api`."""

from __future__ import annotations

from typing import Any


def _load_jupyter_server_extension(app: Any) -> None:
    """Jupyter's server calls this when it starts: add our routes to it."""
    from k8s_notebook.lab import routes

    app.web_app.add_handlers(".*$", routes.routes(app.web_app.settings["base_url"]))
    app.log.info("k8s_notebook: serving %s", routes.PREFIX)
