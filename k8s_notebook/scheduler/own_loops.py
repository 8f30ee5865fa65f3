"""The loop around a person's own function: as written, and compiled, with compile errors as one sentence."""

from __future__ import annotations

import importlib
import linecache
import re
import traceback
from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from k8s_notebook import kernels
from k8s_notebook.scheduler.mistakes import Mistake, meant

MISTAKE: Final = -(2**63)
"""What stands in place of a score when the function raised, or returned no number."""
PASSES, REFUSES, RAISED = 0, 1, 2
"""The answers of a filter."""

AMOUNTS: Final = ("cpu", "memory", "storage")
"""The resources of the first columns, as fields name them."""

SETTINGS: Final[dict[str, Any]] = {"nopython": True, "nogil": True, "fastmath": False, "error_model": "python"}
"""Python's own arithmetic: a division by zero is a mistake, not a 0."""

_SCORE = "out[slot] = int(answer) if -1e18 < answer < 1e18 else MISTAKE"
_FILTER = "out[slot] = PASSES if answer else REFUSES"
_LOOP = """
def fill(allocatable, requested, room, pods, columns, flags, numbers, asked, changed, out):
    pod = Pod({pod})
    for i in range(len(changed)):
        slot = changed[i]
{amounts}
        node = Node({node})
        try:
            answer = function(node, pod)
            {store}
        except Exception:
            out[slot] = {raised}
"""


@dataclass(frozen=True, slots=True)
class Fields:
    """What `node` and `pod` offer inside the function."""

    resources: tuple[str, ...] = ()
    """Fields of declared resources: "gpu" gives allocatable_gpu, requested_gpu, free_gpu and pod.gpu."""
    flags: tuple[str, ...] = ()
    """Fields of declared labels with a value: true or false."""
    numbers: tuple[str, ...] = ()
    """Fields of declared labels: their value as a number."""

    @property
    def node(self) -> list[str]:
        """The fields of `node`."""
        each = (*AMOUNTS, *self.resources)
        kinds = [f"{kind}_{name}" for kind in ("allocatable", "requested", "free") for name in each]
        return [*kinds, "allocatable_pods", "pods", "free_pods", *self.flags, *self.numbers]

    @property
    def pod(self) -> list[str]:
        """The fields of `pod`."""
        return [*AMOUNTS, *self.resources]


@dataclass(frozen=True, slots=True)
class Loop:
    """`fill` over the arrays of a cluster, and the types that it hands to the function."""

    fill: Callable[..., None]
    node: type[Any]
    pod: type[Any]


def written(function: Callable[..., Any], fields: Fields, *, filters: bool) -> Loop:
    """The loop for the interpreter."""
    node, pod = namedtuple("Node", fields.node), namedtuple("Pod", fields.pod)
    names: dict[str, Any] = {
        "Node": node,
        "Pod": pod,
        "function": function,
        "MISTAKE": MISTAKE,
        "PASSES": PASSES,
        "REFUSES": REFUSES,
    }
    exec(compile(_source(fields, filters=filters), "<own policy>", "exec"), names)
    return Loop(names["fill"], node, pod)


def compiled(function: Callable[..., Any], fields: Fields, example: Sequence[Any], *, filters: bool) -> Loop:
    """The same loop compiled for arguments like `example`; Mistake, with the line, for what Numba cannot compile."""
    numba = importlib.import_module("numba")
    loop = written(function, fields, filters=filters)
    node, pod = _examples(loop, fields)
    dispatcher = numba.jit(**SETTINGS)(function)
    try:
        dispatcher.compile((numba.typeof(node), numba.typeof(pod)))
    except (numba.core.errors.NumbaError, numba.core.errors.UnsupportedBytecodeError) as problem:
        raise Mistake(_sentence(function, fields, str(problem))) from None
    _returns(function, dispatcher.nopython_signatures[0].return_type, filters=filters)
    made = written(dispatcher, fields, filters=filters)
    fill = numba.jit(**SETTINGS)(made.fill)
    fill.compile(tuple(numba.typeof(each) for each in example))
    return Loop(fill, loop.node, loop.pod)


def tried(function: Callable[..., Any], fields: Fields, *, filters: bool) -> None:
    """Mistake if the function as written cannot work with what `node` and `pod` offer."""
    loop = written(function, fields, filters=filters)
    try:
        answer = function(*_examples(loop, fields))
    except AttributeError as problem:
        owner = type(problem.obj)
        said = _lacks(str(problem.name), owner.__name__.lower(), fields) if owner in (loop.node, loop.pod) else str(problem)
        raise Mistake(f"{function.__name__} cannot be used{_line(function, _raised_at(function, problem))}: {said}") from None
    except (NameError, TypeError) as problem:
        raise Mistake(f"{function.__name__} cannot be used{_line(function, _raised_at(function, problem))}: {problem}") from None
    except Exception:
        return
    if not isinstance(answer, bool if filters else (bool, int, float)):
        raise _wrong_answer(function, "nothing" if answer is None else repr(answer), filters=filters)


def raised(function: Callable[..., Any], problem: BaseException, node: str) -> str:
    """The sentence for a function that raised on a node."""
    return f"{function.__name__} raised {type(problem).__name__} on {node}{_line(function, _raised_at(function, problem))}: {problem}"


def _raised_at(function: Callable[..., Any], problem: BaseException) -> int | None:
    """The line of the function's own text on which it raised."""
    lines = [f.lineno for f in traceback.extract_tb(problem.__traceback__) if f.filename == function.__code__.co_filename]
    return lines[-1] if lines else None


def _source(fields: Fields, *, filters: bool) -> str:
    """The loop's text: every field of `node` and `pod` is one argument, so that compiled code reads arrays directly."""
    columns = [str(i) for i in range(len(AMOUNTS))] + [f"columns[{i}]" for i in range(len(fields.resources))]
    each = range(len(columns))
    amounts = "\n".join(
        f"        had{i} = int(allocatable[slot, {c}]) if {c} >= 0 else 0\n"
        f"        used{i} = int(requested[slot, {c}]) if {c} >= 0 else 0"
        for i, c in enumerate(columns)
    )
    node = [f"had{i}" for i in each] + [f"used{i}" for i in each] + [f"had{i} - used{i}" for i in each]
    node += ["int(room[slot])", "int(pods[slot])", "int(room[slot]) - int(pods[slot])"]
    node += [f"bool(flags[slot, {i}])" for i in range(len(fields.flags))]
    node += [f"float(numbers[slot, {i}])" for i in range(len(fields.numbers))]
    return _LOOP.format(
        pod="".join(f"int(asked[{i}]), " for i in each), amounts=amounts, node=", ".join(node),
        store=_FILTER if filters else _SCORE, raised="2" if filters else "MISTAKE",
    )  # fmt: skip


def _examples(loop: Loop, fields: Fields) -> tuple[Any, Any]:
    """A node and a pod with the types of real ones."""
    kinds = [1] * (len(fields.node) - len(fields.flags) - len(fields.numbers))
    return loop.node(*kinds, *(True for _ in fields.flags), *(1.0 for _ in fields.numbers)), loop.pod(*(1 for _ in fields.pod))


def _returns(function: Callable[..., Any], kind: Any, *, filters: bool) -> None:
    """Mistake if the compiled function returns something else than its point needs."""
    types = importlib.import_module("numba.core.types")
    wanted = types.Boolean if filters else (types.Integer, types.Float, types.Boolean)
    if isinstance(kind, types.Literal):
        kind = kind.literal_type
    if isinstance(kind, types.Optional):
        raise _wrong_answer(function, f"{_kind(str(kind.type))} on some ways and nothing on others", filters=filters)
    if not isinstance(kind, wanted):
        raise _wrong_answer(function, _kind(str(kind)), filters=filters)


def _wrong_answer(function: Callable[..., Any], answer: str, *, filters: bool) -> Mistake:
    wanted = "True or False" if filters else "a number"
    return Mistake(f"{function.__name__} must return {wanted} for every node; it returns {answer}")


_KINDS: Final = {
    "unicode_type": "a text",
    "int64": "a whole number",
    "float64": "a number",
    "bool": "True or False",
    "none": "nothing",
}
_PATTERNS: Final = (
    (re.compile(r"unsupported opcode \(IMPORT_NAME\)"), "write the import above the function"),
    (re.compile(r"unsupported opcode"), "Numba does not know a statement of this kind"),
    (re.compile(r"Unknown attribute '(\w+)' of type (Node|Pod)\("), "{1} has no {0}"),
    (re.compile(r"Unknown attribute '(\w+)' of type (\w+)"), "{1} has no {0}"),
    (
        re.compile(r"Untyped global name '(\w+)'.*<class 'function'>"),
        'Numba cannot call the Python function "{0}"; put @numba.njit above it',
    ),
    (re.compile(r"Untyped global name '(\w+)'.*'(\w+)'"), 'Numba cannot use "{0}", a {1}, inside a policy'),
    (re.compile(r"(?:global )?name '(\w+)' is not defined"), '"{0}" is not defined'),
    (
        re.compile(r"No implementation of function .* found for signature:\s*>>> (\w+)\((.*?)\)\s*\n", re.DOTALL),
        "Numba has no {0}({1})",
    ),
    (re.compile(r"Cannot unify (.+?) and (.+?) for '\$"), "a value is {0} on one way and {1} on another; give it one type"),
    (re.compile(r"Cannot unify (.+?) and (.+?) for '(\w+)"), '"{2}" is {0} on one way and {1} on another; give it one type'),
    (re.compile(r"Can't unify return type from the following types: (.*)"), "it returns {0}; return one type on every way"),
)


def _sentence(function: Callable[..., Any], fields: Fields, text: str) -> str:
    """What Numba said, without its own inner life."""
    found = re.search(r'File "[^"]*", line (\d+)', text) or re.search(r"\((\d+)\)", text)
    return f"{function.__name__} cannot be compiled{_line(function, int(found[1]) if found else None)}: {_told(fields, text)}"


def _told(fields: Fields, text: str) -> str:
    for pattern, form in _PATTERNS:
        found = pattern.search(text)
        if found:
            parts = [_kind(re.sub(r"Literal\[\w+\]\((.*?)\)", r"\1", part)) for part in found.groups()]
            if parts[-1:] in (["Node"], ["Pod"]):
                return _lacks(parts[0], parts[1].lower(), fields)
            return form.format(*parts)
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("Failed in", "During:", "File "))
    ]
    return lines[0].rstrip(".") if lines else "Numba gave no reason"


def _lacks(name: str, owner: str, fields: Fields) -> str:
    has = fields.node if owner == "node" else fields.pod
    more = ", and what resources= and labels= declare" if owner == "node" else ""
    return f"{owner} has no {name}{meant(name, has) or '; it has ' + ', '.join(has) + more}"


def _kind(name: str) -> str:
    return _KINDS.get(name, name)


def _line(function: Callable[..., Any], number: int | None) -> str:
    """` (line 3: "return node.cpu")`; the line as its cell or file counts it."""
    if number is None:
        return ""
    text = linecache.getline(function.__code__.co_filename, number).strip()
    return f' (line {number}: "{text}")' if text else f" (line {number})"


def available() -> bool:
    """Whether functions can be compiled."""
    return kernels.available()
