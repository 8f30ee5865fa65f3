from __future__ import annotations

import pytest

from k8s_notebook.kubelet import images


@pytest.mark.parametrize(
    ("asked", "name", "repository"),
    [
        ("nginx", "docker.io/library/nginx:latest", "docker.io/library/nginx"),
        ("nginx:1.27", "docker.io/library/nginx:1.27", "docker.io/library/nginx"),
        ("bitnami/redis:7", "docker.io/bitnami/redis:7", "docker.io/bitnami/redis"),
        ("localhost/busybox:1", "localhost/busybox:1", "localhost/busybox"),
        ("registry:5000/team/app", "registry:5000/team/app:latest", "registry:5000/team/app"),
        ("gcr.io/a/b/c:v1", "gcr.io/a/b/c:v1", "gcr.io/a/b/c"),
        (f"quay.io/x@sha256:{'a' * 64}", f"quay.io/x@sha256:{'a' * 64}", "quay.io/x"),
        (f"quay.io/x:1@sha256:{'a' * 64}", f"quay.io/x:1@sha256:{'a' * 64}", "quay.io/x"),
    ],
)
def test_names_are_completed(asked: str, name: str, repository: str) -> None:
    found = images.image(asked)
    assert (found.name, found.repository, found.error, found.pull_error) == (name, repository, "", "")
    assert found.id.startswith(f"{repository}@sha256:")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Bad::x", "invalid reference format: repository name (library/Bad) must be lowercase"),
        ("nginx:", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("", "invalid reference format"),
    ],
)
def test_what_is_no_name_is_said_as_the_kubelet_says_it(asked: str, said: str) -> None:
    sentence = f'Failed to apply default image tag "{asked}": couldn\'t parse image name "{asked}": {said}'
    assert images.image(asked).error == sentence


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("registry.invalid/app:1", "dial tcp: lookup registry.invalid: no such host"),
        ("invalid.example/app:1", "dial tcp: lookup invalid.example: no such host"),
        ("nginx:does-not-exist", "docker.io/library/nginx:does-not-exist: not found"),
    ],
)
def test_what_cannot_be_pulled_by_convention(asked: str, said: str) -> None:
    assert images.image(asked).pull_error.endswith(said)


def test_digest_and_size_follow_from_the_name() -> None:
    images.image.cache_clear()
    first = images.image("team/app:v1")
    images.image.cache_clear()
    assert images.image("team/app:v1") == first
    assert first.digest != images.image("team/app:v2").digest
    assert 20_000_000 <= first.size < 220_000_000


def test_a_nodes_list_names_the_image_as_pods_do() -> None:
    found = images.image("nginx:1.27").entry()
    assert found["names"][1:] == ["docker.io/library/nginx:1.27", "nginx:1.27"]
    assert found["sizeBytes"] == 72_000_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.38, "380ms"), (1, "1s"), (2.25, "2.25s"), (80, "1m20s"), (160, "2m40s"), (300, "5m0s"), (3661, "1h1m1s")],
)
def test_durations_are_written_as_go_does(seconds: float, text: str) -> None:
    assert images.go_seconds(seconds) == text
