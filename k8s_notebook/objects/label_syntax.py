"""What a label key and a label value may look like, and the sentences that say why one may not."""

from __future__ import annotations

import re

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_NAME})?"
_SUBDOMAIN_PATTERN = re.compile(rf"{_SUBDOMAIN}\Z")
_NAME_PATTERN = re.compile(rf"{_NAME}\Z")
_VALUE_PATTERN = re.compile(rf"{_VALUE}\Z")

_SUBDOMAIN_SENTENCE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with "
    f"an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_NAME}')"
)
_VALUE_SENTENCE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
    f"an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{_VALUE}')"
)


def key_faults(key: str) -> list[str]:
    """What is wrong with a label key, in Kubernetes' words; empty if nothing is.

    As in apimachinery/pkg/api/validate/content: IsLabelKey.

    >>> key_faults("app.kubernetes.io/name")
    []
    >>> key_faults("/x")
    ['prefix part must be non-empty']
    """
    parts = key.split("/")
    if len(parts) > 2:
        return [f"a valid label key {_NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    return (_prefix_faults(parts[0]) if len(parts) == 2 else []) + _name_faults(parts[-1])


def value_faults(value: str) -> list[str]:
    """What is wrong with a label value, in Kubernetes' words; empty if nothing is.

    >>> value_faults("")
    []
    >>> value_faults("x" * 64)
    ['must be no more than 63 bytes']
    """
    faults = [] if len(value) <= 63 else ["must be no more than 63 bytes"]
    return faults if _VALUE_PATTERN.match(value) else [*faults, _VALUE_SENTENCE]


def _prefix_faults(prefix: str) -> list[str]:
    if not prefix:
        return ["prefix part must be non-empty"]
    faults = [] if len(prefix) <= 253 else ["prefix part must be no more than 253 bytes"]
    return faults if _SUBDOMAIN_PATTERN.match(prefix) else [*faults, f"prefix part {_SUBDOMAIN_SENTENCE}"]


def _name_faults(name: str) -> list[str]:
    faults = []
    if not name:
        faults.append("name part must be non-empty")
    elif len(name) > 63:
        faults.append("name part must be no more than 63 bytes")
    return faults if _NAME_PATTERN.match(name) else [*faults, f"name part {_NAME_RULE}"]
