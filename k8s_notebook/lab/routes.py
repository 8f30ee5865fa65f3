"""The routes of the Jupyter server extension. Each is a class in `ROUTES`, and each asks who is there first."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import tornado
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join

from k8s_notebook.lab import found

PREFIX = "/k8s-notebook/api"


class Clusters(APIHandler):
    """The clusters that a notebook of this user could use."""

    @tornado.web.authenticated
    async def get(self) -> None:
        """`{"clusters": […], "contexts": […], "problems": […]}`, see `found.everything`; runs no credentials plugin."""
        self.finish(json.dumps(await asyncio.to_thread(found.everything)))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer an error with `{"message": one sentence}`."""
        self.finish(json.dumps({"message": _sentence(self._reason, (kwargs.get("exc_info") or (None, None))[1])}))


def _sentence(reason: str, error: BaseException | None) -> str:
    """What is said about an error: its own words if it was meant to be seen, else that it was unforeseen."""
    if isinstance(error, tornado.web.HTTPError):
        return error.log_message or f"{reason}."
    return f"this was not foreseen: {type(error).__name__}; Jupyter's log has more." if error else f"{reason}."


ROUTES: dict[str, type[APIHandler]] = {"clusters": Clusters}
"""Path below `PREFIX` -> its handler."""


def routes(base: str) -> list[tuple[str, type[APIHandler]]]:
    """(address, handler) of every route of a server whose base is `base`."""
    return [(url_path_join(base, PREFIX, path), handler) for path, handler in ROUTES.items()]
