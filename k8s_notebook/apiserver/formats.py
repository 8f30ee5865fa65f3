"""Formats on the wire: JSON, YAML or protobuf into plain values; objects into YAML."""

from __future__ import annotations

from typing import Any

from k8s_notebook.apiserver import negotiation
from k8s_notebook.objects.errors import BadRequest


def read(body: bytes, content_type: str | None) -> tuple[Any, list[str]]:
    """(the value, the paths of keys that came twice); None for an empty body.

    Raises UnsupportedMediaType for another format and ValueError for a body that cannot be read.
    """
    form = negotiation.sent(content_type)
    if not body.strip():
        return None, []
    if form == "protobuf":
        return _protobuf(body), []
    return _yaml(body) if form == "yaml" else _json(body)


def read_patch(body: bytes, style: str) -> tuple[Any, list[str]]:
    """The value of a patch and its duplicate keys; BadRequest if it cannot be read."""
    try:
        return (_json_or_yaml if style == "apply" else _json)(body)
    except ValueError as error:
        kind = "error decoding YAML" if style == "apply" else "error decoding patch"
        raise BadRequest(f"{kind}: {error}") from None


def to_yaml(obj: Any) -> bytes:
    """An object as YAML, keys in their order."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(obj, Dumper=dumper, sort_keys=False, allow_unicode=True, width=10**6)
    return text.encode()


def _json(body: bytes) -> tuple[Any, list[str]]:
    from k8s_notebook.objects import schema

    return schema.parse_json(body)


def _json_or_yaml(body: bytes) -> tuple[Any, list[str]]:
    return _json(body) if body.lstrip()[:1] in (b"{", b"[") else _yaml(body)


def _yaml(body: bytes) -> tuple[Any, list[str]]:
    import yaml

    try:
        return _sane(yaml.load(body, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))), []
    except yaml.YAMLError as error:
        raise ValueError(f"error converting YAML to JSON: {error}") from None


def _sane(value: Any) -> Any:
    """The value with nothing in it that JSON does not have: YAML dates are text, keys are text."""
    if isinstance(value, dict):
        return {k if isinstance(k, str) else _key(k): _sane(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_sane(v) for v in value]
    return value if value is None or isinstance(value, (str, bool, int, float)) else _stamp(value)


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _stamp(value: Any) -> str:
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return text.replace("+00:00", "Z")


def _protobuf(body: bytes) -> Any:
    from k8s_notebook.objects import protobuf

    return protobuf.decode(body)
