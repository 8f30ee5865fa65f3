"""`%k8s`: clusters themselves, their picture, and why things are where they are."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand, output_can_be_silenced

from k8s_notebook.magics import expansion
from k8s_notebook.magics.kubectl import say
from k8s_notebook.session import arguments, clusters


@magics_class
class K8sMagics(Magics):  # type: ignore[misc]
    """`%k8s start`."""

    @no_var_expand  # type: ignore[untyped-decorator]
    @output_can_be_silenced  # type: ignore[untyped-decorator]
    @line_magic  # type: ignore[untyped-decorator]
    def k8s(self, line: str) -> Any:
        """Clusters: start [--name N] [--nodes N] …, stop, delete, list, connect [--context C] [--kubeconfig FILE], use, ns NAME.

        Looking: status [--parts], graph [-n NS] [-A], why pod/x. Breaking: fail node node-2, heal node node-2.
        Scheduling: schedule [--name N] [--config FILE] [--status] [--stop] [--rbac].
        `%k8s VERB --help` shows the options of one.
        """
        text = expansion.expand(line, self.shell.user_ns)
        return clusters.run(arguments.split(text.strip().removesuffix(";")), say)
