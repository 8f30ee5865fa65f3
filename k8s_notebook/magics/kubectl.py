"""`%kubectl` and `%%kubectl`: kubectl's verbs on the current cluster."""

from __future__ import annotations

import sys
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand, output_can_be_silenced

from k8s_notebook.display import escaping
from k8s_notebook.magics import expansion
from k8s_notebook.session import arguments, current, verbs


def say(line: str) -> None:
    """Print a line at once, harmless."""
    print(escaping.text(line))
    sys.stdout.flush()


@magics_class
class KubectlMagics(Magics):  # type: ignore[misc]
    """`%kubectl get pods`."""

    @no_var_expand  # type: ignore[untyped-decorator]
    @output_can_be_silenced  # type: ignore[untyped-decorator]
    @line_cell_magic  # type: ignore[untyped-decorator]
    def kubectl(self, line: str, cell: str | None = None) -> Any:
        """Run a kubectl verb on the current cluster; the result is a value that shows itself.

        `%kubectl get pods -o wide`, `%kubectl describe pod/x`, `x = %kubectl get svc`; below `%%kubectl apply -f -` the cell is
        the manifest. `$name` and `{{expression}}` in the line are replaced by the notebook's values (`$$` is a dollar sign);
        the cell is left as it is. A trailing `;` silences the output. `%kubectl --help` lists the verbs.
        """
        text = expansion.expand(line, self.shell.user_ns)
        words = arguments.split(text.strip().removesuffix(";"))
        if words[:1] in ([], ["-h"], ["--help"], ["help"]):
            return verbs.help_result()
        return current.current().kubectl(words, cell, say)
