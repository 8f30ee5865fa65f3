"""`describe`: one object and what is around it, in the form kubectl gives it."""

from __future__ import annotations

from k8s_notebook.session.describe.page import describe

__all__ = ["describe"]
