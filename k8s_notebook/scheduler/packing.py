"""Arrays and names as small JSON: little-endian, in the narrowest type that holds them, compressed, base64."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_INTEGERS = ("<u1", "<i1", "<u2", "<i2", "<i4", "<i8")


def array(values: npt.NDArray[Any]) -> dict[str, Any]:
    """An array of integers or truth values as {dtype, shape, data}; truth values are bits, the first one highest."""
    if values.dtype == np.bool_:
        return {"dtype": "bits", "shape": list(values.shape), "data": _squeezed(np.packbits(values.reshape(-1)).tobytes())}
    lowest, highest = (int(values.min()), int(values.max())) if values.size else (0, 0)
    fitting = next(d for d in _INTEGERS if np.iinfo(d).min <= lowest and highest <= np.iinfo(d).max)
    return {"dtype": fitting, "shape": list(values.shape), "data": _squeezed(values.astype(fitting).tobytes())}


def read(packed: dict[str, Any]) -> npt.NDArray[np.int64]:
    """What `array` packed, as 64-bit integers."""
    data, shape = _loosened(packed["data"]), packed["shape"]
    if packed["dtype"] == "bits":
        bits = np.unpackbits(np.frombuffer(data, np.uint8), count=int(np.prod(shape)))
        return bits.reshape(shape).astype(np.int64)
    if packed["dtype"] not in _INTEGERS:
        raise ValueError(f"unknown dtype {packed['dtype']!r}")
    return np.frombuffer(data, packed["dtype"]).reshape(shape).astype(np.int64)


def words(names: Sequence[str]) -> dict[str, Any]:
    """Names without line breaks as {dtype, shape, data}: one per line, UTF-8."""
    return {"dtype": "lines", "shape": [len(names)], "data": _squeezed("\n".join(names).encode())}


def read_words(packed: dict[str, Any]) -> list[str]:
    """What `words` packed."""
    return _loosened(packed["data"]).decode().split("\n") if packed["shape"][0] else []


def _squeezed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 6)).decode()


def _loosened(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
