"""The shapes of names: what is wrong with a name, as a tuple of sentences (empty if nothing is).

As in k8s.io/apimachinery/pkg/util/validation and pkg/api/validate/content.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Final, TypeAlias

Check: TypeAlias = Callable[[str], tuple[str, ...]]

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_KEY: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_WILDCARD: Final = rf"\*\.{_SUBDOMAIN}"
_KEY_SENTENCE: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)


def _mismatch(sentence: str, pattern: str, *examples: str) -> str:
    """`… (e.g. 'a',  or 'b', regex used for validation is '…')`, with Kubernetes' two spaces."""
    listed = "or ".join(f"'{example}', " for example in examples).replace("', or", "',  or")
    return f"{sentence} (e.g. {listed}regex used for validation is '{pattern}')"


_LABEL_WRONG: Final = _mismatch(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an"
    " alphanumeric character", _LABEL, "my-name", "123-abc",
)  # fmt: skip
_SUBDOMAIN_WRONG: Final = _mismatch(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with"
    " an alphanumeric character", _SUBDOMAIN, "example.com",
)  # fmt: skip
_WILDCARD_WRONG: Final = _mismatch(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case"
    " alphanumeric characters, '-' or '.' and end with an alphanumeric character", _WILDCARD, "*.example.com",
)  # fmt: skip
_NAME_PART_WRONG: Final = "name part " + _mismatch(_KEY_SENTENCE, _KEY, "MyName", "my.name", "123-abc")
_QUALIFIED_WRONG: Final = (
    "a valid label key " + _mismatch(_KEY_SENTENCE, _KEY, "MyName", "my.name", "123-abc")
    + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)  # fmt: skip
_VALUE_WRONG: Final = _mismatch(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with"
    " an alphanumeric character", f"({_KEY})?", "MyValue", "my_value", "12345",
)  # fmt: skip
_CONFIG_KEY_WRONG: Final = _mismatch(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'", "[-._a-zA-Z0-9]+",
    "key.name", "KEY_NAME", "key-name",
)  # fmt: skip
_HEADER_WRONG: Final = _mismatch(
    "a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+", "X-Header-Name"
)  # fmt: skip
_ENVIRONMENT_WRONG: Final = "a valid environment variable name must consist only of printable ASCII characters other than '='"

_label_shape = re.compile(_LABEL).fullmatch
_subdomain_shape = re.compile(_SUBDOMAIN).fullmatch
_wildcard_shape = re.compile(_WILDCARD).fullmatch
_key_shape = re.compile(_KEY).fullmatch
_config_key_shape = re.compile("[-._a-zA-Z0-9]+").fullmatch


def _too_long(value: str, most: int, unit: str = "characters") -> list[str]:
    return [f"must be no more than {most} {unit}"] if len(value) > most else []


@functools.lru_cache(maxsize=16384)
def label(value: str) -> tuple[str, ...]:
    """RFC 1123 label: `my-name`."""
    found = _too_long(value, 63)
    if not _label_shape(value):
        found.append("must not contain dots" if _subdomain_shape(value) else _LABEL_WRONG)
    return tuple(found)


def subdomain(value: str) -> tuple[str, ...]:
    """RFC 1123 subdomain: `my.name-1`."""
    found = _too_long(value, 253)
    if not _subdomain_shape(value):
        found.append(_SUBDOMAIN_WRONG)
    return tuple(found)


def wildcard(value: str) -> tuple[str, ...]:
    """`*.example.com`."""
    return tuple(_too_long(value, 253) + ([] if _wildcard_shape(value) else [_WILDCARD_WRONG]))


@functools.lru_cache(maxsize=16384)
def qualified(value: str) -> tuple[str, ...]:
    """A label key: `[example.com/]name`."""
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        return (_QUALIFIED_WRONG,)
    found: list[str] = []
    if slash:
        found += ["prefix part " + why for why in (subdomain(prefix) if prefix else ("must be non-empty",))]
    if not name:
        found.append("name part must be non-empty")
    found += ["name part " + why for why in _too_long(name, 63, "bytes")]
    if not _key_shape(name):
        found.append(_NAME_PART_WRONG)
    return tuple(found)


@functools.lru_cache(maxsize=16384)
def label_value(value: str) -> tuple[str, ...]:
    """The value of a label: empty or up to 63 letters, digits, `-_.`."""
    found = _too_long(value, 63, "bytes")
    if value and not _key_shape(value):
        found.append(_VALUE_WRONG)
    return tuple(found)


def path_segment(value: str) -> tuple[str, ...]:
    """A name that can stand in a URL: anything without `/` and `%`."""
    if value in (".", ".."):
        return (f"may not be '{value}'",)
    return tuple(f"may not contain '{character}'" for character in "/%" if character in value)


@functools.lru_cache(maxsize=4096)
def port_name(value: str) -> tuple[str, ...]:
    """IANA service name: at most 15 letters, digits and single hyphens."""
    found = _too_long(value, 15)
    if not re.fullmatch("[-a-z0-9]+", value):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        found.append("must contain at least one letter (a-z)")
    if "--" in value:
        found.append("must not contain consecutive hyphens")
    if value and "-" in (value[0], value[-1]):
        found.append("must not begin or end with a hyphen")
    return tuple(found)


def config_key(value: str) -> tuple[str, ...]:
    """A key of a ConfigMap or Secret."""
    found = _too_long(value, 253)
    if not _config_key_shape(value):
        found.append(_CONFIG_KEY_WRONG)
    elif value in (".", ".."):
        found.append(f"must not be '{value}'")
    elif value.startswith(".."):
        found.append("must not start with '..'")
    return tuple(found)


def environment(value: str) -> tuple[str, ...]:
    """The name of an environment variable: printable ASCII without `=`."""
    if not value:
        return ("environment variable name must be non-empty",)
    return tuple(_ENVIRONMENT_WRONG for c in value if not " " <= c <= "~" or c == "=")


def header(value: str) -> tuple[str, ...]:
    """The name of an HTTP header."""
    return () if re.fullmatch("[-A-Za-z0-9]+", value) else (_HEADER_WRONG,)


def in_range(value: int, low: int, high: int) -> tuple[str, ...]:
    """A number between two others."""
    return () if low <= value <= high else (f"must be between {low} and {high}, inclusive",)


def port(value: int) -> tuple[str, ...]:
    """A port number."""
    return in_range(value, 1, 65535)


def percent(value: str) -> tuple[str, ...]:
    """`25%`."""
    wrong = _mismatch("a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%", "1%", "93%")
    return () if re.fullmatch("[0-9]+%", value) else (wrong,)


def as_prefix(value: str) -> str:
    """A generateName as the start of a name: its trailing dash is allowed."""
    return value[:-2] + "a" if len(value) > 1 and value.endswith("-") else value
