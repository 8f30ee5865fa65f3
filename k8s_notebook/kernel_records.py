"""Named tuples that compiled code hands on by reference. Only kernels.py imports this, once Numba is there.

Numba hands a tuple of arrays to every function as some eight numbers per array, and the time to compile a function grows faster than
their count. Such a tuple is therefore written to the stack once, where a kernel is called from Python, and its address is handed on.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.imputils import impl_ret_borrowed, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, register_model, typeof_impl, unbox
from numba.misc.special import typeof


class Record(types.Type):
    """The Numba type of a named tuple with members of certain types."""

    def __init__(self, cls: Any, members: tuple[Any, ...]) -> None:
        self.cls = cls
        self.members = members
        super().__init__(name=f"Record({cls.__module__}.{cls.__qualname__}, {', '.join(map(str, members))})")


@register_model(Record)
class _Model(models.OpaqueModel):  # type: ignore[misc]
    """An address."""


@infer_getattr
class _Attributes(AttributeTemplate):  # type: ignore[misc]
    """The fields of the named tuple."""

    key = Record

    def generic_resolve(self, typ: Record, attr: str) -> Any:
        fields = typ.cls._fields
        return typ.members[fields.index(attr)] if attr in fields else None


def teach(cls: Any) -> None:
    """Let compiled code take instances of a named tuple by reference."""

    def record_type(value: Any, context: object) -> Record:
        return Record(cls, tuple(typeof(member) for member in value))

    typeof_impl.register(cls)(record_type)


def _struct(context: Any, typ: Record) -> Any:
    return ir.LiteralStructType([context.get_value_type(member) for member in typ.members])


@lower_getattr_generic(Record)  # type: ignore[untyped-decorator]
def _read(context: Any, builder: Any, typ: Record, value: Any, attr: str) -> Any:
    """The field at its place behind the address."""
    place = typ.cls._fields.index(attr)
    there = builder.bitcast(value, _struct(context, typ).as_pointer())
    found = builder.load(cgutils.gep_inbounds(builder, there, 0, place))
    return impl_ret_borrowed(context, builder, typ.members[place], found)


@unbox(Record)  # type: ignore[untyped-decorator]
def _unbox(typ: Record, obj: Any, c: Any) -> Any:
    """The named tuple on the stack of the function that Python calls."""
    there = cgutils.alloca_once(c.builder, _struct(c.context, typ))
    wrong = cgutils.alloca_once_value(c.builder, cgutils.false_bit)
    cleanups = []
    for i, member in enumerate(typ.members):
        native = c.unbox(member, c.pyapi.tuple_getitem(obj, i))
        c.builder.store(native.value, cgutils.gep_inbounds(c.builder, there, 0, i))
        c.builder.store(c.builder.or_(c.builder.load(wrong), native.is_error), wrong)
        if native.cleanup is not None:
            cleanups.append(native.cleanup)

    def cleanup() -> None:
        for each in reversed(cleanups):
            each()

    address = c.builder.bitcast(there, cgutils.voidptr_t)
    return NativeValue(address, is_error=c.builder.load(wrong), cleanup=cleanup if cleanups else None)
