"""What clients accept and send, with the headers that real clients were seen to use."""

from __future__ import annotations

import pytest

from k8s_notebook.apiserver import answers, formats, negotiation
from k8s_notebook.apiserver.negotiation import Wanted
from k8s_notebook.objects.errors import BadRequest, NotAcceptable, UnsupportedMediaType

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)
ACCEPT = {
    "nothing": (None, Wanted()),
    "kubectl apply": ("application/json, */*", Wanted()),
    "kubectl get": (TABLE, Wanted("json", "Table", "v1")),
    "typed client-go": ("application/vnd.kubernetes.protobuf,application/json", Wanted()),
    "only protobuf": ("application/vnd.kubernetes.protobuf", Wanted()),
    "curl": ("*/*", Wanted()),
    "yaml": ("application/yaml", Wanted("yaml")),
    "metadata": ("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
                 Wanted("json", "PartialObjectMetadata", "v1")),
    "metadata in protobuf": ("application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json",
                             Wanted("json", "PartialObjectMetadata", "v1")),
    "a watch": ("application/json;stream=watch", Wanted()),
    "weights": ("application/yaml;q=0.5, application/json;q=0.9", Wanted()),
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPT)
def test_accept(case: str) -> None:
    header, expected = ACCEPT[case]
    assert negotiation.wanted(header) == expected


def test_not_acceptable() -> None:
    with pytest.raises(NotAcceptable, match="Available representations: application/json, application/yaml"):
        negotiation.wanted("application/foo")
    with pytest.raises(NotAcceptable):
        negotiation.wanted("application/json;as=Table;v=v1;g=meta.k8s.io", shapes=False)
    assert negotiation.wanted(TABLE, shapes=False) == Wanted()


def test_aggregated_discovery() -> None:
    assert negotiation.aggregated(AGGREGATED) == "v2"
    assert negotiation.aggregated(AGGREGATED.partition(",")[2]) == "v2beta1"
    assert negotiation.aggregated("application/json") == ""
    assert negotiation.aggregated(None) == ""


def test_bodies() -> None:
    assert formats.read(b'{"a": 1, "a": 2}', None) == ({"a": 2}, ["a"])
    assert formats.read(b"a: 2001-12-14\ntrue: x\n", "application/yaml") == ({"a": "2001-12-14", "true": "x"}, [])
    assert formats.read(b"", "application/json") == (None, [])
    with pytest.raises(UnsupportedMediaType, match="the body of the request was in an unknown format"):
        formats.read(b"{}", "text/plain")
    with pytest.raises(UnsupportedMediaType, match="415: Unsupported Media Type"):
        negotiation.patch_style("application/json")
    with pytest.raises(BadRequest, match="error decoding YAML"):
        formats.read_patch(b"a: [", "apply")


def test_warning_header() -> None:
    assert answers.warning('duplicate field "data.a"') == '299 - "duplicate field \\"data.a\\""'
    assert "\n" not in answers.warning("two\r\nlines")
