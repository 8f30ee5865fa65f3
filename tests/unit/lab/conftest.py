"""A Jupyter server with our extension, in this process."""

from __future__ import annotations

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403
from traitlets.config import Config


@pytest.fixture
def jp_server_config() -> Config:
    return Config({"ServerApp": {"jpserver_extensions": {"k8s_notebook": True}, "allow_unauthenticated_access": False}})
