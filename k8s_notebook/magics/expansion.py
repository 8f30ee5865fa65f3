"""Variables in command lines: `$name` and `{{expression}}`, and nothing else; JSONPath owns single braces.

The rule: `$name` is replaced if the notebook has a variable of that name, `$$` is a dollar sign, `{{…}}` is any expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8s_notebook.session.problems import UsageError

_PLACE = re.compile(r"\$\$|\$([A-Za-z_]\w*)|\{\{(.+?)\}\}")


def expand(line: str, names: Mapping[str, Any]) -> str:
    """The line with the values of variables and expressions put in.

    >>> expand("scale deploy/$name --replicas={{n + 1}} $HOME", {"name": "web", "n": 2})
    'scale deploy/web --replicas=3 $HOME'
    """
    return _PLACE.sub(lambda found: _value(found, names), line)


def _value(found: re.Match[str], names: Mapping[str, Any]) -> str:
    if found[0] == "$$":
        return "$"
    if found[1] is not None:
        return str(names[found[1]]) if found[1] in names else found[0]
    try:
        return str(eval(found[2], dict(names)))
    except Exception as problem:
        raise UsageError(f"error: {{{{{found[2]}}}}} cannot be computed: {type(problem).__name__}: {problem}") from None
